//! The arrays of a binary model.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use bytemuck::Pod;
use memmap2::{Mmap, MmapMut};
use xxhash_rust::xxh3::xxh3_64;

use super::header::{ALIGNMENT, Entry, Header, Kind};
use crate::error::{NgramError, Result};

/// The bytes of a model: a mapped file, or memory.
#[derive(Debug)]
pub(crate) enum Backing {
    Map(Mmap),
    Memory(MmapMut),
}

impl Backing {
    /// Maps a file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let name = || path.display().to_string();
        let file = File::open(path).map_err(|error| NgramError::read(name(), error))?;
        // SAFETY: the map is only read. A file that somebody cuts while it is mapped can end the
        // process by a signal, as with every mapped file; models are replaced by renaming.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| NgramError::read(name(), error))?;
        #[cfg(unix)]
        {
            // Queries jump about: reading ahead would only fill the memory. A refusal is no error.
            let _ = map.advise(memmap2::Advice::Random);
        }
        Ok(Self::Map(map))
    }

    /// Memory in large pages, where the system has them, filled by `read`: a query looks at a dozen
    /// places far from each other, and finding ordinary pages costs as much as reading them.
    pub(crate) fn memory(
        length: usize,
        read: impl FnOnce(&mut [u8]) -> std::io::Result<()>,
    ) -> std::io::Result<Self> {
        let mut map = MmapMut::map_anon(length)?;
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        read(&mut map)?;
        Ok(Self::Memory(map))
    }

    /// Reads a file into memory.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let load = || {
            let mut file = File::open(path)?;
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
            Self::memory(length, |bytes| file.read_exact(bytes))
        };
        load().map_err(|error| NgramError::read(path.display().to_string(), error))
    }

    /// Bytes that are in memory.
    pub(crate) fn copy(bytes: &[u8]) -> std::io::Result<Self> {
        Self::memory(bytes.len(), |memory| {
            memory.copy_from_slice(bytes);
            Ok(())
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Map(map) => map,
            Self::Memory(map) => map,
        }
    }
}

/// Takes the sections of a model one after the other.
pub(crate) struct Sections<'a> {
    bytes: &'a [u8],
    header: &'a Header,
    next: usize,
}

impl<'a> Sections<'a> {
    pub(crate) fn new(bytes: &'a [u8], header: &'a Header) -> Self {
        Self { bytes, header, next: 0 }
    }

    /// The next section as an array.
    ///
    /// # Errors
    ///
    /// What is wrong, for a file that was not written by [`SectionWriter`].
    pub(crate) fn take<T: Pod>(&mut self) -> Result<&'a [T], String> {
        let index = self.next;
        self.next += 1;
        let entry = self.header.sections.get(index).ok_or("sections are missing")?;
        let bytes = &self.bytes[entry.offset as usize..(entry.offset + entry.length) as usize];
        bytemuck::try_cast_slice(bytes)
            .map_err(|_| format!("section {index} has an impossible length; build the model again"))
    }

    /// Checks every section by its hash.
    pub(crate) fn verify(&self) -> Result<(), String> {
        for (index, entry) in self.header.sections.iter().enumerate() {
            let bytes = &self.bytes[entry.offset as usize..(entry.offset + entry.length) as usize];
            if xxh3_64(bytes) != entry.hash {
                return Err(format!(
                    "section {index} is damaged (its checksum differs); copy or build it again"
                ));
            }
        }
        Ok(())
    }
}

/// Gathers the sections of a model.
#[derive(Debug, Default)]
pub(crate) struct SectionWriter {
    sections: Vec<Vec<u8>>,
}

impl SectionWriter {
    pub(crate) fn add<T: Pod>(&mut self, values: &[T]) {
        self.sections.push(bytemuck::cast_slice(values).to_vec());
    }

    /// Writes the file.
    pub(crate) fn write(
        &self,
        kind: Kind,
        order: usize,
        out: &mut impl Write,
    ) -> std::io::Result<()> {
        let mut offset = Header::length(self.sections.len()).next_multiple_of(ALIGNMENT);
        let mut entries = Vec::with_capacity(self.sections.len());
        for section in &self.sections {
            let (length, hash) = (section.len() as u64, xxh3_64(section));
            entries.push(Entry { offset: offset as u64, length, hash });
            offset = (offset + section.len()).next_multiple_of(ALIGNMENT);
        }
        let header = Header { kind, order, sections: entries };
        let mut written = 0;
        let mut put = |bytes: &[u8]| -> std::io::Result<()> {
            out.write_all(bytes)?;
            let padding = bytes.len().next_multiple_of(ALIGNMENT) - bytes.len();
            out.write_all(&[0; ALIGNMENT][..padding])?;
            written += bytes.len() + padding;
            Ok(())
        };
        put(&header.to_bytes())?;
        self.sections.iter().try_for_each(|section| put(section))?;
        debug_assert_eq!(written, offset);
        Ok(())
    }
}
