//! An array in memory, or a part of a mapped file.

use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use bytemuck::Pod;
use memmap2::Mmap;

use crate::error::{EmbeddingError, Result};

/// An array that may lie in a mapped file; a slice either way.
#[derive(Clone, Debug)]
pub struct Section<T: Pod> {
    place: Place<T>,
}

#[derive(Clone, Debug)]
enum Place<T> {
    Memory(Vec<T>),
    Mapped { map: Arc<Mmap>, bytes: Range<usize> },
}

impl<T: Pod> From<Vec<T>> for Section<T> {
    fn from(values: Vec<T>) -> Self {
        Self { place: Place::Memory(values) }
    }
}

impl<T: Pod> Section<T> {
    /// A part of a mapped file; nothing where that is outside of it, or no array of `T`.
    pub(crate) fn mapped(map: &Arc<Mmap>, bytes: Range<usize>) -> Option<Self> {
        let part = map.get(bytes.clone())?;
        bytemuck::try_cast_slice::<u8, T>(part).ok()?;
        Some(Self { place: Place::Mapped { map: Arc::clone(map), bytes } })
    }

    /// The values as a vector, copied where they are mapped.
    pub fn into_vec(self) -> Vec<T> {
        match self.place {
            Place::Memory(values) => values,
            Place::Mapped { .. } => self.to_vec(),
        }
    }
}

impl<T: Pod> Deref for Section<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.place {
            Place::Memory(values) => values,
            Place::Mapped { map, bytes } => bytemuck::cast_slice(&map[bytes.clone()]),
        }
    }
}

/// Maps a file to be read.
pub(crate) fn map(path: &Path) -> Result<Arc<Mmap>> {
    let name = || path.display().to_string();
    let file = File::open(path).map_err(|error| EmbeddingError::read(name(), error))?;
    // SAFETY: the map is only read. A file that somebody cuts while it is mapped can end the process
    // by a signal, as with every mapped file; files of vectors are replaced by renaming.
    let map = unsafe { Mmap::map(&file) }.map_err(|error| EmbeddingError::read(name(), error))?;
    Ok(Arc::new(map))
}
