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

use crate::config::{Config, DataConfig};
use crate::error::Result;

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

impl Corpus {
    /// Reads what the config names.
    ///
    /// # Errors
    /// [`Error::Data`] for files that are missing, empty or no text; [`Error::Config`] when nothing
    /// can be held out.
    pub fn open(config: &Config) -> Result<Self> {
        match &config.data {
            DataConfig::Synthetic(data) => synthetic::corpus(data),
            DataConfig::Text(data) => portions::corpus(data),
            DataConfig::Tokens(data) => prepared::corpus(data),
        }
    }

    /// What one token is.
    pub fn unit(&self) -> Unit {
        unit_of(&self.tokenizer)
    }
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
