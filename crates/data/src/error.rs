//! The one error type of this crate: what is wrong, where, and the mend.

use std::io;
use std::path::{Path, PathBuf};

/// Result of this crate's fallible functions.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// What can be wrong with data. Every message says what, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file is not there.
    #[error("{}: no such file; check the path (it is taken from the working directory)", .path.display())]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// A folder was given where a file is needed.
    #[error("{}: is a directory; name a file in it", .path.display())]
    Directory {
        /// The path as given.
        path: PathBuf,
    },
    /// The operating system refused to read.
    #[error("cannot read {name}: {source}")]
    Read {
        /// File name, or a description such as `standard input`.
        name: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The operating system refused to write.
    #[error("cannot write {}: {source}; choose a place that exists, is writable and has room", .path.display())]
    Write {
        /// The file that should have been written.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The caller broke off; nothing was kept.
    #[error("{name}: broken off before its end; nothing was written")]
    Stopped {
        /// File name.
        name: String,
    },
    /// There is nothing in the file.
    #[error("{name}: is empty; give a text with at least one line")]
    Empty {
        /// File name.
        name: String,
    },
    /// A byte that is not UTF-8.
    #[error(
        "{name}:{line}: not UTF-8 at byte {byte} of the file; convert the file (iconv -f LATIN1 -t \
         UTF-8, or -f UTF-16), or use the `bytes` tokenizer, which keeps every byte"
    )]
    InvalidUtf8 {
        /// File name.
        name: String,
        /// Line, from 1.
        line: u64,
        /// Offset in the file, from 0.
        byte: u64,
    },
    /// A NUL byte: the file is binary, or UTF-16.
    #[error(
        "{name}:{line}: NUL at byte {byte} of the file, so it is binary or UTF-16 rather than text; \
         convert it (iconv), delete the NULs (tr -d '\\000'), or use the `bytes` tokenizer"
    )]
    Nul {
        /// File name.
        name: String,
        /// Line, from 1.
        line: u64,
        /// Offset in the file, from 0.
        byte: u64,
    },
    /// The same where lines are read whole and no tokenizer is chosen.
    #[error(
        "{name}:{line}: {problem} at byte {byte} of the file; convert the file (iconv -f LATIN1 -t \
         UTF-8, or -f UTF-16), or delete NULs (tr -d '\\000')"
    )]
    NotText {
        /// File name.
        name: String,
        /// Line, from 1.
        line: u64,
        /// What is there.
        problem: &'static str,
        /// Offset in the file, from 0.
        byte: u64,
    },
    /// A line too long to be held.
    #[error(
        "{name}:{line}: a line of more than {limit} bytes; write one sentence or paragraph a line, ended \
         by a newline"
    )]
    LongLine {
        /// File name.
        name: String,
        /// Line, from 1.
        line: u64,
        /// The longest line that is accepted, in bytes.
        limit: usize,
    },
    /// A line that is not of the form that its file has.
    #[error("{name}:{line}: {problem}; {mend}")]
    Line {
        /// File name.
        name: String,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
        /// What to do.
        mend: &'static str,
    },
    /// Two files whose lines should answer each other.
    #[error("{first} has {first_lines} lines and {second} {second_lines}; {astray}")]
    UnequalLines {
        /// The one file.
        first: String,
        /// Its lines.
        first_lines: u64,
        /// The other file.
        second: String,
        /// Its lines.
        second_lines: u64,
        /// Where they seem to part.
        astray: Box<crate::parallel::Astray>,
    },
    /// A run without white space that is no word.
    #[error(
        "{name}:{line}: a word of more than {limit} bytes at byte {byte} of the file; put spaces \
         between the words, or use the `characters`, `bytes` or `subwords` tokenizer"
    )]
    LongWord {
        /// File name.
        name: String,
        /// Line, from 1.
        line: u64,
        /// Offset in the file, from 0.
        byte: u64,
        /// The longest word that is accepted, in bytes.
        limit: usize,
    },
    /// More distinct words than the stated limit.
    #[error(
        "{name}: more than {limit} distinct words by line {line}; use the `subwords` tokenizer, or \
         raise the limit if memory allows"
    )]
    TooManyWords {
        /// File name.
        name: String,
        /// Line at which the limit was passed, from 1.
        line: u64,
        /// The limit.
        limit: usize,
    },
    /// A file of ours that does not hold what its kind must hold.
    #[error("{}: {problem}; {mend}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong (with the line where there is one).
        problem: String,
        /// What to do.
        mend: &'static str,
    },
    /// A recording that cannot be read whole.
    #[error("{}: no whole WAV file: {problem}; record or copy it again", .path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A picture that cannot be read, or of another size than the model sees.
    #[error("{}: no picture that can be read: {problem}; give a PNG file of the model's size", .path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A recording of another rate than the model hears.
    #[error(
        "{}: {found} samples a second where {wanted} are expected; convert it (sox {0} -r {wanted} \
         converted.wav)",
        .path.display()
    )]
    SampleRate {
        /// The file.
        path: PathBuf,
        /// Its rate.
        found: u32,
        /// The rate asked for.
        wanted: u32,
    },
    /// Two parts that belong to different vocabularies.
    #[error(
        "{name} was made with another vocabulary ({found_size} words, hash {found}) than this one \
         ({expected_size} words, hash {expected}); pass the vocabulary of that run, or prepare the \
         text again"
    )]
    VocabularyMismatch {
        /// The part that does not fit.
        name: String,
        /// Words of the vocabulary at hand.
        expected_size: usize,
        /// Hash of the vocabulary at hand (first digits).
        expected: String,
        /// Words of the other vocabulary.
        found_size: usize,
        /// Hash of the other vocabulary (first digits).
        found: String,
    },
    /// The text is too short for the batches asked for.
    #[error(
        "{tokens} tokens in {batch} streams leave {stream} per stream, but one window needs {needed}; \
         {}",
        mend_short_stream(*.batch_limit)
    )]
    StreamTooShort {
        /// Tokens in the text.
        tokens: usize,
        /// Parallel streams asked for.
        batch: usize,
        /// Tokens in each stream.
        stream: usize,
        /// Tokens that a stream must have: the BPTT length and one target more.
        needed: usize,
        /// The largest batch that works with this length (0: none).
        batch_limit: usize,
    },
    /// A setting outside its range.
    #[error("{key} = {value}: {mend}")]
    Setting {
        /// Name of the setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        mend: &'static str,
    },
    /// The `tokenizers` crate refused.
    #[error("{name}: subword tokenizer: {reason}")]
    Subwords {
        /// File or corpus name.
        name: String,
        /// The library's reason.
        reason: String,
    },
}

impl DataError {
    /// Turns the operating system's error on opening `path` into the error that says the mend.
    pub(crate) fn open(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path: path.into() },
            io::ErrorKind::IsADirectory => Self::Directory { path: path.into() },
            _ => Self::Read { name: path.display().to_string(), source },
        }
    }

    /// An error on writing `path`.
    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.into(), source }
    }
}

fn mend_short_stream(batch_limit: usize) -> String {
    match batch_limit {
        0 => "use a shorter BPTT length or more text".into(),
        _ => format!("use a batch of at most {batch_limit}, a shorter BPTT length, or more text"),
    }
}
