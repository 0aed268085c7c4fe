//! What was read of a file, and whether its numbers are numbers.

use super::ReadOptions;
use crate::error::{EmbeddingError, Place, Result};
use crate::lexicon::Lexicon;
use crate::subwords::Subwords;
use crate::trained::Trained;
use crate::vectors::Vectors;

/// Which rows of a file that is mapped, and so never read, are looked at for a NaN or an infinity when it is
/// opened. What is read row by row is looked at as it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// None: for a few words, whose vectors [`Vectors::finite_vector`] looks at.
    Nothing,
    /// The vectors of words.
    #[default]
    Words,
    /// The input rows (of words and n-grams) and the output rows of a training as well: where all are used.
    Everything,
}

/// What was read, and what of the file was left out.
#[derive(Debug)]
pub struct Loaded {
    /// The vectors.
    pub vectors: Vectors,
    /// What a training can go on from, where the file has it.
    pub trained: Option<Trained>,
    /// Rows whose word had come before; the first one counts.
    pub duplicates: u64,
    /// Rows left out for a number that is not finite.
    pub not_finite: u64,
    /// What hangs on such rows, and was left out with them: n-grams, the graph of neighbours, what a
    /// training goes on from.
    pub lost: Vec<&'static str>,
}

impl Loaded {
    /// Vectors of which nothing was left out.
    pub fn whole(vectors: Vectors, trained: Option<Trained>) -> Self {
        Self { vectors, trained, duplicates: 0, not_finite: 0, lost: Vec::new() }
    }

    /// Looks at the rows of a file, `name`, as far as it is asked for: those with a NaN or an infinity are
    /// an error, or they are left out, and with them what hangs on them.
    ///
    /// # Errors
    /// [`EmbeddingError::Malformed`] with the first such row.
    pub(crate) fn checked(mut self, name: &str, options: &ReadOptions) -> Result<Self> {
        let skip = options.skip_not_finite;
        if options.check == Check::Nothing && !skip {
            return Ok(self);
        }
        self.check_words(name, skip)?;
        if options.check == Check::Everything {
            let input = self.vectors.subwords().map_or_else(Vec::new, Subwords::not_finite);
            if self.refused("input", &input, name, skip)? {
                self.lose_subwords();
                self.lose_training();
            }
            let output = self.trained.as_ref().map_or_else(Vec::new, Trained::not_finite);
            if self.refused("output", &output, name, skip)? {
                self.lose_training();
            }
        }
        Ok(self)
    }

    fn check_words(&mut self, name: &str, skip: bool) -> Result<()> {
        let vectors = &self.vectors;
        let rows = vectors.not_finite();
        let Some(&first) = rows.first() else { return Ok(()) };
        if !skip {
            let bad = vectors.row(first).iter().find(|x| !x.is_finite()).unwrap_or(&f32::NAN);
            let problem = holds(vectors.word(first), *bad);
            return Err(EmbeddingError::malformed(name, Place::Row(first as u64 + 1), problem));
        }
        let kept: Vec<usize> =
            (0..vectors.len()).filter(|row| rows.binary_search(row).is_err()).collect();
        if kept.is_empty() {
            let problem = "holds no vectors that are finite; give a file with some";
            return Err(EmbeddingError::malformed(name, Place::File, problem));
        }
        let words: Lexicon = kept.iter().map(|&row| vectors.word(row)).collect();
        let matrix: Vec<f32> = kept.iter().flat_map(|&row| vectors.row(row)).copied().collect();
        let mut left = Vectors::new(words, matrix, vectors.dim())?;
        if let Some(counts) = vectors.counts() {
            left = left.with_counts(kept.iter().map(|&row| counts[row]).collect::<Vec<u64>>());
        }
        // The rows of n-grams stand behind all words', and the graph numbers all rows.
        self.lose_subwords();
        if self.vectors.index().is_some() {
            self.lost.push("the graph of neighbours");
        }
        self.lose_training();
        self.not_finite += rows.len() as u64;
        self.vectors = left;
        Ok(())
    }

    /// Whether some rows of a matrix are to be left out.
    fn refused(&self, matrix: &str, rows: &[usize], name: &str, skip: bool) -> Result<bool> {
        let Some(first) = rows.first().filter(|_| !skip) else { return Ok(!rows.is_empty()) };
        let problem = format!(
            "row {} of the {matrix} matrix holds a NaN or an infinity; {LEAVE_OUT}",
            first + 1
        );
        Err(EmbeddingError::malformed(name, Place::File, problem))
    }

    fn lose_subwords(&mut self) {
        if self.vectors.subwords().is_some() {
            self.lost.push("the n-grams");
            self.vectors.drop_subwords();
        }
    }

    fn lose_training(&mut self) {
        if self.trained.take().is_some() {
            self.lost.push("what a training goes on from");
        }
    }
}

/// The mend of a row that is refused.
const LEAVE_OUT: &str =
    "leave such rows out (`lampwick embed convert IN OUT --skip-not-finite`), or train again";

/// A row that is refused.
pub(super) fn holds(word: &[u8], bad: f32) -> String {
    format!("the vector of `{}` holds {bad}; {LEAVE_OUT}", String::from_utf8_lossy(word))
}
