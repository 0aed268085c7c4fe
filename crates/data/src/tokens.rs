//! The ids of a text, wherever they lie.

use std::fs::File;
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
        let file: File = text::open(path)?;
        Self::from_text(tokenizer, file, &path.display().to_string())
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        match self {
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
            Self::Memory(ids) => ids.get(index).copied(),
        }
    }

    /// Appends the tokens of `range`, as far as there are any, to `out`.
    pub fn copy(&self, range: Range<usize>, out: &mut Vec<u32>) {
        let range = range.start.min(self.len())..range.end.min(self.len());
        match self {
            _ if range.is_empty() => {}
            Self::Memory(ids) => out.extend_from_slice(&ids[range]),
        }
    }

    /// All tokens in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// How many tokens are `id`; one pass.
    pub fn count(&self, id: u32) -> u64 {
        self.iter().filter(|&token| token == id).count() as u64
    }
}

impl From<Vec<u32>> for Tokens {
    fn from(ids: Vec<u32>) -> Self {
        Self::Memory(ids.into())
    }
}
