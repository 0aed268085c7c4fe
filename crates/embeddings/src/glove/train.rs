//! From counts to vectors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::records::{Entries, Entry};
use super::settings::GloveSettings;
use super::step::Descend;
use crate::corpus::Vocabulary;
use crate::error::Result;
use crate::progress::{Progress, Stage};
use crate::simd::{Isa, LANES};
use crate::training::matrix::Matrix;
use crate::training::random::mix;
use crate::vectors::Vectors;

/// Entries that a thread takes at a time.
const PART: usize = 1 << 12;

/// A matrix of rows, each with its sums of squares behind it.
struct Side {
    matrix: Matrix,
}

impl Side {
    /// Rows at random, as the authors' program, and with a one at `one`.
    fn new(rows: usize, dim: usize, one: usize, seed: u64) -> Result<Self> {
        let half = half(dim);
        let mut matrix = Matrix::zeros(rows, 2 * half)?;
        matrix.randomize(0, 0.5 / (dim + 1) as f32, seed);
        for row in 0..rows {
            let row = matrix.row_mut(row);
            row[dim + 2..half].fill(0.0);
            row[dim + one] = 1.0;
            row[half..].fill(1.0);
        }
        Ok(Self { matrix })
    }
}

/// Numbers of a row: the vector, two for the biases, and zeros.
fn half(dim: usize) -> usize {
    (dim + 2).next_multiple_of(LANES)
}

/// Trains vectors; a word's is the sum of its two rows, as word and as context.
///
/// On all threads of the current pool without locks, or, deterministically, on one.
///
/// # Errors
/// [`EmbeddingError::Setting`](crate::EmbeddingError::Setting),
/// [`EmbeddingError::Diverged`](crate::EmbeddingError::Diverged).
pub fn train(
    vocabulary: &Vocabulary,
    entries: &Entries,
    settings: &GloveSettings,
    progress: &dyn Progress,
) -> Result<Vectors> {
    settings.validate()?;
    let GloveSettings { dim, seed, lr, epochs, .. } = *settings;
    let rows = vocabulary.len();
    // Of a word: its bias, then the one; of a context: the one, then its bias.
    let mut words = Side::new(rows, dim, 1, mix(seed, 2))?;
    let mut contexts = Side::new(rows, dim, 0, mix(seed, 3))?;
    let mut masks = vec![0.0; 2 * half(dim)];
    masks[..=dim].fill(1.0);
    let of_contexts = &mut masks[half(dim)..];
    of_contexts[..dim].fill(1.0);
    of_contexts[dim + 1] = 1.0;
    progress.stage(Stage::Training, Some(entries.len() * epochs as u64));
    let parts: Vec<&[Entry]> = entries.buckets().flat_map(|bucket| bucket.chunks(PART)).collect();
    let done = AtomicU64::new(0);
    for _ in 0..epochs {
        let next = AtomicU64::new(0);
        let told = Mutex::new((0u64, 0.0f64));
        let (words, contexts) = (words.matrix.shared(), contexts.matrix.shared());
        let work = || {
            while let Some(&entries) = parts.get(next.fetch_add(1, Relaxed) as usize) {
                let task = Descend { entries, words, contexts, masks: &masks, lr };
                // SAFETY: the vocabulary has every word of the counts, and the matrices a row for each.
                let loss = unsafe { Isa::best().run(task) };
                let sum = entries.len() as u64;
                progress.at(done.fetch_add(sum, Relaxed) + sum);
                let mut told = told.lock().expect("no thread panics");
                told.0 += sum;
                told.1 += loss;
                if told.0 >= 1 << 20 {
                    progress.loss(told.1 / told.0 as f64, lr.into());
                    *told = (0, 0.0);
                }
            }
        };
        if settings.deterministic {
            work();
        } else {
            rayon::broadcast(|_| work());
        }
    }
    let mut matrix = Vec::with_capacity(rows * dim);
    for row in 0..rows {
        let both = words.matrix.row(row)[..dim].iter().zip(&contexts.matrix.row(row)[..dim]);
        matrix.extend(both.map(|(w, c)| w + c));
    }
    let vectors = Vectors::new(vocabulary.words.clone(), matrix, dim)?;
    vectors.with_counts(vocabulary.counts.clone()).if_finite()
}
