//! Text to vocabulary, token ids and batches; and a synthetic language of known entropy.
//!
//! In the order of the way that text takes:
//!
//! - [`text`]: files read as a stream, in bounded memory, with errors that say file, line and byte
//! - [`tokenizer`]: words, characters, bytes and subwords; text to ids and back
//! - [`vocabulary`]: words and their ids
//! - [`tokens`]: the ids of a text, in memory or in a memory-mapped file
//! - [`prepare`]: a text file to a token file
//! - [`bptt`]: windows of parallel streams for training and for evaluation
//! - [`pair_batches`]: sources with their targets, in batches of like length
//! - [`datasets`]: lines and windows for Burn's own `DataLoader`
//! - [`parallel`]: lines that answer each other
//! - [`scenes`]: pictures of coloured shapes with captions that are true of them
//! - [`speech`]: recordings to log-mel frames; strings of spoken digits
//! - [`synthetic`]: a source of sentences that knows their entropy
//! - [`tasks`]: sequences that ask for memory, with their chance levels
//! - [`files`], [`atomic`], [`hash`]: every change to the disk, files that appear whole, their SHA-256
//! - [`error`]: everything that can be wrong, with the mend

pub mod atomic;
pub mod bptt;
pub mod datasets;
pub mod error;
pub mod files;
pub mod hash;
pub mod pair_batches;
pub mod parallel;
pub mod prepare;
pub mod scenes;
pub mod speech;
pub mod synthetic;
pub mod tasks;
pub mod text;
pub mod tokenizer;
pub mod tokens;
pub mod vocabulary;

pub use bptt::{BpttBatch, BpttBatches, BpttLength, BpttPosition, EvaluationBatches};
pub use datasets::{LineDataset, LmBatch, LmBatcher, LmItem, PairBatcher, WindowDataset};
pub use error::{DataError, Result};
pub use pair_batches::{
    BatchSize, IdPairs, PADDING, PairBatch, PairBatches, PairPosition, Sequences, cut,
};
pub use prepare::{Prepared, prepare_corpora, prepare_corpus};
pub use synthetic::{EntropyEstimate, SourceScore, SyntheticConfig, SyntheticLanguage};
pub use tasks::{Targets, Task, TaskBatch};
pub use tokenizer::{Decoder, SubwordModel, TextCounts, Tokenizer, TokenizerKind};
pub use tokens::{TokenFile, TokenFileWriter, Tokens};
pub use vocabulary::{EOS, UNK, Vocabulary, VocabularyLimits};
