//! What is learnt: the data, the model, and how it is judged. The loop, the optimisers, the
//! checkpoints and the logs are the same for every task.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use burn::module::Module;
use burn::prelude::*;
use lampwick_models::Mode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::RunConfig;
use crate::corpus::Part;
use crate::error::Result;
use crate::logs::Scored;
use crate::run_dir::{DataInfo, RunDir};
use crate::step::Gradients;

/// One task; an object of it holds a run's config, its data, and where the run stands in them.
pub trait Task: Sized {
    /// The run's config.
    type Config: RunConfig<Task = Self>;
    /// What is trained.
    type Model: Module;
    /// Where the training data stands, for checkpoints.
    type Position: Clone + Debug + PartialEq + Serialize + DeserializeOwned;

    /// Reads the data; how text becomes ids is learnt from the training text, or read from `saved`,
    /// the run that goes on. Refuses what this machine cannot hold.
    fn open(config: &Self::Config, saved: Option<&RunDir>) -> Result<Self>;

    /// The config, with what the data says of it filled in.
    fn config(&self) -> &Self::Config;

    /// The same, to make its paths absolute.
    fn config_mut(&mut self) -> &mut Self::Config;

    /// What `run.json` and an observer are told.
    fn facts(&self) -> Facts;

    /// Writes how text becomes ids into the run's directory.
    fn save(&self, dir: &RunDir) -> Result<()>;

    /// The config of a run; refuses one of another task.
    fn config_of(run: &RunDir) -> Result<Self::Config>;

    /// Refuses a run with other vocabularies; `name` is what errors call it.
    fn expect_same_vocabulary(&self, other: &RunDir, name: &str) -> Result<()>;

    /// Draws a model of this config.
    fn init(config: &Self::Config, seed: u64, device: &Device) -> Result<Self::Model>;

    /// Estimated bytes that a run takes.
    fn memory(&self, parameters: usize) -> u64;

    /// Optimiser steps of an epoch (expected, where lengths are drawn), and those left of this one.
    fn steps_per_epoch(&self) -> u64;
    /// See [`Task::steps_per_epoch`].
    fn steps_left(&self) -> u64;
    /// Training tokens that are predicted in an epoch.
    fn tokens_per_epoch(&self) -> u64;
    /// Training tokens that no step sees.
    fn tokens_left_out(&self) -> usize;

    /// Back to the start of the data.
    fn start_epoch(&mut self);
    /// Where the data stands.
    fn position(&self) -> Self::Position;
    /// Puts the data, and what was carried along, where a checkpoint left them.
    fn restore(&mut self, position: &Self::Position, carried: Vec<Tensor<2>>) -> Result<()>;
    /// Tensors that go from one step to the next, for checkpoints; none at an epoch's start.
    fn carried(&self) -> Vec<Tensor<2>>;
    /// The same number of tensors of the same shapes, where a checkpoint holds any.
    fn carried_shapes(&self, device: &Device) -> Vec<Tensor<2>>;
    /// Drops what is carried along: validation has come between.
    fn forget(&mut self);

    /// Forward and backward over the batches of the next optimiser step; adds nothing when the
    /// epoch is at its end.
    fn backward(
        &mut self,
        model: &Self::Model,
        mode: &mut Mode,
        gradients: &mut Gradients<Self::Model>,
    );

    /// What the loss is multiplied by for the backward pass, and the gradients divided by after it.
    fn loss_scale(&self) -> f64 {
        1.0
    }

    /// What the lengths drawn for a step scale its learning rate by.
    fn lr_scale(&self, _gradients: &Gradients<Self::Model>) -> f64 {
        1.0
    }

    /// Whether there is such a text.
    fn has(&self, part: Part) -> bool;

    /// Judges `weights` by a text. `watch` is told (done, total) and ends it with `false`: the result
    /// is then `None`.
    fn score(
        &self,
        weights: &Self::Model,
        part: Part,
        at: At,
        watch: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<Scored>>;

    /// Texts that `weights` write; at a run's end when `last`.
    fn samples(&self, weights: &Self::Model, last: bool) -> Result<Vec<String>>;

    /// Looks at what `report.probes` names.
    fn look(&self, dir: &Path, at: At, weights: &Self::Model) -> Result<()>;
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Epoch, from 1; 0 before the first step.
    pub epoch: u64,
    /// Steps taken.
    pub step: u64,
    /// Training tokens so far.
    pub tokens: u64,
}

/// What a task says of its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Words in the vocabulary that is predicted.
    pub vocabulary: usize,
    /// SHA-256 of the vocabularies.
    pub vocabulary_hash: String,
    /// Hash and tokens of each text.
    pub data: BTreeMap<String, DataInfo>,
    /// What one predicted token is.
    pub unit: String,
    /// Entropy of the synthetic language on the validation text, nats per token.
    pub source_nats: Option<f64>,
    /// What whoever watches should know.
    pub notes: Vec<String>,
}
