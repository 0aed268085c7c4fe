//! Product quantisation: a row is cut into parts, and each part replaced by the nearest of 256 (Jégou et al.
//! 2011), as fastText's compressed models have it.
//!
//! Where lengths are kept apart, the parts are those of the row's direction, and its length is one of 256
//! as well.

mod learn;

use learn::quantize;
pub use learn::{Loss, QuantizeSettings};

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{EmbeddingError, Result};
use crate::formats::Loaded;
use crate::lexicon::Lexicon;
use crate::progress::Progress;
use crate::section::Section;
use crate::subwords::{NGrams, Rows, Subwords};
use crate::vectors::Vectors;

/// Vectors of which codes are left.
#[derive(Debug)]
pub struct Compressed {
    /// What the codes say.
    pub vectors: Vectors,
    /// The codes: of a model with n-grams, of the rows of words and buckets; else of the vectors.
    pub codes: Arc<Quantized>,
    /// What was lost of these rows.
    pub loss: Loss,
}

/// Puts codes in the place of all rows. What a training would need is left out.
///
/// # Errors
/// [`EmbeddingError::Setting`] for a part that is no part of a row, or what is quantised already.
pub fn compress(
    loaded: &Loaded,
    settings: &QuantizeSettings,
    progress: &dyn Progress,
) -> Result<Compressed> {
    let vectors = &loaded.vectors;
    let old = vectors.subwords();
    let matrix = match old.map(Subwords::rows) {
        None => vectors.matrix(),
        Some(Rows::Dense(rows)) => rows,
        Some(Rows::Codes(_)) => {
            return Err(EmbeddingError::Setting("the vectors are quantised already".into()));
        }
    };
    let (codes, loss) = quantize(matrix, vectors.dim(), settings, progress)?;
    let codes = Arc::new(codes);
    let ngrams = old.map(|old| (old.ngrams(), old.pruned().cloned()));
    let mut left =
        decode(vectors.words().clone(), &codes, ngrams).map_err(EmbeddingError::Setting)?;
    if let Some(counts) = vectors.counts() {
        left = left.with_counts(counts.to_vec());
    }
    Ok(Compressed { vectors: left, codes, loss })
}

/// Which n-grams there are, and which of them have rows.
pub(crate) type Grams = (NGrams, Option<HashMap<u32, u32>>);

/// The vectors that codes stand for.
pub(crate) fn decode(
    words: Lexicon,
    codes: &Arc<Quantized>,
    ngrams: Option<Grams>,
) -> Result<Vectors, String> {
    let dim = codes.dim();
    let subwords = ngrams.map(|(ngrams, pruned)| {
        Subwords::new(ngrams, Rows::Codes(Arc::clone(codes)), words.len(), dim, pruned)
    });
    let subwords = subwords.transpose()?;
    if codes.rows() < words.len() {
        return Err(format!("{} words, and only {} rows of codes", words.len(), codes.rows()));
    }
    let mut matrix = vec![0.0f32; words.len() * dim];
    matrix.par_chunks_mut(dim).enumerate().for_each(|(row, vector)| match &subwords {
        None => codes.add(row, vector),
        Some(subwords) => {
            if let Some(mean) = subwords.mean(words.word(row), Some(row)) {
                vector.copy_from_slice(&mean);
            }
        }
    });
    let vectors = Vectors::new(words, matrix, dim).map_err(|error| error.to_string())?;
    Ok(match subwords {
        None => vectors,
        Some(subwords) => vectors.with_subwords(subwords),
    })
}

/// Centroids of a part: what a byte can tell apart.
pub(crate) const CENTROIDS: usize = 256;

/// Centroids of the parts of vectors.
#[derive(Clone, Debug)]
pub(crate) struct Codebook {
    dim: usize,
    /// Numbers of a part; the last one may have fewer.
    part: usize,
    /// Part after part: 256 centroids each.
    centroids: Section<f32>,
}

impl Codebook {
    /// Nothing when the numbers do not fit each other.
    pub(crate) fn new(dim: usize, part: usize, centroids: Section<f32>) -> Option<Self> {
        let fits = (1..=dim).contains(&part) && centroids.len() == dim.checked_mul(CENTROIDS)?;
        fits.then_some(Self { dim, part, centroids })
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// Numbers of a part.
    pub(crate) fn part(&self) -> usize {
        self.part
    }

    /// How many parts there are: bytes of a row.
    pub(crate) fn parts(&self) -> usize {
        self.dim.div_ceil(self.part)
    }

    pub(crate) fn all(&self) -> &[f32] {
        &self.centroids
    }

    /// The centroid that a code of a part names.
    #[inline]
    fn centroid(&self, part: usize, code: u8) -> &[f32] {
        let start = part * self.part;
        let length = self.part.min(self.dim - start);
        &self.centroids[start * CENTROIDS + usize::from(code) * length..][..length]
    }
}

/// A matrix as codes.
#[derive(Clone, Debug)]
pub struct Quantized {
    rows: usize,
    codebook: Codebook,
    codes: Section<u8>,
    /// The codes of the rows' lengths, and these.
    norms: Option<(Section<u8>, Codebook)>,
}

impl Quantized {
    /// Nothing when the numbers do not fit each other.
    pub(crate) fn new(
        rows: usize,
        codebook: Codebook,
        codes: Section<u8>,
        norms: Option<(Section<u8>, Codebook)>,
    ) -> Option<Self> {
        let fits = codes.len() == rows.checked_mul(codebook.parts())?;
        let norms_fit =
            norms.as_ref().is_none_or(|(codes, book)| codes.len() == rows && book.dim() == 1);
        (fits && norms_fit).then_some(Self { rows, codebook, codes, norms })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers of a row.
    pub fn dim(&self) -> usize {
        self.codebook.dim
    }

    /// Adds a row to `sum`.
    pub fn add(&self, row: usize, sum: &mut [f32]) {
        let scale = match &self.norms {
            None => 1.0,
            Some((codes, book)) => book.centroid(0, codes[row])[0],
        };
        let parts = self.codebook.parts();
        let codes = &self.codes[row * parts..][..parts];
        for (part, (&code, sum)) in codes.iter().zip(sum.chunks_mut(self.codebook.part)).enumerate()
        {
            let centroid = self.codebook.centroid(part, code);
            sum.iter_mut().zip(centroid).for_each(|(sum, x)| *sum += scale * x);
        }
    }

    pub(crate) fn codebook(&self) -> &Codebook {
        &self.codebook
    }

    pub(crate) fn codes(&self) -> &[u8] {
        &self.codes
    }

    pub(crate) fn norms(&self) -> Option<(&[u8], &Codebook)> {
        self.norms.as_ref().map(|(codes, book)| (&codes[..], book))
    }
}
