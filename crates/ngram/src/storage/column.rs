//! Arrays in memory or in a temporary file.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::Pod;

use super::{Mapped, Pages, Storage, TemporaryWriter};
use crate::error::Result;

/// An array in memory or in a temporary file; a slice either way.
#[derive(Debug)]
pub struct Column<T: Pod> {
    place: Place<T>,
}

#[derive(Debug)]
enum Place<T> {
    /// From elsewhere, and no part of the budget.
    Vector(Vec<T>),
    Memory(Pages),
    Disk(Mapped),
}

impl<T: Pod> Column<T> {
    /// `len` zeros.
    pub(crate) fn zeroed(len: usize, storage: &Storage) -> Result<Self> {
        let bytes = len * size_of::<T>();
        if bytes == 0 {
            return Ok(Vec::new().into());
        }
        if let Some(pages) = storage.pages(bytes) {
            return Ok(Self { place: Place::Memory(pages) });
        }
        let mut file = storage.file()?;
        let zeros = vec![0u8; 1 << 20];
        let mut left = bytes;
        while left > 0 {
            let part = left.min(zeros.len());
            file.write(&zeros[..part])?;
            left -= part;
        }
        Ok(Self { place: Place::Disk(file.map()?) })
    }

    /// `len` zeros in memory, whatever is left of the budget.
    pub(crate) fn in_memory(len: usize, storage: &Storage) -> Self {
        match storage.pages_whatever_is_left(len * size_of::<T>()) {
            Some(pages) => Self { place: Place::Memory(pages) },
            // Nothing at all, or the system's own words for no memory.
            None => vec![T::zeroed(); len].into(),
        }
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
    pub(crate) fn cast(self) -> Column<f32> {
        let place = match self.place {
            Place::Vector(values) => Place::Vector(bytemuck::cast_vec(values)),
            Place::Memory(pages) => Place::Memory(pages),
            Place::Disk(mapped) => Place::Disk(mapped),
        };
        Column { place }
    }
}

impl<T: Pod> From<Vec<T>> for Column<T> {
    fn from(values: Vec<T>) -> Self {
        Self { place: Place::Vector(values) }
    }
}

impl<T: Pod> Deref for Column<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.place {
            Place::Vector(values) => values,
            Place::Memory(pages) => bytemuck::cast_slice(&pages.map),
            Place::Disk(mapped) => bytemuck::cast_slice(&mapped.map),
        }
    }
}

impl<T: Pod> DerefMut for Column<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.place {
            Place::Vector(values) => values,
            Place::Memory(pages) => bytemuck::cast_slice_mut(&mut pages.map),
            Place::Disk(mapped) => bytemuck::cast_slice_mut(&mut mapped.map),
        }
    }
}

/// Bytes of the budget that a growing column takes at least at a time.
const STEP: usize = 1 << 20;

/// A [`Column`] while it grows; it moves to a file when the budget ends.
///
/// In memory it is a list of blocks, which nothing has to be copied out of to grow.
#[derive(Debug)]
pub(crate) struct ColumnWriter<T: Pod> {
    /// All full but the last.
    blocks: Vec<Pages>,
    /// Bytes in the last block.
    filled: usize,
    file: Option<TemporaryWriter>,
    len: usize,
    /// Bytes of memory that are its own at most.
    most: u64,
    storage: Storage,
    values: PhantomData<T>,
}

impl<T: Pod> ColumnWriter<T> {
    pub(crate) fn new(storage: &Storage) -> Self {
        Self::at_most(u64::MAX, storage)
    }

    /// Takes no more than `most` bytes of the budget.
    pub(crate) fn at_most(most: u64, storage: &Storage) -> Self {
        let (blocks, storage, values) = (Vec::new(), storage.clone(), PhantomData);
        Self { blocks, filled: 0, file: None, len: 0, most, storage, values }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn extend(&mut self, values: &[T]) -> Result<()> {
        self.len += values.len();
        let mut bytes: &[u8] = bytemuck::cast_slice(values);
        while self.file.is_none() && !bytes.is_empty() {
            match self.blocks.last_mut() {
                Some(last) if self.filled < last.map.len() => {
                    let part = bytes.len().min(last.map.len() - self.filled);
                    let (now, later) = bytes.split_at(part);
                    last.map[self.filled..self.filled + part].copy_from_slice(now);
                    self.filled += part;
                    bytes = later;
                }
                _ => self.grow()?,
            }
        }
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Ok(()),
        }
    }

    /// Begins a block, or a file.
    fn grow(&mut self) -> Result<()> {
        let own: usize = self.blocks.iter().map(|block| block.map.len()).sum();
        // By an eighth at a time: what is spare is bounded and counted, and blocks are few.
        let more = (own / 8).next_multiple_of(STEP).max(STEP);
        let fits = (own + more) as u64 <= self.most;
        if let Some(block) = fits.then(|| self.storage.pages(more)).flatten() {
            self.blocks.push(block);
            self.filled = 0;
            return Ok(());
        }
        self.spill()
    }

    /// Moves to a file.
    fn spill(&mut self) -> Result<()> {
        let mut file = self.storage.file()?;
        let full = self.blocks.len().saturating_sub(1);
        for (number, block) in self.blocks.drain(..).enumerate() {
            let length = if number == full { self.filled } else { block.map.len() };
            file.write(&block.map[..length])?;
        }
        self.file = Some(file);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Column<T>> {
        if self.len == 0 {
            return Ok(Vec::new().into());
        }
        if self.file.is_none() {
            let bytes = self.len * size_of::<T>();
            if let Some(pages) = Pages::joined(&mut self.blocks, bytes, &self.storage) {
                return Ok(Column { place: Place::Memory(pages) });
            }
            self.spill()?;
        }
        match self.file.take() {
            Some(file) => Ok(Column { place: Place::Disk(file.map()?) }),
            None => Ok(Vec::new().into()),
        }
    }
}
