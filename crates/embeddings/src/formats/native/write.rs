//! A native file, written.

use std::io::{Result, Write};

use xxhash_rust::xxh3::Xxh3;

use super::header::{ALIGNMENT, Entry, Graph, Header, layer};
use crate::index::Index;
use crate::lexicon::Lexicon;
use crate::quantized::{Compressed, Quantized};
use crate::subwords::{NGrams, Rows, Subwords};
use crate::trained::{State, Trained};
use crate::training::Settings;
use crate::training::matrix::Matrix;
use crate::vectors::Vectors;

/// Rows of a matrix, with padding or without.
#[derive(Clone, Copy)]
pub(crate) enum RowsRef<'a> {
    Flat(&'a [f32]),
    Padded(&'a Matrix),
}

impl RowsRef<'_> {
    fn bytes(&self) -> u64 {
        match self {
            Self::Flat(rows) => size_of_val(*rows) as u64,
            Self::Padded(matrix) => (matrix.rows() * matrix.dim() * 4) as u64,
        }
    }

    fn each(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self {
            Self::Flat(rows) => take(bytemuck::cast_slice(rows)),
            Self::Padded(matrix) => {
                (0..matrix.rows()).try_for_each(|row| take(bytemuck::cast_slice(matrix.row(row))))
            }
        }
    }
}

/// What a section holds.
enum Data<'a> {
    Bytes(&'a [u8]),
    Rows(RowsRef<'a>),
}

impl Data<'_> {
    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Rows(rows) => rows.bytes(),
        }
    }

    fn each(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self {
            Self::Bytes(bytes) => take(bytes),
            Self::Rows(rows) => rows.each(take),
        }
    }
}

/// What a file is to hold.
pub struct Contents<'a> {
    pub(crate) words: &'a Lexicon,
    pub(crate) dim: usize,
    pub(crate) counts: Option<&'a [u64]>,
    /// Nothing where codes say them.
    pub(crate) vectors: Option<RowsRef<'a>>,
    pub(crate) ngrams: Option<NGrams>,
    pub(crate) input: Option<RowsRef<'a>>,
    pub(crate) codes: Option<&'a Quantized>,
    pub(crate) pruned: Vec<[u32; 2]>,
    pub(crate) training: Option<(&'a Settings, State, RowsRef<'a>)>,
    pub(crate) index: Option<&'a Index>,
}

impl<'a> Contents<'a> {
    /// All that is known of vectors; `trained` is what a training can go on from.
    pub fn new(vectors: &'a Vectors, trained: Option<&'a Trained>) -> Self {
        let subwords = vectors.subwords();
        let (input, codes) = match subwords.map(Subwords::rows) {
            None => (None, None),
            Some(Rows::Dense(rows)) => (Some(RowsRef::Flat(rows)), None),
            Some(Rows::Codes(codes)) => (None, Some(&**codes)),
        };
        let mut pruned: Vec<[u32; 2]> = subwords
            .and_then(Subwords::pruned)
            .into_iter()
            .flat_map(|pairs| pairs.iter().map(|(&bucket, &row)| [bucket, row]))
            .collect();
        pruned.sort_unstable();
        Self {
            words: vectors.words(),
            dim: vectors.dim(),
            counts: vectors.counts(),
            vectors: codes.is_none().then_some(RowsRef::Flat(vectors.matrix())),
            ngrams: subwords.map(Subwords::ngrams),
            input,
            codes,
            pruned,
            training: trained.map(|it| (&it.settings, it.state, RowsRef::Flat(&it.output))),
            index: vectors.index(),
        }
    }
}

impl<'a> Contents<'a> {
    /// Vectors of which codes are left.
    pub fn compressed(compressed: &'a Compressed) -> Self {
        let all = Self::new(&compressed.vectors, None);
        Self { vectors: None, codes: Some(&compressed.codes), ..all }
    }
}

/// Writes a file.
///
/// # Errors
/// The writer's.
pub fn write(contents: &Contents<'_>, out: &mut (impl Write + ?Sized)) -> Result<()> {
    let words = contents.words;
    let mut sections: Vec<(String, Data<'_>)> = Vec::new();
    let mut section = |name: &str, data| sections.push((name.to_owned(), data));
    section("words.bytes", Data::Bytes(&words.bytes));
    section("words.ends", Data::Bytes(bytemuck::cast_slice(&words.ends)));
    section("words.slots", Data::Bytes(bytemuck::cast_slice(&words.slots)));
    if let Some(vectors) = contents.vectors {
        section("vectors", Data::Rows(vectors));
    }
    if let Some(counts) = contents.counts {
        section("counts", Data::Bytes(bytemuck::cast_slice(counts)));
    }
    if let Some(input) = contents.input {
        section("input", Data::Rows(input));
    }
    if let Some(codes) = contents.codes {
        section("input.codes", Data::Bytes(codes.codes()));
        let centroids = bytemuck::cast_slice(codes.codebook().all());
        section("input.centroids", Data::Bytes(centroids));
        if let Some((norm_codes, book)) = codes.norms() {
            section("input.norm_codes", Data::Bytes(norm_codes));
            section("input.norms", Data::Bytes(bytemuck::cast_slice(book.all())));
        }
    }
    if !contents.pruned.is_empty() {
        section("pruned", Data::Bytes(bytemuck::cast_slice(&contents.pruned)));
    }
    if let Some((_, _, output)) = contents.training {
        section("output", Data::Rows(output));
    }
    if let Some(index) = contents.index {
        for (number, parts) in index.layers.iter().enumerate() {
            let parts = [&parts.rows, &parts.ends, &parts.links];
            for (name, part) in layer(number).iter().zip(parts) {
                section(name, Data::Bytes(bytemuck::cast_slice(part)));
            }
        }
    }
    let mut header = Header {
        words: words.len(),
        dim: contents.dim,
        ngrams: contents.ngrams,
        part: contents.codes.map(|codes| codes.codebook().part()),
        settings: contents.training.map(|(settings, ..)| settings.clone()),
        state: contents.training.map(|(_, state, _)| state),
        graph: contents.index.map(|it| Graph { entry: it.entry, layers: it.layers() }),
        sections: Vec::new(),
    };
    for (name, data) in &sections {
        let mut hash = Xxh3::new();
        data.each(|bytes| {
            hash.update(bytes);
            Ok(())
        })?;
        // The longest offset that there is: the header's length does not depend on where it ends.
        let (offset, length) = (u64::MAX, data.length());
        header.sections.push(Entry { name: name.clone(), offset, length, hash: hash.digest() });
    }
    let start = header.to_bytes()?.len();
    let mut offset = start as u64;
    for entry in &mut header.sections {
        entry.offset = offset;
        offset = (offset + entry.length).next_multiple_of(ALIGNMENT as u64);
    }
    let mut bytes = header.to_bytes()?;
    bytes.resize(start, 0);
    out.write_all(&bytes)?;
    for (_, data) in &sections {
        data.each(|bytes| out.write_all(bytes))?;
        let length = data.length();
        let padding = length.next_multiple_of(ALIGNMENT as u64) - length;
        out.write_all(&[0; ALIGNMENT][..padding as usize])?;
    }
    Ok(())
}
