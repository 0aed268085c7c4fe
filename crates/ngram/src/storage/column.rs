//! Arrays in memory or in a temporary file.

use std::ops::{Deref, DerefMut};

use bytemuck::Pod;

use super::{Mapped, Storage, TemporaryWriter};
use crate::error::Result;

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
