//! A model and its file: checkpoints, and trainings that go on.

use std::io::Write;
use std::sync::Arc;

use super::matrix::Matrix;
use super::settings::{Objective, Settings};
use super::train::Model;
use crate::corpus::Corpus;
use crate::error::{EmbeddingError, Result};
use crate::formats::Loaded;
use crate::formats::native::{self, Contents, RowsRef};
use crate::section::Section;
use crate::subwords::{Rows, Subwords};
use crate::trained::{State, Trained};
use crate::vectors::Vectors;

impl Model {
    /// How far the training is.
    pub fn state(&self) -> State {
        State { done: self.done, all: self.all, text: self.text, words: self.words }
    }

    /// Writes the model as a native file, with all that a training goes on from: a checkpoint.
    ///
    /// # Errors
    /// [`EmbeddingError::Write`].
    pub fn write(&self, out: &mut (impl Write + ?Sized)) -> Result<()> {
        let means = self.settings.ngrams.map(|_| self.vectors()).transpose()?;
        let contents = Contents {
            words: &self.vocabulary.words,
            dim: self.settings.dim,
            counts: Some(&self.vocabulary.counts),
            vectors: Some(match &means {
                Some(means) => RowsRef::Flat(means.matrix()),
                None => RowsRef::Padded(&self.input),
            }),
            ngrams: self.settings.ngrams,
            input: means.is_some().then_some(RowsRef::Padded(&self.input)),
            codes: None,
            pruned: Vec::new(),
            training: Some((&self.settings, self.state(), RowsRef::Padded(&self.output))),
            index: None,
        };
        native::write(&contents, out).map_err(EmbeddingError::write)
    }

    /// The vectors, and what a training goes on from.
    ///
    /// # Errors
    /// [`EmbeddingError::Diverged`].
    pub fn into_parts(self) -> Result<(Vectors, Trained)> {
        let mut vectors = self.vectors()?.if_finite()?;
        let (settings, state) = (self.settings.clone(), self.state());
        let words = self.vocabulary.len();
        let output: Section<f32> = flat(&self.output).into();
        drop(self.output);
        if let Some(ngrams) = settings.ngrams {
            let rows = Rows::Dense(Arc::new(flat(&self.input).into()));
            let subwords = Subwords::new(ngrams, rows, words, settings.dim, None)
                .map_err(EmbeddingError::Setting)?;
            vectors = vectors.with_subwords(subwords);
        }
        Ok((vectors, Trained { settings, state, output: Arc::new(output) }))
    }

    /// What a checkpoint goes on from.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`] when the file is no checkpoint, or is finished.
    pub fn resumable(loaded: &Loaded) -> Result<&Trained> {
        let refused = |problem: &str| Err(EmbeddingError::Setting(problem.into()));
        match &loaded.trained {
            None => refused("the checkpoint has nothing that a training goes on from"),
            Some(trained) if trained.state.is_finished() => refused(
                "the training of the checkpoint is finished; to train on, use its file with --from",
            ),
            Some(trained) => Ok(trained),
        }
    }

    /// A model as a checkpoint has it. The corpus has to be the same text, read with the checkpoint's
    /// words as the first and only ones.
    ///
    /// # Errors
    /// Those of [`Model::resumable`]; [`EmbeddingError::Setting`] when the text is another.
    pub fn resume(loaded: &Loaded, corpus: &Corpus) -> Result<Self> {
        let trained = Self::resumable(loaded)?;
        if trained.state.text != corpus.hash {
            return Err(EmbeddingError::Setting(
                "the text is not the one of the checkpoint; give the same files in the same order, or \
                 begin anew with --from"
                    .into(),
            ));
        }
        let mut model = Self::new(corpus, &trained.settings)?;
        model.copy(loaded, true);
        if let Some(counts) = loaded.vectors.counts() {
            model.vocabulary.counts = counts.to_vec();
        }
        model.done = trained.state.done;
        Ok(model)
    }

    /// A model that begins with the rows of another, for more text; the corpus was read with the other's
    /// words as the first ones. Words that are new begin at random.
    ///
    /// The Huffman tree of a hierarchical softmax follows the counts, so its rows begin again at zero.
    ///
    /// # Errors
    /// Those of [`Model::expect_continues`].
    pub fn continue_from(loaded: &Loaded, corpus: &Corpus, settings: &Settings) -> Result<Self> {
        Self::expect_continues(loaded, settings)?;
        let vectors = &loaded.vectors;
        let mut model = Self::new(corpus, settings)?;
        model.copy(loaded, Self::keeps_output(loaded, settings));
        if let Some(counts) = vectors.counts() {
            model.vocabulary.counts.iter_mut().zip(counts).for_each(|(sum, &old)| *sum += old);
        }
        Ok(model)
    }

    /// Whether [`Model::continue_from`] keeps what words are predicted by: of negative sampling, for
    /// negative sampling.
    pub fn keeps_output(loaded: &Loaded, settings: &Settings) -> bool {
        let sampled = |it: &Settings| matches!(it.objective, Objective::NegativeSampling(_));
        sampled(settings) && loaded.trained.as_ref().is_some_and(|it| sampled(&it.settings))
    }

    /// Whether a training with these settings can begin with the rows of a file.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`] when dimensions or n-grams are not those of the file, or its rows are
    /// codes.
    pub fn expect_continues(loaded: &Loaded, settings: &Settings) -> Result<()> {
        let vectors = &loaded.vectors;
        let ngrams = vectors.subwords().map(Subwords::ngrams);
        if settings.dim != vectors.dim() || settings.ngrams != ngrams {
            return Err(EmbeddingError::Setting(format!(
                "the vectors to go on from have {} dimensions and {}, which cannot change",
                vectors.dim(),
                match ngrams {
                    None => "no n-grams".to_owned(),
                    Some(it) => format!(
                        "n-grams of {} to {} characters in {} buckets",
                        it.min, it.max, it.buckets
                    ),
                }
            )));
        }
        if vectors.subwords().is_some_and(|it| it.is_quantized() || it.pruned().is_some()) {
            return Err(EmbeddingError::Setting(
                "quantised vectors of n-grams cannot be trained on; use the file that they were made from"
                    .into(),
            ));
        }
        Ok(())
    }

    /// Copies rows of words, of buckets, and of what is predicted.
    fn copy(&mut self, loaded: &Loaded, with_output: bool) {
        let vectors = &loaded.vectors;
        let (dim, old, new) = (vectors.dim(), vectors.len(), self.vocabulary.len());
        let input = match vectors.subwords().map(Subwords::rows) {
            Some(Rows::Dense(rows)) => rows,
            _ => vectors.matrix(),
        };
        for (row, numbers) in input.chunks(dim).enumerate() {
            let row = if row < old { row } else { row - old + new };
            self.input.row_mut(row).copy_from_slice(numbers);
        }
        if let Some(trained) = loaded.trained.as_ref().filter(|_| with_output) {
            for (row, numbers) in trained.output.chunks(dim).enumerate() {
                self.output.row_mut(row).copy_from_slice(numbers);
            }
        }
    }
}

/// Rows without padding.
fn flat(matrix: &Matrix) -> Vec<f32> {
    let mut flat = Vec::with_capacity(matrix.rows() * matrix.dim());
    (0..matrix.rows()).for_each(|row| flat.extend_from_slice(matrix.row(row)));
    flat
}
