//! Models as commands open them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use lampwick::ngram::{BuildKind, Model, NgramError, Source, Table, arpa};

use super::progress::Stages;

/// How a binary model is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::commands) enum Load {
    /// Mapped: opens at once, and what is asked for is read from the file
    Map,
    /// Read into memory, in large pages where the system has them: faster to ask
    Read,
}

/// Whether a file is a binary model; else it is ARPA.
pub(super) fn is_binary(path: &Path) -> anyhow::Result<bool> {
    let mut start = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()));
    let file = file.map_err(|error| anyhow::anyhow!("{error:#}"))?;
    file.take(16)
        .read_to_end(&mut start)
        .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", path.display()))?;
    Ok(Model::is_binary(&start))
}

/// A model to ask.
pub(in crate::commands) fn model(path: &Path, load: Load) -> anyhow::Result<Model> {
    if is_binary(path)? {
        return Ok(match load {
            Load::Map => Model::open(path)?,
            Load::Read => Model::load(path)?,
        });
    }
    Ok(Model::from_table(&table(path)?, BuildKind::Probing)?)
}

/// A model as plain tables. All of a binary file is read, so that it is checked as well.
pub(super) fn table(path: &Path) -> anyhow::Result<Table> {
    if is_binary(path)? {
        let model = Model::open(path)?;
        let wrong = |problem: String| anyhow::anyhow!("{}: {problem}", path.display());
        model.verify().map_err(wrong)?;
        return model.to_table().map_err(|error| match error {
            NgramError::Binary { problem, .. } => wrong(problem),
            other => other.into(),
        });
    }
    let stages = Stages::new();
    let table = arpa::read(Source::open(path)?, &stages);
    stages.finish();
    Ok(table?)
}
