//! `manifest.json`: what a checkpoint must hold, to the last bit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The manifest's file name.
pub(crate) const FILE: &str = "manifest.json";

/// Version of the folder's layout, higher with each change that an older reader would get wrong. A
/// reader refuses what is newer than itself.
pub(crate) const FORMAT: u32 = 1;

/// A checkpoint that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file cannot be read, or is missing.
    #[error("checkpoint {}: cannot read {file}: {source}", .path.display())]
    Read {
        /// The checkpoint.
        path: PathBuf,
        /// The file in it.
        file: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file is not what the manifest says: truncated, or bits flipped.
    #[error("checkpoint {}: {file} is damaged ({problem}); restore it or use an older checkpoint", .path.display())]
    Damaged {
        /// The checkpoint.
        path: PathBuf,
        /// The file in it.
        file: String,
        /// How it differs.
        problem: String,
    },
    /// The hashes fit, but the contents do not fit this program or this config.
    #[error("checkpoint {}: {file} does not fit this run: {problem}", .path.display())]
    Mismatch {
        /// The checkpoint.
        path: PathBuf,
        /// The file in it.
        file: String,
        /// What does not fit.
        problem: String,
    },
    /// A later version of this program wrote it.
    #[error(
        "checkpoint {}: its format is {format}, of lampwick {version}; this is lampwick {own}, which \
         knows up to {FORMAT}: use that version or a later one", .path.display(),
        own = env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The checkpoint.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// The version that wrote it.
        version: String,
    },
    /// There is no checkpoint to continue from.
    #[error("{}: {}", .path.display(), why(refused))]
    None {
        /// The `checkpoints` folder.
        path: PathBuf,
        /// What is wrong with each that was found, the newest first.
        refused: Vec<CheckpointError>,
    },
}

fn why(refused: &[CheckpointError]) -> String {
    if refused.is_empty() {
        return "there is no checkpoint; start a new run".into();
    }
    let reasons: Vec<String> = refused.iter().map(ToString::to_string).collect();
    let count = refused.len();
    format!(
        "none of the {count} checkpoints can be used: {}; mend what keeps one from being read, or \
         start a new run",
        reasons.join("; ")
    )
}

/// Size and hash of every file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the layout.
    pub format: u32,
    /// Version of the program that wrote it.
    pub version: String,
    /// File name -> size and hash.
    pub files: BTreeMap<String, Entry>,
    /// SHA-256 of the fields above as compact JSON: the manifest vouches for itself too.
    pub sha256: String,
}

/// What the manifests of all versions begin with.
#[derive(Deserialize)]
struct Head {
    format: u32,
    version: String,
}

/// One file's size and hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

impl Entry {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, sha256: sha256(bytes) }
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Manifest {
    pub(crate) fn new(files: BTreeMap<String, Entry>) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_string();
        let sha256 = Self::own_hash(FORMAT, &version, &files);
        Self { format: FORMAT, version, files, sha256 }
    }

    fn own_hash(format: u32, version: &str, files: &BTreeMap<String, Entry>) -> String {
        sha256(serde_json::json!([format, version, files]).to_string().as_bytes())
    }

    /// Reads and checks the manifest of a checkpoint.
    pub(crate) fn read(checkpoint: &Path) -> Result<Self, CheckpointError> {
        let text = std::fs::read(checkpoint.join(FILE)).map_err(|source| {
            CheckpointError::Read { path: checkpoint.into(), file: FILE.into(), source }
        })?;
        let damaged = |problem: String| CheckpointError::Damaged {
            path: checkpoint.into(),
            file: FILE.into(),
            problem,
        };
        // First of all: what else a newer version's manifest says, this one may not understand.
        let head: Head = serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
        if head.format > FORMAT {
            return Err(CheckpointError::Newer {
                path: checkpoint.into(),
                format: head.format,
                version: head.version,
            });
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
        if manifest.sha256 != Self::own_hash(manifest.format, &manifest.version, &manifest.files) {
            return Err(damaged("its hash does not fit its contents".into()));
        }
        // A byte that JSON ignores (white space) must not slip through either.
        if manifest.to_bytes() != text {
            return Err(damaged("it is not written as this program writes it".into()));
        }
        Ok(manifest)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a manifest is plain data");
        bytes.push(b'\n');
        bytes
    }
}
