//! The small sections: loss, regularisation, budget, checkpoints, sampling, report.

use serde::{Deserialize, Serialize};

use crate::probe::Probe;

/// How the losses of a window's time steps become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverTime {
    /// Mean over time and batch (PyTorch's word_language_model, AWD-LSTM).
    #[default]
    Mean,
    /// Sum over time, mean over the batch (Zaremba et al. 2014): the gradient is T times larger, so
    /// `lr = 1`, `clip_norm = 5` there is `lr = 20`, `clip_norm = 0.25` here at T = 20.
    Sum,
}

/// `[loss]`: what the gradient is taken of. Reported losses are always plain means in nats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// Mean or sum over a window's time steps.
    pub over_time: OverTime,
    /// Label smoothing (Szegedy et al. 2016), in `[0, 1)`.
    pub label_smoothing: f64,
}

/// `[regularization]`; 0 switches each off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegularizationConfig {
    /// L2 penalty added to the gradient; decoupled for AdamW.
    pub weight_decay: f64,
    /// Activation regularisation: `alpha * mean(h^2)` on the dropped output of the last layer
    /// (Merity et al. 2017, arXiv:1708.02182, section 4.6).
    pub ar: f64,
    /// Temporal activation regularisation: `beta * mean((h_t - h_{t+1})^2)` on the last layer's
    /// output before dropout (the same section).
    pub tar: f64,
    /// Largest L2 norm of the gradient of all parameters together (Pascanu et al. 2013).
    pub clip_norm: f64,
}

/// `[budget]`: the run ends at the first limit reached; 0 means no such limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetConfig {
    /// Passes over the training tokens.
    pub epochs: u64,
    /// Optimiser steps.
    pub steps: u64,
    /// Training tokens.
    pub tokens: u64,
    /// Minutes of wall-clock time over all sessions of the run. The one limit that makes two runs
    /// of the same config end at different steps.
    pub minutes: f64,
    /// Stop after this many epochs in a row without a better validation.
    pub patience: u64,
    /// Stop when a validation loss is worse than the best of all but the `n` before it (as the
    /// finetuning of Merity et al. 2017 ends, with 5).
    pub nonmonotone: u64,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { epochs: 10, steps: 0, tokens: 0, minutes: 0.0, patience: 0, nonmonotone: 0 }
    }
}

/// `[checkpoint]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Also every so many steps within an epoch; 0 = only at the end of each epoch.
    pub every_steps: u64,
    /// Also every so many minutes within an epoch; 0 = off.
    pub every_minutes: f64,
    /// How many of the newest to keep, besides the best (at least 1; 2 leave a fallback).
    pub keep: usize,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every_steps: 0, every_minutes: 10.0, keep: 2 }
    }
}

/// `[sampling]`: the text that a run writes to `samples.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingConfig {
    /// Samples at the end of the run; 0 = none.
    pub count: usize,
    /// Samples after each epoch; 0 = none.
    pub count_per_epoch: usize,
    /// Longest sample, in tokens. Word models stop at `</s>`.
    pub length: usize,
    /// 0 is greedy, 1 the model's own distribution.
    pub temperature: f64,
    /// Draw from the k likeliest tokens only; 0 = all.
    pub top_k: usize,
    /// Draw from the smallest set that holds this probability (Holtzman et al. 2020); 1 = all.
    pub top_p: f64,
    /// What every sample starts with.
    pub prompt: String,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        Self {
            count: 5,
            count_per_epoch: 1,
            length: 60,
            temperature: 0.8,
            top_k: 0,
            top_p: 1.0,
            prompt: String::new(),
        }
    }
}

/// `[report]`: what a run tells of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportConfig {
    /// A line of metrics.jsonl every so many steps.
    pub log_every: u64,
    /// Also write TensorBoard event files into the run directory.
    pub tensorboard: bool,
    /// What to look at besides the loss: `gradients` (`--probe gradients`).
    pub probes: Vec<Probe>,
    /// Published figures that the report sets beside this run's (`[[report.reference]]`).
    pub reference: Vec<ReferenceFigure>,
}

impl Default for ReportConfig {
    fn default() -> Self {
        Self { log_every: 20, tensorboard: false, probes: Vec::new(), reference: Vec::new() }
    }
}

/// A published figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReferenceFigure {
    /// Whose model this is, for the legend.
    pub name: String,
    /// Where the figures were published.
    pub source: String,
    /// Validation perplexity at the end; 0 = not given.
    pub valid_perplexity: f64,
    /// Test perplexity; 0 = not given.
    pub test_perplexity: f64,
    /// Validation perplexity after epochs 1, 2, ...; 0 where not published.
    pub valid_per_epoch: Vec<f64>,
    /// Allowed relative difference, for instance 0.05.
    pub tolerance: f64,
}

impl BudgetConfig {
    /// Steps of the run as far as the limits on epochs, steps and tokens say; 0 = they do not.
    pub fn total_steps(&self, steps_per_epoch: u64, tokens_per_epoch: u64) -> u64 {
        let by_epochs = self.epochs.saturating_mul(steps_per_epoch);
        let by_tokens = (self.tokens as f64 / tokens_per_epoch.max(1) as f64
            * steps_per_epoch as f64)
            .ceil() as u64;
        [by_epochs, self.steps, by_tokens].into_iter().filter(|&steps| steps > 0).min().unwrap_or(0)
    }
}
