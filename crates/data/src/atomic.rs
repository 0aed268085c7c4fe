//! The workspace's one way to write a file: all of it becomes visible at once, or none of it.
//!
//! The bytes go to a temporary name in the same folder, are flushed to the disk, and the file is
//! renamed over its final name; then the folder is flushed, so that the rename survives a power cut.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{DataError, Result};
use crate::files::operations::parent;
use crate::files::{OutputFile, create_folder, remove_file, rename, sync_folder, unfinished};

/// A file under a temporary name; [`AtomicFile::commit`] makes it visible. Dropped without a commit,
/// it leaves nothing behind.
#[derive(Debug)]
pub struct AtomicFile {
    /// `None` once it is committed.
    writer: Option<BufWriter<OutputFile>>,
    temporary: PathBuf,
    path: PathBuf,
}

impl AtomicFile {
    /// Opens a temporary file beside `path`; folders on the way are created. Where `path` is a link, what
    /// it leads to is replaced and the link stays.
    ///
    /// # Errors
    /// [`DataError::Write`] when the folder cannot be made or written to, or `path` is a device, a pipe or a
    /// socket.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        expect_replaceable(&path)?;
        let path = behind_links(path);
        let folder = parent(&path);
        let temporary = unfinished::name(folder);
        let file = create_folder(folder).and_then(|()| OutputFile::create_new(&temporary));
        let file = file.map_err(|source| DataError::write(&path, source))?;
        Ok(Self { writer: Some(BufWriter::with_capacity(1 << 16, file)), temporary, path })
    }

    /// Flushes to the disk and renames to the final name.
    ///
    /// # Errors
    /// [`DataError::Write`]; until the rename, the final name holds what it held before.
    pub fn commit(mut self) -> Result<()> {
        let mut rename = || -> io::Result<()> {
            let writer = self.writer();
            writer.flush()?;
            writer.get_ref().sync()?;
            rename(&self.temporary, &self.path)?;
            self.writer = None;
            sync_folder(parent(&self.path))
        };
        rename().map_err(|source| DataError::write(&self.path, source))
    }

    /// The final name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn writer(&mut self) -> &mut BufWriter<OutputFile> {
        self.writer.as_mut().expect("only `commit` takes it, and that is the end")
    }
}

/// Where a link leads to, whether something is there or not; any other path as it is. A file that is
/// written at `path` comes to be there.
pub fn behind_links(path: PathBuf) -> PathBuf {
    let Ok(target) = path.read_link() else { return path };
    path.canonicalize().unwrap_or_else(|_| parent(&path).join(target))
}

/// Checks that a file may take the place of what is at `path`.
///
/// # Errors
/// [`DataError::Write`] where it is a device, a pipe or a socket.
fn expect_replaceable(path: &Path) -> Result<()> {
    let is_special = |there: std::fs::Metadata| !there.is_file() && !there.is_dir();
    if std::fs::metadata(path).is_ok_and(is_special) {
        let why = "it is a device, a pipe or a socket, which a file would replace: name a file";
        return Err(DataError::write(path, io::Error::other(why)));
    }
    Ok(())
}

/// Checks that a file can be written at `path`, before hours are spent on what it is to hold: one is
/// begun there and taken away again.
///
/// # Errors
/// [`DataError::Write`] where `path` is a folder; those of [`AtomicFile::create`].
pub fn expect_place(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(DataError::write(path, io::ErrorKind::IsADirectory.into()));
    }
    AtomicFile::create(path).map(drop)
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            let _ = writer.into_parts(); // closed, and what is buffered is not written
            let _ = remove_file(&self.temporary);
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.writer().seek(position)
    }
}

/// Writes `path` in one piece: `contents` fills the temporary file, then it is renamed.
///
/// ```
/// use std::io::Write;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("run.json");
/// lampwick_data::atomic::write(&path, |w| writeln!(w, "{{}}"))?;
/// assert_eq!(std::fs::read_to_string(path)?, "{}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::Write`] for anything that fails, the closure included; nothing is left behind then.
pub fn write<T>(
    path: impl AsRef<Path>,
    contents: impl FnOnce(&mut AtomicFile) -> io::Result<T>,
) -> Result<T> {
    let path = path.as_ref();
    let mut file = AtomicFile::create(path)?;
    let value = contents(&mut file).map_err(|source| DataError::write(path, source))?;
    file.commit()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_failed_write_keeps_the_old_file_and_leaves_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        write(&path, |w| w.write_all(b"old")).unwrap();
        let error = write(&path, |w| {
            w.write_all(b"new")?;
            Err::<(), _>(io::Error::other("out of ideas"))
        });
        assert!(error.unwrap_err().to_string().contains("out of ideas"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        write(&link, |w| w.write_all(b"new")).unwrap();
        assert!(link.is_symlink());
        // Nothing has to be there yet.
        let new = link.with_file_name("new link");
        std::os::unix::fs::symlink("new file", &new).unwrap();
        write(&new, |w| w.write_all(b"new")).unwrap();
        assert!(
            new.is_symlink() && std::fs::read(new.with_file_name("new file")).unwrap() == b"new"
        );
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    /// As root, `/dev/null` would be gone for every program of the machine.
    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_replaced_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let error = write(&path, |w| w.write_all(b"new")).unwrap_err().to_string();
        assert!(error.contains("socket") && error.contains("name a file"), "{error}");
        assert!(!fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_is_no_folder_is_a_typed_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = write(file.join("below.txt"), |_| Ok(())).unwrap_err();
        assert!(matches!(error, DataError::Write { .. }));
        assert!(error.to_string().contains("below.txt"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_has_ordinary_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, ordinary) = (folder.path().join("ours"), folder.path().join("ordinary"));
        write(&ours, |_| Ok(())).unwrap();
        fs::write(&ordinary, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&ours), mode(&ordinary));
    }
}
