//! Counting: sorted n-grams of every order as one trie.
//!
//! - [`trie`]: the counted n-grams, level by level
//! - [`sorting`]: positions of a text sorted by the words that follow
//! - [`runs`]: sorted runs on disk and their merging, for what does not fit the budget

pub(crate) mod runs;
pub(crate) mod sorting;
pub(crate) mod trie;

use rayon::prelude::*;

use crate::error::Result;
use crate::progress::{Progress, Stage};
use crate::storage::{Column, Storage};
use runs::{MOST_RUNS, RunWriter};
use sorting::{Buckets, Sorter};
use trie::{Trie, TrieBuilder, TrieWriter};

/// Bytes that sorting takes for each position. Keys are made for some positions at a time.
const POSITION_BYTES: u64 = 4;

/// Counts all n-grams up to `order` of a stream of ids `0..vocabulary`.
///
/// The trie is the same whatever the budget and the number of threads.
pub(crate) fn count(
    tokens: Column<u32>,
    vocabulary: usize,
    order: usize,
    storage: &Storage,
    progress: &dyn Progress,
) -> Result<Trie> {
    progress.stage(Stage::Counting, Some(tokens.len() as u64));
    // A quarter of the budget, beside the half that the text may take. Positions in a chunk are 32 bits.
    let chunk =
        (storage.budget() / 4 / POSITION_BYTES).clamp(1 << 12, u64::from(u32::MAX)) as usize;
    let chunk = chunk.max(tokens.len().div_ceil(MOST_RUNS));
    let mut done = 0;
    if tokens.len() <= chunk {
        let mut writer = TrieWriter::new(order, vocabulary, storage);
        let buckets = Buckets::new(&tokens, 0..tokens.len(), vocabulary, storage);
        sorted_groups(&tokens, buckets, vocabulary, order, |parts: Vec<(TrieBuilder, usize)>| {
            for (part, positions) in parts {
                writer.append(&part)?;
                done += positions as u64;
            }
            progress.at(done);
            Ok(())
        })?;
        drop(tokens);
        return writer.finish();
    }
    let mut runs = Vec::new();
    for start in (0..tokens.len()).step_by(chunk) {
        let mut run = RunWriter::new(order, storage)?;
        let range = start..tokens.len().min(start + chunk);
        let buckets = Buckets::new(&tokens, range, vocabulary, storage);
        sorted_groups(&tokens, buckets, vocabulary, order, |parts: Vec<(Vec<u32>, usize)>| {
            for (part, positions) in parts {
                run.append(&part)?;
                done += positions as u64;
            }
            progress.at(done);
            Ok(())
        })?;
        runs.push(run.finish()?);
    }
    drop(tokens);
    runs::merge(runs, order, vocabulary, storage, progress)
}

/// What the sorted n-grams of some first words become.
trait Part: Send {
    fn new(order: usize) -> Self;
    fn push(&mut self, words: &[u32], count: u64);
}

impl Part for TrieBuilder {
    fn new(order: usize) -> Self {
        Self::new(order)
    }

    fn push(&mut self, words: &[u32], count: u64) {
        self.push(words, count);
    }
}

/// Records of a run, one behind the other; the first number of the vector is their order.
impl Part for Vec<u32> {
    fn new(order: usize) -> Self {
        vec![order as u32]
    }

    fn push(&mut self, words: &[u32], count: u64) {
        runs::push_record(self, words, count);
    }
}

/// Sorts group by group on all threads and hands the parts over in order.
fn sorted_groups<P: Part>(
    tokens: &[u32],
    mut buckets: Buckets,
    vocabulary: usize,
    order: usize,
    mut take: impl FnMut(Vec<(P, usize)>) -> Result<()>,
) -> Result<()> {
    let sorter = Sorter::new(tokens, buckets.start(), vocabulary, order);
    let threads = rayon::current_num_threads();
    // A few groups for each thread at a time: their parts are all in memory at once.
    let mut groups = buckets.groups(threads * 16, tokens);
    while !groups.is_empty() {
        let batch: Vec<_> = groups.drain(..groups.len().min(threads * 4)).collect();
        let sort = |group: sorting::Group<'_>| {
            let mut part = P::new(order);
            let positions = group.positions.len();
            sorter.sort(group, &mut |words, count| part.push(words, count));
            (part, positions)
        };
        take(batch.into_par_iter().map(sort).collect())?;
    }
    Ok(())
}
