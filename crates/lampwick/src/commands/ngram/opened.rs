//! Models as commands open them.

use std::path::Path;

use lampwick::ngram::{BuildKind, Model, NgramError, Source, Table, arpa};

use super::progress::Stages;
use crate::commands::places::is_stdin;
use crate::exit::Usage;

/// How a binary model is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::commands) enum Load {
    /// Mapped: opens at once, and what is asked for is read from the file
    Map,
    /// Read into memory, in large pages where the system has them: faster to ask
    Read,
}

/// Whether a path names an n-gram model, where it may also be a run's directory.
pub(in crate::commands) fn is_model(path: &Path) -> bool {
    is_stdin(path) || (path.exists() && !path.is_dir())
}

/// What a model's file holds.
pub(super) enum Found {
    /// A binary model, to be opened by its path.
    Binary,
    /// ARPA, from its first byte: a pipe gives that once only.
    Arpa(Source),
}

/// Looks at the first bytes of a model: a file, a pipe, or standard input for `-`.
pub(super) fn find(path: &Path) -> anyhow::Result<Found> {
    let source = Source::named(path)?;
    if !Model::is_binary(source.head()) {
        return Ok(Found::Arpa(source));
    }
    anyhow::ensure!(
        path.is_file(),
        "{}: holds a binary model, which is mapped and so cannot come through a pipe; name its file",
        source.name
    );
    Ok(Found::Binary)
}

/// A model to ask.
pub(in crate::commands) fn model(path: &Path, load: Load) -> anyhow::Result<Model> {
    match find(path)? {
        Found::Binary => Ok(match load {
            Load::Map => Model::open(path)?,
            Load::Read => Model::load(path)?,
        }),
        Found::Arpa(source) => Ok(Model::from_table(&arpa(source)?, BuildKind::Probing)?),
    }
}

/// A model to ask about the text of standard input, which therefore must not be the model.
pub(in crate::commands) fn model_beside_stdin(path: &Path, load: Load) -> anyhow::Result<Model> {
    if is_stdin(path) {
        let problem =
            "standard input is the text here and cannot be the model too: name the model's file";
        return Err(Usage(problem.into()).into());
    }
    model(path, load)
}

/// A model as plain tables. All of a binary file is read, so that it is checked as well.
pub(super) fn table(path: &Path) -> anyhow::Result<Table> {
    if let Found::Arpa(source) = find(path)? {
        return arpa(source);
    }
    let model = Model::open(path)?;
    let wrong = |problem: String| anyhow::anyhow!("{}: {problem}", path.display());
    model.verify().map_err(wrong)?;
    model.to_table().map_err(|error| match error {
        NgramError::Binary { problem, .. } => wrong(problem),
        other => other.into(),
    })
}

/// The tables of an ARPA file, with a progress bar.
pub(super) fn arpa(source: Source) -> anyhow::Result<Table> {
    let stages = Stages::new();
    let table = arpa::read(source, &stages);
    stages.finish();
    Ok(table?)
}
