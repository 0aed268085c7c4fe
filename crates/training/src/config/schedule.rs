//! `[schedule]`: how the learning rate moves from `optimizer.lr`.

use serde::{Deserialize, Serialize};

/// The schedule; `name` picks it. The laws are in [`crate::schedule`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum ScheduleConfig {
    /// `optimizer.lr` throughout.
    #[default]
    Constant,
    /// Keep it for some epochs, then divide after each (Zaremba et al. 2014).
    EpochDecay(EpochDecayConfig),
    /// Divide when validation does not improve (PyTorch's word_language_model).
    Plateau(PlateauConfig),
    /// Linear warm-up, then half a cosine (Loshchilov & Hutter 2017).
    Cosine(CosineConfig),
    /// Linear warm-up, then `1/sqrt(step)` (Vaswani et al. 2017).
    InverseSquareRoot(InverseSquareRootConfig),
}

/// `name = "epoch_decay"`: `lr / factor^max(0, epoch - keep)`, epochs from 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EpochDecayConfig {
    /// Epochs at the full rate.
    pub keep: u64,
    /// Divisor of each later epoch.
    pub factor: f64,
}

impl Default for EpochDecayConfig {
    fn default() -> Self {
        Self { keep: 4, factor: 2.0 }
    }
}

/// `name = "plateau"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlateauConfig {
    /// Divisor after each epoch whose validation loss is not better than the best so far.
    pub factor: f64,
    /// Never below this rate.
    pub min_lr: f64,
}

impl Default for PlateauConfig {
    fn default() -> Self {
        Self { factor: 4.0, min_lr: 0.0 }
    }
}

/// `name = "cosine"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CosineConfig {
    /// Steps of linear warm-up from 0.
    pub warmup_steps: u64,
    /// Steps until the final rate; 0 = the whole budget (estimated where it is in epochs).
    pub total_steps: u64,
    /// The final rate as a share of `optimizer.lr`.
    pub final_fraction: f64,
}

impl Default for CosineConfig {
    fn default() -> Self {
        Self { warmup_steps: 100, total_steps: 0, final_fraction: 0.0 }
    }
}

/// `name = "inverse_square_root"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InverseSquareRootConfig {
    /// Steps of linear warm-up; the rate peaks at `optimizer.lr` at its end.
    pub warmup_steps: u64,
}

impl Default for InverseSquareRootConfig {
    fn default() -> Self {
        Self { warmup_steps: 4000 }
    }
}
