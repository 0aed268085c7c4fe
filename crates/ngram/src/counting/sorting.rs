//! Positions of a text, sorted by the words that follow.
//!
//! An n-gram is where it begins: 4 bytes a position, whatever the order. Positions are first put
//! into buckets by their first word; a bucket is sorted by keys that hold as many of the next words
//! as fit 96 bits, and what is still equal by the words after them.

use std::ops::Range;

use rayon::prelude::*;

use crate::storage::{Column, Storage};
use crate::words::EOS;

/// Positions by their first word.
pub(crate) struct Buckets {
    start: usize,
    /// Relative to `start`.
    positions: Column<u32>,
    /// Where each word's bucket ends.
    ends: Vec<usize>,
}

/// The buckets of some neighbouring first words, or a part of one bucket: all positions of some second
/// words.
pub(crate) struct Group<'a> {
    pub(crate) words: Range<u32>,
    pub(crate) positions: &'a mut [u32],
    /// Ends of the buckets, relative to the group.
    ends: Vec<usize>,
}

impl Buckets {
    pub(crate) fn new(
        tokens: &[u32],
        range: Range<usize>,
        vocabulary: usize,
        storage: &Storage,
    ) -> Self {
        let tokens = &tokens[range.clone()];
        let mut ends = vec![0usize; vocabulary + 1];
        for &token in tokens {
            ends[token as usize + 1] += 1;
        }
        for word in 0..vocabulary {
            ends[word + 1] += ends[word];
        }
        let mut column = Column::in_memory(tokens.len(), storage);
        let positions = &mut column[..];
        // `ends[w]` is where bucket w starts; each position put there moves it on to its end.
        for (position, &token) in tokens.iter().enumerate() {
            let place = &mut ends[token as usize];
            positions[*place] = position as u32;
            *place += 1;
        }
        ends.pop();
        Self { start: range.start, positions: column, ends }
    }

    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Groups of like size, at least `number` of them in a long text, in the order of the words. What
    /// groups become is in memory beside the whole, so that none is large; `tokens`: the whole text.
    pub(crate) fn groups(&mut self, number: usize, tokens: &[u32]) -> Vec<Group<'_>> {
        let size = (self.positions.len() / number).clamp(1 << 12, LARGE_GROUP);
        let tokens = &tokens[self.start..];
        let (mut groups, mut rest) = (Vec::new(), &mut self.positions[..]);
        let (mut first, mut taken) = (0, 0);
        for word in 0..self.ends.len() {
            let last = word + 1 == self.ends.len();
            if self.ends[word] - taken >= size || last {
                let (positions, behind) = rest.split_at_mut(self.ends[word] - taken);
                let ends: Vec<usize> =
                    self.ends[first..=word].iter().map(|end| end - taken).collect();
                let words = first as u32..word as u32 + 1;
                // The last word's bucket may be large by itself.
                let before = ends.len().checked_sub(2).map_or(0, |before| ends[before]);
                if positions.len() - before > LARGE_GROUP && word as u32 != EOS {
                    let (positions, bucket) = positions.split_at_mut(before);
                    let ends = ends[..ends.len() - 1].to_vec();
                    groups.push(Group { words: first as u32..word as u32, positions, ends });
                    split(word as u32, bucket, tokens, &mut groups);
                } else {
                    groups.push(Group { words, positions, ends });
                }
                (rest, taken, first) = (behind, self.ends[word], word + 1);
            }
        }
        groups
    }
}

/// A large bucket as several groups.
fn split<'a>(word: u32, bucket: &'a mut [u32], tokens: &[u32], groups: &mut Vec<Group<'a>>) {
    let second = |position: u32| tokens.get(position as usize + 1).copied().unwrap_or(EOS);
    bucket.par_sort_unstable_by_key(|&position| second(position));
    let mut rest = bucket;
    while !rest.is_empty() {
        let last = second(rest[rest.len().min(LARGE_GROUP) - 1]);
        let length = rest.partition_point(|&position| second(position) <= last);
        let positions;
        (positions, rest) = rest.split_at_mut(length);
        groups.push(Group { words: word..word + 1, positions, ends: vec![length] });
    }
}

/// Positions of a group, where no pair of words has more.
const LARGE_GROUP: usize = 1 << 15;

/// Sorts groups of one text.
pub(crate) struct Sorter<'a> {
    tokens: &'a [u32],
    order: usize,
    /// Bits of one word in a key; 0 stands for nothing behind `</s>`.
    bits: u32,
}

/// Bits of a position in a key.
const POSITION: u32 = 32;

impl<'a> Sorter<'a> {
    /// Positions count from `start`.
    pub(crate) fn new(tokens: &'a [u32], start: usize, vocabulary: usize, order: usize) -> Self {
        let bits = usize::BITS - vocabulary.leading_zeros();
        Self { tokens: &tokens[start..], order, bits: bits.max(1) }
    }

    /// Gives every distinct n-gram of the group once, in order, with its count. n-grams have
    /// `order` words, or fewer and `</s>` as the last.
    pub(crate) fn sort(&self, group: Group<'_>, out: &mut impl FnMut(&[u32], u64)) {
        let mut path = vec![0; self.order];
        let mut from = 0;
        for (word, end) in group.words.zip(group.ends) {
            path[0] = word;
            if end > from {
                self.sort_from(&group.positions[from..end], 1, &mut path, out);
            }
            from = end;
        }
    }

    /// `positions` share the words `path[..depth]`.
    fn sort_from(
        &self,
        positions: &[u32],
        depth: usize,
        path: &mut [u32],
        out: &mut impl FnMut(&[u32], u64),
    ) {
        if depth == self.order || path[depth - 1] == EOS {
            return out(&path[..depth], positions.len() as u64);
        }
        let words = ((128 - POSITION) / self.bits).min((self.order - depth) as u32) as usize;
        let mut keys: Vec<u128> =
            positions.iter().map(|&position| self.key(position, depth, words)).collect();
        keys.sort_unstable();
        let mut same = Vec::new();
        for equal in keys.chunk_by(|a, b| a >> POSITION == b >> POSITION) {
            let end = self.unpack(equal[0] >> POSITION, &mut path[depth..depth + words]);
            let end = depth + end;
            if end == self.order || path[end - 1] == EOS {
                out(&path[..end], equal.len() as u64);
            } else {
                same.clear();
                same.extend(equal.iter().map(|&key| key as u32));
                self.sort_from(&same, end, path, out);
            }
        }
    }

    /// The next words, the first of them highest, and the position lowest.
    #[inline]
    fn key(&self, position: u32, depth: usize, words: usize) -> u128 {
        let from = position as usize + depth;
        let mut key = 0u128;
        let mut left = words as u32;
        for &token in &self.tokens[from..self.tokens.len().min(from + words)] {
            key = key << self.bits | u128::from(token + 1);
            left -= 1;
            if token == EOS {
                break;
            }
        }
        key << (left * self.bits) << POSITION | u128::from(position)
    }

    /// Undoes [`Self::key`]; gives how many words there were.
    fn unpack(&self, key: u128, words: &mut [u32]) -> usize {
        let mask = (1u128 << self.bits) - 1;
        for index in 0..words.len() {
            let shift = (words.len() - 1 - index) as u32 * self.bits;
            let word = (key >> shift & mask) as u32;
            if word == 0 {
                return index;
            }
            words[index] = word - 1;
        }
        words.len()
    }
}
