//! Where text comes from.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::error::{NgramError, Result};

/// As many bytes as tell what a file is.
const HEAD: usize = 16;

/// The first bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The first bytes of a zstd frame.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The first bytes of a bzip2 file, less the digit between them that says how large its blocks are.
const BZIP2: [&[u8]; 2] = [b"BZh", b"1AY&SY"];

/// The first bytes of an xz file.
const XZ: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];

/// The first two bytes of UTF-16 text, of either byte order.
const UTF16: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// Something to read, and its name in messages.
pub struct Source {
    /// File name, or a description such as `standard input`.
    pub name: String,
    /// The bytes, unpacked.
    pub reader: Box<dyn Read + Send>,
    /// The first bytes as they came, packed or not.
    head: Vec<u8>,
}

/// The frames of a zstd file, one after the other, as `cat` makes them of several files.
struct Frames<R: BufRead> {
    /// What follows, between two frames.
    reader: Option<R>,
    frame: Option<StreamingDecoder<R, FrameDecoder>>,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let read = frame.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
            }
            if let Some(frame) = self.frame.take() {
                self.reader = Some(frame.into_inner());
            }
            let Some(mut reader) = self.reader.take() else { return Ok(0) };
            if reader.fill_buf()?.is_empty() {
                self.reader = Some(reader);
                return Ok(0);
            }
            let frame = StreamingDecoder::new(reader).map_err(std::io::Error::other)?;
            self.frame = Some(frame);
        }
    }
}

/// A file that is opened at the first read.
struct Later {
    path: PathBuf,
    reader: Option<Box<dyn Read + Send>>,
}

impl Read for Later {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.reader.is_none() {
            let source = Source::open(&self.path).map_err(|error| match error {
                NgramError::Read { source, .. } => source,
                other => std::io::Error::other(other),
            })?;
            self.reader = Some(source.reader);
        }
        self.reader.as_mut().expect("opened above").read(buffer)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({:?})", self.name)
    }
}

impl Source {
    /// A reader as it is; what begins as gzip or zstd is unpacked.
    ///
    /// # Errors
    /// [`NgramError::Read`] when the first bytes cannot be read, or are those of bzip2, xz or UTF-16.
    pub fn new(name: impl Into<String>, reader: impl Read + Send + 'static) -> Result<Self> {
        let name = name.into();
        let mut reader = reader;
        let head = head(&mut reader).map_err(|error| NgramError::read(&name, error))?;
        if let Some(problem) = no_text(&head) {
            let problem = std::io::Error::new(std::io::ErrorKind::InvalidData, problem);
            return Err(NgramError::read(&name, problem));
        }
        let (gzip, zstd) = (head.starts_with(&GZIP), head.starts_with(&ZSTD));
        let first = Cursor::new(head.clone());
        let reader = BufReader::with_capacity(1 << 16, first.chain(reader));
        let reader: Box<dyn Read + Send> = if gzip {
            Box::new(MultiGzDecoder::new(reader))
        } else if zstd {
            Box::new(Frames { reader: Some(reader), frame: None })
        } else {
            Box::new(reader)
        };
        Ok(Self { name, reader, head })
    }

    /// The first bytes as they came, packed or not: up to 16, and of text not beyond its first line.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// A file, packed or not.
    ///
    /// # Errors
    /// [`NgramError::Read`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let name = path.as_ref().display().to_string();
        let file = File::open(path.as_ref()).map_err(|error| NgramError::read(&name, error))?;
        Self::new(name, file)
    }

    /// A file, or standard input for `-`; packed or not.
    ///
    /// # Errors
    /// [`NgramError::Read`].
    pub fn named(path: impl AsRef<Path>) -> Result<Self> {
        if path.as_ref().as_os_str() == "-" {
            return Self::new("standard input", std::io::stdin());
        }
        Self::open(path)
    }

    /// A file that is opened when it is read, and standard input for `-`: many files need not be open at
    /// once. That a file is there and is text is seen now.
    ///
    /// # Errors
    /// [`NgramError::Read`].
    pub fn later(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let source = Self::named(path)?;
        // What is no file gives its bytes once.
        if !path.is_file() {
            return Ok(source);
        }
        Ok(Self { reader: Box::new(Later { path: path.into(), reader: None }), ..source })
    }

    /// All that it holds.
    ///
    /// # Errors
    /// [`NgramError::Read`].
    pub fn read_all(mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.reader.read_to_end(&mut bytes);
        read.map_err(|error| NgramError::read(&self.name, error))?;
        Ok(bytes)
    }

    /// Bytes in memory, as they are.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let head = bytes[..bytes.len().min(HEAD)].to_vec();
        Self { name: name.into(), reader: Box::new(Cursor::new(bytes)), head }
    }

    /// Reads until `buffer` is full or the source ends; gives how much.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(NgramError::read(&self.name, error)),
            }
        }
        Ok(filled)
    }
}

/// The first bytes: as many as tell what they are, and no more than a first line has, for whoever waits
/// for an answer to it. A pipe may give them one by one.
fn head(reader: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while head.len() < HEAD && head.last() != Some(&b'\n') {
        match reader.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => head.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

/// Why bytes that begin so are no text, and how to make text of them; their words would be noise.
fn no_text(head: &[u8]) -> Option<&'static str> {
    let bzip2 = head.starts_with(BZIP2[0]) && head[BZIP2[0].len()..].get(1..7) == Some(BZIP2[1]);
    if bzip2 {
        return Some(
            "it is packed with bzip2, which is not read here; unpack it: bzcat FILE | ...",
        );
    }
    if head.starts_with(&XZ) {
        return Some("it is packed with xz, which is not read here; unpack it: xzcat FILE | ...");
    }
    if UTF16.iter().any(|mark| head.starts_with(mark)) {
        return Some(
            "it is UTF-16, not bytes with spaces between; turn it into UTF-8: iconv -f UTF-16 FILE | ...",
        );
    }
    None
}
