//! A native file, opened.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use bytemuck::Pod;
use memmap2::Mmap;
use xxhash_rust::xxh3::xxh3_64;

use super::header::{Entry, Graph, Header, MAGIC, layer};
use crate::error::{EmbeddingError, Place, Result};
use crate::formats::Loaded;
use crate::index::{Index, Layer};
use crate::lexicon::{Lexicon, MOST_WORDS};
use crate::quantized::{Codebook, Quantized, decode};
use crate::section::{self, Section};
use crate::subwords::{Rows, Subwords};
use crate::trained::Trained;
use crate::vectors::Vectors;

/// Whether a file begins as a native one does.
pub fn is_native(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

/// Whether there is such a file at `path`, as it lies there.
pub(in crate::formats) fn is_native_file(path: &Path) -> bool {
    // To open a pipe would be to wait for its other end.
    if !path.is_file() {
        return false;
    }
    let mut start = [0; MAGIC.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && is_native(&start)
}

/// Maps a file; whether its numbers are numbers is not looked at.
///
/// # Errors
/// [`EmbeddingError::Read`], or [`EmbeddingError::Malformed`] with what is wrong.
pub fn open(path: &Path) -> Result<Loaded> {
    let map = section::map(path)?;
    let malformed = |problem: String| {
        EmbeddingError::malformed(&path.display().to_string(), Place::File, problem)
    };
    if cfg!(target_endian = "big") {
        let problem = "is little-endian, and this machine is not: convert it on another";
        return Err(malformed(problem.into()));
    }
    read(&map).map_err(malformed)
}

/// Compares every section with its checksum.
///
/// # Errors
/// [`EmbeddingError::Read`], or [`EmbeddingError::Malformed`] with the section that is damaged.
pub fn verify(path: &Path) -> Result<()> {
    let map = section::map(path)?;
    let malformed = |problem: String| {
        EmbeddingError::malformed(&path.display().to_string(), Place::File, problem)
    };
    if !is_native(&map) {
        return Err(malformed("has no checksums: only files of Lampwick's own (.lwv) do".into()));
    }
    let header = Header::from_bytes(&map).map_err(malformed)?;
    for Entry { name, offset, length, hash } in &header.sections {
        if xxh3_64(&map[*offset as usize..(offset + length) as usize]) != *hash {
            let problem =
                format!("section {name} is damaged (its checksum differs); copy it again");
            return Err(malformed(problem));
        }
    }
    Ok(())
}

/// The sections of a file by name.
struct Sections<'a> {
    map: &'a Arc<Mmap>,
    header: &'a Header,
}

impl Sections<'_> {
    /// A section; an error when it has another length.
    fn find<T: Pod>(
        &self,
        name: &str,
        expected: Option<usize>,
    ) -> Result<Option<Section<T>>, String> {
        let Some(entry) = self.header.sections.iter().find(|entry| entry.name == name) else {
            return Ok(None);
        };
        let bytes = entry.offset as usize..(entry.offset + entry.length) as usize;
        let section = Section::<T>::mapped(self.map, bytes)
            .filter(|section| expected.is_none_or(|expected| expected == section.len()));
        match section {
            Some(section) => Ok(Some(section)),
            None => Err(format!("section {name} has an impossible length; write the file again")),
        }
    }

    fn get<T: Pod>(&self, name: &str, expected: Option<usize>) -> Result<Section<T>, String> {
        self.find(name, expected)?.ok_or_else(|| format!("section {name} is missing"))
    }
}

fn read(map: &Arc<Mmap>) -> Result<Loaded, String> {
    let header = &Header::from_bytes(map)?;
    let (words, dim) = (header.words, header.dim);
    let impossible = || format!("{words} words of {dim} dimensions are impossible");
    let floats = words.checked_mul(dim).filter(|_| words <= MOST_WORDS && dim > 0);
    let floats = floats.ok_or_else(impossible)?;
    let sections = Sections { map, header };
    let lexicon = Lexicon {
        bytes: sections.get("words.bytes", None)?,
        ends: sections.get("words.ends", Some(words))?,
        slots: sections.get("words.slots", None)?,
    };
    if !lexicon.slots.len().is_power_of_two() {
        return Err("section words.slots has an impossible length; write the file again".into());
    }
    let mut grams = None;
    if let Some(ngrams) = header.ngrams {
        if ngrams.buckets == 0 || ngrams.max > 1000 {
            return Err("n-grams without buckets, or too long; write the file again".into());
        }
        let pruned = sections.find::<[u32; 2]>("pruned", None)?;
        let pruned = pruned.map(|pairs| pairs.iter().map(|&[bucket, row]| (bucket, row)).collect());
        grams = Some((ngrams, pruned));
    }
    let mut input = None;
    let mut vectors = match sections.find::<f32>("vectors", Some(floats))? {
        None => decode(lexicon, &Arc::new(codes(&sections, dim)?), grams)?,
        Some(matrix) => {
            let mut vectors =
                Vectors::new(lexicon, matrix, dim).map_err(|error| error.to_string())?;
            if let Some((ngrams, pruned)) = grams {
                let rows: Arc<Section<f32>> = Arc::new(sections.get("input", None)?);
                input = Some(Arc::clone(&rows));
                let subwords = Subwords::new(ngrams, Rows::Dense(rows), words, dim, pruned)?;
                vectors = vectors.with_subwords(subwords);
            }
            vectors
        }
    };
    if let Some(counts) = sections.find::<u64>("counts", Some(words))? {
        vectors = vectors.with_counts(counts);
    }
    if let Some(graph) = header.graph {
        vectors = vectors.with_index(index(&sections, graph, words)?);
    }
    let output = sections.find::<f32>("output", Some(floats))?;
    let trained = match (&header.settings, header.state, output) {
        (Some(settings), Some(state), Some(output)) => {
            settings.validate().map_err(|error| error.to_string())?;
            let agrees = settings.dim == dim && settings.ngrams == header.ngrams;
            let rows = header.ngrams.map(|it| (it.buckets as usize + words).checked_mul(dim));
            let fits = rows == input.as_ref().map(|input: &Arc<Section<f32>>| Some(input.len()));
            if !agrees || !fits {
                return Err("the settings of the training do not fit the vectors".into());
            }
            let settings = settings.clone();
            Some(Trained { settings, state, output: Arc::new(output) })
        }
        _ => None,
    };
    Ok(Loaded::whole(vectors, trained))
}

/// The graph of neighbours.
fn index(sections: &Sections<'_>, graph: Graph, words: usize) -> Result<Index, String> {
    let layers = (0..graph.layers).map(|number| {
        let [rows, ends, links] = layer(number);
        let rows: Section<u32> = sections.get(&rows, None)?;
        if rows.is_empty() != (number == 0) {
            return Err(format!(
                "layer {number} of the graph has impossible rows; write the file again"
            ));
        }
        let nodes = if number == 0 { words } else { rows.len() };
        Ok(Layer {
            ends: sections.get(&ends, Some(nodes))?,
            links: sections.get(&links, None)?,
            rows,
        })
    });
    Ok(Index { entry: graph.entry, layers: layers.collect::<Result<_, _>>()? })
}

/// Rows as codes.
fn codes(sections: &Sections<'_>, dim: usize) -> Result<Quantized, String> {
    let wrong = || "the codes do not fit their centroids; write the file again".to_string();
    let part = sections.header.part.filter(|&part| part > 0).ok_or_else(wrong)?;
    let codes: Section<u8> = sections.get("input.codes", None)?;
    let rows = codes.len() / dim.div_ceil(part);
    let codebook = Codebook::new(dim, part, sections.get("input.centroids", None)?);
    let norms = match sections.find::<u8>("input.norm_codes", Some(rows))? {
        None => None,
        Some(codes) => {
            let book = Codebook::new(1, 1, sections.get("input.norms", None)?);
            Some((codes, book.ok_or_else(wrong)?))
        }
    };
    Quantized::new(rows, codebook.ok_or_else(wrong)?, codes, norms).ok_or_else(wrong)
}
