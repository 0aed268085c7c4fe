//! A model, read.

use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::sync::Arc;

use rayon::prelude::*;

use super::{MAGIC, VERSION, numbers};
use crate::corpus::VocabularyLimits;
use crate::error::{EmbeddingError, Place, Result};
use crate::formats::read::Reader;
use crate::formats::{Loaded, ReadOptions};
use crate::lexicon::{Lexicon, LexiconBuilder};
use crate::quantized::{CENTROIDS, Codebook, Quantized};
use crate::section::Section;
use crate::subwords::{NGrams, Rows, Subwords};
use crate::trained::{State, Trained};
use crate::training::{Architecture, Objective, Settings};
use crate::vectors::Vectors;

/// What the file begins with.
struct Arguments {
    settings: Settings,
    /// Whether the objective is one of ours, and no classifier's.
    trainable: bool,
    buckets: u32,
}

/// Reads a model. The vector of a word is the mean of its row and its n-grams' rows.
///
/// # Errors
/// [`EmbeddingError::Malformed`] with what is wrong.
pub fn read(reader: &mut Reader, options: &ReadOptions) -> Result<Loaded> {
    let arguments = arguments(reader)?;
    let dim = arguments.settings.dim;
    let dictionary = dictionary(reader)?;
    let Dictionary { words, counts, tokens, pruned } = dictionary;
    let quantized = number::<1>(reader)? != [0];
    let rows = matrix(reader, quantized, dim)?;
    let kept = pruned.as_ref().map_or(arguments.buckets as usize, HashMap::len);
    let expected = words.len() + kept;
    let found = match &rows {
        Rows::Dense(rows) => rows.len() / dim,
        Rows::Codes(codes) => codes.rows(),
    };
    if found != expected {
        let problem = format!(
            "{} words and {kept} buckets need {expected} rows, and the matrix has {found}; copy the \
             file again",
            words.len()
        );
        return Err(reader.error(Place::File, problem));
    }
    let ngrams =
        NGrams { buckets: arguments.buckets, ..arguments.settings.ngrams.unwrap_or_default() };
    // Without n-grams, every word has its own row and no other.
    let has_ngrams = arguments.settings.ngrams.is_some() && kept > 0;
    let of_words = NGrams { max: if has_ngrams { ngrams.max } else { 0 }, ..ngrams };
    let subwords = Subwords::new(of_words, rows, words.len(), dim, pruned)
        .map_err(|problem| reader.error(Place::File, problem))?;
    let mut vectors = vec![0.0f32; words.len() * dim];
    vectors.par_chunks_mut(dim).enumerate().for_each(|(row, vector)| {
        if let Some(mean) = subwords.mean(words.word(row), Some(row)) {
            vector.copy_from_slice(&mean);
        }
    });
    let number_of_words = words.len();
    let mut vectors = Vectors::new(words, vectors, dim)?.with_counts(counts);
    let mut trained = None;
    if arguments.trainable && !quantized && subwords.pruned().is_none() {
        let output_is_quantized = number::<1>(reader)? != [0];
        if let Rows::Dense(output) = matrix(reader, output_is_quantized, dim)? {
            if output.len() != number_of_words * dim {
                let problem = "the output matrix has not a row a word; copy the file again";
                return Err(reader.error(Place::File, problem));
            }
            let settings =
                Settings { ngrams: has_ngrams.then_some(ngrams), ..arguments.settings.clone() };
            let state = State { words: tokens, ..State::default() };
            trained = Some(Trained { settings, state, output });
        }
    }
    if has_ngrams {
        vectors = vectors.with_subwords(subwords);
    }
    Loaded::whole(vectors, trained).checked(&reader.name, options)
}

/// The next bytes; there have to be so many.
fn number<const N: usize>(reader: &mut Reader) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fill(reader, &mut bytes)?;
    Ok(bytes)
}

fn fill(reader: &mut Reader, bytes: &mut [u8]) -> Result<()> {
    reader.bytes.read_exact(bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            reader.error(Place::File, "the file ends too early; was it cut? Copy it again")
        }
        _ => EmbeddingError::read(&reader.name, error),
    })
}

fn int(reader: &mut Reader) -> Result<i32> {
    number(reader).map(i32::from_le_bytes)
}

fn long(reader: &mut Reader) -> Result<i64> {
    number(reader).map(i64::from_le_bytes)
}

/// A number of things, which is not negative.
fn size(reader: &mut Reader, what: &str) -> Result<usize> {
    let number = long(reader)?;
    let refused = |_| {
        let problem = format!("{number} {what} are impossible; copy the file again");
        reader.error(Place::File, problem)
    };
    usize::try_from(number).map_err(refused)
}

fn arguments(reader: &mut Reader) -> Result<Arguments> {
    let (magic, version) = (int(reader)?, int(reader)?);
    if magic != MAGIC || !(11..=VERSION).contains(&version) {
        let problem =
            format!("version {version} of fastText's format; this program reads 11 and 12");
        return Err(reader.error(Place::File, problem));
    }
    let mut all = [0i32; 12];
    for number in &mut all {
        *number = int(reader)?;
    }
    let sample = f64::from_le_bytes(number(reader)?);
    let [dim, window, epochs, min_count, negatives, _, loss, model, buckets, min, max, _] = all;
    let supervised = model == numbers::SUPERVISED;
    // In version 11 a classifier had no n-grams of characters, whatever it says.
    let max = if version == 11 && supervised { 0 } else { max };
    let positive = |number: i32| usize::try_from(number).unwrap_or(0);
    if !(1..=1 << 16).contains(&dim) || buckets < 0 || max > 1000 {
        let problem = format!("{dim} dimensions, {buckets} buckets, n-grams of {max} characters");
        return Err(reader.error(Place::File, problem + "; is this a model of fastText?"));
    }
    let ngrams = NGrams { min: positive(min).max(1), max: positive(max), buckets: buckets as u32 };
    let settings = Settings {
        architecture: match model {
            numbers::CBOW => Architecture::Cbow,
            _ => Architecture::SkipGram,
        },
        objective: match loss {
            numbers::HIERARCHICAL_SOFTMAX => Objective::HierarchicalSoftmax,
            _ => Objective::NegativeSampling(positive(negatives).max(1)),
        },
        ngrams: (ngrams.max >= ngrams.min && buckets > 0).then_some(ngrams),
        dim: positive(dim),
        window: positive(window).clamp(1, 1 << 16),
        lr: 0.05,
        epochs: positive(epochs).clamp(1, 1 << 20),
        sample: if (0.0..=1.0).contains(&sample) { sample } else { 0.0 },
        vocabulary: VocabularyLimits {
            min_count: positive(min_count).max(1) as u64,
            ..VocabularyLimits::default()
        },
        ..Settings::default()
    };
    let known = [numbers::HIERARCHICAL_SOFTMAX, numbers::NEGATIVE_SAMPLING];
    let trainable = !supervised && known.contains(&loss);
    Ok(Arguments { settings, trainable, buckets: buckets as u32 })
}

struct Dictionary {
    words: Lexicon,
    counts: Vec<u64>,
    /// Words of the text.
    tokens: u64,
    pruned: Option<HashMap<u32, u32>>,
}

/// No word is as long.
const LONGEST_WORD: u64 = 1 << 24;

fn dictionary(reader: &mut Reader) -> Result<Dictionary> {
    let (size_, of_words, _labels) = (int(reader)?, int(reader)?, int(reader)?);
    let (tokens, pruned) = (long(reader)?, long(reader)?);
    if size_ < of_words || of_words < 1 {
        let problem = format!("{of_words} words of {size_} entries are impossible");
        return Err(reader.error(Place::File, problem));
    }
    let mut words = LexiconBuilder::new();
    let mut counts = Vec::new();
    let mut word = Vec::new();
    for row in 1..=size_ as u64 {
        word.clear();
        let read = reader.bytes.by_ref().take(LONGEST_WORD).read_until(0, &mut word);
        read.map_err(|error| EmbeddingError::read(&reader.name, error))?;
        if word.pop() != Some(0) {
            let problem = "the file ends in a word; was it cut? Copy it again";
            return Err(reader.error(Place::Row(row), problem));
        }
        let (count, kind) = (long(reader)?, number::<1>(reader)?);
        // Labels of a classifier stand behind all words, and have no vectors.
        if row <= of_words as u64 {
            if kind != [0] || !words.add(&word) {
                let problem =
                    format!("`{}` is there twice, or no word", String::from_utf8_lossy(&word));
                return Err(reader.error(Place::Row(row), problem));
            }
            counts.push(count.max(0) as u64);
        }
    }
    let pruned = match pruned {
        // -1: none was left out. 0: no n-gram has a vector.
        i64::MIN..0 => None,
        pairs => {
            let mut pruned = HashMap::new();
            for _ in 0..pairs {
                let (bucket, row) = (int(reader)?, int(reader)?);
                let known = i64::from(row) < pairs && row >= 0;
                if !known || pruned.insert(bucket as u32, row as u32).is_some() {
                    let problem = format!("bucket {bucket} is there twice, or has no row {row}");
                    return Err(reader.error(Place::File, problem));
                }
            }
            Some(pruned)
        }
    };
    Ok(Dictionary { words: words.finish(), counts, tokens: tokens.max(0) as u64, pruned })
}

/// Numbers that are read at a time: no more is allocated than the file has, whatever it says.
const STEP: usize = 1 << 22;

fn matrix(reader: &mut Reader, quantized: bool, dim: usize) -> Result<Rows> {
    if quantized {
        return codes(reader, dim).map(|codes| Rows::Codes(Arc::new(codes)));
    }
    let (rows, columns) = (size(reader, "rows")?, size(reader, "columns")?);
    let floats = rows.checked_mul(columns).filter(|_| columns == dim);
    let Some(floats) = floats else {
        let problem = format!("a matrix of {rows} x {columns}, and vectors of {dim} numbers");
        return Err(reader.error(Place::File, problem));
    };
    Ok(Rows::Dense(Arc::new(numbers_of(reader, floats)?.into())))
}

fn numbers_of(reader: &mut Reader, floats: usize) -> Result<Vec<f32>> {
    // Where the file is as long as it has to be, room is made once.
    let believed = floats.min((reader.size / 4) as usize);
    let mut all: Vec<f32> = Vec::with_capacity(believed);
    while all.len() < floats {
        let start = all.len();
        all.resize(floats.min(start + STEP), 0.0);
        fill(reader, bytemuck::cast_slice_mut(&mut all[start..]))?;
    }
    if cfg!(target_endian = "big") {
        all.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits().swap_bytes()));
    }
    Ok(all)
}

fn bytes_of(reader: &mut Reader, bytes: usize) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while all.len() < bytes {
        let start = all.len();
        all.resize(bytes.min(start + STEP), 0);
        fill(reader, &mut all[start..])?;
    }
    Ok(all)
}

fn codes(reader: &mut Reader, dim: usize) -> Result<Quantized> {
    let has_norms = number::<1>(reader)? != [0];
    let (rows, columns) = (size(reader, "rows")?, size(reader, "columns")?);
    let bytes = usize::try_from(int(reader)?).unwrap_or(0);
    let codes: Section<u8> = bytes_of(reader, bytes)?.into();
    let book = codebook(reader)?;
    let norms = match has_norms {
        false => None,
        true => {
            let codes: Section<u8> = bytes_of(reader, rows)?.into();
            codebook(reader)?.map(|book| (codes, book))
        }
    };
    let fits = columns == dim && norms.is_some() == has_norms;
    book.filter(|book| fits && book.dim() == dim)
        .and_then(|book| Quantized::new(rows, book, codes, norms))
        .ok_or_else(|| {
            reader.error(Place::File, "the codes do not fit their centroids; copy it again")
        })
}

fn codebook(reader: &mut Reader) -> Result<Option<Codebook>> {
    let (dim, _parts, part, _last) = (int(reader)?, int(reader)?, int(reader)?, int(reader)?);
    let (Ok(dim), Ok(part)) = (usize::try_from(dim), usize::try_from(part)) else {
        return Ok(None);
    };
    let centroids = numbers_of(reader, dim.saturating_mul(CENTROIDS))?;
    Ok(Codebook::new(dim, part, centroids.into()))
}
