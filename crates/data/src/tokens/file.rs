//! Token files: a head (its layout stands in `header.rs`), then the ids, little-endian, two bytes each
//! for a vocabulary of at most 65,536 words and four for a larger one.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use super::header::{HEADER_BYTES, Header};
use crate::atomic::AtomicFile;
use crate::error::{DataError, Result};
use crate::hash::hex;
use crate::tokenizer::TextCounts;
use crate::vocabulary::Vocabulary;

const MEND: &str = "make it again with `lampwick prepare`";

/// A token file, memory-mapped: pages are read when they are used and need no memory of their own.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct TokenFile {
    map: Arc<Mmap>,
    header: Header,
    path: Arc<Path>,
}

impl TokenFile {
    /// Opens a token file and checks it: the head, the length, and (one sequential read) that each id
    /// lies in the vocabulary, so that a damaged file is found here and not in the middle of a run.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Directory`], [`DataError::Read`],
    /// [`DataError::Malformed`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = crate::text::open(path)?;
        let map = map(&file).map_err(|error| DataError::open(path, error))?;
        let malformed =
            |problem: String| DataError::Malformed { path: path.into(), problem, mend: MEND };
        let header = Header::from_bytes(&map).map_err(|problem| malformed(problem.into()))?;
        let body = (map.len() - HEADER_BYTES) as u64;
        let said = header.counts.tokens.checked_mul(header.width as u64);
        if said != Some(body) || body == 0 {
            return Err(malformed(format!(
                "holds {body} bytes of ids where its head says {} ids of {} bytes",
                header.counts.tokens, header.width
            )));
        }
        let file = Self { map: Arc::new(map), header, path: path.into() };
        let size = header.vocabulary_size;
        let beyond = file.range(0..file.len()).position(|id| u64::from(id) >= size);
        match beyond {
            None => Ok(file),
            Some(at) => Err(malformed(format!("token {at} is beyond the {size} words"))),
        }
    }

    /// [`TokenFile::open`], and checks that the ids are those of `vocabulary`.
    ///
    /// # Errors
    /// Those of [`TokenFile::open`] and [`DataError::VocabularyMismatch`].
    pub fn open_for(path: impl AsRef<Path>, vocabulary: &Vocabulary) -> Result<Self> {
        let file = Self::open(path)?;
        let size = file.header.vocabulary_size as usize;
        vocabulary.expect_digest(&file.header.vocabulary, size, &file.path.to_string_lossy())?;
        Ok(file)
    }

    /// Number of tokens.
    #[expect(clippy::len_without_is_empty, reason = "an empty token file does not open")]
    pub fn len(&self) -> usize {
        (self.map.len() - HEADER_BYTES) / self.header.width
    }

    /// The token at `index`; none beyond the end.
    pub fn get(&self, index: usize) -> Option<u32> {
        self.range(index..index.checked_add(1)?).next()
    }

    /// The tokens of `range`, as far as there are any.
    pub fn range(&self, range: Range<usize>) -> impl Iterator<Item = u32> + '_ {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let width = self.header.width;
        let bytes = &self.map[HEADER_BYTES + start * width..HEADER_BYTES + end * width];
        bytes.chunks_exact(width).map(|id| match *id {
            [a, b] => u32::from(u16::from_le_bytes([a, b])),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            _ => 0, // no other width opens
        })
    }

    /// What the text held.
    pub fn counts(&self) -> TextCounts {
        self.header.counts
    }

    /// Words in the vocabulary of the ids.
    pub fn vocabulary_size(&self) -> usize {
        self.header.vocabulary_size as usize
    }

    /// SHA-256 of that vocabulary ([`Vocabulary::hash`]).
    pub fn vocabulary_hash(&self) -> String {
        hex(&self.header.vocabulary)
    }

    /// SHA-256 of the text's file.
    pub fn source_hash(&self) -> String {
        hex(&self.header.source)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is read-only and every id is checked when read as bytes, so other bytes cannot
    // break memory safety as long as the file keeps its length; token files are made whole and renamed
    // into place (`AtomicFile`), never changed in place.
    unsafe { Mmap::map(file) }
}

/// Writes a token file as a stream; it appears under its name when it is complete.
#[derive(Debug)]
pub struct TokenFileWriter {
    file: AtomicFile,
    width: usize,
    vocabulary_size: u64,
    vocabulary: [u8; 32],
    tokens: u64,
    bytes: Vec<u8>,
}

impl TokenFileWriter {
    /// Begins a file of ids of `vocabulary`.
    ///
    /// # Errors
    /// [`DataError::Write`].
    pub fn create(path: impl Into<PathBuf>, vocabulary: &Vocabulary) -> Result<Self> {
        let mut writer = Self {
            file: AtomicFile::create(path)?,
            width: if vocabulary.len() <= 1 << 16 { 2 } else { 4 },
            vocabulary_size: vocabulary.len() as u64,
            vocabulary: vocabulary.digest(),
            tokens: 0,
            bytes: Vec::new(),
        };
        writer.bytes.resize(HEADER_BYTES, 0); // room for the head, which is known at the end
        writer.flush()?;
        Ok(writer)
    }

    /// Appends ids.
    ///
    /// # Errors
    /// [`DataError::Write`], and [`DataError::Setting`] for an id beyond the vocabulary.
    pub fn append(&mut self, ids: &[u32]) -> Result<()> {
        for &id in ids {
            if u64::from(id) >= self.vocabulary_size {
                return Err(DataError::Setting {
                    key: "token id",
                    value: id.to_string(),
                    mend: "is beyond the vocabulary that the file was begun with",
                });
            }
            self.bytes.extend_from_slice(&id.to_le_bytes()[..self.width]);
        }
        self.tokens += ids.len() as u64;
        self.flush()
    }

    /// Writes the head and makes the file visible. `counts.tokens` is taken from what was appended;
    /// `source` is the SHA-256 of the text's file.
    ///
    /// # Errors
    /// [`DataError::Write`]; [`DataError::Empty`] when nothing was appended.
    pub fn finish(mut self, counts: TextCounts, source: [u8; 32]) -> Result<()> {
        if self.tokens == 0 {
            return Err(DataError::Empty { name: self.file.path().display().to_string() });
        }
        let header = Header {
            width: self.width,
            counts: TextCounts { tokens: self.tokens, ..counts },
            vocabulary_size: self.vocabulary_size,
            vocabulary: self.vocabulary,
            source,
        };
        self.bytes.extend(header.to_bytes());
        let sought = self.file.seek(SeekFrom::Start(0));
        sought.map_err(|source| DataError::write(self.file.path(), source))?;
        self.flush()?;
        self.file.commit()
    }

    fn flush(&mut self) -> Result<()> {
        let written = self.file.write_all(&self.bytes);
        self.bytes.clear();
        written.map_err(|source| DataError::write(self.file.path(), source))
    }
}
