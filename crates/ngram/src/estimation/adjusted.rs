//! Adjusted counts (Kneser and Ney 1995; Chen and Goodman 1999, equation 27).
//!
//! Below the highest order, what counts is in how many contexts an n-gram stands:
//! `a(w1 .. wn) = |{v : c(v w1 .. wn) > 0}|`, the number of n-grams one level above whose suffix it
//! is. n-grams that begin with `<s>` stand in no context and keep their counts.

use std::ops::Range;

use rayon::prelude::*;

use crate::counting::trie::{Counts, Level, Trie};
use crate::error::Result;
use crate::links::range;
use crate::storage::{Column, Storage};
use crate::words::BOS;

/// The counts that probabilities are made from; the highest order's are those of the trie.
pub(crate) struct Adjusted {
    /// Below the highest order.
    pub(crate) lower: Vec<Counts>,
}

impl Adjusted {
    /// The counts of level `n`, from 0.
    pub(crate) fn level<'a>(&'a self, trie: &'a Trie, n: usize) -> &'a Counts {
        self.lower.get(n).unwrap_or(&trie.levels[n].counts)
    }
}

/// Adjusts the counts below the highest order.
pub(crate) fn adjust(trie: &Trie, links: &[Column<u32>], storage: &Storage) -> Result<Adjusted> {
    let lower = trie.levels.split_last().map_or(&[][..], |(_, lower)| lower);
    let empty = |level: &Level| Column::zeroed(level.len(), storage);
    let mut columns: Vec<Column<u32>> = lower.iter().map(empty).collect::<Result<_>>()?;
    columns.par_iter_mut().zip(links).for_each(|(counts, links)| {
        let counts = &mut counts[..];
        for &link in &links[..] {
            counts[link as usize] += 1;
        }
    });
    let whole = |small| Counts { small, large: std::collections::BTreeMap::new() };
    let mut lower: Vec<Counts> = columns.into_iter().map(whole).collect();
    for (n, beginning) in from_bos(trie).into_iter().enumerate().skip(1) {
        if let Some(counts) = lower.get_mut(n) {
            for index in beginning {
                counts.set(index, trie.levels[n].counts.get(index));
            }
        }
    }
    Ok(Adjusted { lower })
}

/// At each level, the n-grams that begin with `<s>`.
fn from_bos(trie: &Trie) -> Vec<Range<usize>> {
    let bos = BOS as usize;
    let mut ranges = Vec::with_capacity(trie.levels.len());
    ranges.push(bos..bos + 1);
    for level in &trie.levels[..trie.levels.len() - 1] {
        let last = &ranges[ranges.len() - 1];
        let start = range(&level.children, last.start).start;
        let end = if last.is_empty() { start } else { range(&level.children, last.end - 1).end };
        ranges.push(start..end);
    }
    ranges
}

/// `n_k`: how many n-grams of a level have the count k, for k of 1 to 4 (index 0: all others that
/// count). `<s>` as a unigram does not count, being never predicted.
pub(crate) fn counts_of_counts(counts: &Counts, unigrams: bool) -> [u64; 5] {
    let part = |(chunk, values): (usize, &[u32])| {
        let mut n = [0u64; 5];
        for (index, &count) in values.iter().enumerate() {
            if unigrams && chunk == 0 && index == BOS as usize || count == 0 {
                continue;
            }
            n[if count <= 4 { count as usize } else { 0 }] += 1;
        }
        n
    };
    let sum = |a: [u64; 5], b: [u64; 5]| std::array::from_fn(|k| a[k] + b[k]);
    counts.small.par_chunks(1 << 16).enumerate().map(part).reduce(|| [0; 5], sum)
}
