//! What is not complete has a name that nothing reads, and goes when it is given up.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::operations::{create_folder, remove_file, remove_folder, rename, sync_folder};

/// What an unfinished file's or folder's name begins with.
const PREFIX: &str = ".writing-";

/// The folders in which this process has begun something.
static FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A name in `folder` that no other process and no other call gets.
pub(crate) fn name(folder: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.into());
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{PREFIX}{}-{number}", std::process::id()));
        // A dead process of the same number may have left one.
        if fs::symlink_metadata(&path).is_err() {
            return path;
        }
    }
}

/// Removes what a killed process left unfinished in `folder`. Only for a folder that nobody else
/// writes to: it would take their work away.
///
/// # Errors
/// The operating system's, and which file or folder it was.
pub fn remove_unfinished(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    remove_beginning_with(PREFIX, folder)
}

/// Removes all that this process has not finished, wherever it is: for a signal that ends it. What
/// cannot be removed stays.
pub fn remove_own_unfinished() {
    let own = format!("{PREFIX}{}-", std::process::id());
    for folder in FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let _ = remove_beginning_with(&own, folder);
    }
}

fn remove_beginning_with(prefix: &str, folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let path = entry.path();
            let removed = if path.is_dir() { remove_folder(&path) } else { remove_file(&path) };
            removed.map_err(|error| (path, error))?;
        }
    }
    Ok(())
}

/// A folder that is being filled; [`UnfinishedFolder::commit`] gives it its name. Dropped without
/// that, it is removed.
#[derive(Debug)]
pub struct UnfinishedFolder {
    path: PathBuf,
    renamed: bool,
}

impl UnfinishedFolder {
    /// An empty folder in `parent`.
    ///
    /// # Errors
    /// The operating system's.
    pub fn create_in(parent: &Path) -> io::Result<Self> {
        let path = name(parent);
        create_folder(&path)?;
        Ok(Self { path, renamed: false })
    }

    /// Takes away the name of a folder that is to be removed: gone half, it must not be read.
    ///
    /// # Errors
    /// The operating system's; the folder is then what it was.
    pub fn from_finished(path: &Path) -> io::Result<Self> {
        let unfinished = name(super::operations::parent(path));
        rename(path, &unfinished)?;
        Ok(Self { path: unfinished, renamed: false })
    }

    /// Where it is so long.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Flushes the folder's entries and renames it: from one instant to the next it is there, whole.
    ///
    /// # Errors
    /// The operating system's; where the rename itself succeeded, the folder stays.
    pub fn commit(mut self, target: &Path) -> io::Result<()> {
        sync_folder(&self.path)?;
        rename(&self.path, target)?;
        self.renamed = true;
        sync_folder(super::operations::parent(target))
    }

    /// Removes it now, for those who want to know whether that succeeded.
    ///
    /// # Errors
    /// The operating system's.
    pub fn remove(self) -> io::Result<()> {
        remove_folder(&self.path) // a failed try is made again by `drop`
    }
}

impl Drop for UnfinishedFolder {
    fn drop(&mut self) {
        if !self.renamed && self.path.exists() {
            let _ = remove_folder(&self.path);
        }
    }
}
