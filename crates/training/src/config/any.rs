//! A config of whatever task its key `task` names.

use std::path::Path;

use super::load::{self, ConfigError, Resolved};
use super::{Config, Override, RunConfig, Seq2SeqConfig, Shared};

/// A config of one of the tasks.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyConfig {
    /// Without the key `task`.
    LanguageModel(Box<Config>),
    /// `task = "encoder_decoder"`.
    Seq2Seq(Box<Seq2SeqConfig>),
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
        // What is no TOML is told by the reader of the whole.
        let has_task =
            toml::from_str::<toml::Table>(text).is_ok_and(|table| table.contains_key("task"));
        if has_task {
            let Resolved { config, changes } = Seq2SeqConfig::parse(text, file, overrides)?;
            return Ok(Resolved { config: Self::Seq2Seq(Box::new(config)), changes });
        }
        let Resolved { config, changes } = Config::parse(text, file, overrides)?;
        Ok(Resolved { config: Self::LanguageModel(Box::new(config)), changes })
    }

    /// The sections that every task has.
    pub fn shared(&self) -> Shared<'_> {
        match self {
            Self::LanguageModel(config) => config.shared(),
            Self::Seq2Seq(config) => config.shared(),
        }
    }

    /// The key `device`.
    pub fn device_mut(&mut self) -> &mut String {
        match self {
            Self::LanguageModel(config) => config.device_mut(),
            Self::Seq2Seq(config) => config.device_mut(),
        }
    }

    /// As [`RunConfig::to_toml`].
    ///
    /// # Panics
    /// Never, as there.
    pub fn to_toml(&self) -> String {
        match self {
            Self::LanguageModel(config) => config.to_toml(),
            Self::Seq2Seq(config) => config.to_toml(),
        }
    }
}
