//! Small rooms: a warning for each source file above 400 lines.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cargo::root;

const WARN_ABOVE: usize = 400;

/// Warns of long files; never fails, for a table or a kernel may need the room.
pub(crate) fn check() -> Result<String> {
    let mut lengths = Vec::new();
    for folder in ["crates", "xtask/src"] {
        for path in rust_files(&root().join(folder))? {
            let is_test = path.file_name().is_some_and(|name| name == "tests.rs")
                || path.components().any(|part| part.as_os_str() == "tests");
            if is_test {
                continue;
            }
            let lines = fs::read_to_string(&path)?.lines().count();
            if lines > WARN_ABOVE {
                let place = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                println!("warning: {place} has {lines} lines (above {WARN_ABOVE}): split it");
            }
            lengths.push(lines);
        }
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    let long = lengths.iter().filter(|&&lines| lines > WARN_ABOVE).count();
    Ok(format!("{} files, median {median} lines, {long} above {WARN_ABOVE}", lengths.len()))
}

/// Every `.rs` file below `folder`, in order.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
