//! Sorted runs of n-grams on disk, and their merging.
//!
//! A record is `order` words, [`NONE`] behind the last, and the count in two halves.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[cfg(feature = "parquet")]
use rayon::prelude::*;

use super::trie::{Trie, TrieBuilder, TrieWriter};
use crate::error::Result;
use crate::progress::{Progress, Stage};
use crate::storage::{Mapped, Storage, TemporaryWriter};

/// No word: the sentence has ended.
pub(crate) const NONE: u32 = u32::MAX;

/// Numbers of 32 bits behind the words of a record.
const COUNT: usize = 2;

/// n-grams that a part of the trie holds before it is handed on.
const PART: usize = 1 << 18;

/// A run being written.
pub(crate) struct RunWriter {
    file: TemporaryWriter,
    order: usize,
}

impl RunWriter {
    pub(crate) fn new(order: usize, storage: &Storage) -> Result<Self> {
        Ok(Self { file: storage.file()?, order })
    }

    /// `records`: the order, and records that are not before those that were written.
    pub(crate) fn append(&mut self, records: &[u32]) -> Result<()> {
        self.file.write(bytemuck::cast_slice(&records[1..]))
    }

    pub(crate) fn finish(self) -> Result<Run> {
        Ok(Run { records: self.file.map()?, order: self.order })
    }
}

/// Sorted n-grams on disk.
pub(crate) struct Run {
    records: Mapped,
    order: usize,
}

impl Run {
    fn iter(&self) -> std::slice::ChunksExact<'_, u32> {
        bytemuck::cast_slice(self.records.bytes()).chunks_exact(self.order + COUNT)
    }
}

/// Sorts n-grams that come in any order, within the budget.
#[cfg(feature = "parquet")]
pub(crate) struct RecordSorter {
    /// The order, and then records.
    records: Vec<u32>,
    most: usize,
    runs: Vec<Run>,
    storage: Storage,
}

#[cfg(feature = "parquet")]
impl RecordSorter {
    pub(crate) fn new(order: usize, storage: &Storage) -> Self {
        // A quarter of the budget: sorting copies what it sorts.
        let most = (storage.budget() / 4 / 4).clamp(1 << 16, 1 << 31) as usize;
        Self { records: vec![order as u32], most, runs: Vec::new(), storage: storage.clone() }
    }

    pub(crate) fn push(&mut self, words: &[u32], count: u64) -> Result<()> {
        push_record(&mut self.records, words, count);
        if self.records.len() > self.most { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let order = self.records[0] as usize;
        let mut records: Vec<&[u32]> = self.records[1..].chunks_exact(order + COUNT).collect();
        records.par_sort_unstable();
        let mut run = RunWriter::new(order, &self.storage)?;
        for record in records {
            run.file.write(bytemuck::cast_slice(record))?;
        }
        self.runs.push(run.finish()?);
        self.records.truncate(1);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Vec<Run>> {
        self.flush()?;
        Ok(self.runs)
    }
}

/// Adds a record to a vector whose first number is the order.
pub(crate) fn push_record(records: &mut Vec<u32>, words: &[u32], count: u64) {
    let order = records[0] as usize;
    records.extend_from_slice(words);
    records.resize(records.len() + order - words.len(), NONE);
    records.extend([count as u32, (count >> 32) as u32]);
}

/// Merges runs to a trie.
pub(crate) fn merge(
    runs: &[Run],
    order: usize,
    vocabulary: usize,
    storage: &Storage,
    progress: &dyn Progress,
) -> Result<Trie> {
    let total: usize = runs.iter().map(|run| run.iter().len()).sum();
    progress.stage(Stage::Merging, Some(total as u64));
    let mut iterators: Vec<_> = runs.iter().map(Run::iter).collect();
    let mut heap = BinaryHeap::with_capacity(runs.len());
    for (run, records) in iterators.iter_mut().enumerate() {
        heap.extend(
            records.next().map(|record| Reverse((&record[..order], &record[order..], run))),
        );
    }
    let mut writer = TrieWriter::new(order, vocabulary, storage);
    let mut part = TrieBuilder::new(order);
    let mut first = NONE;
    let mut done = 0;
    while let Some(Reverse((words, count, run))) = heap.pop() {
        let mut sum = whole(count);
        let mut refill = |heap: &mut BinaryHeap<_>, run: usize| {
            let next = iterators[run].next();
            heap.extend(next.map(|record| Reverse((&record[..order], &record[order..], run))));
            done += 1;
            if done % (1 << 16) == 0 {
                progress.at(done);
            }
        };
        refill(&mut heap, run);
        while let Some(&Reverse((same, count, run))) = heap.peek()
            && same == words
        {
            heap.pop();
            sum += whole(count);
            refill(&mut heap, run);
        }
        if words[0] != first && part.len() > PART {
            writer.append(&std::mem::replace(&mut part, TrieBuilder::new(order)))?;
        }
        first = words[0];
        let length = words.iter().position(|&word| word == NONE).unwrap_or(order);
        part.push(&words[..length], sum);
    }
    writer.append(&part)?;
    writer.finish()
}

fn whole(count: &[u32]) -> u64 {
    u64::from(count[0]) | u64::from(count[1]) << 32
}
