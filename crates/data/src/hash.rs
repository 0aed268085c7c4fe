//! SHA-256 of data files, streamed.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{DataError, Result};

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file as 64 hexadecimal digits, as `sha256sum` prints it; read in pieces of 64 KiB.
///
/// # Errors
/// [`DataError::Missing`], [`DataError::Directory`], [`DataError::Read`].
pub fn sha256_file(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    let read = || {
        let mut silent = |_| {};
        let mut reader = Hashing::new(File::open(path)?, &mut silent);
        let mut buffer = vec![0; 1 << 16];
        while reader.read(&mut buffer)? > 0 {}
        Ok(reader.digest())
    };
    read().map(|digest| hex(&digest)).map_err(|error| DataError::open(path, error))
}

/// A reader that hashes what passes through and reports how many bytes have.
pub(crate) struct Hashing<'a, R> {
    reader: R,
    hasher: Sha256,
    bytes: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl<'a, R: Read> Hashing<'a, R> {
    pub(crate) fn new(reader: R, progress: &'a mut dyn FnMut(u64)) -> Self {
        Self { reader, hasher: Sha256::new(), bytes: 0, progress }
    }

    pub(crate) fn digest(self) -> [u8; 32] {
        self.hasher.finalize().into()
    }
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.bytes += read as u64;
        (self.progress)(self.bytes);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_published_test_vector() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-4, example of one block.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_file(&path).unwrap(), expected);
        assert!(matches!(sha256_file(folder.path().join("no")), Err(DataError::Missing { .. })));
        assert!(matches!(sha256_file(folder.path()), Err(DataError::Directory { .. })));
    }
}
