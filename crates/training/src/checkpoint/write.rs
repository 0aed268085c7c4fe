//! Making a checkpoint visible in one rename, and forgetting old ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lampwick_data::files::{UnfinishedFolder, create_folder, rename, write_new};

use super::manifest::{self, Entry, Manifest};
use super::{Files, list, listed};
use crate::error::{Error, Result};
use crate::snapshot;

/// What the name of a checkpoint that was passed by begins with.
const DAMAGED: &str = "damaged-";

/// Writes `files` (name, bytes) as checkpoint `name` under `checkpoints`; an older folder of that
/// name is kept as it is, since the same step has the same contents.
pub(crate) fn publish(
    checkpoints: &Path,
    name: &str,
    files: &[(&'static str, Vec<u8>)],
) -> Result<PathBuf> {
    let target = checkpoints.join(name);
    if target.exists() {
        if Files::read(&target).is_ok() {
            return Ok(target);
        }
        // Damaged since it was written: the run has come past this step again and knows better.
        remove(&target)?;
    }
    create_folder(checkpoints).map_err(|e| Error::write(checkpoints, e))?;
    // Dropped without `commit`, the folder is removed: a failed write leaves no litter.
    let folder =
        UnfinishedFolder::create_in(checkpoints).map_err(|e| Error::write(checkpoints, e))?;
    let write = |file: &str, bytes: &[u8]| {
        write_new(&folder.path().join(file), bytes).map_err(|e| Error::write(&target.join(file), e))
    };
    let mut entries = BTreeMap::new();
    for (file, bytes) in files {
        write(file, bytes)?;
        entries.insert((*file).to_string(), Entry::of(bytes));
    }
    write(manifest::FILE, &Manifest::new(entries).to_bytes())?;
    folder.commit(&target).map_err(|e| Error::write(&target, e))?;
    Ok(target)
}

/// Keeps the newest `keep` checkpoints and every one that these remember as the best: whichever of
/// them the run goes on from, the best that it knows of is there.
pub(crate) fn prune(checkpoints: &Path, keep: usize) -> Result<()> {
    let all = list(checkpoints);
    let (old, new) = all.split_at(all.len().saturating_sub(keep));
    if !old.is_empty() {
        let best: BTreeSet<PathBuf> = new
            .iter()
            .filter_map(|path| snapshot::best(&mut Files::read(path).ok()?).ok()?)
            .map(|best| checkpoints.join(best.checkpoint))
            .collect();
        for path in old.iter().filter(|path| !best.contains(*path)) {
            remove(path)?;
        }
    }
    // A damaged one is of use to nobody once the run has come past it.
    let newest = new.last().and_then(|path| path.file_name());
    for path in listed(checkpoints, DAMAGED) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if newest.is_some_and(|newest| name[DAMAGED.len()..] <= *newest.to_string_lossy()) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Renames a checkpoint that cannot be used, so that it counts no longer as the newest and is still
/// there to be restored; gives its new name.
pub(crate) fn set_aside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!("{DAMAGED}{name}"));
    if aside.exists() {
        remove(&aside)?;
    }
    rename(path, &aside).map_err(|e| Error::write(path, e))?;
    Ok(aside)
}

/// Removes a checkpoint: first its name, so that it is never seen by halves.
fn remove(path: &Path) -> Result<()> {
    let folder = UnfinishedFolder::from_finished(path).map_err(|e| Error::write(path, e))?;
    folder.remove().map_err(|e| Error::write(path, e))
}
