//! Where models of n-grams go.

use std::path::{Path, PathBuf};

use lampwick::data::atomic;

use crate::commands::places::expect_other;
use crate::exit::Usage;

/// Refuses at once what could not be written in the end, and to write over one of the files that the
/// result is made from.
pub(super) fn check_out<'a>(
    out: &Path,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> anyhow::Result<()> {
    let end = out.extension().unwrap_or_default().to_ascii_lowercase();
    if ["zst", "xz", "bz2"].iter().any(|packer| end == *packer) {
        let out = out.display();
        let problem =
            format!("{out}: models are written plain, ARPA also as gzip: give another ending");
        return Err(Usage(problem).into());
    }
    atomic::expect_place(out).map_err(|error| Usage(error.to_string()))?;
    expect_other(out, inputs)
}
