//! Words and a vector for each.

use std::borrow::Cow;
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::error::{EmbeddingError, Result};
use crate::index::Index;
use crate::lexicon::Lexicon;
use crate::section::Section;
use crate::subwords::Subwords;

/// Words and their vectors: a matrix `[len, dim]`, row after row, in memory or in a mapped file.
///
/// Those of a fastText model can also make vectors for words that they do not hold, from n-grams.
#[derive(Clone, Debug)]
pub struct Vectors {
    words: Lexicon,
    matrix: Section<f32>,
    dim: usize,
    /// How often each word occurs in the text, where that is known.
    counts: Option<Section<u64>>,
    subwords: Option<Subwords>,
    index: Option<Index>,
    norms: OnceLock<Vec<f32>>,
}

impl Vectors {
    /// Puts words and rows together.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`] when there is not a row of `dim` floats for each word.
    pub fn new(words: Lexicon, matrix: impl Into<Section<f32>>, dim: usize) -> Result<Self> {
        let matrix = matrix.into();
        if dim == 0 || words.len().checked_mul(dim) != Some(matrix.len()) {
            return Err(EmbeddingError::Setting(format!(
                "{} words of {dim} dimensions need as many rows, and the matrix has {} numbers",
                words.len(),
                matrix.len()
            )));
        }
        let (counts, subwords, index) = (None, None, None);
        Ok(Self { words, matrix, dim, counts, subwords, index, norms: OnceLock::new() })
    }

    /// A one-hot vector for each word: the baseline that knows nothing but which word it is.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`] for more words than a matrix of their square has room for.
    pub fn one_hot(words: Lexicon) -> Result<Self> {
        const MOST: usize = 1 << 16;
        let dim = words.len();
        if dim > MOST {
            return Err(EmbeddingError::Setting(format!(
                "one-hot vectors of {dim} words take {dim} numbers each; keep at most {MOST} words \
                 (--vocabulary-size)"
            )));
        }
        let mut matrix = vec![0.0; dim * dim];
        matrix.iter_mut().step_by(dim + 1).for_each(|x| *x = 1.0);
        Self::new(words, matrix, dim)
    }

    /// With how often each word occurs; ignored when these are not as many as words.
    #[must_use]
    pub fn with_counts(mut self, counts: impl Into<Section<u64>>) -> Self {
        let counts = counts.into();
        self.counts = (counts.len() == self.len()).then_some(counts);
        self
    }

    /// With vectors for n-grams; ignored when their dimensions are others.
    #[must_use]
    pub fn with_subwords(mut self, subwords: Subwords) -> Self {
        self.subwords = (subwords.dim() == self.dim).then_some(subwords);
        self
    }

    /// Takes the vectors for n-grams away.
    pub(crate) fn drop_subwords(&mut self) {
        self.subwords = None;
    }

    /// With a graph by which neighbours are found, built for these rows.
    #[must_use]
    pub fn with_index(mut self, index: Index) -> Self {
        self.index = Some(index);
        self
    }

    /// The vectors of a training, where it went well.
    pub(crate) fn if_finite(self) -> Result<Self> {
        match self.not_finite().first() {
            None => Ok(self),
            Some(&row) => {
                let word = String::from_utf8_lossy(self.word(row)).into_owned();
                Err(EmbeddingError::Diverged { word })
            }
        }
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Numbers of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The words, by row.
    pub fn words(&self) -> &Lexicon {
        &self.words
    }

    /// The word of a row.
    ///
    /// # Panics
    /// When there are not so many rows.
    pub fn word(&self, row: usize) -> &[u8] {
        self.words.word(row)
    }

    /// The row of a word.
    pub fn row_of(&self, word: &[u8]) -> Option<usize> {
        self.words.row(word)
    }

    /// The vector of a row.
    ///
    /// # Panics
    /// When there are not so many rows.
    #[inline]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.matrix[row * self.dim..][..self.dim]
    }

    /// The vector of a word that is held.
    pub fn get(&self, word: &[u8]) -> Option<&[f32]> {
        self.row_of(word).map(|row| self.row(row))
    }

    /// The vector of a word: its row, or one made from its n-grams.
    pub fn vector(&self, word: &[u8]) -> Option<Cow<'_, [f32]>> {
        if let Some(row) = self.get(word) {
            return Some(Cow::Borrowed(row));
        }
        self.subwords.as_ref()?.vector(word).map(Cow::Owned)
    }

    /// The same, where something can be computed of it.
    ///
    /// # Errors
    /// [`EmbeddingError::NotFinite`] when it holds a NaN or an infinity: not all rows of a file that is mapped
    /// are looked at when it is opened.
    pub fn try_vector(&self, word: &[u8]) -> Result<Option<Cow<'_, [f32]>>> {
        let vector = self.vector(word);
        match vector.iter().flat_map(|vector| vector.iter()).all(|x| x.is_finite()) {
            true => Ok(vector),
            false => {
                let word = String::from_utf8_lossy(word).into_owned();
                Err(EmbeddingError::NotFinite { word })
            }
        }
    }

    /// The same of a word that has to have one.
    ///
    /// # Errors
    /// [`EmbeddingError::NoVector`] as well.
    pub fn finite_vector(&self, word: &[u8]) -> Result<Cow<'_, [f32]>> {
        self.try_vector(word)?.ok_or_else(|| EmbeddingError::no_vector(word))
    }

    /// The rows that hold a NaN or an infinity.
    pub fn not_finite(&self) -> Vec<usize> {
        // Such a row has no finite length; the lengths are of use later.
        let suspects = self.norms().iter().enumerate().filter(|(_, norm)| !norm.is_finite());
        let rows = suspects.map(|(row, _)| row);
        rows.filter(|&row| self.row(row).iter().any(|x| !x.is_finite())).collect()
    }

    /// All vectors, row after row: `[len, dim]`.
    pub fn matrix(&self) -> &[f32] {
        &self.matrix
    }

    /// How often each word occurs in the text, where the file says.
    pub fn counts(&self) -> Option<&[u64]> {
        self.counts.as_deref()
    }

    /// The vectors of n-grams, in a fastText model.
    pub fn subwords(&self) -> Option<&Subwords> {
        self.subwords.as_ref()
    }

    /// The graph by which neighbours are found without looking at every row, where there is one.
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// The Euclidean length of each row; computed once, on all threads.
    pub fn norms(&self) -> &[f32] {
        self.norms.get_or_init(|| self.matrix.par_chunks(self.dim).map(norm).collect())
    }
}

/// The rows of a matrix `[rows, dim]` that hold a NaN or an infinity, on all threads.
pub(crate) fn rows_not_finite(matrix: &[f32], dim: usize) -> Vec<usize> {
    let rows = matrix.par_chunks(dim).enumerate();
    rows.filter(|(_, row)| row.iter().any(|x| !x.is_finite())).map(|(row, _)| row).collect()
}

/// Euclidean length.
pub(crate) fn norm(row: &[f32]) -> f32 {
    row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_with_words() {
        let words: Lexicon = [&b"lamp"[..], b"wick"].into_iter().collect();
        let vectors = Vectors::new(words.clone(), vec![3.0, 4.0, 0.0, 1.0], 2).unwrap();
        assert_eq!(vectors.get(b"wick"), Some(&[0.0, 1.0][..]));
        assert_eq!(vectors.norms(), [5.0, 1.0]);
        assert_eq!(vectors.vector(b"oil"), None);
        assert!(Vectors::new(words.clone(), vec![0.0; 5], 2).is_err());
        let one_hot = Vectors::one_hot(words).unwrap();
        assert_eq!(one_hot.matrix(), [1.0, 0.0, 0.0, 1.0]);
    }
}
