//! `[data]` -> token ids: training, validation and test text under one tokenizer.
//!
//! - this file: what a corpus is
//! - `synthetic`: generated; `portions`: from text files, or from the last lines of one;
//!   `prepared`: from token files

mod portions;
mod prepared;
mod synthetic;
#[cfg(test)]
mod tests;

use lampwick_data::{TextCounts, Tokenizer, TokenizerKind, Tokens};
use lampwick_metrics::Unit;
use sha2::{Digest, Sha256};

use crate::config::{Config, ConfigError, DataConfig};
use crate::error::{Error, Result};

/// The texts of a run, as token ids.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Text to ids and back.
    pub tokenizer: Tokenizer,
    /// What the gradient sees.
    pub train: Text,
    /// What decides.
    pub valid: Text,
    /// What the run is judged by, where there is one.
    pub test: Option<Text>,
}

impl Corpus {
    /// Tokens that are held in memory, not mapped from a file.
    pub(crate) fn ids_in_memory(&self) -> usize {
        let texts = [&self.train, &self.valid].into_iter().chain(&self.test);
        texts
            .filter(|text| matches!(text.tokens, Tokens::Memory(_)))
            .map(|text| text.tokens.len())
            .sum()
    }
}

/// One text.
#[derive(Clone, Debug)]
pub struct Text {
    /// The ids.
    pub tokens: Tokens,
    /// Lines, characters, unknown words.
    pub counts: TextCounts,
    /// Entropy of this text under its source, nats per token (synthetic language only).
    pub source_nats: Option<f64>,
}

impl Text {
    /// SHA-256 of the ids, hexadecimal.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        let mut ids = Vec::new();
        for start in (0..self.tokens.len()).step_by(1 << 16) {
            ids.clear();
            self.tokens.copy(start..(start + (1 << 16)).min(self.tokens.len()), &mut ids);
            for id in &ids {
                hasher.update(id.to_le_bytes());
            }
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Which of a run's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the gradient sees.
    Train,
    /// What decides.
    Valid,
    /// What the run is judged by.
    Test,
}

impl Part {
    /// Its key under `[data]`, and its word in file names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Valid => "valid",
            Part::Test => "test",
        }
    }
}

impl Text {
    /// One of the texts that a config names, as ids of `tokenizer`; `None` where it names none. The
    /// other texts are not read.
    ///
    /// # Errors
    /// [`Error::Data`] for files that are missing, empty or no text, or were prepared with another
    /// vocabulary; [`Error::Config`] when nothing can be held out.
    pub fn of_run(config: &Config, tokenizer: &Tokenizer, part: Part) -> Result<Option<Self>> {
        match &config.data {
            DataConfig::Synthetic(data) => synthetic::text(data, tokenizer, part),
            DataConfig::Text(data) => portions::text(data, tokenizer, part),
            DataConfig::Tokens(data) => prepared::text(data, tokenizer, part),
        }
    }
}

impl Corpus {
    /// Makes the tokenizer that the config asks for, from the training text, and reads the texts.
    ///
    /// # Errors
    /// As [`Text::of_run`].
    pub fn open(config: &Config) -> Result<Self> {
        let tokenizer = match &config.data {
            DataConfig::Synthetic(data) => synthetic::tokenizer(data)?,
            DataConfig::Text(data) => portions::tokenizer(data)?,
            DataConfig::Tokens(data) => Tokenizer::load(&data.dir)?,
        };
        Self::with_tokenizer(config, tokenizer)
    }

    /// Reads the texts under a tokenizer that exists: a run's own, so that what was learnt from its
    /// text is not learnt again.
    ///
    /// # Errors
    /// As [`Text::of_run`].
    pub fn with_tokenizer(config: &Config, tokenizer: Tokenizer) -> Result<Self> {
        let read = |part| Text::of_run(config, &tokenizer, part);
        let needed = |part| read(part)?.ok_or_else(|| missing(&config.data, part));
        let (train, valid, test) = (needed(Part::Train)?, needed(Part::Valid)?, read(Part::Test)?);
        Ok(Self { train, valid, test, tokenizer })
    }

    /// What one token is.
    pub fn unit(&self) -> Unit {
        unit_of(&self.tokenizer)
    }
}

/// A text that training cannot do without.
fn missing(data: &DataConfig, part: Part) -> Error {
    let name = part.name();
    let (key, problem, mend) = match data {
        DataConfig::Tokens(data) => (
            format!("data.{name}"),
            format!("{} has no token file for it", data.dir),
            format!("prepare one (`lampwick prepare {name}.txt --out {}`)", data.dir),
        ),
        DataConfig::Text(data) => (
            "data.holdout".into(),
            format!("{} has too few lines to hold any out", data.train),
            "name a validation file: `data.valid=FILE`".into(),
        ),
        DataConfig::Synthetic(_) => {
            (format!("data.{name}_tokens"), "is 0".into(), "ask for some".into())
        }
    };
    ConfigError::value("config", &key, &problem, &mend).into()
}

/// The unit that a tokenizer's perplexity is per.
pub fn unit_of(tokenizer: &Tokenizer) -> Unit {
    match tokenizer.kind() {
        TokenizerKind::Words => Unit::Word,
        TokenizerKind::Characters => Unit::Character,
        TokenizerKind::Bytes => Unit::Byte,
        TokenizerKind::Subwords { .. } => Unit::Token,
    }
}
