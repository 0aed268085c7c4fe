//! Counts of a part of a text as a file: those of several machines add up to those of the whole.
//!
//! ```text
//! "LAMPCOO1"; window: u32; symmetric: u32; words, pairs: u64
//! for each word: its bytes' number: u32, its bytes, its count: u64
//! for each pair in order: the numbers of both words: u32, u32; the weight in parts of 2^-24: u64
//! hash (xxh3) of all that: u64
//! ```
//!
//! All numbers are little-endian. A shard holds all words of its part: which are frequent enough is only
//! known of the whole.

use std::io::{self, Write};

use lampwick_ngram::{Source, Words};

use super::checked::{Checked, Hashed};
use super::runs::{Counts, Record, RunWriter};
use super::settings::GloveSettings;
use crate::corpus::Vocabulary;
use crate::error::{EmbeddingError, Result};
use crate::progress::{Progress, Stage};

const MAGIC: [u8; 8] = *b"LAMPCOO1";

/// Writes counts.
///
/// # Errors
/// [`EmbeddingError::Write`], [`EmbeddingError::Temporary`].
pub fn write(
    vocabulary: &Vocabulary,
    counts: &Counts,
    settings: &GloveSettings,
    out: &mut (impl Write + ?Sized),
) -> Result<()> {
    let pairs = counts.pairs()?;
    let mut out = Hashed::new(out);
    let mut head = || -> io::Result<()> {
        out.write_all(&MAGIC)?;
        for number in [settings.window as u32, u32::from(settings.symmetric)] {
            out.write_all(&number.to_le_bytes())?;
        }
        for number in [vocabulary.len() as u64, pairs] {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_words(vocabulary)
    };
    head().map_err(EmbeddingError::write)?;
    counts.merge(|record| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&((record.key >> 32) as u32).to_le_bytes());
        bytes[4..8].copy_from_slice(&(record.key as u32).to_le_bytes());
        bytes[8..].copy_from_slice(&record.weight.to_le_bytes());
        out.write_all(&bytes).map_err(EmbeddingError::write)
    })?;
    out.finish().map_err(EmbeddingError::write)
}

/// Reads shards and adds them up; words are chosen as from a text.
///
/// # Errors
/// [`EmbeddingError::Malformed`] with what is wrong; the errors of a text.
pub fn read(
    shards: Vec<Source>,
    settings: &GloveSettings,
    progress: &dyn Progress,
) -> Result<(Vocabulary, Counts)> {
    progress.stage(Stage::Reading, None);
    let name = shards.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut words = Words::new();
    let mut counts: Vec<u64> = Vec::new();
    let mut pairs = RunWriter::new(settings.memory / 4, &settings.temporary);
    for shard in shards {
        add(Checked::new(shard), settings, &mut words, &mut counts, &mut pairs)?;
    }
    let (vocabulary, numbers) =
        Vocabulary::choose(&words, &counts, &settings.vocabulary, None, &name)?;
    // Pairs of rare words go; those of a symmetric count begin with the smaller number again.
    let mut chosen = RunWriter::new(settings.memory / 4, &settings.temporary);
    pairs.finish()?.merge(|record| {
        let number = |id: u64| numbers[id as usize].map(u64::from);
        let (a, b) = (number(record.key >> 32), number(record.key & 0xffff_ffff));
        let (Some(a), Some(b)) = (a, b) else { return Ok(()) };
        let (a, b) = if settings.symmetric { (a.min(b), a.max(b)) } else { (a, b) };
        chosen.push(Record { key: a << 32 | b, ..record })
    })?;
    let mut counts = chosen.finish()?;
    counts.symmetric = settings.symmetric;
    Ok((vocabulary, counts))
}

/// Adds a shard to what was read before it.
fn add(
    mut shard: Checked,
    settings: &GloveSettings,
    words: &mut Words,
    counts: &mut Vec<u64>,
    pairs: &mut RunWriter,
) -> Result<()> {
    if shard.bytes()? != MAGIC {
        return Err(shard.wrong("is no file of co-occurrences; make one with --counts-out"));
    }
    let (window, symmetric) = (shard.int()?, shard.int()? != 0);
    if window as usize != settings.window || symmetric != settings.symmetric {
        let (side, option) =
            if symmetric { ("both sides", "") } else { ("the left", " --asymmetric") };
        let problem = format!(
            "counts a window of {window} on {side}: ask for the same (--window {window}{option}), or count \
             again"
        );
        return Err(shard.wrong(problem));
    }
    let (of_words, of_pairs) = (shard.long()?, shard.long()?);
    let mut ids: Vec<u32> = Vec::new();
    for _ in 0..of_words {
        let id = words.intern(&shard.text()?);
        counts.resize(words.len(), 0);
        let count = shard.long()?;
        counts[id as usize] = counts[id as usize].saturating_add(count);
        ids.push(id);
    }
    for _ in 0..of_pairs {
        let (a, b, weight) = (shard.int()?, shard.int()?, shard.long()?);
        let (Some(&a), Some(&b)) = (ids.get(a as usize), ids.get(b as usize)) else {
            return Err(shard.wrong("names a word that it does not have; count it again"));
        };
        if weight > 0 {
            pairs.push(Record { key: u64::from(a) << 32 | u64::from(b), weight })?;
        }
    }
    shard.finish()
}
