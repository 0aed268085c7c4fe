//! Word embeddings: Word2Vec, fastText and GloVe; their training and their files.
//!
//! - [`vectors`]: words and a vector for each, what everything here makes or takes
//! - [`lexicon`]: words are bytes; which row is a word's
//! - [`corpus`]: text to word ids, and which words are kept
//! - [`phrases`]: words that belong together, joined before training
//! - [`training`]: Word2Vec and fastText
//! - [`glove`] factorises co-occurrence counts: GloVe
//! - [`trained`]: what a training can go on from
//! - [`subwords`]: character n-grams, and vectors from them for words never seen
//! - `quantized`: rows as codes of a product quantiser
//! - `simd`: sixteen floats at a time, by the instructions that the machine has
//! - [`neighbours`]: the rows nearest to a vector, by looking at all
//! - [`index`]: the same by a walk over a graph: faster, and nearly all of them
//! - [`evaluation`]: analogies, and similarities beside those that people gave
//! - [`bias`]: what vectors associate with groups of people, and a direction taken out of them
//! - [`map`]: words on a plane, as a page
//! - [`principal`]: the directions in which rows vary most
//! - [`formats`]: word2vec, fastText, GloVe and other files, read and written
//! - [`section`], [`progress`], [`error`]: arrays in memory or mapped, what is told, what can be wrong
//!
//! Reading order: [`vectors`], [`formats`].

pub mod bias;
pub mod corpus;
pub mod error;
pub mod evaluation;
pub mod formats;
pub mod glove;
pub mod index;
pub mod lexicon;
pub mod map;
pub mod neighbours;
pub mod phrases;
pub mod principal;
pub mod progress;
pub(crate) mod quantized;
pub mod section;
pub(crate) mod simd;
pub mod subwords;
pub mod trained;
pub mod training;
pub mod vectors;

/// For the fuzz targets only.
#[doc(hidden)]
pub mod fuzzing {
    /// Puts the right hash before the header of a native file.
    pub fn seal(file: &mut [u8]) {
        crate::formats::native::seal(file);
    }
}

pub use corpus::{Corpus, VocabularyLimits};
pub use error::{EmbeddingError, Result};
pub use formats::{Check, Format, Loaded, ReadOptions, open};
pub use index::{Index, IndexSettings};
pub use lampwick_ngram::Source;
pub use lexicon::Lexicon;
pub use progress::{Progress, Silent, Stage};
pub use quantized::{Compressed, Loss, QuantizeSettings, Quantized, compress};
pub use subwords::{NGrams, Subwords};
pub use trained::{State, Trained};
pub use vectors::Vectors;
