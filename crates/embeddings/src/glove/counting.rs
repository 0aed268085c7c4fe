//! Which words stand near which.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::runs::{Counts, Record, RunWriter};
use super::settings::GloveSettings;
use crate::corpus::Corpus;
use crate::corpus::ids::LINE_END;
use crate::error::Result;
use crate::progress::{Progress, Stage};

/// What a neighbour at distance one counts. Whole numbers add up to the same in any order: counts depend
/// on neither threads nor memory, and those of parts of a text on how they were cut.
pub(crate) const ONE: u64 = 1 << 24;

/// Ids that a thread takes at a time.
const PART: usize = 1 << 16;

/// Counts a text on all threads.
///
/// # Errors
/// [`EmbeddingError::Temporary`](crate::EmbeddingError::Temporary).
pub fn count(corpus: &Corpus, settings: &GloveSettings, progress: &dyn Progress) -> Result<Counts> {
    let ids = corpus.ids.as_slice();
    progress.stage(Stage::Counting, Some(ids.len() as u64));
    let next = AtomicUsize::new(0);
    // The other half is for what the counts become.
    let memory = settings.memory / 2 / rayon::current_num_threads() as u64;
    let parts = rayon::broadcast(|_| -> Result<Counts> {
        let mut pairs = Pairs::new(memory, settings);
        loop {
            let start = next.fetch_add(PART, Relaxed);
            if start >= ids.len() {
                return pairs.finish();
            }
            let end = ids.len().min(start + PART);
            for at in start..end {
                pairs.add_left_of(ids, at)?;
            }
            progress.at(end as u64);
        }
    });
    let mut all = Counts::default();
    all.symmetric = settings.symmetric;
    for part in parts {
        all.append(part?);
    }
    Ok(all)
}

/// Slots of the table that frequent pairs are gathered in: what the second cache holds.
const SLOTS: usize = 1 << 15;

/// The pairs that one thread counts: gathered in a small table first, for most of a text's pairs are few
/// frequent ones.
struct Pairs<'a> {
    settings: &'a GloveSettings,
    weights: Vec<u64>,
    slots: Vec<Record>,
    used: usize,
    runs: RunWriter,
}

impl<'a> Pairs<'a> {
    fn new(memory: u64, settings: &'a GloveSettings) -> Self {
        let weight = |distance: usize| (ONE as f64 / distance as f64).round() as u64;
        Self {
            settings,
            weights: (0..=settings.window).map(|distance| weight(distance.max(1))).collect(),
            slots: vec![Record::default(); SLOTS],
            used: 0,
            runs: RunWriter::new(memory, &settings.temporary),
        }
    }

    /// Counts a word with those on its left, as far as its line and the window reach.
    fn add_left_of(&mut self, ids: &[u32], at: usize) -> Result<()> {
        let word = ids[at];
        if word == LINE_END {
            return Ok(());
        }
        let first = at.saturating_sub(self.settings.window);
        for (&other, distance) in ids[first..at].iter().rev().zip(1..) {
            if other == LINE_END {
                break;
            }
            // Both directions of a symmetric count are one.
            let (a, b) = match self.settings.symmetric {
                true => (word.min(other), word.max(other)),
                false => (other, word),
            };
            self.add(u64::from(a) << 32 | u64::from(b), self.weights[distance])?;
        }
        Ok(())
    }

    #[inline]
    fn add(&mut self, key: u64, weight: u64) -> Result<()> {
        let mut slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 49) as usize;
        loop {
            let record = &mut self.slots[slot];
            if record.weight == 0 {
                *record = Record { key, weight };
                self.used += 1;
                return if self.used * 2 > SLOTS { self.flush() } else { Ok(()) };
            }
            if record.key == key {
                record.weight += weight;
                return Ok(());
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    fn flush(&mut self) -> Result<()> {
        for record in &mut self.slots {
            if record.weight > 0 {
                self.runs.push(std::mem::take(record))?;
            }
        }
        self.used = 0;
        Ok(())
    }

    fn finish(mut self) -> Result<Counts> {
        self.flush()?;
        self.runs.finish()
    }
}
