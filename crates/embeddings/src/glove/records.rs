//! Counts in random order, as the training reads them.

use std::fs::File;
use std::io::{BufWriter, Write};

use bytemuck::{Pod, Zeroable};
use memmap2::Mmap;
use xxhash_rust::xxh3::Xxh3;

use super::counting::ONE;
use super::runs::Counts;
use super::settings::GloveSettings;
use crate::error::{EmbeddingError, Result};
use crate::progress::{Progress, Stage};
use crate::training::random::{Random, mix};

/// One entry of the matrix of counts, as an update needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Entry {
    pub(crate) word: u32,
    pub(crate) context: u32,
    /// `ln x`.
    pub(crate) log: f32,
    /// `f(x)`.
    pub(crate) weight: f32,
}

/// Entries of a bucket: what is shuffled at once.
const BUCKET: u64 = 1 << 20;

/// Entries by random buckets, each in random order; in memory or in temporary files.
pub struct Entries {
    buckets: Vec<Bucket>,
    len: u64,
}

impl std::fmt::Debug for Entries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entries({})", self.len)
    }
}

enum Bucket {
    Memory(Vec<Entry>),
    Disk(Mmap),
}

impl Entries {
    /// How many there are: each of a symmetric count stands in both directions.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Merges counts.
    ///
    /// # Errors
    /// [`EmbeddingError::Temporary`].
    pub fn new(counts: Counts, settings: &GloveSettings, progress: &dyn Progress) -> Result<Self> {
        // The number of buckets is part of the order, so that it follows from the counts alone.
        progress.stage(Stage::Merging, None);
        let pairs = counts.pairs()?;
        progress.stage(Stage::Merging, Some(pairs));
        let failed =
            |source| EmbeddingError::Temporary { folder: settings.temporary.clone(), source };
        let symmetric = counts.symmetric;
        let most = pairs * if symmetric { 2 } else { 1 };
        let number = most.div_ceil(BUCKET).clamp(1, 1 << 10);
        let on_disk = most * size_of::<Entry>() as u64 > settings.memory / 2;
        let mut memory: Vec<Vec<Entry>> = vec![Vec::new(); number as usize];
        let mut files: Vec<BufWriter<File>> = Vec::new();
        if on_disk {
            for _ in 0..number {
                let file = tempfile::tempfile_in(&settings.temporary).map_err(failed)?;
                files.push(BufWriter::with_capacity(1 << 16, file));
            }
        }
        let mut len = 0;
        let mut put = |entry: Entry| -> Result<()> {
            let key = u64::from(entry.word) << 32 | u64::from(entry.context);
            let bucket = mix(settings.seed, key) % number;
            len += 1;
            match files.get_mut(bucket as usize) {
                None => memory[bucket as usize].push(entry),
                Some(file) => file.write_all(bytemuck::bytes_of(&entry)).map_err(failed)?,
            }
            Ok(())
        };
        let mut merged = 0;
        counts.merge(|record| {
            merged += 1;
            if merged & 0xffff == 0 {
                progress.at(merged);
            }
            let (a, b) = ((record.key >> 32) as u32, record.key as u32);
            // A word near itself is seen from both sides.
            let sides = if symmetric && a == b { 2.0 } else { 1.0 };
            let x = record.weight as f64 / ONE as f64 * sides;
            let weight = (x / settings.x_max).min(1.0).powf(settings.alpha) as f32;
            let entry = Entry { word: a, context: b, log: x.ln() as f32, weight };
            put(entry)?;
            if symmetric && a != b { put(Entry { word: b, context: a, ..entry }) } else { Ok(()) }
        })?;
        drop(counts);
        let mut buckets = Vec::with_capacity(number as usize);
        for (index, mut entries) in memory.into_iter().enumerate() {
            let stream = index as u64;
            let Some(file) = files.get_mut(index) else {
                shuffle(&mut entries, settings.seed, stream);
                buckets.push(Bucket::Memory(entries));
                continue;
            };
            file.flush().map_err(failed)?;
            // SAFETY: the file has no name (or, where the system keeps one, a random one), so nobody
            // else changes or cuts it, and every byte of it was written.
            let map = unsafe { memmap2::MmapMut::map_mut(file.get_ref()) };
            let mut map = map.map_err(failed)?;
            shuffle(bytemuck::cast_slice_mut(&mut map), settings.seed, stream);
            buckets.push(Bucket::Disk(map.make_read_only().map_err(failed)?));
        }
        Ok(Self { buckets, len })
    }

    /// Of the entries in their order: a training goes on with the same ones only.
    pub(crate) fn hash(&self) -> u64 {
        let mut hash = Xxh3::new();
        self.buckets().for_each(|bucket| hash.update(bytemuck::cast_slice(bucket)));
        hash.digest()
    }

    /// The buckets in their order.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = &[Entry]> {
        self.buckets.iter().map(|bucket| match bucket {
            Bucket::Memory(entries) => &entries[..],
            Bucket::Disk(map) => bytemuck::cast_slice(map),
        })
    }
}

fn shuffle(entries: &mut [Entry], seed: u64, stream: u64) {
    let mut random = Random::new(seed, !stream);
    for last in (1..entries.len()).rev() {
        let other = random.below(last as u32 + 1).0;
        entries.swap(last, other as usize);
    }
}
