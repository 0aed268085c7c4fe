//! Reading a checkpoint: hash first, parse after.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::manifest::{CheckpointError, Entry, Manifest};

/// The files of a checkpoint, each held against the manifest.
#[derive(Debug)]
pub struct Files {
    path: PathBuf,
    contents: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// Reads the whole checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError`] for anything missing, truncated or changed by a single bit.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let manifest = Manifest::read(path)?;
        let mut contents = BTreeMap::new();
        for (file, entry) in &manifest.files {
            let damaged = |problem| CheckpointError::Damaged {
                path: path.into(),
                file: file.clone(),
                problem,
            };
            let bytes = std::fs::read(path.join(file)).map_err(|source| CheckpointError::Read {
                path: path.into(),
                file: file.clone(),
                source,
            })?;
            let found = Entry::of(&bytes);
            if found.size != entry.size {
                return Err(damaged(format!("{} bytes instead of {}", found.size, entry.size)));
            }
            if found.sha256 != entry.sha256 {
                return Err(damaged("its SHA-256 is not the manifest's".into()));
            }
            contents.insert(file.clone(), bytes);
        }
        Ok(Self { path: path.into(), contents })
    }

    /// Where the checkpoint is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes a file's bytes; `None` where the checkpoint has no such file.
    pub fn take(&mut self, file: &str) -> Option<Vec<u8>> {
        self.contents.remove(file)
    }

    /// Takes a file that every checkpoint has.
    ///
    /// # Errors
    /// [`CheckpointError::Mismatch`] where this one does not.
    pub fn require(&mut self, file: &str) -> Result<Vec<u8>, CheckpointError> {
        self.take(file).ok_or_else(|| self.mismatch(file, super::MISSING))
    }

    /// Refuses what nothing has taken: a file that this program does not know holds state that it
    /// would leave out.
    pub(crate) fn expect_empty(&self) -> Result<(), CheckpointError> {
        let problem = "this program does not know the file: use the version that wrote it";
        self.contents.keys().next().map_or(Ok(()), |file| Err(self.mismatch(file, problem)))
    }

    /// The error for contents that do not fit.
    pub(crate) fn mismatch(&self, file: &str, problem: &str) -> CheckpointError {
        CheckpointError::Mismatch {
            path: self.path.clone(),
            file: file.to_string(),
            problem: problem.to_string(),
        }
    }
}

/// The checkpoints of a folder, oldest first.
pub fn list(checkpoints: &Path) -> Vec<PathBuf> {
    listed(checkpoints, super::PREFIX)
}

/// What has a name that begins with `prefix`, by name.
pub(super) fn listed(checkpoints: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(checkpoints) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with(prefix))
        .map(|e| e.path())
        .collect();
    found.sort();
    found
}

/// The newest checkpoint that is whole, and what was wrong with newer ones.
///
/// # Errors
/// [`CheckpointError::None`] when none is, [`CheckpointError::Newer`].
pub fn newest_valid(checkpoints: &Path) -> Result<(Files, Vec<CheckpointError>), CheckpointError> {
    let mut refused = Vec::new();
    for path in list(checkpoints).iter().rev() {
        match Files::read(path) {
            Ok(files) => return Ok((files, refused)),
            // Whole, but not for this program: to go on from an older one would undo a later one's work.
            Err(newer @ CheckpointError::Newer { .. }) => return Err(newer),
            Err(error) => refused.push(error),
        }
    }
    Err(CheckpointError::None { path: checkpoints.into(), refused })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::publish;

    fn files(step: u8) -> Vec<(&'static str, Vec<u8>)> {
        vec![("state.json", vec![step; 40]), ("model.safetensors", vec![7; 100])]
    }

    #[test]
    fn every_byte_of_every_file_is_vouched_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = publish(folder.path(), "step-1", &files(1)).unwrap();
        assert!(Files::read(&path).is_ok());
        for entry in std::fs::read_dir(&path).unwrap().flatten() {
            let whole = std::fs::read(entry.path()).unwrap();
            for at in 0..whole.len() {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << (at % 8);
                std::fs::write(entry.path(), &flipped).unwrap();
                assert!(Files::read(&path).is_err(), "{:?} byte {at} flipped", entry.file_name());
                std::fs::write(entry.path(), &whole[..at]).unwrap();
                assert!(Files::read(&path).is_err(), "{:?} cut at {at}", entry.file_name());
            }
            std::fs::write(entry.path(), &whole).unwrap();
        }
        assert!(Files::read(&path).is_ok());
    }

    #[test]
    fn the_newest_whole_checkpoint_is_found_past_damaged_ones() {
        let folder = tempfile::tempdir().unwrap();
        for step in 1..=3 {
            publish(folder.path(), &crate::checkpoint::name(u64::from(step)), &files(step))
                .unwrap();
        }
        let newest = list(folder.path()).pop().unwrap();
        std::fs::write(newest.join("state.json"), "{}").unwrap();
        let (mut found, refused) = newest_valid(folder.path()).unwrap();
        assert_eq!(found.require("state.json").unwrap(), vec![2; 40]);
        assert!(refused[0].to_string().contains("state.json is damaged"), "{}", refused[0]);
        assert!(found.require("state.json").is_err());
    }

    #[test]
    fn an_unwritable_place_is_a_typed_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = publish(&file.join("checkpoints"), "step-1", &files(1)).unwrap_err();
        assert!(error.to_string().contains("cannot write"), "{error}");
        let none = newest_valid(folder.path()).unwrap_err();
        assert!(matches!(&none, CheckpointError::None { refused, .. } if refused.is_empty()));
    }
}
