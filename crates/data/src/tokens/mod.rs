//! The ids of a text: in memory, or in a memory-mapped file.

mod file;
mod header;

pub use file::{TokenFile, TokenFileWriter};

use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::text;
use crate::tokenizer::{TextCounts, Tokenizer};

/// Token ids in order; cheap to clone.
#[derive(Clone, Debug)]
pub enum Tokens {
    /// In a file, read where and when they are used: a text larger than memory.
    Mapped(TokenFile),
    /// In memory.
    Memory(Arc<[u32]>),
}

impl Tokens {
    /// Encodes a text into memory: four bytes a token.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode_text`].
    pub fn from_text(
        tokenizer: &Tokenizer,
        reader: impl Read,
        name: &str,
    ) -> Result<(Self, TextCounts)> {
        let mut ids = Vec::new();
        let counts = tokenizer.encode_text(reader, name, &mut |more| {
            ids.extend_from_slice(more);
            Ok(())
        })?;
        Ok((ids.into(), counts))
    }

    /// Encodes a text file into memory.
    ///
    /// # Errors
    /// Those of [`text::open`] and [`Tokenizer::encode_text`].
    pub fn from_text_file(
        tokenizer: &Tokenizer,
        path: impl AsRef<Path>,
    ) -> Result<(Self, TextCounts)> {
        let path = path.as_ref();
        Self::from_text(tokenizer, text::open(path)?, &path.display().to_string())
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        match self {
            Self::Mapped(file) => file.len(),
            Self::Memory(ids) => ids.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The token at `index`; none beyond the end.
    pub fn get(&self, index: usize) -> Option<u32> {
        match self {
            Self::Mapped(file) => file.get(index),
            Self::Memory(ids) => ids.get(index).copied(),
        }
    }

    /// Appends the tokens of `range`, as far as there are any, to `out`.
    pub fn copy(&self, range: Range<usize>, out: &mut Vec<u32>) {
        match self {
            Self::Mapped(file) => out.extend(file.range(range)),
            Self::Memory(ids) => {
                let end = range.end.min(ids.len());
                out.extend_from_slice(&ids[range.start.min(end)..end]);
            }
        }
    }

    /// All tokens in order.
    pub fn iter(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Mapped(file) => Box::new(file.range(0..file.len())),
            Self::Memory(ids) => Box::new(ids.iter().copied()),
        }
    }

    /// How many tokens are `id`; one pass over all of them.
    pub fn count(&self, id: u32) -> u64 {
        self.iter().filter(|&token| token == id).count() as u64
    }
}

impl From<Vec<u32>> for Tokens {
    fn from(ids: Vec<u32>) -> Self {
        Self::Memory(ids.into())
    }
}

#[cfg(test)]
mod tests;
