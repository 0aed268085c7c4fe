//! Making a tokenizer from a text.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use super::encode::cut_of;
use super::{Tokenizer, TokenizerKind};
use crate::error::{DataError, Result};
use crate::text::{self, Piece, TextReader};
use crate::vocabulary::{EOS, UNK, Vocabulary, VocabularyLimits};

/// The most distinct words that are counted: some gigabytes of memory.
const DISTINCT_LIMIT: usize = 50_000_000;

impl Tokenizer {
    /// Reads the text once and makes a tokenizer of it. `limits` cuts the vocabulary of words and
    /// characters; bytes need no text; subwords have their size in `kind`.
    ///
    /// # Errors
    /// Those of [`TextReader::next_piece`] and [`Vocabulary::from_counts`], and
    /// [`DataError::TooManyWords`] beyond 50 million distinct words.
    pub fn train(
        kind: &TokenizerKind,
        reader: impl Read,
        name: &str,
        limits: &VocabularyLimits,
    ) -> Result<Self> {
        let mut text = TextReader::new(reader, name, cut_of(kind));
        let vocabulary = match kind {
            TokenizerKind::Bytes => return Ok(Self::bytes()),
            TokenizerKind::Words => {
                let counts = count(&mut text, name, Some(EOS), &mut |text, add| {
                    text.split_whitespace().try_for_each(add)
                })?;
                Vocabulary::from_counts(counts, limits, Some(UNK), Some(EOS))?
            }
            TokenizerKind::Characters => {
                let counts = count(&mut text, name, Some("\n"), &mut |text, add| {
                    text.chars().try_for_each(|c| add(c.encode_utf8(&mut [0; 4])))
                })?;
                Vocabulary::from_counts(counts, limits, Some(UNK), Some("\n"))?
            }
            TokenizerKind::Subwords { .. } => todo!(),
        };
        Ok(Self { kind: kind.clone(), vocabulary })
    }

    /// [`Tokenizer::train`] on a file.
    ///
    /// # Errors
    /// Those of [`text::open`] and [`Tokenizer::train`].
    pub fn train_file(
        kind: &TokenizerKind,
        path: impl AsRef<Path>,
        limits: &VocabularyLimits,
    ) -> Result<Self> {
        let path = path.as_ref();
        Self::train(kind, text::open(path)?, &path.display().to_string(), limits)
    }
}

/// Counts the tokens that `split` finds in each piece, and `eos` for each line.
fn count<R: Read>(
    text: &mut TextReader<R>,
    name: &str,
    eos: Option<&str>,
    split: &mut dyn FnMut(&str, &mut dyn FnMut(&str) -> Option<()>) -> Option<()>,
) -> Result<HashMap<String, u64>> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut line = 1;
    while let Some(piece) = text.next_piece()? {
        // Most words are known: look up before making an owned string.
        let mut add = |word: &str| {
            if let Some(count) = counts.get_mut(word) {
                *count += 1;
                return Some(());
            }
            (counts.len() < DISTINCT_LIMIT).then(|| _ = counts.insert(word.to_owned(), 1))
        };
        let counted = match piece {
            Piece::Text(text) => split(text, &mut add),
            Piece::EndOfLine => {
                line += 1;
                eos.map_or(Some(()), &mut add)
            }
        };
        if counted.is_none() {
            let name = name.to_owned();
            return Err(DataError::TooManyWords { name, line, limit: DISTINCT_LIMIT });
        }
    }
    Ok(counts)
}
