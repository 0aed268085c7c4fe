//! From a text to a model.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use rayon::prelude::*;

use super::huffman::Codes;
use super::matrix::Matrix;
use super::negatives::Negatives;
use super::random::mix;
use super::settings::{Objective, Settings};
use super::unit::{Outputs, Plan, Worker};
use super::word_rows::WordRows;
use crate::corpus::ids::LINE_END;
use crate::corpus::{Corpus, Vocabulary};
use crate::error::Result;
use crate::progress::{Progress, Stage};
use crate::simd::Isa;
use crate::vectors::Vectors;

/// What is trained: two matrices, and how far the training is.
pub struct Model {
    /// What it was asked for.
    pub settings: Settings,
    /// The words, and how often each was seen.
    pub vocabulary: Vocabulary,
    /// A row a word, then one a bucket of n-grams.
    pub(crate) input: Matrix,
    /// A row a word, or one an inner node of the Huffman tree.
    pub(crate) output: Matrix,
    /// Units that are trained, over all epochs, and how many there are.
    pub(crate) done: u64,
    pub(crate) all: u64,
    /// Of the text's ids.
    pub(crate) text: u64,
    /// Words of the vocabulary in the text.
    pub(crate) words: u64,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Model({} words, {} dimensions)", self.vocabulary.len(), self.settings.dim)
    }
}

/// What is trained, as a file that the training goes on from.
pub trait Checkpoint {
    /// Writes the file.
    ///
    /// # Errors
    /// [`EmbeddingError::Write`](crate::EmbeddingError::Write).
    fn write_checkpoint(&self, out: &mut dyn Write) -> Result<()>;
}

impl Checkpoint for Model {
    fn write_checkpoint(&self, out: &mut dyn Write) -> Result<()> {
        self.write(out)
    }
}

/// Sees a training, may stop it, and keeps its checkpoints.
pub trait Observer: Progress {
    /// Whether the training should pause for [`Observer::paused`]; asked often.
    fn wants_pause(&self) -> bool {
        false
    }

    /// The training stands still: the model may be written. Gives whether it should go on.
    ///
    /// # Errors
    /// Ends the training.
    fn paused(&self, _model: &dyn Checkpoint) -> Result<bool> {
        Ok(true)
    }
}

impl Observer for crate::progress::Silent {}

/// Of the random numbers that rows begin with.
const ROWS: u64 = 1;

impl Model {
    /// A model before its first step: input rows at random, output rows zero.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`](crate::EmbeddingError::Setting) for settings that make no sense, or
    /// rows that memory does not hold.
    pub fn new(corpus: &Corpus, settings: &Settings) -> Result<Self> {
        settings.validate()?;
        let words = corpus.vocabulary.len();
        let buckets = settings.ngrams.map_or(0, |ngrams| ngrams.buckets as usize);
        let mut input = Matrix::zeros(words + buckets, settings.dim)?;
        // As gensim and fastText; word2vec's own program takes half.
        input.randomize(0, 1.0 / settings.dim as f32, mix(settings.seed, ROWS));
        let output = Matrix::zeros(words, settings.dim)?;
        Ok(Self {
            settings: settings.clone(),
            vocabulary: corpus.vocabulary.clone(),
            input,
            output,
            done: 0,
            all: unit(corpus).1 * settings.epochs as u64,
            text: corpus.hash,
            words: corpus.summary.known,
        })
    }
}

impl Model {
    /// A vector for each word: its row, or the mean of its row and its n-grams' rows.
    ///
    /// # Errors
    /// None; the shapes agree.
    pub fn vectors(&self) -> Result<Vectors> {
        let dim = self.settings.dim;
        let words = &self.vocabulary.words;
        let mut matrix = vec![0.0f32; words.len() * dim];
        let rows = self.settings.ngrams.map(|ngrams| WordRows::new(words, ngrams));
        matrix.par_chunks_mut(dim).enumerate().for_each(|(word, vector)| match &rows {
            None => vector.copy_from_slice(self.input.row(word)),
            Some(rows) => {
                let rows = rows.of(word as u32);
                for &row in rows {
                    let row = self.input.row(row as usize);
                    vector.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
                }
                let share = 1.0 / rows.len() as f32;
                vector.iter_mut().for_each(|x| *x *= share);
            }
        });
        let vectors = Vectors::new(words.clone(), matrix, dim)?;
        Ok(vectors.with_counts(self.vocabulary.counts.clone()))
    }
}

/// Words of a unit, and how many units the text has: small texts have many too, for the learning rate
/// falls from unit to unit.
fn unit(corpus: &Corpus) -> (usize, u64) {
    let ids = corpus.ids.as_slice().len();
    let unit = (ids / 256).clamp(256, 8192);
    (unit, ids.div_ceil(unit) as u64)
}

impl<'a> Plan<'a> {
    fn new(corpus: &'a Corpus, vocabulary: &Vocabulary, settings: &'a Settings) -> Self {
        let ids = corpus.ids.as_slice();
        let counts = &vocabulary.counts;
        let all = counts.iter().sum::<u64>().max(1) as f64;
        let keep = counts.iter().map(|&count| {
            // Mikolov et al. 2013, equation 5, as word2vec computes it.
            let relative = count as f64 / (settings.sample * all);
            let kept = (relative.sqrt() + 1.0) / relative;
            if settings.sample > 0.0 { (kept * 2f64.powi(32)) as u32 } else { u32::MAX }
        });
        let outputs = match settings.objective {
            Objective::NegativeSampling(number) => {
                Outputs::Negatives(Negatives::new(counts, settings.power), number)
            }
            Objective::HierarchicalSoftmax => Outputs::Codes(Codes::new(counts)),
        };
        let (unit, units) = unit(corpus);
        Self {
            settings,
            ids,
            keep: keep.collect(),
            outputs,
            rows: settings.ngrams.map(|ngrams| WordRows::new(&vocabulary.words, ngrams)),
            unit,
            units,
            isa: Isa::best(),
        }
    }
}

/// Trains a model to its last epoch, or until the observer stops it; gives whether it is done.
///
/// On all threads of the current pool at once and without locks, or, deterministically, on one.
///
/// # Errors
/// What the observer's checkpoints fail with.
pub fn train(model: &mut Model, corpus: &Corpus, observer: &dyn Observer) -> Result<bool> {
    let settings = model.settings.clone();
    let plan = Plan::new(corpus, &model.vocabulary, &settings);
    let all = model.all;
    observer.stage(Stage::Training, Some(corpus.summary.known * settings.epochs as u64));
    let counted = Counted::new(&plan);
    while model.done < all {
        let next = AtomicU64::new(model.done);
        let pause = AtomicBool::new(false);
        let watched = Mutex::new((0u64, 0.0f64));
        let (input, output) = (model.input.shared(), model.output.shared());
        let threads = if settings.deterministic { 1 } else { rayon::current_num_threads() };
        let work = || {
            let mut worker = Worker::new(&plan, input.vectors(), threads);
            while !pause.load(Relaxed) {
                let number = next.fetch_add(1, Relaxed);
                if number >= all {
                    break;
                }
                worker.train(&plan, number, input, output);
                observer.at(counted.words(number + 1));
                let told = {
                    let mut watched = watched.lock().expect("no thread panics");
                    watched.0 += std::mem::take(&mut worker.pairs);
                    watched.1 += std::mem::take(&mut worker.loss);
                    (watched.0 >= TOLD).then(|| std::mem::take(&mut *watched))
                };
                if let Some((pairs, loss)) = told {
                    observer.loss(loss / pairs as f64, plan.lr(number).into());
                }
                if observer.wants_pause() {
                    pause.store(true, Relaxed);
                }
            }
        };
        if settings.deterministic {
            work();
        } else {
            rayon::broadcast(|_| work());
        }
        // Every unit that was taken was trained to its end.
        model.done = next.into_inner().min(all);
        if model.done < all && !observer.paused(model)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Pairs whose mean loss is told at once.
const TOLD: u64 = 2048;

/// Words of the text before each unit of an epoch, for the progress.
struct Counted {
    before: Vec<u64>,
    units: u64,
}

impl Counted {
    fn new(plan: &Plan<'_>) -> Self {
        let mut before = vec![0];
        for unit in plan.ids.chunks(plan.unit) {
            let words = unit.iter().filter(|&&id| id != LINE_END).count() as u64;
            before.push(before.last().copied().unwrap_or(0) + words);
        }
        Self { before, units: plan.units }
    }

    /// Words of so many units.
    fn words(&self, units: u64) -> u64 {
        let all = self.before.last().copied().unwrap_or(0);
        units / self.units * all + self.before[(units % self.units) as usize]
    }
}
