//! Text to vocabulary, token ids and batches; and a synthetic language of known entropy.
//!
//! In the order of the way that text takes:
//!
//! - [`text`]: files read as a stream, in bounded memory, with errors that say file, line and byte
//! - [`tokenizer`]: words, characters, bytes and subwords; text to ids and back
//! - [`vocabulary`]: words and their ids
//! - [`tokens`]: the ids of a text
//! - [`bptt`]: windows of parallel streams for training and for evaluation
//! - [`synthetic`]: a source of sentences that knows their entropy
//! - [`atomic`], [`hash`]: files that appear whole, and their SHA-256
//! - [`error`]: everything that can be wrong, with the mend

pub mod atomic;
pub mod bptt;
pub mod error;
pub mod hash;
pub mod synthetic;
pub mod text;
pub mod tokenizer;
pub mod tokens;
pub mod vocabulary;

pub use bptt::{BpttBatch, BpttBatches, BpttLength, BpttPosition, EvaluationBatches};
pub use error::{DataError, Result};
pub use synthetic::{SourceScore, SyntheticConfig, SyntheticLanguage};
pub use tokenizer::{TextCounts, Tokenizer, TokenizerKind};
pub use tokens::Tokens;
pub use vocabulary::{EOS, UNK, Vocabulary, VocabularyLimits};
