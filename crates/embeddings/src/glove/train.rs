//! From counts to vectors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::records::{Entries, Entry};
use super::settings::GloveSettings;
use super::step::{Descend, half, rates};
use crate::corpus::Vocabulary;
use crate::error::Result;
use crate::progress::Stage;
use crate::simd::Isa;
use crate::training::Observer;
use crate::training::matrix::Matrix;
use crate::training::random::mix;
use crate::vectors::Vectors;

/// Entries that a thread takes at a time.
const PART: usize = 1 << 12;

/// What is trained: a row for each word, and one for it as a context; each has its sums of squares behind
/// it.
pub struct Model {
    /// What it was asked for.
    pub settings: GloveSettings,
    /// The words, and how often each was seen.
    pub vocabulary: Vocabulary,
    pub(super) words: Matrix,
    pub(super) contexts: Matrix,
    /// Parts of the counts that are trained, over all epochs, and how many there are.
    pub(super) done: u64,
    pub(super) all: u64,
    /// Of the counts, in their order.
    pub(super) counts: u64,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Model({} words, {} dimensions)", self.vocabulary.len(), self.settings.dim)
    }
}

/// Rows at random, as the authors' program, and with a one at `one`.
fn rows(rows: usize, dim: usize, one: usize, seed: u64) -> Result<Matrix> {
    let half = half(dim);
    let mut matrix = Matrix::zeros(rows, 2 * half)?;
    matrix.randomize(0, 0.5 / (dim + 1) as f32, seed);
    for row in 0..rows {
        let row = matrix.row_mut(row);
        row[dim + 2..half].fill(0.0);
        row[dim + one] = 1.0;
        row[half..].fill(1.0);
    }
    Ok(matrix)
}

impl Model {
    /// A model before its first step.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`](crate::EmbeddingError::Setting) for settings that make no sense, or
    /// rows that memory does not hold.
    pub fn new(
        vocabulary: &Vocabulary,
        entries: &Entries,
        settings: &GloveSettings,
    ) -> Result<Self> {
        settings.validate()?;
        let GloveSettings { dim, seed, epochs, .. } = *settings;
        let parts: usize = entries.buckets().map(|bucket| bucket.len().div_ceil(PART)).sum();
        Ok(Self {
            settings: settings.clone(),
            vocabulary: vocabulary.clone(),
            // Of a word: its bias, then the one; of a context: the one, then its bias.
            words: rows(vocabulary.len(), dim, 1, mix(seed, 2))?,
            contexts: rows(vocabulary.len(), dim, 0, mix(seed, 3))?,
            done: 0,
            all: parts as u64 * epochs as u64,
            counts: entries.hash(),
        })
    }

    /// Which part of the training is done, from 0 to 1.
    pub fn share(&self) -> f64 {
        if self.all == 0 { 1.0 } else { self.done as f64 / self.all as f64 }
    }

    /// Trains to the last epoch, or until the observer stops it; gives whether it is done. The counts
    /// are those that the model was made or resumed with.
    ///
    /// On all threads of the current pool without locks, or, deterministically, on one.
    ///
    /// # Errors
    /// What the observer's checkpoints fail with.
    pub fn train(&mut self, entries: &Entries, observer: &dyn Observer) -> Result<bool> {
        let GloveSettings { dim, lr, epochs, deterministic, .. } = self.settings;
        let rates = rates(dim, lr);
        observer.stage(Stage::Training, Some(entries.len() * epochs as u64));
        let parts: Vec<&[Entry]> =
            entries.buckets().flat_map(|bucket| bucket.chunks(PART)).collect();
        let before = (self.share() * (entries.len() * epochs as u64) as f64) as u64;
        let (all, trained) = (self.all, AtomicU64::new(before));
        while self.done < all {
            let (next, pause) = (AtomicU64::new(self.done), AtomicBool::new(false));
            let told = Mutex::new((0u64, 0.0f64));
            let (words, contexts) = (self.words.shared(), self.contexts.shared());
            let work = || {
                while !pause.load(Relaxed) {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= all {
                        break;
                    }
                    let entries = parts[(number % parts.len() as u64) as usize];
                    let task = Descend { entries, words, contexts, rates: &rates };
                    // SAFETY: the vocabulary has every word of the counts, and the matrices a row for
                    // each.
                    let loss = unsafe { Isa::best().run(task) };
                    let sum = entries.len() as u64;
                    observer.at(trained.fetch_add(sum, Relaxed) + sum);
                    let mut told = told.lock().expect("no thread panics");
                    told.0 += sum;
                    told.1 += loss;
                    if told.0 >= 1 << 20 {
                        observer.loss(told.1 / told.0 as f64, lr.into());
                        *told = (0, 0.0);
                    }
                    drop(told);
                    if observer.wants_pause() {
                        pause.store(true, Relaxed);
                    }
                }
            };
            if deterministic {
                work();
            } else {
                rayon::broadcast(|_| work());
            }
            // Every part that was taken was trained to its end.
            self.done = next.into_inner().min(all);
            if self.done < all && !observer.paused(self)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The vectors: a word's is the sum of its two rows, as word and as context.
    ///
    /// # Errors
    /// [`EmbeddingError::Diverged`](crate::EmbeddingError::Diverged).
    pub fn vectors(&self) -> Result<Vectors> {
        let (dim, rows) = (self.settings.dim, self.vocabulary.len());
        let mut matrix = Vec::with_capacity(rows * dim);
        for row in 0..rows {
            let both = self.words.row(row)[..dim].iter().zip(&self.contexts.row(row)[..dim]);
            matrix.extend(both.map(|(w, c)| w + c));
        }
        let vectors = Vectors::new(self.vocabulary.words.clone(), matrix, dim)?;
        vectors.with_counts(self.vocabulary.counts.clone()).if_finite()
    }
}

/// Trains vectors to the end.
///
/// # Errors
/// Those of [`Model::new`], [`Model::train`] and [`Model::vectors`].
pub fn train(
    vocabulary: &Vocabulary,
    entries: &Entries,
    settings: &GloveSettings,
    observer: &dyn Observer,
) -> Result<Vectors> {
    let mut model = Model::new(vocabulary, entries, settings)?;
    model.train(entries, observer)?;
    model.vectors()
}
