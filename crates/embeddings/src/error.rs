//! The one error type of this crate: what is wrong, where, and the mend.

use std::fmt;
use std::io;
use std::path::PathBuf;

use lampwick_ngram::NgramError;

/// Result of this crate's fallible functions.
pub type Result<T, E = EmbeddingError> = std::result::Result<T, E>;

/// What can be wrong with a text, a file of vectors or a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddingError {
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
        /// File name, or a description such as `the result`.
        name: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file that is not well formed.
    #[error("{name}{place}: {problem}")]
    Malformed {
        /// File name.
        name: String,
        /// Where in the file.
        place: Place,
        /// What is wrong, and the mend.
        problem: String,
    },
    /// Temporary files could not be made, grown or read.
    #[error(
        "temporary files in {}: {source}; name a folder with more room (--temporary)", .folder.display()
    )]
    Temporary {
        /// Where the temporary files are.
        folder: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// There is not one word in the text.
    #[error("{name}: holds no words; give a text with some")]
    EmptyText {
        /// What was read.
        name: String,
    },
    /// No word is frequent enough.
    #[error(
        "{name}: different words: {words}, the most frequent with a count of {most}; a word is trained from \
         a count of {min_count} on; lower --min-count, or give more text"
    )]
    EmptyVocabulary {
        /// What was read.
        name: String,
        /// Different words.
        words: usize,
        /// How often the most frequent one occurs.
        most: u64,
        /// How often it would have to.
        min_count: u64,
    },
    /// The numbers of a training grew beyond all bounds.
    #[error("the training diverged: the vector of `{word}` is not finite; lower the rate (--lr)")]
    Diverged {
        /// The first such word.
        word: String,
    },
    /// A word that has no vector.
    #[error("`{word}` has no vector; it is not in the file, and no n-gram of it is")]
    NoVector {
        /// The word.
        word: String,
    },
    /// A vector with a NaN or an infinity, of which nothing can be computed.
    #[error(
        "the vector of `{word}` holds a NaN or an infinity: `lampwick embed info --verify` tells whether \
         the file is damaged; leave such rows out (`lampwick embed convert IN OUT --skip-not-finite`), or \
         train again"
    )]
    NotFinite {
        /// The word.
        word: String,
    },
    /// A setting, or a combination of settings, that makes no sense.
    #[error("{0}")]
    Setting(String),
}

/// Where in a file something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// A line, from 1.
    Line(u64),
    /// A word's row, from 1.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Line(line) => write!(f, ":{line}"),
            Self::Row(row) => write!(f, ", row {row}"),
        }
    }
}

impl EmbeddingError {
    pub(crate) fn read(name: impl Into<String>, source: io::Error) -> Self {
        Self::Read { name: name.into(), source }
    }

    /// A failed write to what has no name of its own here: the caller's writer.
    pub(crate) fn write(source: io::Error) -> Self {
        Self::Write { name: "the result".into(), source }
    }

    pub(crate) fn no_vector(word: &[u8]) -> Self {
        Self::NoVector { word: String::from_utf8_lossy(word).into_owned() }
    }

    pub(crate) fn malformed(name: &str, place: Place, problem: impl Into<String>) -> Self {
        Self::Malformed { name: name.into(), place, problem: problem.into() }
    }
}

/// What can go wrong where text is opened.
impl From<NgramError> for EmbeddingError {
    fn from(error: NgramError) -> Self {
        match error {
            NgramError::Read { name, source } => Self::Read { name, source },
            other => Self::Setting(other.to_string()),
        }
    }
}
