//! Synthetic tasks that ask for memory over `T` steps, each with the loss of whoever remembers
//! nothing (Hochreiter and Schmidhuber 1997, section 5; Arjovsky et al. 2016, section 5).
//!
//! | task | what is asked | loss | chance |
//! |---|---|---|---|
//! | [`Task::Adding`] | the sum of two marked numbers | squared error | 1/6 |
//! | [`Task::Copy`] | ten symbols, in order, after a pause | cross entropy a step | 10 ln 8 / (T+20) |
//! | [`Task::TemporalOrder`] | in which order two symbols came | cross entropy | ln 4 |
//!
//! A model that does not carry what it saw over the gap cannot be better than chance.

mod adding;
mod copy;
mod reversal;
mod temporal_order;

#[cfg(test)]
mod tests;

pub use reversal::reversal;

use burn::prelude::*;
use rand::Rng;

use crate::error::{DataError, Result};

/// A task and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// `T` steps of a number from U(0, 1) and a mark; one mark in each half; asked after the last
    /// step for the sum of the two marked numbers (Hochreiter and Schmidhuber 1997, experiment 4, as
    /// Le et al. 2015 and Arjovsky et al. 2016 pose it).
    Adding {
        /// `T`.
        steps: usize,
    },
    /// Ten symbols of eight, `T - 1` blanks, a sign to begin, and ten more steps in which the
    /// symbols are asked for in order; blanks are asked for before (Hochreiter and Schmidhuber 1997;
    /// Arjovsky et al. 2016, section 5.1). `T + 20` steps in all.
    Copy {
        /// `T`.
        steps: usize,
    },
    /// `T` symbols, noise but for the first, the last, and an X or Y in each of two places: asked
    /// after the last step which came first and which second, four classes (Hochreiter and
    /// Schmidhuber 1997, experiment 6a; the places as shares of T by Martens and Sutskever 2011).
    TemporalOrder {
        /// `T`.
        steps: usize,
    },
}

/// A batch of a task, time-major.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskBatch {
    /// `[T, B, I]`.
    pub inputs: Vec<f32>,
    /// What is asked.
    pub targets: Targets,
    /// Steps `T` of the sequences.
    pub steps: usize,
    /// Sequences `B`.
    pub batch: usize,
}

/// What is asked of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// A number after the last step, `[B]`; squared error.
    Value(Vec<f32>),
    /// A class after the last step, `[B]`; cross entropy.
    Class(Vec<u32>),
    /// A class after each step, `[T, B]`; cross entropy, meaned over the steps.
    Classes(Vec<u32>),
}

impl Task {
    /// Checks the length.
    ///
    /// # Errors
    /// [`DataError::Setting`] for a sequence too short for what the task places in it.
    pub fn check(self) -> Result<()> {
        let (least, mend) = match self {
            Self::Adding { .. } => (2, "must be at least 2, a mark in each half"),
            Self::Copy { .. } => (1, "must be at least 1"),
            Self::TemporalOrder { .. } => (10, "must be at least 10"),
        };
        let steps = self.gap();
        if steps >= least {
            return Ok(());
        }
        Err(DataError::Setting { key: "task.steps", value: steps.to_string(), mend })
    }

    /// `adding`, `copy` or `temporal-order`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adding { .. } => "adding",
            Self::Copy { .. } => "copy",
            Self::TemporalOrder { .. } => "temporal-order",
        }
    }

    /// `T` as the literature counts it.
    pub fn gap(self) -> usize {
        match self {
            Self::Adding { steps } | Self::Copy { steps } | Self::TemporalOrder { steps } => steps,
        }
    }

    /// Steps of a sequence.
    pub fn steps(self) -> usize {
        match self {
            Self::Copy { steps } => copy::sequence(steps),
            Self::Adding { steps } | Self::TemporalOrder { steps } => steps,
        }
    }

    /// `I`: features of an input step.
    pub fn inputs(self) -> usize {
        match self {
            Self::Adding { .. } => adding::INPUTS,
            Self::Copy { .. } => copy::SYMBOLS,
            Self::TemporalOrder { .. } => temporal_order::SYMBOLS,
        }
    }

    /// Numbers that a model has to give: 1 for a value, else the number of classes.
    pub fn outputs(self) -> usize {
        match self {
            Self::Adding { .. } => 1,
            Self::Copy { .. } => copy::SYMBOLS,
            Self::TemporalOrder { .. } => temporal_order::CLASSES,
        }
    }

    /// The least expected loss of a model that remembers nothing of what it saw: squared error, or
    /// nats meaned over the steps that are asked.
    pub fn chance(self) -> f64 {
        match self {
            Self::Adding { .. } => adding::CHANCE,
            Self::Copy { steps } => copy::chance(steps),
            Self::TemporalOrder { .. } => (temporal_order::CLASSES as f64).ln(),
        }
    }

    /// Draws `batch` sequences.
    ///
    /// # Panics
    /// When [`Task::check`] would refuse the length.
    pub fn batch(self, batch: usize, rng: &mut impl Rng) -> TaskBatch {
        let steps = self.steps();
        let mut inputs = vec![0.0; steps * batch * self.inputs()];
        let targets = match self {
            Self::Adding { .. } => adding::fill(&mut inputs, steps, batch, rng),
            Self::Copy { .. } => copy::fill(&mut inputs, steps, batch, rng),
            Self::TemporalOrder { .. } => temporal_order::fill(&mut inputs, steps, batch, rng),
        };
        TaskBatch { inputs, targets, steps, batch }
    }
}

impl TaskBatch {
    /// The inputs as a tensor, `[T, B, I]`.
    pub fn input_tensor(&self, device: &Device) -> Tensor<3> {
        let features = self.inputs.len() / (self.steps * self.batch);
        let shape = [self.steps, self.batch, features];
        Tensor::from_data(TensorData::new(self.inputs.clone(), shape), device)
    }
}
