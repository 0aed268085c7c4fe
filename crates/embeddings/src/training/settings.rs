//! What a training is asked for.

use serde::{Deserialize, Serialize};

use crate::corpus::VocabularyLimits;
use crate::error::{EmbeddingError, Result};
use crate::subwords::NGrams;

/// What is predicted from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    /// Each word of the window from the word in its middle.
    SkipGram,
    /// The word in the middle from the mean of the window.
    Cbow,
}

/// How a word is told from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Objective {
    /// From so many words that are drawn.
    NegativeSampling(usize),
    /// By its way through a Huffman tree.
    HierarchicalSoftmax,
}

/// What a training of Word2Vec or fastText is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What is predicted from what.
    pub architecture: Architecture,
    /// How a word is told from all others.
    pub objective: Objective,
    /// Character n-grams: fastText. Without them: Word2Vec.
    pub ngrams: Option<NGrams>,
    /// Numbers of a vector.
    pub dim: usize,
    /// Most words on each side; each window has its own, evenly from 1 to this.
    pub window: usize,
    /// Learning rate at the beginning; it falls linearly to a ten thousandth.
    pub lr: f32,
    /// How often the text is read.
    pub epochs: usize,
    /// Words above this frequency are left out at random, the more frequent the more often; 0: none.
    pub sample: f64,
    /// Negative samples are drawn by counts to this power.
    pub power: f64,
    /// Of everything that is random.
    pub seed: u64,
    /// The same bytes for any number of threads: one thread trains, however many there are.
    pub deterministic: bool,
    /// Which words are trained.
    pub vocabulary: VocabularyLimits,
}

impl Default for Settings {
    /// Skip-gram with five negatives, 100 dimensions, window 5, five epochs.
    fn default() -> Self {
        Self {
            architecture: Architecture::SkipGram,
            objective: Objective::NegativeSampling(5),
            ngrams: None,
            dim: 100,
            window: 5,
            lr: 0.025,
            epochs: 5,
            sample: 1e-3,
            power: 0.75,
            seed: 1,
            deterministic: false,
            vocabulary: VocabularyLimits::default(),
        }
    }
}

/// The most dimensions; a file that says more is none.
pub const MOST_DIMENSIONS: usize = 1 << 16;

impl Settings {
    /// # Errors
    /// [`EmbeddingError::Setting`] names the setting and what it may be.
    pub fn validate(&self) -> Result<()> {
        let wrong = |problem: &str| Err(EmbeddingError::Setting(problem.into()));
        if !(1..=MOST_DIMENSIONS).contains(&self.dim) {
            return wrong("dimensions (--dim) are 1 to 65536");
        }
        if !(1..=1 << 16).contains(&self.window) {
            return wrong("a window (--window) has 1 to 65536 words on each side");
        }
        if !(1..=1 << 20).contains(&self.epochs) {
            return wrong("at least one epoch (--epochs)");
        }
        if !(self.lr > 0.0 && self.lr <= 10.0) {
            return wrong("the learning rate (--lr) is above 0 and at most 10");
        }
        if !(0.0..=1.0).contains(&self.sample) {
            return wrong("--sample is a frequency: 0 (keep all words) to 1");
        }
        if !(-10.0..=10.0).contains(&self.power) {
            return wrong("the power of negative sampling (--power) is -10 to 10");
        }
        if let Objective::NegativeSampling(0) = self.objective {
            return wrong("at least one negative sample (--negative), or --loss hs");
        }
        if let Some(NGrams { min, max, buckets }) = self.ngrams
            && (min == 0 || max < min || max > 1000 || buckets == 0 || buckets > 1 << 31)
        {
            return wrong(
                "n-grams have --minn characters, at least one, to --maxn, and --bucket is 1 to 2^31; without \
                 n-grams it is --model skipgram or cbow",
            );
        }
        Ok(())
    }
}
