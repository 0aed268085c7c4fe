//! Words without their case.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Settings;
use crate::vectors::Vectors;

/// The word in capitals, where its case is not to count. What is no UTF-8 keeps its other bytes.
pub(super) fn fold(word: &[u8], case_sensitive: bool) -> Cow<'_, [u8]> {
    if case_sensitive {
        return Cow::Borrowed(word);
    }
    Cow::Owned(match std::str::from_utf8(word) {
        Ok(word) if !word.is_ascii() => word.to_uppercase().into_bytes(),
        _ => word.to_ascii_uppercase(),
    })
}

/// The rows that questions are about.
pub(super) struct Folded {
    case_sensitive: bool,
    first: HashMap<Vec<u8>, usize>,
    /// The row that stands for each row.
    stands_for: Vec<u32>,
}

impl Folded {
    pub(super) fn new(vectors: &Vectors, settings: &Settings) -> Self {
        let rows = vectors.len().min(settings.vocabulary);
        let mut first = HashMap::with_capacity(rows);
        let stands_for = (0..rows)
            .map(|row| {
                let word = fold(vectors.word(row), settings.case_sensitive).into_owned();
                *first.entry(word).or_insert(row) as u32
            })
            .collect();
        Self { case_sensitive: settings.case_sensitive, first, stands_for }
    }

    /// How many rows take part.
    pub(super) fn rows(&self) -> usize {
        self.stands_for.len()
    }

    pub(super) fn row(&self, word: &[u8]) -> Option<usize> {
        self.first.get(fold(word, self.case_sensitive).as_ref()).copied()
    }

    /// The first row with the word of this row.
    pub(super) fn stands_for(&self, row: usize) -> usize {
        self.stands_for[row] as usize
    }
}
