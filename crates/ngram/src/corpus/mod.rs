//! Text to a stream of word ids.
//!
//! - `source`: files, standard input, gzip
//! - `blocks`: a source cut into blocks between words, in bounded memory
//! - `tokens`: blocks to ids, on all threads, with the same ids for any number of them
//! - `vocabulary`: which words stay, and the ids that they get

pub(crate) mod blocks;
pub(crate) mod source;
pub(crate) mod tokens;
pub(crate) mod vocabulary;

pub use source::Source;
pub use tokens::{TextSummary, UnkInText};
pub use vocabulary::{Dropped, VocabularyLimits};
