//! Sorted runs of n-grams on disk, and their merging.
//!
//! A record is `order` words, [`NONE`] behind the last, and the count in two halves.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

#[cfg(feature = "parquet")]
use rayon::prelude::*;

use super::trie::{Trie, TrieBuilder, TrieWriter};
use crate::error::Result;
use crate::estimation::settings::MAX_ORDER;
use crate::progress::{Progress, Stage};
use crate::storage::{Storage, TemporaryReader, TemporaryWriter};

/// No word: the sentence has ended.
pub(crate) const NONE: u32 = u32::MAX;

/// Numbers of 32 bits behind the words of a record.
const COUNT: usize = 2;

/// n-grams that a part of the trie holds before it is handed on.
const PART: usize = 1 << 16;

/// A run being written.
pub(crate) struct RunWriter {
    file: TemporaryWriter,
    order: usize,
    /// Bytes of it that are in memory when it is read.
    buffer: usize,
}

/// Runs that can be merged at a time, within the open files that systems allow.
pub(crate) const MOST_RUNS: usize = 256;

impl RunWriter {
    pub(crate) fn new(order: usize, storage: &Storage) -> Result<Self> {
        let buffer = (storage.budget() / 8 / MOST_RUNS as u64).clamp(1 << 14, 1 << 18) as usize;
        Ok(Self { file: storage.file()?, order, buffer })
    }

    /// `records`: the order, and records that are not before those that were written.
    pub(crate) fn append(&mut self, records: &[u32]) -> Result<()> {
        self.file.write(bytemuck::cast_slice(&records[1..]))
    }

    pub(crate) fn finish(self) -> Result<Run> {
        Ok(Run { records: self.file.read(self.buffer)?, order: self.order })
    }
}

/// A record in memory, zeros behind it. Records of one order sort by their words.
type Record = [u32; MAX_ORDER + COUNT];

/// Sorted n-grams on disk.
pub(crate) struct Run {
    records: TemporaryReader,
    order: usize,
}

impl Run {
    fn record_bytes(&self) -> usize {
        (self.order + COUNT) * size_of::<u32>()
    }

    /// How many records are still to come.
    fn left(&self) -> u64 {
        self.records.left() / self.record_bytes() as u64
    }

    fn next(&mut self) -> Result<Option<Record>> {
        if self.records.left() == 0 {
            return Ok(None);
        }
        let mut record = Record::default();
        let length = self.order + COUNT;
        self.records.fill(bytemuck::cast_slice_mut(&mut record[..length]))?;
        Ok(Some(record))
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
    mut runs: Vec<Run>,
    order: usize,
    vocabulary: usize,
    storage: &Storage,
    progress: &dyn Progress,
) -> Result<Trie> {
    progress.stage(Stage::Merging, Some(runs.iter().map(Run::left).sum()));
    let mut heap = BinaryHeap::with_capacity(runs.len());
    for (number, run) in runs.iter_mut().enumerate() {
        heap.extend(run.next()?.map(|record| Reverse((record, number))));
    }
    let mut writer = TrieWriter::new(order, vocabulary, storage);
    let mut part = TrieBuilder::new(order);
    let mut first = [NONE; 2];
    let mut done = 0u64;
    let mut sum = 0;
    loop {
        let Some(mut top) = heap.peek_mut() else { break };
        let Reverse((record, number)) = *top;
        sum += whole(&record[order..]);
        match runs[number].next()? {
            Some(next) => {
                top.0.0 = next;
                drop(top); // puts it where it belongs
            }
            None => drop(PeekMut::pop(top)),
        }
        done += 1;
        if done.is_multiple_of(1 << 16) {
            progress.at(done);
        }
        let words = &record[..order];
        if heap.peek().is_some_and(|Reverse((next, _))| next[..order] == *words) {
            continue;
        }
        let pair = [words[0], words.get(1).copied().unwrap_or(NONE)];
        if pair != first && part.len() > PART {
            writer.append(&std::mem::replace(&mut part, TrieBuilder::new(order)))?;
        }
        first = pair;
        let length = words.iter().position(|&word| word == NONE).unwrap_or(order);
        part.push(&words[..length], std::mem::take(&mut sum));
    }
    writer.append(&part)?;
    writer.finish()
}

fn whole(count: &[u32]) -> u64 {
    u64::from(count[0]) | u64::from(count[1]) << 32
}
