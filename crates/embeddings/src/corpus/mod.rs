//! Text to word ids: read once, as a stream; then every epoch reads ids.
//!
//! - `vocabulary`: which words are kept, by frequency
//! - `ids`: the text as numbers, in memory or in a nameless temporary file
//! - `reader`: words of a text, line by line, whatever their lengths

pub(crate) mod ids;
pub(crate) mod reader;
pub(crate) mod vocabulary;

pub use reader::{Corpus, MEMORY, TextSummary, read};
pub use vocabulary::{Ties, Vocabulary, VocabularyLimits};
