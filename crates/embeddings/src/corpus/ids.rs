//! The text as numbers, in memory or in a nameless temporary file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use memmap2::MmapMut;

use crate::error::{EmbeddingError, Result};

/// Stands between lines.
pub(crate) const LINE_END: u32 = u32::MAX;

/// Ids as they are written; they move to a file when they no longer fit.
pub(crate) struct IdsWriter {
    values: Vec<u32>,
    most: usize,
    folder: PathBuf,
    file: Option<BufWriter<File>>,
    len: usize,
}

impl IdsWriter {
    /// `memory` bytes, then a temporary file in `folder`.
    pub(crate) fn new(memory: u64, folder: &Path) -> Self {
        let most = usize::try_from(memory / 4).unwrap_or(usize::MAX);
        Self { values: Vec::new(), most, folder: folder.into(), file: None, len: 0 }
    }

    #[inline]
    pub(crate) fn push(&mut self, id: u32) -> Result<()> {
        self.values.push(id);
        self.len += 1;
        let limit = if self.file.is_some() { (1 << 16).min(self.most.max(1)) } else { self.most };
        if self.values.len() > limit { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let folder = &self.folder;
        let failed = |source| EmbeddingError::Temporary { folder: folder.clone(), source };
        let file = match &mut self.file {
            Some(file) => file,
            empty => {
                let file = tempfile::tempfile_in(folder).map_err(failed)?;
                empty.insert(BufWriter::with_capacity(1 << 20, file))
            }
        };
        file.write_all(bytemuck::cast_slice(&self.values)).map_err(failed)?;
        self.values = Vec::new();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Ids> {
        if self.file.is_none() {
            return Ok(Ids { place: Place::Memory(self.values) });
        }
        self.flush()?;
        let failed = |source| EmbeddingError::Temporary { folder: self.folder.clone(), source };
        let mut file = self.file.take().expect("there is one");
        file.flush().map_err(failed)?;
        // SAFETY: the file has no name (or, where the system keeps one, a random one), so nobody else
        // changes or cuts it; every byte was written, so that no access finds a hole for which the disk
        // has no room.
        let map = unsafe { MmapMut::map_mut(file.get_ref()) }.map_err(failed)?;
        Ok(Ids { place: Place::Disk(map, self.len) })
    }
}

/// A text as numbers.
pub(crate) struct Ids {
    place: Place,
}

enum Place {
    Memory(Vec<u32>),
    /// How many numbers of the map count.
    Disk(MmapMut, usize),
}

impl Ids {
    pub(crate) fn as_slice(&self) -> &[u32] {
        match &self.place {
            Place::Memory(values) => values,
            Place::Disk(map, len) => &bytemuck::cast_slice(map)[..*len],
        }
    }

    /// Puts other numbers in the place of these, or leaves them out; `next` gets a number and the one
    /// that was kept before it.
    pub(crate) fn rename(&mut self, mut next: impl FnMut(u32, Option<u32>) -> Option<u32>) {
        let (values, len): (&mut [u32], usize) = match &mut self.place {
            Place::Memory(values) => {
                let len = values.len();
                (values, len)
            }
            Place::Disk(map, len) => (bytemuck::cast_slice_mut(map), *len),
        };
        let (mut kept, mut last) = (0, None);
        for at in 0..len {
            if let Some(value) = next(values[at], last) {
                values[kept] = value;
                kept += 1;
                last = Some(value);
            }
        }
        match &mut self.place {
            Place::Memory(values) => values.truncate(kept),
            Place::Disk(_, len) => *len = kept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_same_in_memory_and_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<u32> = (0..300_000).collect();
        let expected: Vec<u32> = all.iter().filter(|&id| id % 3 != 0).map(|id| id + 7).collect();
        for memory in [0, 4_000, 1 << 30] {
            let mut writer = IdsWriter::new(memory, folder.path());
            all.iter().try_for_each(|&id| writer.push(id)).unwrap();
            let mut ids = writer.finish().unwrap();
            assert!(ids.as_slice() == all);
            ids.rename(|id, _| (id % 3 != 0).then_some(id + 7));
            assert!(ids.as_slice() == expected);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no rubbish");
    }
}
