//! What a hypothesis is worth beside its log-probability.

use serde::{Deserialize, Serialize};

use crate::error::DecodingError;

/// Coverage below this counts as this: one source position that nothing looked at does not make all
/// hypotheses equally worthless.
const LEAST_COVERAGE: f64 = 1e-10;

/// How a log-probability is set against the length. `|Y|` counts every token that was scored: the
/// end, too, where it was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LengthPenalty {
    /// `ln P(Y|X)`: favours the short.
    #[default]
    None,
    /// `ln P(Y|X) / ((5 + |Y|) / 6)^alpha` (Wu et al. 2016, eq. 14).
    Gnmt {
        /// 0 is no penalty; 0.6 to 1 are usual.
        alpha: f64,
    },
    /// `ln P(Y|X) / |Y|^exponent`; 1 is the mean.
    Power {
        /// 0 is no penalty.
        exponent: f64,
    },
    /// `ln P(Y|X) + reward |Y|` (He et al. 2016, section 3.3).
    Reward {
        /// Nats a token; below 0 it favours the short even more.
        reward: f64,
    },
}

/// How a hypothesis is set against what it looked at: `c_j` is the attention that position `j` of
/// the source was given, summed over the tokens scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CoveragePenalty {
    /// None.
    #[default]
    None,
    /// `+ beta sum_j ln min(c_j, 1)` (Wu et al. 2016, eq. 14): against what was left out.
    Gnmt {
        /// 0 is no penalty; 0.2 is usual.
        beta: f64,
    },
    /// `- beta (sum_j max(c_j, 1) - S)` (Gehrmann et al. 2018, section 4.3, after See et al. 2017):
    /// against what is said twice, as summaries do.
    Summary {
        /// 0 is no penalty; 5 to 10 are usual.
        beta: f64,
    },
}

/// The score by which finished hypotheses are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scoring {
    /// Against the length.
    pub length: LengthPenalty,
    /// Against the attention.
    pub coverage: CoveragePenalty,
}

impl LengthPenalty {
    /// What a log-probability is divided by.
    fn divisor(self, length: usize) -> f64 {
        match self {
            Self::None | Self::Reward { .. } => 1.0,
            Self::Gnmt { alpha } => ((5.0 + length as f64) / 6.0).powf(alpha),
            Self::Power { exponent } => (length.max(1) as f64).powf(exponent),
        }
    }

    fn reward(self, length: usize) -> f64 {
        if let Self::Reward { reward } = self { reward * length as f64 } else { 0.0 }
    }
}

impl CoveragePenalty {
    /// What is added.
    fn of(self, coverage: &[f64]) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Gnmt { beta } => {
                beta * coverage.iter().map(|c| c.clamp(LEAST_COVERAGE, 1.0).ln()).sum::<f64>()
            }
            Self::Summary { beta } => {
                -beta * (coverage.iter().map(|c| c.max(1.0)).sum::<f64>() - coverage.len() as f64)
            }
        }
    }
}

impl Scoring {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first value that makes no sense.
    pub fn validate(&self) -> Result<(), DecodingError> {
        let finite = |value: f64, least: f64| value.is_finite() && value >= least;
        match self.length {
            LengthPenalty::Gnmt { alpha: value } | LengthPenalty::Power { exponent: value }
                if !finite(value, 0.0) =>
            {
                return Err(DecodingError::LengthPenalty(value));
            }
            LengthPenalty::Reward { reward } if !reward.is_finite() => {
                return Err(DecodingError::WordReward(reward));
            }
            _ => {}
        }
        match self.coverage {
            CoveragePenalty::Gnmt { beta } | CoveragePenalty::Summary { beta }
                if !finite(beta, 0.0) =>
            {
                Err(DecodingError::CoveragePenalty(beta))
            }
            _ => Ok(()),
        }
    }

    /// Whether attention is needed.
    pub(crate) fn needs_coverage(&self) -> bool {
        self.coverage != CoveragePenalty::None
    }

    /// Of a log-probability, the number of tokens that it is the sum of, and their attention summed
    /// for each position of the source (not read where there is no coverage penalty).
    pub fn score(&self, log_prob: f64, length: usize, coverage: &[f64]) -> f64 {
        let score = log_prob / self.length.divisor(length) + self.length.reward(length);
        score + self.coverage.of(coverage)
    }

    /// What a hypothesis's coverage already costs all that continue it: attention only adds, so the
    /// summary penalty only grows and GNMT's only shrinks, to 0 at best.
    pub(crate) fn lasting(&self, coverage: &[f64]) -> f64 {
        match self.coverage {
            CoveragePenalty::None | CoveragePenalty::Gnmt { .. } => 0.0,
            CoveragePenalty::Summary { .. } => self.coverage.of(coverage),
        }
    }
}

/// Bounds of the scores that can still be reached. Every operation of [`Scoring::score`] rounds
/// monotonically, so the bounds hold bit by bit.
#[derive(Debug)]
pub(crate) struct Bounds {
    scoring: Scoring,
    /// `[L]`: the largest divisor of all lengths up to `L`.
    largest: Vec<f64>,
}

impl Bounds {
    /// For targets of up to `longest` tokens, the end among them.
    pub(crate) fn new(scoring: Scoring, longest: usize) -> Self {
        let divisors = (0..=longest).map(|length| scoring.length.divisor(length));
        let largest = divisors.scan(0.0, |largest: &mut f64, divisor| {
            *largest = largest.max(divisor);
            Some(*largest)
        });
        Self { scoring, largest: largest.collect() }
    }

    /// No hypothesis that continues one of `log_prob` and ends with `next` to `longest` tokens in
    /// all scores more, coverage apart. A log-probability only falls, and it is never above 0: the
    /// largest divisor is its best.
    pub(crate) fn upper(&self, log_prob: f64, next: usize, longest: usize) -> f64 {
        let length = self.scoring.length;
        let reward = length.reward(next).max(length.reward(longest));
        log_prob / self.largest[longest] + reward
    }
}
