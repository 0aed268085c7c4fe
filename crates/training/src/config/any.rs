//! A config of whatever task its key `task` names.

use std::path::Path;

use super::load::{self, ConfigError, Resolved};
use super::{Config, Override, RunConfig, Shared};

/// A config of one of the tasks.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyConfig {
    /// `task = "language_model"`, or no such key.
    LanguageModel(Config),
}

impl AnyConfig {
    /// Reads a file and applies overrides.
    ///
    /// # Errors
    /// As [`RunConfig::load`].
    pub fn load(path: &Path, overrides: &[Override]) -> Result<Resolved<Self>, ConfigError> {
        Self::parse(&load::read(path)?, &path.display().to_string(), overrides)
    }

    /// The same from text; `file` is what errors call it.
    ///
    /// # Errors
    /// As [`RunConfig::load`].
    pub fn parse(
        text: &str,
        file: &str,
        overrides: &[Override],
    ) -> Result<Resolved<Self>, ConfigError> {
        let Resolved { config, changes } = Config::parse(text, file, overrides)?;
        Ok(Resolved { config: Self::LanguageModel(config), changes })
    }

    /// The sections that every task has.
    pub fn shared(&self) -> Shared<'_> {
        match self {
            Self::LanguageModel(config) => config.shared(),
        }
    }

    /// The key `device`.
    pub fn device_mut(&mut self) -> &mut String {
        match self {
            Self::LanguageModel(config) => config.device_mut(),
        }
    }

    /// As [`RunConfig::to_toml`].
    ///
    /// # Panics
    /// Never, as there.
    pub fn to_toml(&self) -> String {
        match self {
            Self::LanguageModel(config) => config.to_toml(),
        }
    }
}
