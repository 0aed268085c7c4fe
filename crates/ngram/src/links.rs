//! Each n-gram's suffix: the n-gram without its first word, one level below.
//!
//! The continuations of `w1 .. w(n-1)` are among those of `w2 .. w(n-1)`, and both are sorted: one
//! merge finds the suffixes of all.

use std::ops::Range;

use rayon::prelude::*;

use crate::error::Result;
use crate::storage::{Column, Storage};

/// Parents that one task works on.
const PARENTS: usize = 1 << 14;

/// The suffix of an n-gram that has none: only where a model is not closed under suffixes.
pub(crate) const MISSING: u32 = u32::MAX;

/// A level of a trie as [`links`] needs it: last words, and where continuations start.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) words: &'a [u32],
    pub(crate) children: &'a [u32],
}

/// For each level from the second on, the index of each n-gram's suffix in the level below.
pub(crate) fn links(levels: &[Shape<'_>], storage: &Storage) -> Result<Vec<Column<u32>>> {
    let mut all: Vec<Column<u32>> = Vec::new();
    for (n, level) in levels.iter().enumerate().skip(1) {
        let mut links = Column::zeroed(level.words.len(), storage)?;
        match all.last() {
            // The suffix of a bigram is a word, and a word is its own index.
            None => links.copy_from_slice(level.words),
            Some(parent_links) => {
                let below = levels[n - 1];
                let two_below = levels[n - 2];
                by_parents(below.children, &mut links, |parents, children, out| {
                    let mut out = out.iter_mut();
                    let mut from = children.start;
                    for parent in parents {
                        let to = below.children[parent + 1] as usize;
                        let suffix = parent_links[parent] as usize;
                        let among = range(two_below.children, suffix);
                        let words = &level.words[from..to];
                        join(words, below.words, among, &mut out);
                        from = to;
                    }
                });
            }
        }
        all.push(links);
    }
    Ok(all)
}

/// The children of a node.
#[inline]
pub(crate) fn range(children: &[u32], node: usize) -> Range<usize> {
    if node + 1 >= children.len() {
        return 0..0;
    }
    children[node] as usize..children[node + 1] as usize
}

/// Writes where each of `words` stands in `all[among]`; both are ascending.
fn join<'a>(
    words: &[u32],
    all: &[u32],
    among: Range<usize>,
    out: &mut impl Iterator<Item = &'a mut u32>,
) {
    let mut at = among.start;
    for (&word, link) in words.iter().zip(out) {
        // Steps that double, then a search between the last two: near is cheap, far is not dear.
        let mut step = 1;
        let mut low = at;
        while low + step < among.end && all[low + step] <= word {
            low += step;
            step *= 2;
        }
        let high = among.end.min(low + step);
        at = low + all[low..high].partition_point(|&other| other < word);
        *link = if at < among.end && all[at] == word { at as u32 } else { MISSING };
    }
}

/// Runs `work(parents, children, slice)` on all threads; `slice` is the part of `out` that belongs
/// to the children of those parents.
pub(crate) fn by_parents<T: Send>(
    children: &[u32],
    out: &mut [T],
    work: impl Fn(Range<usize>, Range<usize>, &mut [T]) + Sync,
) {
    let parents = children.len().saturating_sub(1);
    let mut tasks = Vec::with_capacity(parents / PARENTS + 1);
    let mut rest = out;
    for start in (0..parents).step_by(PARENTS) {
        let end = parents.min(start + PARENTS);
        let range = children[start] as usize..children[end] as usize;
        let (slice, behind) = std::mem::take(&mut rest).split_at_mut(range.len());
        tasks.push((start..end, range, slice));
        rest = behind;
    }
    tasks.into_par_iter().for_each(|(parents, range, slice)| work(parents, range, slice));
}
