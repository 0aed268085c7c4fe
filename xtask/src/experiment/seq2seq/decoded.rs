//! A trained model's output for a file, and what it is worth.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::super::session::Session;

/// What `lampwick metric bleu --json` says, what of it is reported.
#[derive(Debug, Deserialize)]
pub(super) struct Bleu {
    pub(super) score: f64,
    #[serde(default)]
    pub(super) signature: String,
    counts: Counts,
    #[serde(default)]
    pub(super) by_source_length: Vec<Bucket>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    hypothesis_length: f64,
    reference_length: f64,
}

/// Sentences whose source is of like length.
#[derive(Debug, Deserialize)]
pub(super) struct Bucket {
    pub(super) score: f64,
    pub(super) segments: usize,
    /// The fewest and the most words of a source.
    pub(super) source_words: [Option<usize>; 2],
}

impl Bleu {
    /// Words of the output for each of the references'.
    pub(super) fn length_ratio(&self) -> f64 {
        self.counts.hypothesis_length / self.counts.reference_length
    }
}

/// A source file of LAMPWICK_DATA and its references.
pub(super) struct TestSet {
    pub(super) source: PathBuf,
    pub(super) reference: PathBuf,
}

/// Translates the set by the run at `run` with these options of `lampwick translate`, keeps the output
/// as `to`, and measures it. What is there already is not translated again; `None` where there is no
/// output and none may be made.
pub(super) fn bleu(
    session: &Session,
    run: &Path,
    set: &TestSet,
    options: &[String],
    to: &Path,
) -> Result<Option<Bleu>> {
    if !to.is_file() {
        if session.gathers() || session.spent() {
            return Ok(None);
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        let unfinished = to.with_extension("unfinished");
        let mut command = Command::new(session.program()?);
        command.arg("translate").arg(run).args(options);
        command.stdin(File::open(&set.source)?).stdout(File::create(&unfinished)?);
        if !session.run(command)? {
            return Ok(None);
        }
        fs::rename(&unfinished, to)?;
    }
    measured(session, set, to).map(Some)
}

/// BLEU of an output.
pub(super) fn measured(session: &Session, set: &TestSet, output: &Path) -> Result<Bleu> {
    let mut command = Command::new(session.program()?);
    command.args(["metric", "bleu", "--json", "--ref"]).arg(&set.reference);
    command.arg("--source").arg(&set.source).stdin(File::open(output)?).stderr(Stdio::inherit());
    let output = command.output()?;
    ensure!(output.status.success(), "`lampwick metric bleu` ended with {}", output.status);
    let bleu = serde_json::from_slice(&output.stdout).context("what `lampwick metric` prints")?;
    Ok(bleu)
}
