//! Hash tables, one an order.
//!
//! An n-gram's key is a hash of 64 bits of its words' ids, from the last word to the first, so that
//! the keys of one word behind contexts of all lengths come one from another and need no memory
//! to be read: the processor fetches all tables' lines, and those of the next words, at once. A
//! bucket is one line of the cache, compared as a whole. Two n-grams of a model never share a key
//! (building checks it); an n-gram that is not in the model is taken for one that is with a
//! probability of 2^-64 for each entry it is compared with.

use super::processor::fetch;
use super::state::{Climb, Found, MAX_CONTEXT, Score, State, marked, unigrams};
use crate::binary::{SectionWriter, Sections};
use crate::error::{NgramError, Result};
use crate::links::range;
use crate::progress::Progress;
use crate::table::{Cursor, Table};
use crate::words::UNK;

/// Places for 100 n-grams.
const ROOM: u64 = 130;

/// Entries of a bucket of 64 bytes, with backoffs and without.
const MIDDLE: usize = 4;
const LAST: usize = 5;

/// Buckets behind those where keys belong, for what found the last of them full.
const BEHIND: usize = 64;

/// A bucket: two halves of each key, then the values. In numbers of 32 bits, so that a bucket of
/// either kind is a plain array of 16.
type Bucket = [u32; 16];

/// The tables, where they lie.
#[derive(Debug)]
pub(crate) struct Probing<'a> {
    /// Logarithm and backoff of each word.
    unigrams: &'a [[f32; 2]],
    /// Of the orders from 2 to one below the highest.
    middle: Vec<&'a [Bucket]>,
    /// Of the highest order, where that is not the first.
    last: Option<&'a [Bucket]>,
}

/// The key of the n-gram `word ..` whose last words have `key`, one word longer to the left.
#[inline(always)]
fn extend(key: u64, word: u32) -> u64 {
    mix(key.wrapping_add((u64::from(word) + 1).wrapping_mul(0xa076_1d64_78bd_642f))).max(1)
}

/// The key of a word alone.
#[inline(always)]
fn first_key(word: u32) -> u64 {
    mix(u64::from(word) + 1)
}

/// A permutation of the 64-bit numbers: equal results come from equal sums only.
#[inline(always)]
fn mix(mut key: u64) -> u64 {
    key = (key ^ key >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (key ^ key >> 29).wrapping_mul(0xe703_7ed1_a0b4_28db)
}

/// The bucket where a key belongs.
#[inline(always)]
fn home(key: u64, buckets: usize) -> usize {
    ((u128::from(key) * buckets as u128) >> 64) as usize
}

/// The place of a key in its bucket or the buckets behind it, of `N` entries each.
#[inline(always)]
fn find<const N: usize>(buckets: &[Bucket], key: u64) -> Option<(&Bucket, usize)> {
    let (low, high) = (key as u32, (key >> 32) as u32);
    let mut at = home(key, buckets.len().saturating_sub(BEHIND));
    loop {
        let bucket = buckets.get(at)?;
        // All places of the bucket without a branch.
        let (mut hit, mut empty) = (usize::MAX, false);
        for place in 0..N {
            if bucket[place] == low && bucket[N + place] == high {
                hit = place;
            }
            // No key is 0.
            empty |= bucket[place] | bucket[N + place] == 0;
        }
        if hit != usize::MAX {
            return Some((bucket, hit));
        }
        if empty {
            return None;
        }
        at += 1;
    }
}

impl<'a> Probing<'a> {
    pub(crate) fn open(order: usize, sections: &mut Sections<'a>) -> Result<Self, String> {
        let unigrams = sections.take()?;
        let middle = (2..order).map(|_| sections.take()).collect::<Result<_, _>>()?;
        let last = if order > 1 { Some(sections.take()?) } else { None };
        Ok(Self { unigrams, middle, last })
    }

    #[inline(always)]
    pub(crate) fn advance(&self, state: &mut State, word: u32) -> Score {
        let word = if (word as usize) < self.unigrams.len() { word } else { UNK };
        let Some(&[log10, backoff]) = self.unigrams.get(word as usize) else {
            return Score::default();
        };
        let most = self.middle.len() + usize::from(self.last.is_some());
        let (before, length) = (state.nodes, (state.length as usize).min(most));
        let keys = keys(word, &before[..length]);
        let mut climb = Climb::new(state, Found { log10, backoff }, most);
        for (index, &key) in keys[..length].iter().enumerate() {
            let found = match self.middle.get(index) {
                Some(buckets) => find::<MIDDLE>(buckets, key).map(|(bucket, place)| Found {
                    log10: f32::from_bits(bucket[2 * MIDDLE + place]),
                    backoff: f32::from_bits(bucket[3 * MIDDLE + place]),
                }),
                None => find::<LAST>(self.last.unwrap_or_default(), key).map(|(bucket, place)| {
                    Found { log10: f32::from_bits(bucket[2 * LAST + place]), backoff: 0.0 }
                }),
            };
            match found {
                Some(found) => climb.found(found),
                None => break,
            }
        }
        climb.words(word, &before);
        climb.end()
    }

    /// As [`Self::advance`], for several states. All buckets are fetched before any is searched.
    #[inline(always)]
    pub(crate) fn advance_all(&self, states: &mut [State], words: &[u32], scores: &mut [Score]) {
        for (state, &word) in states.iter().zip(words) {
            let word = if (word as usize) < self.unigrams.len() { word } else { UNK };
            let context = &state.nodes[..(state.length as usize).min(MAX_CONTEXT)];
            self.fetch(&keys(word, context)[..context.len()]);
        }
        for ((state, &word), score) in states.iter_mut().zip(words).zip(scores) {
            *score = self.advance(state, word);
        }
    }

    /// Has each key's bucket fetched, so that it is in the processor's cache when it is searched.
    #[inline(always)]
    fn fetch(&self, keys: &[u64]) {
        let tables = self.middle.iter().copied().chain(self.last);
        for (&key, buckets) in keys.iter().zip(tables) {
            let home = home(key, buckets.len().saturating_sub(BEHIND));
            if let Some(bucket) = buckets.get(home) {
                fetch(&bucket[0]);
            }
        }
    }
}

/// The keys of the n-grams that end with a word, from the bigram up.
#[inline(always)]
fn keys(word: u32, context: &[u32]) -> [u64; MAX_CONTEXT] {
    let mut keys = [0; MAX_CONTEXT];
    let mut key = first_key(word);
    for (slot, &word) in keys.iter_mut().zip(context) {
        key = extend(key, word);
        *slot = key;
    }
    keys
}

/// Writes the sections of a table.
pub(crate) fn write(
    table: &Table,
    sections: &mut SectionWriter,
    progress: &dyn Progress,
) -> Result<()> {
    let levels = table.levels();
    sections.add(&unigrams(table));
    for n in 1..levels.len() {
        let level = &levels[n];
        let last = n + 1 == levels.len();
        let width = if last { LAST } else { MIDDLE };
        let places = (level.len() as u64 * ROOM).div_ceil(100 * width as u64).max(1) as usize;
        let mut entries: Vec<(usize, u64, u32)> = Vec::with_capacity(level.len());
        let mut cursor = (level.len() > 0).then(|| Cursor::new(table, n + 1, 0));
        for index in 0..level.len() {
            let Some(cursor) = &mut cursor else { break };
            if index > 0 {
                cursor.advance();
            }
            let mut words = cursor.words().iter().rev();
            let start = first_key(words.next().copied().unwrap_or_default());
            let key = words.fold(start, |key, &word| extend(key, word));
            entries.push((home(key, places), key, index as u32));
        }
        rayon::slice::ParallelSliceMut::par_sort_unstable(&mut entries[..]);
        if entries.windows(2).any(|pair| pair[0].1 == pair[1].1) {
            let problem =
                "two n-grams have one hash of 64 bits: build a trie of this model instead";
            return Err(NgramError::Setting(problem.into()));
        }
        let mut buckets: Vec<Bucket> = vec![[0; 16]; places + BEHIND];
        let (mut bucket, mut place) = (0, 0);
        for (home, key, index) in entries {
            if home > bucket {
                (bucket, place) = (home, 0);
            } else if place == width {
                (bucket, place) = (bucket + 1, 0);
            }
            let index = index as usize;
            let Some(to) = buckets.get_mut(bucket) else {
                let problem = "the hashes of this model crowd at one place: build a trie instead";
                return Err(NgramError::Setting(problem.into()));
            };
            (to[place], to[width + place]) = (key as u32, (key >> 32) as u32);
            to[2 * width + place] = level.log10[index].to_bits();
            if !last {
                let is_context = !range(&level.children, index).is_empty();
                to[3 * width + place] = marked(level.backoffs[index], is_context).to_bits();
            }
            place += 1;
        }
        sections.add(&buckets);
        progress.at(n as u64 + 1);
    }
    Ok(())
}
