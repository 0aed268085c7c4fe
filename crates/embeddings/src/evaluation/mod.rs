//! How good vectors are, by questions that people made.
//!
//! Numbers are those that gensim's `evaluate_word_analogies` and `evaluate_word_pairs` give for the same
//! vectors and files.

pub mod analogies;
pub mod correlation;
mod folded;
pub mod similarity;

/// Which words take part, and how they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Only so many words from the first on, which are the most frequent.
    pub vocabulary: usize,
    /// Whether `Lamp` and `lamp` are different words; else the first one that a file has stands for all.
    pub case_sensitive: bool,
    /// Whether pairs may have words that the file does not hold, by vectors from their n-grams.
    pub subwords: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { vocabulary: 300_000, case_sensitive: false, subwords: false }
    }
}
