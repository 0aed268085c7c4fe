//! Temporary files that have no name.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};

use memmap2::MmapMut;

use super::Storage;
use crate::error::Result;

/// A temporary file being written.
#[derive(Debug)]
pub(crate) struct TemporaryWriter {
    pub(super) writer: BufWriter<File>,
    pub(super) written: u64,
    pub(super) storage: Storage,
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
    pub(super) map: MmapMut,
    bytes: u64,
    storage: Storage,
}

impl Drop for Mapped {
    fn drop(&mut self) {
        self.storage.shrink_disk(self.bytes);
    }
}
