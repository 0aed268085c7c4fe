//! A backoff model as plain tables: what an estimation gives, what ARPA files hold, and what query
//! structures are built from.
//!
//! - `cursor`: the n-grams of a level one after the other, with their words
//! - `retain`: n-grams left out
//! - [`entropy`]: which ones to leave out (Stolcke 1998)
//! - [`mixture`]: several models as one, with weights found on a text
//! - `close`: n-grams put in that other tools left out

pub(crate) mod close;
pub(crate) mod cursor;
pub mod entropy;
pub mod mixture;
mod retain;

pub use cursor::Cursor;

use crate::error::Result;
use crate::links::{Shape, links, range};
use crate::storage::{Column, Storage};
use crate::words::{BOS, UNK, Words};

/// The logarithm that ARPA files have for what never happens.
pub const NEVER: f32 = -99.0;

/// The logarithm of `<unk>` where an ARPA file has none: KenLM's.
pub const NO_UNK: f32 = -100.0;

/// Base-10 logarithms of probabilities, with [`NEVER`] for 0.
pub(crate) trait Log10 {
    fn log10_or_never(self) -> f32;
}

impl Log10 for f64 {
    #[inline]
    fn log10_or_never(self) -> f32 {
        if self > 0.0 { self.log10() as f32 } else { NEVER }
    }
}

/// A backoff model: `p(w|h)` is that of the longest `h' w` that is in it, times the backoffs of the
/// contexts passed on the way.
///
/// The n-grams of each order are sorted by their words' ids, and closed: with an n-gram, the model
/// has it without its last and without its first word.
#[derive(Debug)]
pub struct Table {
    words: Words,
    levels: Vec<TableLevel>,
}

/// The n-grams of one order.
#[derive(Debug)]
pub struct TableLevel {
    /// The last word of each.
    pub(crate) words: Column<u32>,
    /// Where the continuations of each start in the next level, and where the last one's end;
    /// empty at the highest order.
    pub(crate) children: Column<u32>,
    /// Base-10 logarithm of each one's probability.
    pub(crate) log10: Column<f32>,
    /// Base-10 logarithm of each one's backoff; empty at the highest order.
    pub(crate) backoffs: Column<f32>,
}

impl TableLevel {
    /// How many n-grams.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }
}

impl Table {
    pub(crate) fn new(words: Words, levels: Vec<TableLevel>) -> Self {
        Self { words, levels }
    }

    /// Words of the longest n-grams.
    pub fn order(&self) -> usize {
        self.levels.len()
    }

    /// The vocabulary.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// How many n-grams of each order.
    pub fn counts(&self) -> Vec<u64> {
        self.levels.iter().map(|level| level.len() as u64).collect()
    }

    pub(crate) fn levels(&self) -> &[TableLevel] {
        &self.levels
    }

    /// Lets go of what is on disk of the orders up to this one, once it was gone through.
    pub(crate) fn release(&self, order: usize) {
        for level in &self.levels[..order] {
            level.words.release();
            level.children.release();
            level.log10.release();
            level.backoffs.release();
        }
    }

    /// For each order from the second on, where each n-gram without its first word is.
    pub(crate) fn links(&self, storage: &Storage) -> Result<Vec<Column<u32>>> {
        let shapes: Vec<Shape<'_>> = self
            .levels
            .iter()
            .map(|level| Shape { words: &level.words, children: &level.children })
            .collect();
        links(&shapes, storage)
    }

    /// Where an n-gram is in its level.
    pub fn find(&self, ngram: &[u32]) -> Option<usize> {
        let (&first, rest) = ngram.split_first()?;
        let mut node = first as usize;
        if node >= self.words.len() {
            return None;
        }
        for (level, word) in rest.iter().enumerate() {
            let among = range(&self.levels.get(level)?.children, node);
            let words = &self.levels.get(level + 1)?.words[among.clone()];
            node = among.start + words.binary_search(word).ok()?;
        }
        Some(node)
    }

    /// `log10 p(word|context)`, and how many words the n-gram has that gave it: the definition,
    /// without hurry. Of the context only the last `order - 1` words matter.
    pub fn log10(&self, context: &[u32], word: u32) -> (f32, usize) {
        let word = if (word as usize) < self.words.len() { word } else { UNK };
        let context = &context[context.len() - context.len().min(self.order() - 1)..];
        let mut ngram: Vec<u32> = context.iter().copied().chain([word]).collect();
        let mut backoff = 0.0;
        loop {
            if let Some(index) = self.find(&ngram) {
                return (backoff + self.levels[ngram.len() - 1].log10[index], ngram.len());
            }
            let context = &ngram[..ngram.len() - 1];
            if let Some(index) = self.find(context) {
                backoff += self.levels[context.len() - 1].backoffs[index];
            }
            ngram.remove(0);
        }
    }

    /// Sum of `p(w|context)` over all words that can follow.
    pub fn sum(&self, context: &[u32]) -> f64 {
        (0..self.words.len() as u32)
            .filter(|&word| word != BOS)
            .map(|word| 10f64.powf(f64::from(self.log10(context, word).0)))
            .sum()
    }
}
