//! Long arrays within a budget: in memory as long as there is room, else in temporary files.
//!
//! - `column`: such an array
//! - `pages`: memory of the budget
//! - `temporary`: nameless files

mod column;
mod pages;
mod temporary;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub use column::Column;
pub(crate) use column::ColumnWriter;
use pages::Pages;
pub(crate) use temporary::{Mapped, TemporaryReader, TemporaryWriter};

use crate::error::{NgramError, Result};

/// How much memory the arrays of one estimation may take, and where the rest goes.
///
/// Temporary files have no name once they are open (on Unix), so nothing is left behind however
/// the program ends.
#[derive(Clone, Debug)]
pub struct Storage {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    budget: u64,
    folder: PathBuf,
    memory: AtomicU64,
    disk: AtomicU64,
    disk_peak: AtomicU64,
}

impl Storage {
    /// `budget` bytes of memory, then temporary files in `folder`.
    pub fn new(budget: u64, folder: impl Into<PathBuf>) -> Self {
        let zero = AtomicU64::default;
        let shared = Shared {
            budget,
            folder: folder.into(),
            memory: zero(),
            disk: zero(),
            disk_peak: zero(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Bytes of memory that may be used.
    pub fn budget(&self) -> u64 {
        self.shared.budget
    }

    /// Where temporary files go.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// The most bytes that temporary files held at one time.
    pub fn disk_peak(&self) -> u64 {
        self.shared.disk_peak.load(Relaxed)
    }

    fn grow_disk(&self, bytes: u64) {
        let now = self.shared.disk.fetch_add(bytes, Relaxed) + bytes;
        self.shared.disk_peak.fetch_max(now, Relaxed);
    }

    fn shrink_disk(&self, bytes: u64) {
        self.shared.disk.fetch_sub(bytes, Relaxed);
    }

    fn error(&self, source: std::io::Error) -> NgramError {
        let used = self.shared.disk.load(Relaxed);
        NgramError::Temporary { folder: self.shared.folder.clone(), used, source }
    }

    /// A nameless temporary file that is written once and then read.
    pub(crate) fn file(&self) -> Result<TemporaryWriter> {
        TemporaryWriter::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_goes_to_a_file_and_reads_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let values: Vec<u32> = (0..1_000_000).collect();
        for budget in [0, 2 << 20, 64 << 20] {
            let storage = Storage::new(budget, folder.path());
            let mut writer = ColumnWriter::new(&storage);
            for part in values.chunks(777) {
                writer.extend(part).unwrap();
            }
            let mut column = writer.finish().unwrap();
            assert_eq!(&column[..], &values[..]);
            column[5] = 7;
            assert_eq!(column[5], 7);
            assert_eq!(storage.disk_peak() > 0, budget < 4 << 20);
            let zeros = Column::<u32>::zeroed(3_000_000, &storage).unwrap();
            assert!(zeros.iter().all(|&zero| zero == 0) && zeros.len() == 3_000_000);
            drop((column, zeros));
            assert_eq!(storage.shared.memory.load(Relaxed), 0);
            assert_eq!(storage.shared.disk.load(Relaxed), 0);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no rubbish");
    }

    /// A full disk has to be told by what is on it, not by what waits in buffers.
    #[test]
    fn what_waits_in_a_buffer_is_not_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::new(0, folder.path());
        let on_disk = || storage.shared.disk.load(Relaxed);
        let mut file = storage.file().unwrap();
        file.write(&[1; 1000]).unwrap();
        assert_eq!(on_disk(), 0);
        file.write(&[2; 1 << 20]).unwrap();
        assert!(on_disk() >= 1000);
        let mut reader = file.read(4096).unwrap();
        assert_eq!((on_disk(), reader.left()), (1000 + (1 << 20), 1000 + (1 << 20)));
        let mut bytes = [0; 1001];
        reader.fill(&mut bytes).unwrap();
        assert_eq!((bytes[999], bytes[1000], reader.left()), (1, 2, (1 << 20) - 1));
        drop(reader);
        assert_eq!(on_disk(), 0);
        let full = storage.error(std::io::ErrorKind::StorageFull.into()).to_string();
        assert!(full.contains("0.0 MiB were on disk"), "{full}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let storage = Storage::new(0, "/nowhere/at/all");
        let error = Column::<u32>::zeroed(1, &storage).unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all"), "{error}");
    }
}
