//! The kinds of tokenizers as configuration.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How text is split into tokens.
///
/// In TOML: `"words"`, `"characters"`, `"bytes"`, or
/// `{ subwords = { model = "bpe", size = 8000 } }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenizerKind {
    /// Words separated by white space, `</s>` at the end of each line.
    #[default]
    Words,
    /// Unicode characters, the newline among them.
    Characters,
    /// Bytes; ids are their values.
    Bytes,
    /// Parts of words, learnt from the text (or loaded from a `tokenizer.json`).
    Subwords {
        /// How they are learnt.
        model: SubwordModel,
        /// Tokens in the vocabulary.
        size: usize,
    },
}

/// A subword model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubwordModel {
    /// Byte pair encoding over bytes (Sennrich et al. 2016; GPT-2's byte level): no unknown tokens.
    Bpe,
    /// Unigram language model (Kudo 2018).
    Unigram,
    /// Made elsewhere and loaded from a `tokenizer.json`.
    Imported,
}

impl fmt::Display for TokenizerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words => f.write_str("words"),
            Self::Characters => f.write_str("characters"),
            Self::Bytes => f.write_str("bytes"),
            Self::Subwords { model, size } => {
                let model = match model {
                    SubwordModel::Bpe => "bpe",
                    SubwordModel::Unigram => "unigram",
                    SubwordModel::Imported => "imported",
                };
                write!(f, "subwords ({model}, {size})")
            }
        }
    }
}
