//! Everything about a run that is not a tensor and must survive a kill: `state.json`.

use lampwick_models::Mode;
use serde::{Deserialize, Serialize};

use crate::exact;
use crate::logs::Quality;
use crate::schedule::ScheduleState;

/// The loop's whole state besides the tensors, and nothing of the clock: what time a run has taken is
/// read back from `timings.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State<P> {
    /// Optimiser steps taken.
    pub(crate) step: u64,
    /// The epoch under way, from 1.
    pub(crate) epoch: u64,
    /// Whether that epoch has been validated: the next step belongs to the next one.
    pub(crate) validated: bool,
    /// Training tokens predicted so far.
    pub(crate) tokens: u64,
    /// Where the training data stand, random window lengths included.
    pub(crate) position: P,
    /// The dropout masks' random stream.
    pub(crate) dropout: Mode,
    /// The schedule's memory.
    pub(crate) schedule: ScheduleState,
    /// Steps in the average (ASGD); `None` before it starts.
    pub(crate) averaged: Option<u64>,
    /// Training loss of this epoch so far.
    pub(crate) epoch_loss: MeanLoss,
    /// Training loss since the last line of metrics.jsonl.
    pub(crate) line_loss: MeanLoss,
    /// Validation loss after each epoch, in nats per token.
    #[serde(with = "exact::list")]
    pub(crate) valid_losses: Vec<f64>,
    /// The best validation so far.
    pub(crate) best: Option<Best>,
    /// Bytes of the append-only files that belong to this checkpoint.
    pub(crate) logs: LogLengths,
}

/// The best validation of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Best {
    pub(crate) epoch: u64,
    pub(crate) step: u64,
    #[serde(with = "exact")]
    pub(crate) loss: f64,
    /// What decided, where it is not the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<Quality>,
    /// Name of its checkpoint.
    pub(crate) checkpoint: String,
}

/// Lengths of the files that a run appends to. A resumed run cuts what is beyond: it will write the
/// same bytes again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogLengths {
    pub(crate) metrics: u64,
    pub(crate) samples: u64,
}

/// A sum of losses over tokens, in f64 so that its order of summation hardly shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeanLoss {
    #[serde(with = "exact")]
    sum: f64,
    tokens: u64,
}

impl MeanLoss {
    /// Adds the sum of the losses of `tokens` tokens.
    pub(crate) fn add(&mut self, sum: f64, tokens: u64) {
        self.sum += sum;
        self.tokens += tokens;
    }

    /// Nats per token; `None` before the first.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.sum / self.tokens as f64)
    }
}

impl<P> State<P> {
    /// The state before the first step.
    pub(crate) fn new(position: P, dropout: Mode) -> Self {
        Self {
            step: 0,
            epoch: 1,
            validated: false,
            tokens: 0,
            position,
            dropout,
            schedule: ScheduleState::default(),
            averaged: None,
            epoch_loss: MeanLoss::default(),
            line_loss: MeanLoss::default(),
            valid_losses: Vec::new(),
            best: None,
            logs: LogLengths::default(),
        }
    }

    /// The name of a checkpoint of this state. A checkpoint within the epoch sorts before the one
    /// that follows its validation at the same step.
    pub(crate) fn checkpoint_name(&self) -> String {
        let step = crate::checkpoint::name(self.step);
        if self.validated { format!("{step}-epoch-{:04}", self.epoch) } else { step }
    }

    /// Epochs in a row without a better validation.
    pub(crate) fn epochs_without_improvement(&self) -> u64 {
        self.best.as_ref().map_or(0, |best| self.valid_losses.len() as u64 - best.epoch)
    }
}
