//! All that can be asked of an estimation.

use std::path::PathBuf;

use crate::corpus::{UnkInText, VocabularyLimits};
use crate::error::{NgramError, Result};

/// The highest order.
pub const MAX_ORDER: usize = 9;

/// How the counts of a context become probabilities; each is interpolated with the next lower order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Smoothing {
    /// Modified Kneser-Ney (Chen and Goodman 1999, section 3): three discounts for each order, from
    /// adjusted counts.
    #[default]
    ModifiedKneserNey,
    /// Kneser-Ney with one discount for each order, `n1 / (n1 + 2 n2)` of adjusted counts.
    KneserNey,
    /// Absolute discounting (Ney, Essen and Kneser 1994): one discount, from the counts as they are.
    Absolute,
    /// Witten-Bell: `(c(h w) + t(h) p(w|h')) / (c(h) + t(h))`, where t(h) words followed h.
    WittenBell,
    /// `(c(h w) + k V p(w|h')) / (c(h) + k V)`: for unigrams add-k, as Lidstone has it; above,
    /// the k V that are added follow the lower order, because no backoff model holds equal ones.
    AddK(f64),
    /// Maximum likelihood: `c(h w) / c(h)`; what was not seen after a known context has no
    /// probability.
    MaximumLikelihood,
}

impl Smoothing {
    /// Whether lower orders count contexts instead of occurrences.
    pub(crate) fn adjusts(self) -> bool {
        matches!(self, Self::ModifiedKneserNey | Self::KneserNey)
    }
}

/// What to train, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Words of the longest n-grams, 1 to [`MAX_ORDER`].
    pub order: usize,
    /// Counts to probabilities.
    pub smoothing: Smoothing,
    /// Whether unigrams are interpolated with the uniform distribution; else `<unk>` gets all the
    /// mass that the discounts free, as SRILM does it.
    pub interpolate_unigrams: bool,
    /// The uniform distribution is over at least so many words, to compare vocabularies.
    pub vocabulary_pad: u64,
    /// Discounts D1, D2, D3+ where the text leaves them undefined.
    pub fallback: [f64; 3],
    /// Whether undefined discounts are an error.
    pub strict: bool,
    /// n-grams of order n that occur at most `prune[n - 1]` times are left out; the last holds for
    /// all higher orders.
    pub prune: Vec<u64>,
    /// n-grams are left out when that raises the perplexity by less than this factor - 1 (Stolcke
    /// 1998).
    pub prune_entropy: Option<f64>,
    /// Whether one n-gram of each lower order is counted in the counts of counts as KenLM's `lmplz`
    /// counts it, to get its discounts to the last digit; only where the text itself is counted.
    pub as_lmplz: bool,
    /// The word `<unk>` in the text.
    pub unk_in_text: UnkInText,
    /// Which words stay.
    pub vocabulary: VocabularyLimits,
    /// Bytes of memory to stay within.
    pub memory: u64,
    /// Where temporary files go.
    pub temporary: PathBuf,
}

impl Default for Settings {
    /// A 5-gram model by modified Kneser-Ney, nothing left out, in a gigabyte.
    fn default() -> Self {
        Self {
            order: 5,
            smoothing: Smoothing::default(),
            interpolate_unigrams: true,
            vocabulary_pad: 0,
            fallback: [0.5, 1.0, 1.5],
            strict: false,
            prune: Vec::new(),
            prune_entropy: None,
            as_lmplz: false,
            unk_in_text: UnkInText::default(),
            vocabulary: VocabularyLimits::default(),
            memory: 1 << 30,
            temporary: std::env::temp_dir(),
        }
    }
}

impl Settings {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first value that makes no sense.
    pub fn validate(&self) -> Result<()> {
        let wrong = |problem: String| Err(NgramError::Setting(problem));
        if !(1..=MAX_ORDER).contains(&self.order) {
            return Err(NgramError::Order { order: self.order, max: MAX_ORDER });
        }
        if self.vocabulary.size == Some(0) {
            return wrong("a vocabulary of 0 words: give at least 1".into());
        }
        let modified = self.smoothing == Smoothing::ModifiedKneserNey;
        if self.as_lmplz && !modified {
            return wrong(
                "as lmplz goes with modified Kneser-Ney, which is all that lmplz does".into(),
            );
        }
        if self.prune.len() > self.order {
            return wrong(format!(
                "{} pruning thresholds for an order of {}: give one for each order, or fewer",
                self.prune.len(),
                self.order
            ));
        }
        if !self.prune.is_sorted() {
            return wrong(format!(
                "pruning thresholds {:?} fall: an n-gram that stays needs its shorter ones, so give \
                 thresholds that do not fall",
                self.prune
            ));
        }
        match self.prune_entropy {
            Some(threshold) if !(threshold.is_finite() && threshold >= 0.0) => {
                return wrong(format!("entropy threshold {threshold}: give one such as 1e-8"));
            }
            _ => {}
        }
        let in_range = |(index, d): (usize, &f64)| *d >= 0.0 && *d <= index as f64 + 1.0;
        if !self.fallback.iter().enumerate().all(in_range) {
            return wrong(format!(
                "fallback discounts {:?}: D1 is in 0..1, D2 in 0..2, D3+ in 0..3",
                self.fallback
            ));
        }
        match self.smoothing {
            Smoothing::AddK(k) if !(k.is_finite() && k > 0.0) => {
                wrong(format!("add-k with k = {k}: give a positive number"))
            }
            _ => Ok(()),
        }
    }

    /// The pruning threshold of an order.
    pub(crate) fn threshold(&self, order: usize) -> u64 {
        self.prune.get(order - 1).or(self.prune.last()).copied().unwrap_or(0)
    }
}
