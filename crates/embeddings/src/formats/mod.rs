//! Files of vectors.
//!
//! - [`native`]: our own, mapped into memory
//! - [`word2vec_text`], [`word2vec_binary`]: word2vec's two, and GloVe's, which is the first without a header
//! - [`fasttext`]: models with n-grams
//! - [`safetensors`], [`projector`]: tensors, and TensorFlow's tab-separated files
//! - [`read`]: what all readers share: bytes to words and numbers, with a place for each error
//! - [`loaded`]: what was read, and whether its numbers are numbers
//!
//! No reader believes a header: what is allocated is what the file has, and what the header says is
//! compared at the end.

use std::io::{Read, Write};
use std::path::Path;

pub mod fasttext;
pub mod loaded;
pub mod native;
pub mod projector;
pub mod read;
pub mod safetensors;
pub mod word2vec_binary;
pub mod word2vec_text;

use lampwick_ngram::Source;

use crate::error::{EmbeddingError, Place, Result};
use crate::glove::is_checkpoint_start;
use crate::trained::Trained;
use crate::vectors::Vectors;
pub use loaded::{Check, Loaded};
pub use read::ReadOptions;

/// A format of files of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header `words dimensions`, then a line a word. fastText's `.vec` is the same.
    Word2vecText,
    /// The same header; then word, space and little-endian floats.
    Word2vecBinary,
    /// Lines without a header, as GloVe writes them.
    Glove,
    /// A model of fastText.
    Fasttext,
    /// Tensors, with the words as bytes.
    Safetensors,
    /// Tab-separated numbers, the words in a second file.
    Projector,
    /// Lampwick's own.
    Native,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] = [
        Self::Word2vecText,
        Self::Word2vecBinary,
        Self::Glove,
        Self::Fasttext,
        Self::Safetensors,
        Self::Projector,
        Self::Native,
    ];

    /// The name by which a user asks for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Word2vecText => "word2vec",
            Self::Word2vecBinary => "word2vec-binary",
            Self::Glove => "glove",
            Self::Fasttext => "fasttext",
            Self::Safetensors => "safetensors",
            Self::Projector => "projector",
            Self::Native => "native",
        }
    }

    /// The format that a file's name asks for.
    pub fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let name = name.strip_suffix(".gz").unwrap_or(name);
        match name.rsplit_once('.')?.1 {
            "bin" => Some(Self::Word2vecBinary),
            "vec" | "w2v" => Some(Self::Word2vecText),
            "ftz" => Some(Self::Fasttext),
            "safetensors" => Some(Self::Safetensors),
            "tsv" => Some(Self::Projector),
            "lwv" => Some(Self::Native),
            "txt" if name.contains("glove") => Some(Self::Glove),
            "txt" => Some(Self::Word2vecText),
            _ => None,
        }
    }

    /// The format that the first bytes of a file show.
    pub fn of_start(start: &[u8]) -> Option<Self> {
        if native::is_native(start) {
            return Some(Self::Native);
        }
        if fasttext::is_fasttext(start) {
            return Some(Self::Fasttext);
        }
        if start.get(8) == Some(&b'{') && start[..8].ends_with(&[0; 4]) {
            return Some(Self::Safetensors);
        }
        let line = start.split(|&byte| byte == b'\n').next()?;
        let text = std::str::from_utf8(line).unwrap_or_default();
        let is_header = text.split_ascii_whitespace().count() == 2
            && text.split_ascii_whitespace().all(|number| number.parse::<i64>().is_ok());
        let numbers = || text.split('\t').map(|number| number.trim().parse::<f32>());
        if numbers().count() > 1 && numbers().all(|number| number.is_ok()) {
            return Some(Self::Projector);
        }
        if !is_header {
            return (!line.is_empty()).then_some(Self::Glove);
        }
        // A row of text has bytes of text only, and ends in a number.
        let rest = start.get(line.len() + 1..).unwrap_or_default();
        let row = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let as_text = |byte: &u8| matches!(byte, b'\t' | b'\r' | b' '..=b'~' | 0x80..);
        let mut fields = row.rsplit(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        // What was read may end within a number.
        if row.len() == rest.len() && start.len() >= START {
            fields.next();
        }
        let last = fields.next().and_then(|field| std::str::from_utf8(field).ok());
        let text = rest.is_empty()
            || row.iter().all(as_text) && last.is_some_and(|last| last.parse::<f32>().is_ok());
        Some(if text { Self::Word2vecText } else { Self::Word2vecBinary })
    }
}

/// Bytes by which a file's format is seen.
const START: usize = 1 << 12;

/// Reads a file of vectors; what it is is seen from its first bytes, unless `format` says. A file of our
/// own is mapped and not read: [`ReadOptions::check`] says which of its rows are looked at.
///
/// # Errors
/// [`EmbeddingError::Read`], or [`EmbeddingError::Malformed`] with the line or row.
pub fn open(
    path: impl AsRef<Path>,
    format: Option<Format>,
    options: &ReadOptions,
) -> Result<Loaded> {
    let path = path.as_ref();
    let mut source = Source::named(path)?;
    let mut start = Vec::new();
    let read = source.reader.by_ref().take(START as u64).read_to_end(&mut start);
    read.map_err(|error| EmbeddingError::read(&source.name, error))?;
    if is_checkpoint_start(&start) {
        let problem = "is a checkpoint of a GloVe training: `lampwick embed train TEXT -o VECTORS \
                       --checkpoint FILE --resume` goes on from it, and writes vectors";
        return Err(EmbeddingError::malformed(&source.name, Place::File, problem));
    }
    let format = match format.or_else(|| Format::of_start(&start)) {
        Some(format) => format,
        None => {
            let problem = "is empty; give a file with a line for each word";
            return Err(EmbeddingError::malformed(&source.name, Place::File, problem));
        }
    };
    if format == Format::Native {
        // What is read as it comes shows the format, and the file itself does not: a pipe, or packed.
        if native::is_native(&start) && !native::is_native_file(path) {
            let problem =
                "is a file of Lampwick's own, which is mapped: name the file itself, unpacked";
            return Err(EmbeddingError::malformed(&source.name, Place::File, problem));
        }
        return native::open(path)?.checked(&path.display().to_string(), options);
    }
    let size = std::fs::metadata(path).map_or(0, |data| data.len());
    read_as(format, read::Reader::new(source.name, start, source.reader, size), options)
}

/// Reads vectors of a format that is read as it comes: any but [`Format::Native`], which is mapped.
///
/// # Errors
/// As [`open`].
pub fn read_as(format: Format, mut reader: read::Reader, options: &ReadOptions) -> Result<Loaded> {
    match format {
        Format::Word2vecText => word2vec_text::read(&mut reader, options),
        Format::Word2vecBinary => word2vec_binary::read(&mut reader, options),
        Format::Glove => word2vec_text::read_without_header(&mut reader, options),
        Format::Fasttext => fasttext::read(&mut reader, options),
        Format::Projector => projector::read(&mut reader, options),
        Format::Safetensors | Format::Native => {
            let mut bytes = Vec::new();
            let read = reader.bytes.read_to_end(&mut bytes);
            read.map_err(|error| EmbeddingError::read(&reader.name, error))?;
            safetensors::read(&bytes, &reader, options)
        }
    }
}

/// Writes vectors. The words of [`Format::Projector`] go to a second file: [`projector::write_words`].
///
/// # Errors
/// [`EmbeddingError::Write`] with the writer's reason; [`EmbeddingError::Setting`] for a word that
/// the format cannot hold.
pub fn write(
    vectors: &Vectors,
    trained: Option<&Trained>,
    format: Format,
    out: &mut (impl Write + ?Sized),
) -> Result<()> {
    match format {
        Format::Word2vecText => word2vec_text::write(vectors, true, out),
        Format::Word2vecBinary => word2vec_binary::write(vectors, out),
        Format::Glove => word2vec_text::write(vectors, false, out),
        Format::Fasttext => fasttext::write(vectors, trained, out),
        Format::Safetensors => safetensors::write(vectors, out),
        Format::Projector => projector::write(vectors, out),
        Format::Native => native::write(&native::Contents::new(vectors, trained), out)
            .map_err(EmbeddingError::write),
    }
}
