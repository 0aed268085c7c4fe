//! How long a window is.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};

/// Length of the windows of truncated back-propagation, in tokens.
///
/// In TOML: `{ fixed = 35 }`, or `{ random = { mean = 70 } }` with the other values optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BpttLength {
    /// Always this many (the last window of an epoch may be shorter).
    Fixed(usize),
    /// Drawn for each window (Merity et al. 2018, section 5):
    /// base = `mean`, or `mean` / 2 with probability `short_probability`;
    /// length = max(`min`, floor(N(base, `std`))).
    Random {
        /// The usual length.
        mean: usize,
        /// How often the base is half of it.
        #[serde(default = "five_percent")]
        short_probability: f64,
        /// Standard deviation.
        #[serde(default = "five")]
        std: f64,
        /// The shortest.
        #[serde(default = "five_tokens")]
        min: usize,
    },
}

fn five_percent() -> f64 {
    0.05
}

fn five() -> f64 {
    5.0
}

fn five_tokens() -> usize {
    5
}

impl BpttLength {
    /// AWD-LSTM's: base `mean` or half of it with p = .05, standard deviation 5, at least 5.
    pub fn random(mean: usize) -> Self {
        Self::Random { mean, short_probability: five_percent(), std: five(), min: five_tokens() }
    }

    /// The length to which learning rates are scaled: the fixed one, or `mean`.
    pub fn nominal(&self) -> usize {
        match *self {
            Self::Fixed(length) => length,
            Self::Random { mean, .. } => mean,
        }
    }

    /// Expected length (the floor and the lower bound left aside).
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Fixed(length) => length as f64,
            Self::Random { mean, short_probability: p, min, .. } => {
                (mean as f64 * (1.0 - p / 2.0)).max(min as f64)
            }
        }
    }

    /// The length that must fit in a stream.
    pub(super) fn longest_mean(&self) -> usize {
        match *self {
            Self::Fixed(length) => length,
            Self::Random { mean, min, .. } => mean.max(min),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong = |key, value: String, mend| Err(DataError::Setting { key, value, mend });
        match *self {
            Self::Fixed(0) => wrong("bptt.fixed", "0".into(), "must be at least 1 token"),
            Self::Random { mean: 0, .. } => {
                wrong("bptt.random.mean", "0".into(), "must be at least 1 token")
            }
            Self::Random { min: 0, .. } => {
                wrong("bptt.random.min", "0".into(), "must be at least 1 token")
            }
            Self::Random { short_probability: p, .. } if !(0.0..=1.0).contains(&p) => {
                wrong("bptt.random.short_probability", p.to_string(), "must lie between 0 and 1")
            }
            Self::Random { std, .. } if !(std.is_finite() && std >= 0.0) => {
                wrong("bptt.random.std", std.to_string(), "must be a finite number, 0 or more")
            }
            _ => Ok(()),
        }
    }

    /// The next length.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> usize {
        match *self {
            Self::Fixed(length) => length,
            Self::Random { mean, short_probability, std, min } => {
                let short = rng.random::<f64>() < short_probability;
                let base = if short { mean as f64 / 2.0 } else { mean as f64 };
                ((base + std * standard_normal(rng)) as usize).max(min)
            }
        }
    }
}

/// Box and Muller (1958), the cosine branch: two uniforms a draw, so a position in the generator's
/// stream says all of its state.
fn standard_normal(rng: &mut impl Rng) -> f64 {
    let u = 1.0 - rng.random::<f64>(); // (0, 1]: the logarithm is finite
    let v = rng.random::<f64>();
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}
