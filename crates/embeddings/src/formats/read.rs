//! What all readers share: bytes to words and numbers, with a place for each error.

use std::io::{BufRead, BufReader, Chain, Cursor, Read};

use crate::error::{EmbeddingError, Place, Result};
use crate::formats::loaded::{Check, Loaded, holds};
use crate::lexicon::{LexiconBuilder, MOST_WORDS};
use crate::vectors::Vectors;

/// How a file is read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Which rows are looked at, of a file that is mapped.
    pub check: Check,
    /// Leave out rows with a NaN or an infinity, where such a row would end the reading.
    pub skip_not_finite: bool,
    /// Dimensions, for a file without a header whose words may hold spaces.
    pub dim: Option<usize>,
    /// The words of a file that does not say them.
    pub words: Option<Vec<Vec<u8>>>,
}

/// What has been read to see the format, then the rest.
type Bytes = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// A file as it is read.
pub struct Reader {
    /// Its name in messages.
    pub(crate) name: String,
    pub(crate) bytes: BufReader<Bytes>,
    /// Bytes of the file on the disk, 0 where that is not known; packed, it may unpack to more.
    pub(crate) size: u64,
}

impl Reader {
    /// `start` has been read from `rest` already.
    pub fn new(
        name: impl Into<String>,
        start: Vec<u8>,
        rest: Box<dyn Read + Send>,
        size: u64,
    ) -> Self {
        let bytes = BufReader::with_capacity(1 << 20, Cursor::new(start).chain(rest));
        Self { name: name.into(), bytes, size }
    }

    /// Bytes in memory.
    pub fn of_bytes(name: impl Into<String>, bytes: &[u8]) -> Self {
        Self::new(name, bytes.to_vec(), Box::new(std::io::empty()), bytes.len() as u64)
    }

    /// The next line without its end; `false` at the end of the file.
    pub(crate) fn line(&mut self, line: &mut Vec<u8>) -> Result<bool> {
        line.clear();
        let read = self.bytes.read_until(b'\n', line);
        if read.map_err(|error| EmbeddingError::read(&self.name, error))? == 0 {
            return Ok(false);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        Ok(true)
    }

    pub(crate) fn error(&self, place: Place, problem: impl Into<String>) -> EmbeddingError {
        EmbeddingError::malformed(&self.name, place, problem)
    }

    /// The numbers `words dimensions` of a header line.
    pub(crate) fn header(&mut self) -> Result<(u64, usize)> {
        let mut line = Vec::new();
        self.line(&mut line)?;
        let text = String::from_utf8_lossy(&line);
        let numbers: Vec<u64> =
            text.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect();
        let [words, dim] = numbers[..] else {
            let start: String = text.chars().take(40).collect();
            let problem = format!(
                "no header of two numbers, words and dimensions, but `{start}`; name the \
                         format of the file if it has none (glove)"
            );
            return Err(self.error(Place::Line(1), problem));
        };
        if dim == 0 || dim > 1 << 20 {
            let problem = format!("{dim} dimensions; is this a file of vectors?");
            return Err(self.error(Place::Line(1), problem));
        }
        Ok((words, dim as usize))
    }
}

/// Gathers rows.
pub(crate) struct Rows {
    pub(crate) words: LexiconBuilder,
    pub(crate) matrix: Vec<f32>,
    pub(crate) dim: usize,
    pub(crate) seen: u64,
    duplicates: u64,
    not_finite: u64,
    skip_not_finite: bool,
}

impl Rows {
    /// `words` is what a header says: believed as far as a file of `size` bytes can hold so many rows
    /// of `least` bytes.
    pub(crate) fn new(
        dim: usize,
        words: u64,
        least: u64,
        size: u64,
        options: &ReadOptions,
    ) -> Self {
        let rows = words.min(size / least.max(1)) as usize;
        Self {
            words: LexiconBuilder::new(),
            matrix: Vec::with_capacity(rows.saturating_mul(dim)),
            dim,
            seen: 0,
            duplicates: 0,
            not_finite: 0,
            skip_not_finite: options.skip_not_finite,
        }
    }

    /// Takes the row whose numbers are the last `dim` of the matrix.
    pub(crate) fn take(&mut self, word: &[u8], reader: &Reader, place: Place) -> Result<()> {
        self.seen += 1;
        let start = self.matrix.len() - self.dim;
        if let Some(bad) = self.matrix[start..].iter().find(|x| !x.is_finite()) {
            if !self.skip_not_finite {
                return Err(reader.error(place, holds(word, *bad)));
            }
            self.not_finite += 1;
            self.matrix.truncate(start);
            return Ok(());
        }
        if self.words.len() >= MOST_WORDS {
            return Err(reader.error(place, "more words than rows can be numbered"));
        }
        if !self.words.add(word) {
            self.duplicates += 1;
            self.matrix.truncate(start);
        }
        Ok(())
    }

    /// Compares with the header.
    pub(crate) fn finish(self, reader: &Reader, expected: Option<u64>) -> Result<Loaded> {
        if let Some(expected) = expected.filter(|&expected| expected != self.seen) {
            let mend = match self.seen < expected {
                true => "was it cut? Copy it again, or correct the header",
                false => "correct the header",
            };
            let problem = format!(
                "the header says words: {expected}, and the file has {}; {mend}",
                self.seen
            );
            return Err(reader.error(Place::File, problem));
        }
        if self.words.is_empty() {
            return Err(reader.error(Place::File, "holds no vectors; give a file with some"));
        }
        let vectors = Vectors::new(self.words.finish(), self.matrix, self.dim)?;
        let (duplicates, not_finite) = (self.duplicates, self.not_finite);
        Ok(Loaded { duplicates, not_finite, ..Loaded::whole(vectors, None) })
    }
}
