//! Adjusted counts (Kneser and Ney 1995; Chen and Goodman 1999, equation 27).
//!
//! Below the highest order, what counts is in how many contexts an n-gram stands:
//! `a(w1 .. wn) = |{v : c(v w1 .. wn) > 0}|`, the number of n-grams one level above whose suffix it
//! is. n-grams that begin with `<s>` stand in no context and keep their counts.
//!
//! Adjusted counts take the place of those of the text: a large text has room for one of them only.

use std::ops::Range;

use rayon::prelude::*;

use crate::counting::trie::{Counts, Trie};
use crate::links::range;
use crate::storage::Column;
use crate::words::BOS;

/// Adjusts the counts below the highest order.
pub(crate) fn adjust(trie: &mut Trie, links: &[Column<u32>]) {
    let from_bos = from_bos(trie);
    let lower = trie.levels.iter_mut().zip(links).zip(from_bos).enumerate();
    lower.par_bridge().for_each(|(n, ((level, links), beginning))| {
        let counts = &mut level.counts;
        // Unigrams are adjusted without exception: <s> is never predicted, whatever its count.
        let beginning = if n == 0 { 0..0 } else { beginning };
        let kept: Vec<u64> = beginning.clone().map(|index| counts.get(index)).collect();
        counts.large.clear();
        counts.small.fill(0);
        let small = &mut counts.small[..];
        for &link in &links[..] {
            small[link as usize] += 1;
        }
        for (index, count) in beginning.zip(kept) {
            counts.set(index, count);
        }
    });
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
