//! A training as a file, and what goes on from it.
//!
//! ```text
//! "LAMPGLO1"; a header as JSON, its length before it: u32
//! for each word: its bytes' number: u32, its bytes, its count: u64
//! for each word its row, then for each its row as a context: the vector, its two biases, and as many
//! sums of squares: f32
//! hash (xxh3) of all that: u64
//! ```
//!
//! All numbers are little-endian.

use std::io::{Read, Write};

use lampwick_ngram::Source;
use serde::{Deserialize, Serialize};

use super::checked::{Checked, Hashed};
use super::records::Entries;
use super::settings::GloveSettings;
use super::step::half;
use super::train::Model;
use crate::corpus::Vocabulary;
use crate::error::{EmbeddingError, Result};
use crate::lexicon::LexiconBuilder;
use crate::training::Checkpoint;
use crate::training::matrix::Matrix;

const MAGIC: [u8; 8] = *b"LAMPGLO1";

/// Whether a file begins as a checkpoint of GloVe does.
///
/// # Errors
/// [`EmbeddingError::Read`].
pub fn is_checkpoint(mut source: Source) -> Result<bool> {
    let mut start = Vec::new();
    let read = source.reader.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start);
    read.map_err(|error| EmbeddingError::read(&source.name, error))?;
    Ok(is_checkpoint_start(&start))
}

/// Whether a file that begins so is one.
pub(crate) fn is_checkpoint_start(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

#[derive(Serialize, Deserialize)]
struct Header {
    settings: GloveSettings,
    words: u64,
    done: u64,
    all: u64,
    counts: u64,
}

/// The parts of a row that are not zeros: from where, and how many numbers.
fn parts(dim: usize) -> [std::ops::Range<usize>; 2] {
    [0..dim + 2, half(dim)..half(dim) + dim + 2]
}

impl Checkpoint for Model {
    fn write_checkpoint(&self, out: &mut dyn Write) -> Result<()> {
        let mut out = Hashed::new(out);
        let header = Header {
            settings: self.settings.clone(),
            words: self.vocabulary.len() as u64,
            done: self.done,
            all: self.all,
            counts: self.counts,
        };
        let mut put = || -> std::io::Result<()> {
            let header = serde_json::to_vec(&header)?;
            out.write_all(&MAGIC)?;
            out.write_all(&(header.len() as u32).to_le_bytes())?;
            out.write_all(&header)?;
            out.write_words(&self.vocabulary)?;
            for matrix in [&self.words, &self.contexts] {
                for row in 0..matrix.rows() {
                    for part in parts(self.settings.dim) {
                        for number in &matrix.row(row)[part] {
                            out.write_all(&number.to_le_bytes())?;
                        }
                    }
                }
            }
            Ok(())
        };
        put().and_then(|()| out.finish()).map_err(EmbeddingError::write)
    }
}

impl Model {
    /// Reads a checkpoint.
    ///
    /// # Errors
    /// [`EmbeddingError::Malformed`] for a file that is none, or is damaged.
    pub fn read(source: Source) -> Result<Self> {
        let mut file = Checked::new(source);
        if file.bytes()? != MAGIC {
            return Err(file.wrong(
                "is no checkpoint of a GloVe training; --resume and --from take the file that \
                 --checkpoint named",
            ));
        }
        let header: Header = serde_json::from_slice(&file.text()?).map_err(|error| {
            file.wrong(format!("has a damaged header ({error}); make it again"))
        })?;
        let Header { settings, words, done, all, counts } = header;
        settings.validate()?;
        let (mut lexicon, mut numbers) = (LexiconBuilder::new(), Vec::new());
        for _ in 0..words {
            let word = file.text()?;
            numbers.push(file.long()?);
            if !lexicon.add(&word) {
                return Err(file.wrong("has a word twice; make it again"));
            }
        }
        let vocabulary = Vocabulary { words: lexicon.finish(), counts: numbers };
        let mut matrix = || -> Result<Matrix> {
            let mut matrix = Matrix::zeros(vocabulary.len(), 2 * half(settings.dim))?;
            // The padding's sums of squares are divided by.
            for row in 0..vocabulary.len() {
                let row = matrix.row_mut(row);
                row[half(settings.dim)..].fill(1.0);
                for part in parts(settings.dim) {
                    file.fill(bytemuck::cast_slice_mut(&mut row[part]))?;
                }
            }
            Ok(matrix)
        };
        let (words, contexts) = (matrix()?, matrix()?);
        file.finish()?;
        Ok(Self { settings, vocabulary, words, contexts, done, all, counts })
    }

    /// Makes sure that a checkpoint goes on with the counts that it was made of. One that is finished has
    /// nothing left to train, and its vectors.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`] when the counts are others.
    pub fn resume(self, entries: &Entries) -> Result<Self> {
        if self.counts != entries.hash() {
            let problem = "the counts are not those of the checkpoint; give the same text, or begin \
                           anew with --from";
            return Err(EmbeddingError::Setting(problem.into()));
        }
        Ok(self)
    }

    /// A model that begins with the rows of another, whose words are the first ones of `vocabulary`; words
    /// that are new begin at random.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`] when the dimensions are not those of the file.
    pub fn continue_from(
        old: &Self,
        vocabulary: &Vocabulary,
        entries: &Entries,
        settings: &GloveSettings,
    ) -> Result<Self> {
        old.expect_continues(settings)?;
        let mut model = Self::new(vocabulary, entries, settings)?;
        for row in 0..old.vocabulary.len() {
            model.words.row_mut(row).copy_from_slice(old.words.row(row));
            model.contexts.row_mut(row).copy_from_slice(old.contexts.row(row));
        }
        let both = model.vocabulary.counts.iter_mut().zip(&old.vocabulary.counts);
        both.for_each(|(sum, &old)| *sum = sum.saturating_add(old));
        Ok(model)
    }

    /// Whether a training with these settings can begin with this model.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`] for other dimensions.
    pub fn expect_continues(&self, settings: &GloveSettings) -> Result<()> {
        if settings.dim != self.settings.dim {
            return Err(EmbeddingError::Setting(format!(
                "the vectors to go on from have {} dimensions, which cannot change",
                self.settings.dim
            )));
        }
        Ok(())
    }
}
