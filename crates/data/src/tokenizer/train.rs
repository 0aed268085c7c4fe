//! Making a tokenizer from a text.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use super::encode::cut_of;
use super::{Tokenizer, TokenizerKind, subwords};
use crate::error::{DataError, Result};
use crate::text::{self, Piece, TextReader};
use crate::vocabulary::{EOS, UNK, Vocabulary, VocabularyLimits};

/// The most distinct words that are counted: some gigabytes of memory.
const DISTINCT_LIMIT: usize = 50_000_000;

impl Tokenizer {
    /// Reads the text once and makes a tokenizer of it. `limits` cuts the vocabulary of words and
    /// characters; bytes need no text; subwords have their size in `kind` and are learnt from the words
    /// of at most 4 KiB. The same text gives the same tokenizer.
    ///
    /// # Errors
    /// Those of [`TextReader::next_piece`] and [`Vocabulary::from_counts`],
    /// [`DataError::TooManyWords`] beyond 50 million distinct words, [`DataError::Subwords`].
    pub fn train(
        kind: &TokenizerKind,
        reader: impl Read,
        name: &str,
        limits: &VocabularyLimits,
    ) -> Result<Self> {
        let mut counter = Counter { counts: HashMap::new(), name, line: 1 };
        let vocabulary = match kind {
            TokenizerKind::Bytes => return Ok(Self::bytes()),
            TokenizerKind::Words => {
                counter.count(reader, kind, Some(EOS), |counter, text| {
                    text.split_whitespace().try_for_each(|word| counter.add(word))
                })?;
                Vocabulary::from_counts(counter.counts, limits, Some(UNK), Some(EOS))?
            }
            TokenizerKind::Characters => {
                counter.count(reader, kind, Some("\n"), |counter, text| {
                    text.chars().try_for_each(|c| counter.add(c.encode_utf8(&mut [0; 4])))
                })?;
                Vocabulary::from_counts(counter.counts, limits, Some(UNK), Some("\n"))?
            }
            TokenizerKind::Subwords { model, size } => {
                let splitter = subwords::pre_tokenizer(*model);
                counter.count(reader, kind, None, |counter, text| {
                    let words = subwords::words_of(&splitter, text, name)?;
                    let usual = words.iter().filter(|word| word.len() <= subwords::LONGEST_WORD);
                    usual.map(String::as_str).try_for_each(|word| counter.add(word))
                })?;
                let subwords = subwords::learn(*model, *size, counter.counts, name)?;
                let vocabulary = subwords.vocabulary()?;
                let subwords = Some(Box::new(subwords));
                return Ok(Self { kind: kind.clone(), vocabulary, subwords });
            }
        };
        Ok(Self { kind: kind.clone(), vocabulary, subwords: None })
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

/// How often each word has been seen.
struct Counter<'a> {
    counts: HashMap<String, u64>,
    name: &'a str,
    line: u64,
}

impl Counter<'_> {
    /// Counts what `split` adds for each piece of the text, and `eos` for each line.
    fn count(
        &mut self,
        reader: impl Read,
        kind: &TokenizerKind,
        eos: Option<&str>,
        split: impl Fn(&mut Self, &str) -> Result<()>,
    ) -> Result<()> {
        let mut text = TextReader::new(reader, self.name, cut_of(kind));
        while let Some(piece) = text.next_piece()? {
            match piece {
                Piece::Text(text) => split(self, text)?,
                Piece::EndOfLine => {
                    eos.map_or(Ok(()), |eos| self.add(eos))?;
                    self.line += 1;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, word: &str) -> Result<()> {
        // Most words are known: look up before making an owned string.
        if let Some(count) = self.counts.get_mut(word) {
            *count += 1;
        } else if self.counts.len() < DISTINCT_LIMIT {
            self.counts.insert(word.to_owned(), 1);
        } else {
            let (name, line, limit) = (self.name.to_owned(), self.line, DISTINCT_LIMIT);
            return Err(DataError::TooManyWords { name, line, limit });
        }
        Ok(())
    }
}
