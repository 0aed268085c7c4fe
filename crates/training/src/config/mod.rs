//! One TOML file = one run. [`Config`] is the whole of it: every value that changes a run is a
//! key here, every key has a visible default, and the resolved copy lands in the run directory.
//!
//! Reading order: this file (the sections), `optimizer`, `schedule`, `data`; `shared` (what the
//! configs of all tasks have); then `load` (TOML to [`Config`], with errors that name file, line and
//! the nearest key), `overrides` (`a.b=value`) and `validate` (values that cannot work).

mod any;
mod data;
mod load;
mod optimizer;
mod overrides;
mod pair_data;
pub(crate) mod paths;
mod schedule;
mod sections;
mod seq2seq;
mod shared;
pub(crate) mod validate;

pub use any::AnyConfig;
pub use data::{BatchConfig, DataConfig, SyntheticData, TextData, TokenData};
pub use load::{ConfigError, Resolved};
pub use optimizer::{
    AdamConfig, AdamWConfig, AsgdConfig, NtAsgdConfig, OptimizerConfig, RmsPropConfig, SgdConfig,
};
pub use overrides::{Change, Override};
pub use pair_data::{
    CorpusData, DigitData, LineData, PairData, PictureData, ReversalData, TsvData,
};
pub use schedule::{
    CosineConfig, EpochDecayConfig, InverseSquareRootConfig, PlateauConfig, ScheduleConfig,
};
pub use sections::{
    BudgetConfig, CheckpointConfig, LossConfig, OverTime, ReferenceFigure, RegularizationConfig,
    ReportConfig, SamplingConfig,
};
pub use seq2seq::{
    EncoderDecoderTask, PairBatchConfig, SamplingDecay, ScheduledSampling, Seq2SeqConfig,
    Seq2SeqLossConfig, TokenizersConfig, ValidationConfig, ValidationMetric,
};
pub use shared::{RunConfig, Shared};

use lampwick_models::LanguageModelConfig;
use serde::{Deserialize, Serialize};

/// A whole run that trains a language model. Missing keys take the defaults that `--print-config` shows; unknown keys are errors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The run's name, as the report's title shows it.
    pub name: String,
    /// Seeds everything random: initial weights, dropout, random BPTT lengths, samples.
    pub seed: u64,
    /// `flex`, `ndarray`, `cpu`, `wgpu[:N]`, `vulkan[:N]`, `metal[:N]` or `cuda[:N]`; empty means
    /// the first compiled in. Several of one backend, separated by commas, share each batch: every
    /// one runs its part of the streams, the first updates the weights.
    pub device: String,
    /// A run whose best weights this one starts with, for finetuning: its directory, which may hold
    /// `${NAME}`. Empty: weights are drawn.
    pub start_from: String,
    /// The network. `vocabulary = 0` takes the size from the data.
    pub model: LanguageModelConfig,
    /// Where the text comes from and how it becomes token ids.
    pub data: DataConfig,
    /// Streams, BPTT windows, and their counterparts for evaluation.
    pub batches: BatchConfig,
    /// What the gradient is taken of.
    pub loss: LossConfig,
    /// The update rule.
    pub optimizer: OptimizerConfig,
    /// How the learning rate moves.
    pub schedule: ScheduleConfig,
    /// Weight decay, activation regularisation, clipping.
    pub regularization: RegularizationConfig,
    /// When to stop.
    pub budget: BudgetConfig,
    /// When to write a checkpoint and how many to keep.
    pub checkpoint: CheckpointConfig,
    /// The text generated at the end (and after each epoch).
    pub sampling: SamplingConfig,
    /// Log interval and the published figures to set the run beside.
    pub report: ReportConfig,
}
