//! Exact nearest neighbours by cosine: every row is looked at.
//!
//! Rows go through the cache a panel at a time, and all queries of a batch meet each panel, so that many
//! queries cost arithmetic and one query costs the reading of the matrix.

mod products;
mod top;

pub(crate) use products::{PANEL, Panel, dots, dots_of};

use rayon::prelude::*;

use crate::error::{EmbeddingError, Result};
use crate::vectors::Vectors;
use top::Top;

/// Up to so many queries rows are read as they lie.
const FEW: usize = 3;
/// Queries that meet a panel together.
const BATCH: usize = 512;

/// A direction, and rows that are no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    vector: Vec<f32>,
    excluded: Vec<usize>,
}

/// A row and its cosine with the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The row.
    pub row: usize,
    /// The cosine.
    pub similarity: f32,
}

impl Query {
    /// Any vector; its length does not matter.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`] when it is all zeros, or not finite: it has no direction.
    pub fn new(vector: &[f32], excluded: Vec<usize>) -> Result<Self> {
        let vector = unit(vector).ok_or_else(|| {
            EmbeddingError::Setting(
                "a vector of zeros has no direction, and so no neighbours".into(),
            )
        })?;
        Ok(Self { vector, excluded })
    }

    /// The direction, of length 1.
    pub(crate) fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// Rows that are no answer.
    pub(crate) fn excluded(&self) -> &[usize] {
        &self.excluded
    }

    /// What is like a word; the word itself is no answer.
    ///
    /// # Errors
    /// Those of [`Vectors::finite_vector`] and [`Query::new`].
    pub fn word(vectors: &Vectors, word: &[u8]) -> Result<Self> {
        let vector = vectors.finite_vector(word)?;
        Self::new(&vector, vectors.row_of(word).into_iter().collect())
    }

    /// What is to `c` as `b` is to `a`: near `b - a + c`, each of length 1 (3CosAdd, Mikolov et al. 2013).
    ///
    /// # Errors
    /// Those of [`Vectors::finite_vector`]; [`EmbeddingError::NoVector`] for a vector of zeros.
    pub fn analogy(vectors: &Vectors, [a, b, c]: [&[u8]; 3]) -> Result<Self> {
        let mut sum = vec![0.0f32; vectors.dim()];
        for (word, sign) in [(a, -1.0), (b, 1.0), (c, 1.0)] {
            let vector = vectors.finite_vector(word)?;
            let vector = unit(&vector).ok_or_else(|| EmbeddingError::no_vector(word))?;
            sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += sign * x);
        }
        Self::new(&sum, [a, b, c].into_iter().filter_map(|word| vectors.row_of(word)).collect())
    }
}

/// The vector divided by its length; nothing when it has no direction.
pub(crate) fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    let length = vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    (length > 0.0 && length.is_finite())
        .then(|| vector.iter().map(|&x| (f64::from(x) / length) as f32).collect())
}

/// The cosine of two vectors; 0 where one has no direction.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    };
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}

/// What rows are multiplied by to have length 1; those of zeros stay zeros.
pub(crate) fn scales(vectors: &Vectors) -> Vec<f32> {
    vectors.norms().par_iter().map(|&x| if x > 0.0 { 1.0 / x } else { 0.0 }).collect()
}

/// How rows are split among threads: a few ranges for each, of whole panels.
pub(crate) fn ranges(rows: usize) -> Vec<std::ops::Range<usize>> {
    let panels = rows.div_ceil(PANEL).div_ceil(4 * rayon::current_num_threads()).max(1);
    (0..rows).step_by(panels * PANEL).map(|at| at..rows.min(at + panels * PANEL)).collect()
}

/// The `k` nearest of the first `rows` rows for each query, best first; on all threads.
///
/// # Panics
/// When a query's vector is of other dimensions.
pub fn nearest(vectors: &Vectors, queries: &[Query], k: usize, rows: usize) -> Vec<Vec<Neighbour>> {
    assert!(queries.iter().all(|query| query.vector.len() == vectors.dim()));
    let rows = rows.min(vectors.len());
    let scales = scales(vectors);
    let mut all = Vec::with_capacity(queries.len());
    for batch in queries.chunks(BATCH) {
        let flat: Vec<f32> = batch.iter().flat_map(|query| query.vector.iter().copied()).collect();
        let parts: Vec<Vec<Top>> = ranges(rows)
            .into_par_iter()
            .map(|range| part(vectors, &scales, batch, &flat, k, range))
            .collect();
        let best = parts.into_iter().reduce(|mut best, part| {
            best.iter_mut().zip(part).for_each(|(best, part)| best.merge(part));
            best
        });
        all.extend(best.unwrap_or_else(|| vec![Top::new(k); batch.len()]));
    }
    let neighbour = |(similarity, row)| Neighbour { row, similarity };
    all.into_iter().map(|top| top.into_best().into_iter().map(neighbour).collect()).collect()
}

fn part(
    vectors: &Vectors,
    scales: &[f32],
    batch: &[Query],
    flat: &[f32],
    k: usize,
    range: std::ops::Range<usize>,
) -> Vec<Top> {
    let dim = vectors.dim();
    let mut tops = vec![Top::new(k); batch.len()];
    let mut scores = vec![0.0; batch.len() * PANEL];
    let mut panel = (batch.len() > FEW).then(|| Panel::new(dim));
    for first in range.clone().step_by(PANEL) {
        let rows = first..range.end.min(first + PANEL);
        let (matrix, scales) = (&vectors.matrix()[rows.start * dim..rows.end * dim], &scales[rows]);
        match &mut panel {
            Some(panel) => {
                panel.fill(matrix, scales);
                panel.multiply(flat, &mut scores);
            }
            None => {
                for (query, scores) in batch.iter().zip(scores.chunks_mut(PANEL)) {
                    let scores = &mut scores[..scales.len()];
                    dots(&query.vector, matrix, scores);
                    scores.iter_mut().zip(scales).for_each(|(score, scale)| *score *= scale);
                }
            }
        }
        for ((query, scores), top) in batch.iter().zip(scores.chunks(PANEL)).zip(&mut tops) {
            top.take(&scores[..scales.len()], first, &query.excluded);
        }
    }
    tops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::Lexicon;

    fn vectors(rows: usize, dim: usize) -> Vectors {
        let words: Vec<String> = (0..rows).map(|row| format!("w{row}")).collect();
        let words: Lexicon = words.iter().map(String::as_bytes).collect();
        let number = |i: usize| ((i * i * 31 + i * 7 + 3) % 1009) as f32 / 500.0 - 1.0;
        Vectors::new(words, (0..rows * dim).map(number).collect::<Vec<_>>(), dim).unwrap()
    }

    /// Few and many queries find what sorting all cosines finds.
    #[test]
    fn the_nearest_are_those_of_sorting_all() {
        let vectors = vectors(700, 19);
        let queries: Vec<Query> = (0..9)
            .map(|n| Query::word(&vectors, format!("w{}", n * 77).as_bytes()).unwrap())
            .collect();
        for queries in [&queries[..2], &queries[..]] {
            for (n, found) in nearest(&vectors, queries, 12, 600).iter().enumerate() {
                let own = n * 77;
                let mut all: Vec<(usize, f64)> = (0..600)
                    .filter(|&row| row != own)
                    .map(|row| (row, cosine(vectors.row(own), vectors.row(row))))
                    .collect();
                all.sort_by(|a, b| b.1.total_cmp(&a.1));
                assert_eq!(found.len(), 12);
                for (found, (_, exact)) in found.iter().zip(&all) {
                    let own_cosine = cosine(vectors.row(own), vectors.row(found.row));
                    assert!((f64::from(found.similarity) - exact).abs() < 1e-5);
                    assert!((own_cosine - exact).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn an_analogy_is_solved_and_unknown_words_are_told() {
        let words: Lexicon =
            [&b"man"[..], b"woman", b"king", b"queen", b"lamp"].into_iter().collect();
        let matrix = vec![1., 0., 0., 1., 1., 0., 1., 0., 1., 1., 1., 1., 0., 0., -1.];
        let vectors = Vectors::new(words, matrix, 3).unwrap();
        let query = Query::analogy(&vectors, [b"man", b"woman", b"king"]).unwrap();
        let found = nearest(&vectors, &[query], 1, usize::MAX);
        assert_eq!(vectors.word(found[0][0].row), b"queen");
        let error = Query::word(&vectors, b"oil").unwrap_err().to_string();
        assert!(error.contains("oil"), "{error}");
        assert!(Query::new(&[0.0; 3], vec![]).is_err());
    }
}
