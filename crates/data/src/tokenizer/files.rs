//! A tokenizer as files in a folder:
//!
//! ```text
//! vocabulary.txt          the tokens, readable
//! tokenizer.kind.json     the kind, and the hash of the vocabulary
//! tokenizer.json          subwords only: the file of the `tokenizers` library
//! ```

use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::subwords::Subwords;
use super::{SubwordModel, Tokenizer, TokenizerKind};
use crate::atomic;
use crate::error::{DataError, Result};
use crate::vocabulary::Vocabulary;

/// Name of the vocabulary's file.
pub const VOCABULARY_FILE: &str = "vocabulary.txt";
/// Name of the file that says the kind.
pub const KIND_FILE: &str = "tokenizer.kind.json";
/// Name of the subwords' file.
pub const SUBWORDS_FILE: &str = "tokenizer.json";

#[derive(Serialize, Deserialize)]
struct KindFile {
    kind: TokenizerKind,
    vocabulary: String,
}

impl Tokenizer {
    /// Writes the tokenizer's files into `folder`, which is created where it is missing. The kind's
    /// file comes last: where it stands, the others are complete.
    ///
    /// # Errors
    /// [`DataError::Write`].
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        self.vocabulary.save(folder.join(VOCABULARY_FILE))?;
        if let Some(subwords) = &self.subwords {
            let json = subwords.to_json(SUBWORDS_FILE)?;
            atomic::write(folder.join(SUBWORDS_FILE), |file| file.write_all(json.as_bytes()))?;
        }
        let kind = KindFile { kind: self.kind.clone(), vocabulary: self.vocabulary.hash() };
        atomic::write(folder.join(KIND_FILE), |file| {
            serde_json::to_writer_pretty(&mut *file, &kind)?;
            writeln!(file)
        })
    }

    /// Reads what [`Tokenizer::save`] wrote.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Read`], [`DataError::Malformed`];
    /// [`DataError::VocabularyMismatch`] when the files are not of one tokenizer.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let path = folder.join(KIND_FILE);
        let json = fs::read(&path).map_err(|error| DataError::open(&path, error))?;
        let malformed = |problem: String| DataError::Malformed {
            path: path.clone(),
            problem,
            mend: "take the files of the run again, or make them with `lampwick prepare`",
        };
        let file: KindFile =
            serde_json::from_slice(&json).map_err(|error| malformed(error.to_string()))?;
        let vocabulary = Vocabulary::load(folder.join(VOCABULARY_FILE))?;
        let name = folder.join(VOCABULARY_FILE).display().to_string();
        if vocabulary.hash() != file.vocabulary {
            return Err(malformed(format!("is of another vocabulary than {name}")));
        }
        let tokenizer = match file.kind {
            TokenizerKind::Words => Self::words(vocabulary),
            TokenizerKind::Characters => Self::characters(vocabulary),
            TokenizerKind::Bytes => {
                Self::bytes().vocabulary.expect_same(&vocabulary, &name)?;
                Self::bytes()
            }
            TokenizerKind::Subwords { .. } => {
                let subwords = Subwords::load(&folder.join(SUBWORDS_FILE))?;
                vocabulary.expect_same(&subwords.vocabulary()?, SUBWORDS_FILE)?;
                Self { kind: file.kind, vocabulary, subwords: Some(Box::new(subwords)) }
            }
        };
        Ok(tokenizer)
    }

    /// Loads a `tokenizer.json` made elsewhere. The end of a line becomes the file's own end-of-text
    /// token (`</s>`, `<|endoftext|>`, `[SEP]` ...); a file without one gets `</s>` after its last id.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Read`], [`DataError::Malformed`],
    /// [`DataError::Subwords`].
    pub fn from_tokenizer_json(path: impl AsRef<Path>) -> Result<Self> {
        let subwords = Subwords::load(path.as_ref())?;
        let vocabulary = subwords.vocabulary()?;
        let kind =
            TokenizerKind::Subwords { model: SubwordModel::Imported, size: vocabulary.len() };
        Ok(Self { kind, vocabulary, subwords: Some(Box::new(subwords)) })
    }
}
