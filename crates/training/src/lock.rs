//! One writer a run: the operating system's lock on a file of the run directory.
//!
//! The lock goes with the process that holds it, however that ends, and with the machine: a file
//! that is left behind locks nothing. What stands in it only says whom to ask. Readers need no lock,
//! since every file that they read appears whole or is appended to.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use lampwick_data::files::OutputFile;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The lock's file name.
pub(crate) const FILE: &str = "lock";

/// The right to write to a run directory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Open: closed, the lock is gone.
    _file: OutputFile,
    /// Whether the file system has locks at all.
    pub(crate) holds: bool,
}

/// Who writes to a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The process.
    pub pid: u32,
    /// The machine that it runs on.
    pub host: String,
    /// Since when, in UTC.
    pub since: String,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}, since {} UTC", self.pid, self.host, self.since)
    }
}

impl Lock {
    /// Takes the lock of the run in `dir`.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process holds it, [`Error::Write`].
    pub(crate) fn acquire(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        let mut file = OutputFile::open(&path).map_err(|e| Error::write(&path, e))?;
        let holds = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => {
                let owner = std::fs::read(&path).ok();
                let owner = owner.and_then(|json| serde_json::from_slice(&json).ok());
                return Err(Error::Locked { path: dir.into(), owner });
            }
            // Some network file systems have none. The run must still be possible there.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => false,
            Err(TryLockError::Error(error)) => return Err(Error::write(&path, error)),
        };
        let mut json = serde_json::to_vec(&Owner::this()).expect("an owner is plain data");
        json.push(b'\n');
        let written = file.cut(0).and_then(|()| file.write_all(&json));
        written.map_err(|e| Error::write(&path, e))?;
        Ok(Self { _file: file, holds })
    }
}

/// Whether a process writes to the run in `dir`; `None` where that cannot be told. Asking takes a
/// reader's lock for a moment.
pub(crate) fn is_held(dir: &Path) -> Option<bool> {
    match File::open(dir.join(FILE)).ok()?.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

impl Owner {
    fn this() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { pid: std::process::id(), host: host(), since: utc(seconds) }
    }
}

fn host() -> String {
    let of_linux = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let of_others =
        || ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok());
    of_linux.or_else(of_others).map_or("this machine".into(), |name| name.trim().to_string())
}

/// Seconds since 1970 as `2026-11-23 22:31:05`.
fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March, so that the leap day is the last (H. Hinnant, "chrono-compatible
    // low-level date algorithms", civil_from_days).
    let days = days + 719_468; // since 1 March of the year 0
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153; // from March
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = 400 * era + year + next;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day_of_month:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_refused_by_the_owners_name_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(dir.path()).unwrap();
        let error = Lock::acquire(dir.path()).unwrap_err();
        let Error::Locked { owner: Some(owner), .. } = &error else { panic!("{error}") };
        assert_eq!(owner.pid, std::process::id());
        let text = error.to_string();
        for part in [format!("process {}", owner.pid), owner.host.clone(), owner.since.clone()] {
            assert!(text.contains(&part), "no {part} in {text}");
        }
        drop(lock);
        // The file is still there, and locks nothing.
        assert!(dir.path().join(FILE).exists());
        assert!(Lock::acquire(dir.path()).is_ok());
    }

    #[test]
    fn what_a_dead_owner_left_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        for left in
            ["{\"pid\":1,\"host\":\"another\",\"since\":\"2020-02-29 00:00:00\"}\n", "", "{"]
        {
            std::fs::write(dir.path().join(FILE), left).unwrap();
            let _lock = Lock::acquire(dir.path()).unwrap();
            let error = Lock::acquire(dir.path()).unwrap_err();
            assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        }
    }

    #[test]
    fn seconds_become_dates() {
        // As `date -u -d @N '+%F %T'` has them.
        for (seconds, date) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_709_251_199, "2024-02-29 23:59:59"),
            (1_709_251_200, "2024-03-01 00:00:00"),
            (1_735_689_599, "2024-12-31 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(utc(seconds), date);
        }
    }
}
