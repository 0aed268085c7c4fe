//! Files of GloVe with a hash at their end: shards of counts, checkpoints.

use std::io::{self, Read, Write};

use lampwick_ngram::Source;
use xxhash_rust::xxh3::Xxh3;

use crate::corpus::Vocabulary;
use crate::error::{EmbeddingError, Place, Result};

/// Hashes what goes through it.
pub(super) struct Hashed<T> {
    inner: T,
    hash: Xxh3,
}

impl<T> Hashed<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, hash: Xxh3::new() }
    }
}

impl<T: Write> Hashed<T> {
    /// Writes the words, and how often each occurs.
    pub(super) fn write_words(&mut self, vocabulary: &Vocabulary) -> io::Result<()> {
        for (word, count) in vocabulary.words.iter().zip(&vocabulary.counts) {
            self.write_all(&(word.len() as u32).to_le_bytes())?;
            self.write_all(word)?;
            self.write_all(&count.to_le_bytes())?;
        }
        Ok(())
    }

    /// Ends the file with the hash of all that was written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let hash = self.hash.digest();
        self.inner.write_all(&hash.to_le_bytes())
    }
}

impl<T: Write> Write for Hashed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Hashed<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.hash.update(&bytes[..read]);
        Ok(read)
    }
}

/// A file that is read.
pub(super) struct Checked {
    name: String,
    reader: Hashed<io::BufReader<Box<dyn Read + Send>>>,
}

impl Checked {
    pub(super) fn new(source: Source) -> Self {
        Self { name: source.name, reader: Hashed::new(io::BufReader::new(source.reader)) }
    }

    pub(super) fn wrong(&self, problem: impl Into<String>) -> EmbeddingError {
        EmbeddingError::malformed(&self.name, Place::File, problem)
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        match self.reader.read_exact(bytes) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.wrong("ends too early; was it cut? Copy or make it again"))
            }
            Err(error) => Err(EmbeddingError::read(&self.name, error)),
        }
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes).map(|()| bytes)
    }

    pub(super) fn int(&mut self) -> Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    pub(super) fn long(&mut self) -> Result<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    /// Bytes whose number stands before them; memory grows with what is there, not with what is said.
    pub(super) fn text(&mut self) -> Result<Vec<u8>> {
        let length = u64::from(self.int()?);
        let mut text = Vec::new();
        let read = self.reader.by_ref().take(length).read_to_end(&mut text);
        if read.map_err(|error| EmbeddingError::read(&self.name, error))? as u64 != length {
            return Err(self.wrong("ends too early; was it cut? Copy or make it again"));
        }
        Ok(text)
    }

    /// The hash at the end.
    pub(super) fn finish(mut self) -> Result<()> {
        let expected = self.reader.hash.digest();
        if self.long()? != expected {
            return Err(self.wrong("is damaged (its checksum differs); copy or make it again"));
        }
        Ok(())
    }
}
