//! Text to token ids and back.
//!
//! - [`TokenizerKind`]: the kinds of tokenizers as configuration
//! - [`Tokenizer::train`]: counting a text, or learning subwords from it
//! - [`Tokenizer::encode_text`]: text, streamed, to ids
//! - [`Decoder`]: ids to text, one at a time
//! - [`Tokenizer::save`]: a tokenizer as a folder

mod decoder;
mod encode;
mod files;
mod kind;
mod subwords;
mod train;

pub use decoder::Decoder;
pub use encode::TextCounts;
pub use files::{KIND_FILE, SUBWORDS_FILE, VOCABULARY_FILE};
pub use kind::{SubwordModel, TokenizerKind};

use crate::error::{DataError, Result};
use crate::vocabulary::Vocabulary;
use subwords::Subwords;

/// Splits text into tokens and numbers them.
///
/// | kind | tokens | end of a line | unknown |
/// |---|---|---|---|
/// | words | what white space separates | `</s>` | `<unk>` |
/// | characters | Unicode scalar values | the newline itself | `<unk>` |
/// | bytes | bytes; nothing is lost | the newline itself | none |
/// | subwords | as trained or loaded | `</s>` (or the file's own) | as trained or loaded |
///
/// A text that already spells `<unk>` as a word means the unknown word itself (Penn Treebank).
#[derive(Clone, Debug)]
pub struct Tokenizer {
    kind: TokenizerKind,
    vocabulary: Vocabulary,
    /// Of subwords only.
    subwords: Option<Box<Subwords>>,
}

impl Tokenizer {
    /// A words tokenizer over a given vocabulary.
    pub fn words(vocabulary: Vocabulary) -> Self {
        Self { kind: TokenizerKind::Words, vocabulary, subwords: None }
    }

    /// A characters tokenizer over a given vocabulary of single characters.
    pub fn characters(vocabulary: Vocabulary) -> Self {
        Self { kind: TokenizerKind::Characters, vocabulary, subwords: None }
    }

    /// The bytes tokenizer: the id of a byte is its value.
    pub fn bytes() -> Self {
        let name = |byte: u8| match byte {
            b'\n' => "\n".to_owned(),
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("<0x{byte:02X}>"),
        };
        let words = (0..=u8::MAX).map(name).collect();
        let vocabulary = Vocabulary::from_words(words, Vec::new(), None, Some("\n"))
            .expect("256 distinct names, the newline among them");
        Self { kind: TokenizerKind::Bytes, vocabulary, subwords: None }
    }

    /// Which kind this is.
    pub fn kind(&self) -> &TokenizerKind {
        &self.kind
    }

    /// The tokens and their ids.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Whether a token stands for something out of the vocabulary.
    pub fn is_oov(&self, id: u32) -> bool {
        self.vocabulary.unk_id() == Some(id)
    }

    /// Appends the ids of `text`, a line or a part of one, without an end of line.
    ///
    /// # Errors
    /// [`DataError::Setting`] for an unknown word where the vocabulary has no `<unk>`,
    /// [`DataError::Subwords`].
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        match &self.kind {
            TokenizerKind::Words => {
                for word in text.split_whitespace() {
                    ids.push(self.known(word)?);
                }
            }
            TokenizerKind::Characters => {
                let mut buffer = [0; 4];
                for character in text.chars() {
                    ids.push(self.known(character.encode_utf8(&mut buffer))?);
                }
            }
            TokenizerKind::Bytes => ids.extend(text.bytes().map(u32::from)),
            TokenizerKind::Subwords { .. } => {
                self.subwords.iter().try_for_each(|subwords| subwords.encode(text, ids))?;
            }
        }
        Ok(())
    }

    /// Appends the ids of a line and of its end.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`].
    pub fn encode_line(&self, line: &str, ids: &mut Vec<u32>) -> Result<()> {
        self.encode(line, ids)?;
        ids.extend(self.vocabulary.eos_id());
        Ok(())
    }

    /// The distinct words (characters) of `text` that become `<unk>`, in order of appearance; for a
    /// warning about a prompt. The literal `<unk>` is not among them.
    pub fn unknown(&self, text: &str) -> Vec<String> {
        let mut unknown: Vec<String> = Vec::new();
        let mut add = |word: &str| {
            if self.vocabulary.id(word).is_none() && !unknown.iter().any(|seen| seen == word) {
                unknown.push(word.to_owned());
            }
        };
        match self.kind {
            TokenizerKind::Words => text.split_whitespace().for_each(&mut add),
            TokenizerKind::Characters => {
                text.chars().for_each(|c| add(c.encode_utf8(&mut [0; 4])));
            }
            TokenizerKind::Bytes | TokenizerKind::Subwords { .. } => {}
        }
        unknown
    }

    fn known(&self, word: &str) -> Result<u32> {
        self.vocabulary.id_or_unk(word).ok_or_else(|| DataError::Setting {
            key: "vocabulary",
            value: word.to_owned(),
            mend: "is not in the vocabulary, which has no <unk> to stand for it",
        })
    }
}

#[cfg(test)]
mod tests;
