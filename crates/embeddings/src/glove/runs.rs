//! Sorted counts, in memory or in nameless temporary files, and their merge.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use bytemuck::{Pod, Zeroable};

use crate::error::{EmbeddingError, Result};

/// A pair of words, `a << 32 | b`, and how often they stand near each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Record {
    pub(crate) key: u64,
    /// In parts of 2^-24.
    pub(crate) weight: u64,
}

/// Sorts, and adds up what is equal.
fn combine(records: &mut Vec<Record>) {
    records.sort_unstable();
    records.dedup_by(|next, first| {
        let equal = next.key == first.key;
        if equal {
            first.weight = first.weight.saturating_add(next.weight);
        }
        equal
    });
}

/// Gathers records; when they fill the memory they are sorted, and go to a file if that does not make
/// them few.
pub(crate) struct RunWriter {
    records: Vec<Record>,
    most: usize,
    folder: PathBuf,
    runs: Vec<Run>,
}

impl RunWriter {
    pub(crate) fn new(memory: u64, folder: &Path) -> Self {
        let most = (memory / size_of::<Record>() as u64).clamp(1 << 12, 1 << 40) as usize;
        Self { records: Vec::new(), most, folder: folder.into(), runs: Vec::new() }
    }

    pub(crate) fn push(&mut self, record: Record) -> Result<()> {
        self.records.push(record);
        if self.records.len() < self.most {
            return Ok(());
        }
        combine(&mut self.records);
        if self.records.len() * 2 > self.most {
            let run = Run::write(&self.records, &self.folder)?;
            self.runs.push(run);
            self.records.clear();
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Counts> {
        combine(&mut self.records);
        let memory = vec![self.records];
        Ok(Counts { runs: self.runs, memory, symmetric: false })
    }
}

/// Sorted records in a temporary file.
struct Run {
    file: File,
    records: u64,
    folder: PathBuf,
}

impl Run {
    fn write(records: &[Record], folder: &Path) -> Result<Self> {
        let write = || -> std::io::Result<File> {
            let mut writer = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(folder)?);
            writer.write_all(bytemuck::cast_slice(records))?;
            writer.into_inner().map_err(std::io::IntoInnerError::into_error)
        };
        let file = write()
            .map_err(|source| EmbeddingError::Temporary { folder: folder.into(), source })?;
        Ok(Self { file, records: records.len() as u64, folder: folder.into() })
    }

    /// From its beginning.
    fn read(&self) -> Result<Sorted<'_>> {
        let Self { file, records, folder } = self;
        let mut file = file;
        file.rewind()
            .map_err(|source| EmbeddingError::Temporary { folder: folder.clone(), source })?;
        let reader = BufReader::with_capacity(1 << 18, file);
        Ok(Sorted::File { reader, left: *records, folder })
    }
}

/// Where merged records come from.
enum Sorted<'a> {
    Memory(std::slice::Iter<'a, Record>),
    File { reader: BufReader<&'a File>, left: u64, folder: &'a Path },
}

impl Sorted<'_> {
    fn next(&mut self) -> Result<Option<Record>> {
        match self {
            Self::Memory(records) => Ok(records.next().copied()),
            Self::File { left: 0, .. } => Ok(None),
            Self::File { reader, left, folder } => {
                let mut record = Record::default();
                reader.read_exact(bytemuck::bytes_of_mut(&mut record)).map_err(|source| {
                    EmbeddingError::Temporary { folder: folder.to_path_buf(), source }
                })?;
                *left -= 1;
                Ok(Some(record))
            }
        }
    }
}

/// How often words stand near each other: sorted runs that are not merged yet.
#[derive(Default)]
pub struct Counts {
    runs: Vec<Run>,
    memory: Vec<Vec<Record>>,
    /// Whether a pair stands for both directions.
    pub(crate) symmetric: bool,
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Counts(at most {} pairs)", self.most())
    }
}

impl Counts {
    /// Adds other counts.
    pub fn append(&mut self, other: Self) {
        self.runs.extend(other.runs);
        self.memory.extend(other.memory);
    }

    /// Pairs that there are at most: how many stand in several runs depends on threads and memory.
    pub fn most(&self) -> u64 {
        let memory = self.memory.iter().map(|records| records.len() as u64).sum::<u64>();
        memory + self.runs.iter().map(|run| run.records).sum::<u64>()
    }

    /// Temporary files that are in use.
    pub fn files(&self) -> usize {
        self.runs.len()
    }

    /// Pairs that there are.
    pub(crate) fn pairs(&self) -> Result<u64> {
        if self.runs.len() + self.memory.len() < 2 {
            return Ok(self.most());
        }
        let mut pairs = 0;
        self.merge(|_| {
            pairs += 1;
            Ok(())
        })?;
        Ok(pairs)
    }

    /// Hands out every pair once, in order.
    pub(crate) fn merge(&self, mut take: impl FnMut(Record) -> Result<()>) -> Result<()> {
        let mut sources: Vec<Sorted<'_>> =
            self.memory.iter().map(|records| Sorted::Memory(records.iter())).collect();
        for run in &self.runs {
            sources.push(run.read()?);
        }
        let mut heap = BinaryHeap::new();
        for (index, source) in sources.iter_mut().enumerate() {
            heap.extend(source.next()?.map(|record| Reverse((record, index))));
        }
        let mut current: Option<Record> = None;
        while let Some(Reverse((record, index))) = heap.pop() {
            heap.extend(sources[index].next()?.map(|record| Reverse((record, index))));
            match &mut current {
                Some(last) if last.key == record.key => {
                    last.weight = last.weight.saturating_add(record.weight);
                }
                _ => {
                    if let Some(done) = current.replace(record) {
                        take(done)?;
                    }
                }
            }
        }
        current.map_or(Ok(()), take)
    }
}
