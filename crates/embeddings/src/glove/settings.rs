//! What a training of GloVe is asked for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::corpus::{Ties, VocabularyLimits};
use crate::error::{EmbeddingError, Result};
use crate::training::settings::MOST_DIMENSIONS;

/// What a training of GloVe is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GloveSettings {
    /// Numbers of a vector.
    pub dim: usize,
    /// Most words between two that are counted; what is `d` words away counts `1/d`.
    pub window: usize,
    /// Whether words on both sides count; else those on the left.
    pub symmetric: bool,
    /// The count from which on all weigh the same.
    pub x_max: f64,
    /// Below it, a count weighs `(x / x_max)^alpha`.
    pub alpha: f64,
    /// Learning rate of AdaGrad.
    pub lr: f32,
    /// How often the counts are gone through.
    pub epochs: usize,
    /// Of everything that is random.
    pub seed: u64,
    /// The same bytes for any number of threads: one thread trains.
    pub deterministic: bool,
    /// Which words are trained.
    pub vocabulary: VocabularyLimits,
    /// Memory for counts, in bytes; what does not fit goes to temporary files.
    #[serde(skip)]
    pub memory: u64,
    /// Where these go.
    #[serde(skip)]
    pub temporary: PathBuf,
}

impl Default for GloveSettings {
    /// As the authors' program: 15 epochs at 0.05, `x_max` 100, `alpha` 0.75.
    fn default() -> Self {
        Self {
            dim: 100,
            window: 15,
            symmetric: true,
            x_max: 100.0,
            alpha: 0.75,
            lr: 0.05,
            epochs: 15,
            seed: 1,
            deterministic: false,
            vocabulary: VocabularyLimits { ties: Ties::Bytes, ..VocabularyLimits::default() },
            memory: 4 << 30,
            temporary: std::env::temp_dir(),
        }
    }
}

impl GloveSettings {
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
        if !(self.x_max > 0.0 && self.x_max.is_finite()) {
            return wrong("--x-max is above 0");
        }
        if !(0.0..=10.0).contains(&self.alpha) {
            return wrong("--alpha is 0 to 10");
        }
        Ok(())
    }
}
