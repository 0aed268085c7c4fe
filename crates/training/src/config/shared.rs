//! What the configs of all tasks have, and what the loop reads of it.

use std::fmt::Debug;
use std::path::Path;
use std::sync::atomic::AtomicI32;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    BudgetConfig, CheckpointConfig, Config, ConfigError, OptimizerConfig, Override,
    RegularizationConfig, ReportConfig, Resolved, ScheduleConfig, load, validate,
};
use crate::dry_run::{self, DryRun};
use crate::language_modeling::LanguageModeling;
use crate::observer::Observer;
use crate::start;
use crate::task::Task;
use crate::train::Outcome;

/// The config of a run of one task.
pub trait RunConfig: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned {
    /// What such a config trains.
    #[doc(hidden)]
    type Task: Task<Config = Self>;

    /// The sections that every task has.
    fn shared(&self) -> Shared<'_>;

    /// Reads a file and applies overrides.
    ///
    /// # Errors
    /// A file that cannot be read or is not TOML, unknown keys (with the nearest known one), wrong
    /// types, unset environment variables in paths, values that cannot work.
    fn load(path: &Path, overrides: &[Override]) -> Result<Resolved<Self>, ConfigError> {
        Self::parse(&load::read(path)?, &path.display().to_string(), overrides)
    }

    /// The same from text; `file` is what errors call it.
    ///
    /// # Errors
    /// As [`RunConfig::load`].
    fn parse(
        text: &str,
        file: &str,
        overrides: &[Override],
    ) -> Result<Resolved<Self>, ConfigError> {
        load::parse(text, file, overrides)
    }

    /// The config as TOML, every value visible; `--print-config` and `config.toml`.
    ///
    /// # Panics
    /// Never: every field is representable in TOML.
    fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("every field of a config is representable in TOML")
    }

    /// The key `device`.
    fn device_mut(&mut self) -> &mut String;

    /// Every path and its key.
    #[doc(hidden)]
    fn paths(&mut self) -> Vec<(&'static str, &mut String)>;

    /// The first value that cannot work.
    #[doc(hidden)]
    fn validate(&self, file: &str) -> Result<(), ConfigError>;

    /// What [`crate::train`](fn@crate::train) does.
    #[doc(hidden)]
    fn begin(
        &self,
        dir: &Path,
        stop: &AtomicI32,
        observer: &mut dyn Observer,
    ) -> crate::Result<Outcome>;

    /// What [`crate::dry_run`](fn@crate::dry_run) does.
    #[doc(hidden)]
    fn try_out(&self, dir: &Path) -> crate::Result<DryRun>;
}

/// The sections that every task has; each as in [`Config`].
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Shared<'a> {
    pub name: &'a str,
    pub seed: u64,
    pub device: &'a str,
    pub start_from: &'a str,
    pub optimizer: &'a OptimizerConfig,
    pub schedule: &'a ScheduleConfig,
    pub regularization: &'a RegularizationConfig,
    pub budget: &'a BudgetConfig,
    pub checkpoint: &'a CheckpointConfig,
    pub report: &'a ReportConfig,
}

impl RunConfig for Config {
    type Task = LanguageModeling;

    fn shared(&self) -> Shared<'_> {
        Shared {
            name: &self.name,
            seed: self.seed,
            device: &self.device,
            start_from: &self.start_from,
            optimizer: &self.optimizer,
            schedule: &self.schedule,
            regularization: &self.regularization,
            budget: &self.budget,
            checkpoint: &self.checkpoint,
            report: &self.report,
        }
    }

    fn device_mut(&mut self) -> &mut String {
        &mut self.device
    }

    fn paths(&mut self) -> Vec<(&'static str, &mut String)> {
        let mut paths = vec![("start_from", &mut self.start_from)];
        paths.extend(self.data.paths());
        paths
    }

    fn validate(&self, file: &str) -> Result<(), ConfigError> {
        validate::language_model(self, file)
    }

    fn begin(
        &self,
        dir: &Path,
        stop: &AtomicI32,
        observer: &mut dyn Observer,
    ) -> crate::Result<Outcome> {
        start::begin(self, dir, stop, observer)
    }

    fn try_out(&self, dir: &Path) -> crate::Result<DryRun> {
        dry_run::try_out(self, dir)
    }
}
