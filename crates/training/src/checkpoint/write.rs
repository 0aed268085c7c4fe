//! Making a checkpoint visible in one rename, and forgetting old ones.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use lampwick_data::atomic;

use super::manifest::{self, Entry, Manifest};
use crate::error::{Error, Result};

/// What an unfinished folder's name begins with.
const UNFINISHED: &str = ".writing-";

/// Writes `files` (name, bytes) as checkpoint `name` under `checkpoints`; an older folder of that
/// name is kept as it is, since the same step has the same contents.
pub(crate) fn publish(
    checkpoints: &Path,
    name: &str,
    files: &[(&'static str, Vec<u8>)],
) -> Result<PathBuf> {
    let target = checkpoints.join(name);
    if target.exists() {
        if super::Files::read(&target).is_ok() {
            return Ok(target);
        }
        // Damaged since it was written: the run has come past this step again and knows better.
        fs::remove_dir_all(&target).map_err(|e| Error::write(&target, e))?;
    }
    fs::create_dir_all(checkpoints).map_err(|e| Error::write(checkpoints, e))?;
    // Dropped without `keep`, the folder is removed: a failed write leaves no litter.
    let folder = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(checkpoints)
        .map_err(|e| Error::write(checkpoints, e))?;
    let mut entries = BTreeMap::new();
    for (file, bytes) in files {
        atomic::write(folder.path().join(file), |w| w.write_all(bytes))?;
        entries.insert((*file).to_string(), Entry::of(bytes));
    }
    let manifest = Manifest::new(entries).to_bytes();
    atomic::write(folder.path().join(manifest::FILE), |w| w.write_all(&manifest))?;
    open_to_others(folder.path())?;
    fs::rename(folder.path(), &target).map_err(|e| Error::write(&target, e))?;
    let _renamed = folder.keep(); // nothing is left under the temporary name
    atomic::sync_folder(checkpoints).map_err(|e| Error::write(checkpoints, e))?;
    Ok(target)
}

/// tempfile makes folders private to the user; a checkpoint has the permissions of its parent.
fn open_to_others(folder: &Path) -> Result<()> {
    if let Some(parent) = folder.parent() {
        let permissions = fs::metadata(parent).map_err(|e| Error::read(parent, e))?.permissions();
        fs::set_permissions(folder, permissions).map_err(|e| Error::write(folder, e))?;
    }
    Ok(())
}

/// Removes what a killed process left half-written.
pub(crate) fn remove_unfinished(checkpoints: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(checkpoints) else { return Ok(()) };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_dir_all(entry.path()).map_err(|e| Error::write(&entry.path(), e))?;
        }
    }
    Ok(())
}

/// Keeps the newest `keep` and the one named `best`.
pub(crate) fn prune(checkpoints: &Path, keep: usize, best: Option<&str>) -> Result<()> {
    let all = super::list(checkpoints);
    for path in all.iter().rev().skip(keep) {
        let is_best = path.file_name().is_some_and(|n| Some(n.to_string_lossy().as_ref()) == best);
        if !is_best {
            fs::remove_dir_all(path).map_err(|e| Error::write(path, e))?;
        }
    }
    Ok(())
}
