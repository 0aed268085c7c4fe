//! The one error type of this crate: what is wrong, where, and the mend.

use std::io;
#[cfg(feature = "parquet")]
use std::path::Path;
use std::path::PathBuf;

/// Result of this crate's fallible functions.
pub type Result<T, E = NgramError> = std::result::Result<T, E>;

/// What can be wrong with a text, a model file or a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NgramError {
    /// The operating system refused to read.
    #[error("cannot read {name}: {source}")]
    Read {
        /// File name, or a description such as `standard input`.
        name: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The operating system refused to write a result.
    #[error("cannot write {name}: {source}; choose a place that is writable and has room")]
    Write {
        /// File name, or a description such as `standard output`.
        name: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Temporary files could not be made, grown or read.
    #[error(
        "temporary files in {}: {source}; {:.1} MiB were on disk: name a folder with more room \
         (--temporary), or allow more memory (--memory)",
        .folder.display(), *.used as f64 / f64::from(1 << 20)
    )]
    Temporary {
        /// Where the temporary files are.
        folder: PathBuf,
        /// Bytes that the disk had taken when it happened.
        used: u64,
        /// The operating system's reason.
        source: io::Error,
    },
    /// There is not one line in the text.
    #[error("{name}: is empty; give a text with at least one line")]
    EmptyText {
        /// What was read.
        name: String,
    },
    /// `<unk>` in the text, where that was to be an error.
    #[error(
        "{name}:{line}: the text holds `<unk>`; allow it as a word (--unk-in-text keep) or leave it \
         out (--unk-in-text drop)"
    )]
    UnkInText {
        /// File name.
        name: String,
        /// Line, from 1.
        line: u64,
    },
    /// An order outside of what is supported.
    #[error("order {order}: an n-gram model has an order of 1 to {max}")]
    Order {
        /// What was asked for.
        order: usize,
        /// The largest order.
        max: usize,
    },
    /// A setting that makes no sense.
    #[error("{0}")]
    Setting(String),
    /// Discounts are undefined, and falling back was not allowed.
    #[error(
        "the discounts of order {order} are undefined ({problem}): the text is too small, or its \
         vocabulary closed; leave out --strict to fall back to {fallback} for this order"
    )]
    Discounts {
        /// The order.
        order: usize,
        /// Which counts make them undefined.
        problem: String,
        /// What would be used instead.
        fallback: String,
    },
    /// More than the file formats and tables can hold.
    #[error("{what} is more than this program can index ({limit}); {mend}")]
    TooLarge {
        /// What there is too much of, with its number.
        what: String,
        /// The limit.
        limit: u64,
        /// What to do.
        mend: &'static str,
    },
    /// An ARPA file that is not well formed.
    #[error("{name}:{line}: {problem}")]
    Arpa {
        /// File name.
        name: String,
        /// Line, from 1.
        line: u64,
        /// What is wrong, and the mend.
        problem: String,
    },
    /// A binary model that is not well formed.
    #[error("{name}: {problem}")]
    Binary {
        /// File name.
        name: String,
        /// What is wrong, and the mend.
        problem: String,
    },
    /// A shard of counts that does not follow the schema.
    #[error("{}: {problem}", .path.display())]
    Shard {
        /// The shard, or the folder of shards.
        path: PathBuf,
        /// What is wrong, and the mend.
        problem: String,
    },
}

impl NgramError {
    pub(crate) fn read(name: impl Into<String>, source: io::Error) -> Self {
        Self::Read { name: name.into(), source }
    }

    /// A failed write to what has no name of its own here: the caller's writer.
    pub(crate) fn write(source: io::Error) -> Self {
        Self::Write { name: "the result".into(), source }
    }

    #[cfg(feature = "parquet")]
    pub(crate) fn shard(path: &Path, problem: impl Into<String>) -> Self {
        Self::Shard { path: path.into(), problem: problem.into() }
    }
}
