//! The release binary, as the checks of the README and of the configs run it.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result};

use crate::cargo::{cargo, run, target_directory};

/// Builds the program once and gives its path.
///
/// With `--workspace`, so that the features of all crates, and with them Burn, stay those that
/// the tests were built with.
pub(crate) fn path() -> Result<PathBuf> {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = PATH.get() {
        return Ok(path.clone());
    }
    run(&mut cargo(&["build", "--release", "--workspace", "--bins"]))?;
    let name = format!("lampwick{}", std::env::consts::EXE_SUFFIX);
    let path = target_directory()?.join("release").join(name);
    let path = path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?;
    Ok(PATH.get_or_init(|| path).clone())
}
