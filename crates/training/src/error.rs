//! The one error type of this crate.

use std::path::{Path, PathBuf};

use crate::checkpoint::CheckpointError;
use crate::config::ConfigError;
use crate::device::DeviceError;
use crate::lock::Owner;
use crate::prompt::PromptError;

/// Result of this crate's fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in a run. Every message says what, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The config cannot be read or cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The `[model]` table describes no model.
    #[error(transparent)]
    Model(#[from] lampwick_models::ModelConfigError),
    /// The device is unknown or not compiled in.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Text, vocabulary, tokens.
    #[error(transparent)]
    Data(#[from] lampwick_data::DataError),
    /// A checkpoint that cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A search that cannot be made.
    #[error(transparent)]
    Decoding(lampwick_decoding::DecodingError),
    /// The weights that the test is of are gone.
    #[error(
        "the best weights, of epoch {epoch}, cannot be read: {error}; the run is not tested, since a \
         test of other weights would pass for theirs: `lampwick evaluate {} --split test --newest` \
         scores the newest", .run.display()
    )]
    BestLost {
        /// What is wrong with their checkpoint.
        error: Box<CheckpointError>,
        /// Their epoch.
        epoch: u64,
        /// The run.
        run: PathBuf,
    },
    /// A file of a run is not what this program writes.
    #[error("{}: {problem}; {mend}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// What to do.
        mend: &'static str,
    },
    /// The run to start from does not fit.
    #[error(
        "start_from: the weights of {} do not fit this config's [model]: {problem}; use the sizes of \
         that run's config.toml", .path.display()
    )]
    StartFrom {
        /// That run.
        path: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// The run to start from numbers other words, so that its word vectors would be of others.
    #[error(
        "start_from: {} has a vocabulary of {found} words, and this config's data one of {own} that is \
         another; train on that run's data with its tokenizer and vocabulary settings (text prepared \
         for it: `lampwick prepare` with its tokenizer)", .path.display()
    )]
    StartFromVocabulary {
        /// That run.
        path: PathBuf,
        /// Words of its vocabulary.
        found: usize,
        /// Words of the vocabulary of this run.
        own: usize,
    },
    /// The run directory holds something already.
    #[error(
        "{} is not empty, and a run never overwrites: continue it with `--resume {}`, name another \
         folder, or delete it", .path.display(), .path.display()
    )]
    RunDirectoryTaken {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is no run.
    #[error("{} is no run directory: {problem}; name a folder that `lampwick train` wrote", .path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing or wrong.
        problem: String,
    },
    /// The run is of another task.
    #[error(
        "{} is a run of {found}, and not of {wanted}: see {see}, or name a run of {wanted}",
        .path.display()
    )]
    OtherTask {
        /// The run.
        path: PathBuf,
        /// What it trained.
        found: &'static str,
        /// What is asked for.
        wanted: &'static str,
        /// The commands that it is for.
        see: &'static str,
    },
    /// A mean of more checkpoints than there are, or of none.
    #[error(
        "the mean of {asked} checkpoints is asked for, and {} has {kept}; ask for fewer, or train with \
         checkpoint.keep={asked}", .path.display()
    )]
    TooFewCheckpoints {
        /// The folder.
        path: PathBuf,
        /// How many are asked for.
        asked: usize,
        /// How many there are.
        kept: usize,
    },
    /// Another process writes to the run.
    #[error(
        "{} is being written by {}: wait for its end, or stop it; evaluate, score, generate and \
         report need not wait",
        .path.display(), owner_name(owner.as_ref())
    )]
    Locked {
        /// The run.
        path: PathBuf,
        /// Who, where the lock says so.
        owner: Option<Owner>,
    },
    /// A log has lost lines that a checkpoint vouches for.
    #[error(
        "{} is shorter than the {length} bytes that the checkpoint vouches for: restore it, or \
         start a new run", .path.display()
    )]
    LogTooShort {
        /// The log.
        path: PathBuf,
        /// Bytes that it should have at least.
        length: u64,
    },
    /// A run under way could not write, and stopped.
    #[error("cannot write {}: {source}; the run stopped at step {step}, and {kept}", .path.display())]
    Stopped {
        /// What could not be written.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
        /// The step that it had reached.
        step: u64,
        /// What is left, and how to go on from there.
        kept: String,
    },
    /// A file of the run cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file of the run cannot be written.
    #[error(
        "cannot write {}: {source}; choose a place that exists, is writable and has room",
        .path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The run's data is not what it was when the run began.
    #[error(
        "the {what} is not the one that this run began with (hash {found}, then {expected}): \
         restore it, or start a new run"
    )]
    DataChanged {
        /// Which part.
        what: String,
        /// Hash at the run's start (first digits).
        expected: String,
        /// Hash now (first digits).
        found: String,
    },
    /// A loss, the gradient or a weight stopped being a number.
    #[error(
        "{what} is {value} at step {step} (epoch {epoch}): {kept}. Try a lower optimizer.lr (now \
         {lr}), regularization.clip_norm, or a warm-up"
    )]
    NonFinite {
        /// `the loss`, `the gradient norm`, `the validation loss`, or a weight by its path.
        what: String,
        /// The value.
        value: f64,
        /// The step that went wrong, from 1.
        step: u64,
        /// Epoch, from 1.
        epoch: u64,
        /// Learning rate of that step.
        lr: f64,
        /// What was not done, and which checkpoint is the last good one.
        kept: String,
    },
    /// The run would need more memory than the machine has.
    #[error(
        "a model of {parameters} parameters needs about {} GiB to train (weights, gradients, \
         optimiser state, activations), but this machine has {} GiB: lower model.hidden, \
         model.embedding, model.layers, batches.size or batches.bptt",
        .needed.div_ceil(1 << 30), .available >> 30
    )]
    Memory {
        /// Trainable numbers.
        parameters: usize,
        /// Estimated bytes.
        needed: u64,
        /// Bytes of the machine's memory.
        available: u64,
    },
    /// The run's sampling prompt cannot be continued.
    #[error("sampling.prompt: {0}")]
    Prompt(#[from] PromptError),
    /// The report's charts could not be drawn.
    #[error("the report cannot be drawn: {0}")]
    Report(String),
}

fn owner_name(owner: Option<&Owner>) -> String {
    owner.map_or_else(|| "another process".to_string(), ToString::to_string)
}

impl Error {
    /// What the disk refused to take, and why; other errors as they are.
    pub(crate) fn into_write(self) -> std::result::Result<(PathBuf, std::io::Error), Self> {
        match self {
            Self::Write { path, source }
            | Self::Data(lampwick_data::DataError::Write { path, source }) => Ok((path, source)),
            other => Err(other),
        }
    }

    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read { path: path.into(), source }
    }

    pub(crate) fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write { path: path.into(), source }
    }
}
