//! Models that are asked: hash tables or tries, searched where they lie.
//!
//! - [`model`]: a model, opened or built; scores, distributions
//! - `batch`: many words at once
//! - [`state`]: what is remembered between two words
//! - [`vocabulary`]: words to ids in a mapped file
//! - `probing`: hash tables
//! - `processor`: instructions for bits
//! - `trie`: the trie, of `bits` and `quantize`
//! - `compact`: the most compact trie, of `ascending` ranks
//! - `walk`: the way through either trie
//! - `unpack`: a binary model back to plain tables

pub(crate) mod ascending;
mod batch;
pub(crate) mod bits;
pub(crate) mod compact;
pub mod model;
pub(crate) mod probing;
pub(crate) mod processor;
pub(crate) mod quantize;
pub mod state;
pub(crate) mod trie;
pub(crate) mod unpack;
pub mod vocabulary;
mod walk;

pub use model::{BuildKind, Distribution, Model};
pub use state::{Score, State};
pub use vocabulary::Vocabulary;
