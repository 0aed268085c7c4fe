//! The operations themselves: the standard library's, each asking [`super::faults`] first.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::faults::{self, Operation};

/// A file to write to.
#[derive(Debug)]
pub struct OutputFile {
    file: File,
    path: PathBuf,
}

impl OutputFile {
    /// Makes a file that must not exist yet.
    ///
    /// # Errors
    /// The operating system's.
    pub fn create_new(path: &Path) -> io::Result<Self> {
        Self::open_with(path, OpenOptions::new().write(true).create_new(true))
    }

    /// Opens a file as it is, or makes an empty one; it can be read too.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        Self::open_with(path, options.read(true).write(true).create(true).truncate(false))
    }

    /// Opens a file to write behind what it holds.
    ///
    /// # Errors
    /// The operating system's.
    pub fn append(path: &Path) -> io::Result<Self> {
        Self::open_with(path, OpenOptions::new().append(true))
    }

    fn open_with(path: &Path, options: &OpenOptions) -> io::Result<Self> {
        faults::check(Operation::Open, path)?;
        Ok(Self { file: options.open(path)?, path: path.into() })
    }

    /// Cuts the file to `length` bytes and goes to its end.
    ///
    /// # Errors
    /// The operating system's; [`io::ErrorKind::UnexpectedEof`] for a file that is shorter.
    pub fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.file.metadata()?.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        faults::check(Operation::Resize, &self.path)?;
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::End(0)).map(|_| ())
    }

    /// Flushes the contents to the disk.
    ///
    /// # Errors
    /// The operating system's: what was written since the last flush may be lost then.
    pub fn sync(&self) -> io::Result<()> {
        sync(&self.file, &self.path)
    }

    /// Takes the operating system's lock on the file, for as long as the file is open.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] when somebody else holds it.
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        self.file.try_lock()
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(fault) = faults::next(Operation::Write, &self.path) else {
            return self.file.write(bytes);
        };
        let half = bytes.len().div_ceil(2);
        self.file.write_all(&bytes[..half])?;
        fault.error().map_or(Ok(half), Err)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for OutputFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// Makes a new file of `bytes` and flushes it.
///
/// # Errors
/// The operating system's; the file is then incomplete: make it where that does not matter.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OutputFile::create_new(path)?;
    file.write_all(bytes)?;
    file.sync()
}

/// Makes a folder where it is missing, and those above it; each survives a power cut.
///
/// # Errors
/// The operating system's.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = parent(path);
    create_folder(above)?;
    faults::check(Operation::CreateFolder, path)?;
    match fs::create_dir(path) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made.and_then(|()| sync_folder(above)),
    }
}

/// Renames a file or a folder; a file that has the new name is replaced.
///
/// # Errors
/// The operating system's; both names then hold what they held.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    faults::check(Operation::Rename, to)?;
    fs::rename(from, to)
}

/// Removes a file.
///
/// # Errors
/// The operating system's.
pub fn remove_file(path: &Path) -> io::Result<()> {
    faults::check(Operation::Remove, path)?;
    fs::remove_file(path)
}

/// Removes a folder with all that is in it.
///
/// # Errors
/// The operating system's; some of it may be gone then.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    faults::check(Operation::Remove, path)?;
    fs::remove_dir_all(path)
}

/// Removes a folder that nothing is in.
///
/// # Errors
/// The operating system's, for a folder that is not empty too.
pub fn remove_empty_folder(path: &Path) -> io::Result<()> {
    faults::check(Operation::Remove, path)?;
    fs::remove_dir(path)
}

/// Flushes a folder's entries, so that a rename in it survives a power cut.
///
/// # Errors
/// The operating system's.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    // Only Unix lets a folder be opened and flushed; elsewhere the file system's journal must do.
    if cfg!(unix) { sync(&File::open(path)?, path) } else { Ok(()) }
}

fn sync(file: &File, path: &Path) -> io::Result<()> {
    faults::check(Operation::Sync, path)?;
    if faults::planned() { Ok(()) } else { file.sync_all() }
}

/// The folder that holds `path`.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
