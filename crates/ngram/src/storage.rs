//! Long arrays within a budget: in memory as long as there is room, else in temporary files.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytemuck::Pod;
use memmap2::MmapMut;

use crate::error::{NgramError, Result};

/// How much memory the arrays of one estimation may take, and where the rest goes.
///
/// Temporary files have no name once they are open (on Unix), so nothing is left behind however
/// the program ends.
#[derive(Clone, Debug)]
pub struct Storage {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    budget: u64,
    folder: PathBuf,
    memory: AtomicU64,
    disk: AtomicU64,
    disk_peak: AtomicU64,
}

impl Storage {
    /// `budget` bytes of memory, then temporary files in `folder`.
    pub fn new(budget: u64, folder: impl Into<PathBuf>) -> Self {
        let zero = AtomicU64::default;
        let shared = Shared {
            budget,
            folder: folder.into(),
            memory: zero(),
            disk: zero(),
            disk_peak: zero(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Bytes of memory that may be used.
    pub fn budget(&self) -> u64 {
        self.shared.budget
    }

    /// Where temporary files go.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// The most bytes that temporary files held at one time.
    pub fn disk_peak(&self) -> u64 {
        self.shared.disk_peak.load(Relaxed)
    }

    /// Takes `bytes` of the budget if they are left.
    fn reserve(&self, bytes: u64) -> bool {
        let fits = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= self.shared.budget);
        self.shared.memory.fetch_update(Relaxed, Relaxed, fits).is_ok()
    }

    fn release(&self, bytes: u64) {
        self.shared.memory.fetch_sub(bytes, Relaxed);
    }

    fn grow_disk(&self, bytes: u64) {
        let now = self.shared.disk.fetch_add(bytes, Relaxed) + bytes;
        self.shared.disk_peak.fetch_max(now, Relaxed);
    }

    fn shrink_disk(&self, bytes: u64) {
        self.shared.disk.fetch_sub(bytes, Relaxed);
    }

    fn error(&self, source: std::io::Error) -> NgramError {
        let used = self.shared.disk.load(Relaxed);
        NgramError::Temporary { folder: self.shared.folder.clone(), used, source }
    }

    /// A nameless temporary file that is written once and then read.
    pub(crate) fn file(&self) -> Result<TemporaryWriter> {
        let file = tempfile::tempfile_in(&self.shared.folder).map_err(|e| self.error(e))?;
        Ok(TemporaryWriter {
            writer: BufWriter::with_capacity(1 << 20, file),
            written: 0,
            storage: self.clone(),
        })
    }
}

/// A temporary file being written.
#[derive(Debug)]
pub(crate) struct TemporaryWriter {
    writer: BufWriter<File>,
    written: u64,
    storage: Storage,
}

impl TemporaryWriter {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(|e| self.storage.error(e))?;
        self.written += bytes.len() as u64;
        self.storage.grow_disk(bytes.len() as u64);
        Ok(())
    }

    /// The file, to be read once from its start to its end: unlike a map, that keeps one buffer of it
    /// in memory, of so many bytes.
    pub(crate) fn read(mut self, buffer: usize) -> Result<TemporaryReader> {
        self.writer.flush().map_err(|e| self.storage.error(e))?;
        let file = self.writer.get_ref().try_clone().and_then(|mut file| {
            file.rewind()?;
            Ok(file)
        });
        let reader = BufReader::with_capacity(buffer, file.map_err(|e| self.storage.error(e))?);
        let bytes = std::mem::take(&mut self.written);
        Ok(TemporaryReader { reader, bytes, left: bytes, storage: self.storage.clone() })
    }

    /// The file, mapped into memory.
    pub(crate) fn map(mut self) -> Result<Mapped> {
        self.writer.flush().map_err(|e| self.storage.error(e))?;
        // SAFETY: the file has no name (or, where the system keeps one, a random one), so nobody
        // else changes or cuts it; every byte was written, so that no access finds a hole for
        // which the disk has no room.
        let map = unsafe { MmapMut::map_mut(self.writer.get_ref()) };
        let map = map.map_err(|e| self.storage.error(e))?;
        let bytes = std::mem::take(&mut self.written);
        Ok(Mapped { map, bytes, storage: self.storage.clone() })
    }
}

impl Drop for TemporaryWriter {
    fn drop(&mut self) {
        self.storage.shrink_disk(self.written);
    }
}

/// A temporary file that is read from its start to its end.
#[derive(Debug)]
pub(crate) struct TemporaryReader {
    reader: BufReader<File>,
    bytes: u64,
    left: u64,
    storage: Storage,
}

impl TemporaryReader {
    /// Bytes that are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Fills `bytes`; there have to be so many.
    #[inline]
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.reader.read_exact(bytes).map_err(|e| self.storage.error(e))?;
        self.left -= bytes.len() as u64;
        Ok(())
    }
}

impl Drop for TemporaryReader {
    fn drop(&mut self) {
        self.storage.shrink_disk(self.bytes);
    }
}

/// A temporary file as memory.
#[derive(Debug)]
pub(crate) struct Mapped {
    map: MmapMut,
    bytes: u64,
    storage: Storage,
}

impl Drop for Mapped {
    fn drop(&mut self) {
        self.storage.shrink_disk(self.bytes);
    }
}

/// An array in memory or in a temporary file; a slice either way.
#[derive(Debug)]
pub struct Column<T: Pod> {
    place: Place<T>,
}

#[derive(Debug)]
enum Place<T> {
    Memory { values: Vec<T>, reserved: u64, storage: Option<Storage> },
    Disk(Mapped),
}

impl<T: Pod> Column<T> {
    /// `len` zeros.
    pub(crate) fn zeroed(len: usize, storage: &Storage) -> Result<Self> {
        let bytes = (len * size_of::<T>()) as u64;
        if storage.reserve(bytes) {
            let values = vec![T::zeroed(); len];
            let storage = Some(storage.clone());
            return Ok(Self { place: Place::Memory { values, reserved: bytes, storage } });
        }
        let mut file = storage.file()?;
        let zeros = vec![0u8; 1 << 20];
        let mut left = bytes as usize;
        while left > 0 {
            let part = left.min(zeros.len());
            file.write(&zeros[..part])?;
            left -= part;
        }
        Ok(Self { place: Place::Disk(file.map()?) })
    }
}

impl<T: Pod> Column<T> {
    /// Lets go of what was read of a file: it is read again when it is asked for. Else a file that was
    /// gone through counts as this program's memory until the system needs the room.
    pub(crate) fn release(&self) {
        #[cfg(unix)]
        if let Place::Disk(mapped) = &self.place {
            // SAFETY: of a shared map of a file, pages that are let go of come back with what was
            // written to them. A refusal is no error.
            let _ = unsafe { mapped.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
        }
    }
}

impl Column<u32> {
    /// The same bits as other numbers of their size.
    pub(crate) fn cast(mut self) -> Column<f32> {
        let nothing = Place::Memory { values: Vec::new(), reserved: 0, storage: None };
        let place = match std::mem::replace(&mut self.place, nothing) {
            Place::Memory { values, reserved, storage } => {
                Place::Memory { values: bytemuck::cast_vec(values), reserved, storage }
            }
            Place::Disk(mapped) => Place::Disk(mapped),
        };
        Column { place }
    }
}

impl<T: Pod> From<Vec<T>> for Column<T> {
    fn from(values: Vec<T>) -> Self {
        Self { place: Place::Memory { values, reserved: 0, storage: None } }
    }
}

impl<T: Pod> Deref for Column<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.place {
            Place::Memory { values, .. } => values,
            Place::Disk(mapped) => bytemuck::cast_slice(&mapped.map),
        }
    }
}

impl<T: Pod> DerefMut for Column<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.place {
            Place::Memory { values, .. } => values,
            Place::Disk(mapped) => bytemuck::cast_slice_mut(&mut mapped.map),
        }
    }
}

impl<T: Pod> Drop for Column<T> {
    fn drop(&mut self) {
        if let Place::Memory { reserved, storage: Some(storage), .. } = &self.place {
            storage.release(*reserved);
        }
    }
}

/// Bytes of the budget that a growing column takes at a time.
const STEP: u64 = 1 << 20;

/// A [`Column`] while it grows; it moves to a file when the budget ends.
#[derive(Debug)]
pub(crate) struct ColumnWriter<T: Pod> {
    values: Vec<T>,
    reserved: u64,
    file: Option<TemporaryWriter>,
    len: usize,
    /// Bytes of memory that are its own at most.
    most: u64,
    storage: Storage,
}

impl<T: Pod> ColumnWriter<T> {
    pub(crate) fn new(storage: &Storage) -> Self {
        Self::at_most(u64::MAX, storage)
    }

    /// Takes no more than `most` bytes of the budget.
    pub(crate) fn at_most(most: u64, storage: &Storage) -> Self {
        let storage = storage.clone();
        Self { values: Vec::new(), reserved: 0, file: None, len: 0, most, storage }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn extend(&mut self, values: &[T]) -> Result<()> {
        self.len += values.len();
        if self.file.is_none() {
            let needed = (self.len * size_of::<T>()) as u64;
            if needed > self.reserved {
                // By an eighth at a time: what a vector keeps spare is bounded and counted.
                let more = (needed - self.reserved).max(self.reserved / 8).next_multiple_of(STEP);
                if self.reserved + more <= self.most && self.storage.reserve(more) {
                    self.reserved += more;
                    let capacity = self.reserved as usize / size_of::<T>();
                    self.values.reserve_exact(capacity - self.values.len());
                } else {
                    let mut file = self.storage.file()?;
                    file.write(bytemuck::cast_slice(&self.values))?;
                    self.values = Vec::new();
                    self.storage.release(std::mem::take(&mut self.reserved));
                    self.file = Some(file);
                }
            }
        }
        match &mut self.file {
            None => self.values.extend_from_slice(values),
            Some(file) => file.write(bytemuck::cast_slice(values))?,
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Column<T>> {
        let place = match self.file.take() {
            Some(file) => Place::Disk(file.map()?),
            None => Place::Memory {
                values: std::mem::take(&mut self.values),
                reserved: std::mem::take(&mut self.reserved),
                storage: Some(self.storage.clone()),
            },
        };
        Ok(Column { place })
    }
}

impl<T: Pod> Drop for ColumnWriter<T> {
    fn drop(&mut self) {
        self.storage.release(self.reserved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_goes_to_a_file_and_reads_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let values: Vec<u32> = (0..1_000_000).collect();
        for budget in [0, 2 << 20, 64 << 20] {
            let storage = Storage::new(budget, folder.path());
            let mut writer = ColumnWriter::new(&storage);
            for part in values.chunks(777) {
                writer.extend(part).unwrap();
            }
            let mut column = writer.finish().unwrap();
            assert_eq!(&column[..], &values[..]);
            column[5] = 7;
            assert_eq!(column[5], 7);
            assert_eq!(storage.disk_peak() > 0, budget < 4 << 20);
            let zeros = Column::<u32>::zeroed(3_000_000, &storage).unwrap();
            assert!(zeros.iter().all(|&zero| zero == 0) && zeros.len() == 3_000_000);
            drop((column, zeros));
            assert_eq!(storage.shared.memory.load(Relaxed), 0);
            assert_eq!(storage.shared.disk.load(Relaxed), 0);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no rubbish");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let storage = Storage::new(0, "/nowhere/at/all");
        let error = Column::<u32>::zeroed(1, &storage).unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all"), "{error}");
    }
}
