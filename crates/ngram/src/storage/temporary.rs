//! Temporary files that have no name.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use memmap2::MmapMut;

use super::Storage;
use crate::error::{NgramError, Result};

/// Bytes on disk, counted until they are let go of.
#[derive(Debug)]
struct Held {
    bytes: u64,
    storage: Storage,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.storage.shrink_disk(self.bytes);
    }
}

/// A file that counts what the disk has taken.
#[derive(Debug)]
struct Spool {
    file: File,
    held: Held,
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.file.write(bytes)?;
        self.held.bytes += taken as u64;
        self.held.storage.grow_disk(taken as u64);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A temporary file being written.
#[derive(Debug)]
pub(crate) struct TemporaryWriter {
    writer: BufWriter<Spool>,
}

impl TemporaryWriter {
    /// A nameless file in the folder of `storage`.
    pub(super) fn new(storage: &Storage) -> Result<Self> {
        let file = tempfile::tempfile_in(storage.folder()).map_err(|e| storage.error(e))?;
        let spool = Spool { file, held: Held { bytes: 0, storage: storage.clone() } };
        let writer = BufWriter::with_capacity(1 << 20, spool);
        Ok(Self { writer })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(|e| self.error(e))
    }

    /// All on disk.
    fn spool(mut self) -> Result<Spool> {
        self.writer.flush().map_err(|e| self.error(e))?;
        Ok(self.writer.into_parts().0)
    }

    fn error(&self, source: io::Error) -> NgramError {
        self.writer.get_ref().held.storage.error(source)
    }

    /// The file, to be read once from its start to its end: unlike a map, that keeps one buffer of it
    /// in memory, of so many bytes.
    pub(crate) fn read(self, buffer: usize) -> Result<TemporaryReader> {
        let Spool { mut file, held } = self.spool()?;
        file.rewind().map_err(|e| held.storage.error(e))?;
        let left = held.bytes;
        Ok(TemporaryReader { reader: BufReader::with_capacity(buffer, file), left, held })
    }

    /// The file, mapped into memory.
    pub(crate) fn map(self) -> Result<Mapped> {
        let Spool { file, held } = self.spool()?;
        // SAFETY: the file has no name (or, where the system keeps one, a random one), so nobody
        // else changes or cuts it; every byte was written, so that no access finds a hole for
        // which the disk has no room.
        let map = unsafe { MmapMut::map_mut(&file) };
        let map = map.map_err(|e| held.storage.error(e))?;
        Ok(Mapped { map, _held: held })
    }
}

/// A temporary file that is read from its start to its end.
#[derive(Debug)]
pub(crate) struct TemporaryReader {
    reader: BufReader<File>,
    left: u64,
    held: Held,
}

impl TemporaryReader {
    /// Bytes that are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Fills `bytes`; there have to be so many.
    #[inline]
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.reader.read_exact(bytes).map_err(|e| self.held.storage.error(e))?;
        self.left -= bytes.len() as u64;
        Ok(())
    }
}

/// A temporary file as memory.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub(super) map: MmapMut,
    _held: Held,
}
