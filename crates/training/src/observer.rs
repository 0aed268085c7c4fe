//! What a run tells whoever watches. This crate never prints: a program turns events into a
//! progress line, plain lines, or burn-train's dashboard.

use std::path::Path;

use crate::logs::Scored;

/// Receives the events of a run, in order, on the training thread.
pub trait Observer {
    /// Called for every event; the step events are many, so be quick.
    fn event(&mut self, event: &Event<'_>);
}

/// Any closure can watch.
impl<F: FnMut(&Event<'_>)> Observer for F {
    fn event(&mut self, event: &Event<'_>) {
        self(event);
    }
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The data is read and the model built; training begins (or continues at `step`).
    Started(&'a Started),
    /// Something is wrong but the run goes on, for instance a damaged checkpoint that was passed by.
    Warning(&'a str),
    /// An optimiser step was taken.
    Step(&'a Step),
    /// Validation: `done` of `total` windows.
    Evaluating {
        /// Windows scored.
        done: usize,
        /// Windows in all.
        total: usize,
    },
    /// An epoch was validated.
    Validated(&'a Scored),
    /// Averaging (ASGD) starts with the next step.
    AveragingStarted,
    /// A checkpoint is visible.
    Checkpoint {
        /// Its folder.
        path: &'a Path,
    },
    /// A text was generated.
    Sample {
        /// The text.
        text: &'a str,
        /// Whether it belongs to the run's end rather than to an epoch's.
        last: bool,
    },
    /// The test set was scored with the best weights.
    Tested(&'a Scored),
    /// The report is written.
    Report {
        /// `report.html`.
        path: &'a Path,
    },
}

/// How a run begins.
#[derive(Clone, Debug)]
pub struct Started {
    /// The run's folder.
    pub dir: std::path::PathBuf,
    /// Trainable numbers.
    pub parameters: usize,
    /// Device name.
    pub device: String,
    /// Words, characters, bytes or subwords in the vocabulary.
    pub vocabulary: usize,
    /// Tokens of the training text.
    pub train_tokens: usize,
    /// Steps per epoch (expected number when window lengths are drawn).
    pub steps_per_epoch: u64,
    /// Steps of the whole run, if its budget says; else 0.
    pub total_steps: u64,
    /// Steps already taken (a resumed run).
    pub step: u64,
    /// Entropy of the synthetic language on the validation text, bits per token.
    pub source_entropy_bits: Option<f64>,
}

/// One optimiser step: what a progress line shows.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Epoch, from 1.
    pub epoch: u64,
    /// Epochs of the budget; 0 = not limited.
    pub epochs: u64,
    /// Steps taken, this one included.
    pub step: u64,
    /// Steps of this epoch taken, and in all (expected).
    pub step_in_epoch: u64,
    /// Steps of an epoch (expected).
    pub steps_per_epoch: u64,
    /// Steps of the run (0: unknown).
    pub total_steps: u64,
    /// Mean loss of the epoch so far, nats per token.
    pub epoch_loss: f64,
    /// Loss of this step's windows, nats per token.
    pub loss: f64,
    /// Learning rate.
    pub lr: f64,
    /// Gradient norm before clipping.
    pub gradient_norm: f64,
    /// Training tokens per second, smoothed.
    pub tokens_per_second: f64,
    /// Seconds to the end of the run by the budget and the present speed.
    pub eta_seconds: Option<f64>,
}
