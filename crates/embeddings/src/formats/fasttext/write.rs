//! A model, written so that fastText and gensim load it.

use std::io::Write;

use super::{MAGIC, VERSION, numbers};
use crate::error::{EmbeddingError, Result};
use crate::quantized::{Codebook, Quantized};
use crate::subwords::{Rows, Subwords};
use crate::trained::Trained;
use crate::training::{Architecture, Objective, Settings};
use crate::vectors::Vectors;

/// Writes a model; vectors without n-grams become one whose words have their own row only.
///
/// # Errors
/// [`EmbeddingError::Write`]; [`EmbeddingError::Setting`] for what the format cannot hold.
pub fn write(
    vectors: &Vectors,
    trained: Option<&Trained>,
    out: &mut (impl Write + ?Sized),
) -> Result<()> {
    let subwords = vectors.subwords();
    if let Some(word) = vectors.words().iter().find(|word| word.contains(&0)) {
        let word = String::from_utf8_lossy(word);
        let problem = format!("the word {word:?} holds a NUL: write another format");
        return Err(EmbeddingError::Setting(problem));
    }
    let most = i32::MAX as usize;
    if vectors.len() > most {
        return Err(EmbeddingError::Setting("more words than the format can number".into()));
    }
    put(vectors, subwords, trained, out).map_err(EmbeddingError::write)
}

fn put(
    vectors: &Vectors,
    subwords: Option<&Subwords>,
    trained: Option<&Trained>,
    out: &mut (impl Write + ?Sized),
) -> std::io::Result<()> {
    let default = Settings::default();
    let settings = trained.map_or(&default, |trained| &trained.settings);
    let (loss, negatives) = match settings.objective {
        Objective::HierarchicalSoftmax => (numbers::HIERARCHICAL_SOFTMAX, 5),
        Objective::NegativeSampling(number) => (numbers::NEGATIVE_SAMPLING, number),
    };
    let model = match settings.architecture {
        Architecture::Cbow => numbers::CBOW,
        Architecture::SkipGram => numbers::SKIP_GRAM,
    };
    let ngrams = subwords.map(Subwords::ngrams);
    let (buckets, min, max) = ngrams.map_or((0, 0, 0), |it| (it.buckets as usize, it.min, it.max));
    let int = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let header = [
        MAGIC,
        VERSION,
        int(vectors.dim()),
        int(settings.window),
        int(settings.epochs),
        int(settings.vocabulary.min_count as usize),
        int(negatives),
        1, // words of the longest n-grams of words
        loss,
        model,
        int(buckets),
        int(min),
        int(max),
        100, // words between two updates of the learning rate
    ];
    header.iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))?;
    out.write_all(&settings.sample.to_le_bytes())?;
    let counts = vectors.counts();
    let words = int(vectors.len());
    let tokens = counts.map_or(0, |counts| counts.iter().sum::<u64>()) as i64;
    for number in [words, words, 0] {
        out.write_all(&number.to_le_bytes())?;
    }
    out.write_all(&tokens.to_le_bytes())?;
    let pruned = subwords.and_then(Subwords::pruned);
    out.write_all(&pruned.map_or(-1, |pruned| pruned.len() as i64).to_le_bytes())?;
    for (row, word) in vectors.words().iter().enumerate() {
        out.write_all(word)?;
        out.write_all(&[0])?;
        out.write_all(&(counts.map_or(1, |counts| counts[row]) as i64).to_le_bytes())?;
        out.write_all(&[0])?;
    }
    let mut pairs: Vec<(u32, u32)> = pruned.into_iter().flatten().map(|(&b, &r)| (b, r)).collect();
    pairs.sort_unstable();
    for (bucket, row) in pairs {
        out.write_all(&(bucket as i32).to_le_bytes())?;
        out.write_all(&(row as i32).to_le_bytes())?;
    }
    match subwords.map(Subwords::rows) {
        None => dense(vectors.matrix(), vectors.dim(), out)?,
        Some(Rows::Dense(rows)) => dense(rows, vectors.dim(), out)?,
        Some(Rows::Codes(codes)) => quantized(codes, out)?,
    }
    match trained {
        Some(trained) => dense(&trained.output, vectors.dim(), out),
        // Nothing is known of it, and no vector needs it.
        None => {
            out.write_all(&[0])?;
            out.write_all(&(vectors.len() as i64).to_le_bytes())?;
            out.write_all(&(vectors.dim() as i64).to_le_bytes())?;
            let zeros = vec![0; vectors.dim() * 4];
            (0..vectors.len()).try_for_each(|_| out.write_all(&zeros))
        }
    }
}

fn dense(rows: &[f32], dim: usize, out: &mut (impl Write + ?Sized)) -> std::io::Result<()> {
    out.write_all(&[0])?;
    out.write_all(&((rows.len() / dim) as i64).to_le_bytes())?;
    out.write_all(&(dim as i64).to_le_bytes())?;
    floats(rows, out)
}

fn floats(numbers: &[f32], out: &mut (impl Write + ?Sized)) -> std::io::Result<()> {
    if cfg!(target_endian = "little") {
        return out.write_all(bytemuck::cast_slice(numbers));
    }
    numbers.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))
}

fn quantized(codes: &Quantized, out: &mut (impl Write + ?Sized)) -> std::io::Result<()> {
    let norms = codes.norms();
    out.write_all(&[1, u8::from(norms.is_some())])?;
    out.write_all(&(codes.rows() as i64).to_le_bytes())?;
    out.write_all(&(codes.dim() as i64).to_le_bytes())?;
    out.write_all(&(codes.codes().len() as i32).to_le_bytes())?;
    out.write_all(codes.codes())?;
    codebook(codes.codebook(), out)?;
    if let Some((norm_codes, book)) = norms {
        out.write_all(norm_codes)?;
        codebook(book, out)?;
    }
    Ok(())
}

fn codebook(book: &Codebook, out: &mut (impl Write + ?Sized)) -> std::io::Result<()> {
    let last = book.dim() - (book.parts() - 1) * book.part();
    for number in [book.dim(), book.parts(), book.part(), last] {
        out.write_all(&(number as i32).to_le_bytes())?;
    }
    floats(book.all(), out)
}
