//! Text, read as a stream in bounded memory.
//!
//! A [`TextReader`] hands out pieces of lines of at most [`PIECE`] bytes, so a line of a gigabyte
//! costs no more memory than a short one. What it does with what real files hold:
//!
//! | found | done |
//! |---|---|
//! | byte order mark (UTF-8) at the start | left out |
//! | `\r\n` | ends a line, as `\n` does; a `\r` elsewhere is an ordinary white-space character |
//! | U+2028, U+0085 and other Unicode separators | white space within the line, no line ends |
//! | last line without `\n` | ends at the end of the file |
//! | empty line | a line of no pieces |
//! | NUL, bytes that are not UTF-8 | an error with file, line and byte offset |
//! | nothing at all | an error |

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::error::{DataError, Result};

/// The longest piece of a line, in bytes.
pub const PIECE: usize = 1 << 16;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Where a line that is longer than a piece may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Between any two characters.
    Character,
    /// Between two words only; a longer word is an error ([`DataError::LongWord`]).
    Word,
    /// Between two words, or inside a word that is longer than a piece.
    PreferWord,
}

/// What a [`TextReader`] finds next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text of the current line, never empty, without line ends. White space at a cut stays at the
    /// beginning of the second piece, where subword tokenizers want it.
    Text(&'a str),
    /// The current line is complete.
    EndOfLine,
}

/// Reads text piece by piece.
#[derive(Debug)]
pub struct TextReader<R> {
    reader: R,
    name: String,
    cut: Cut,
    /// `buffer[start..end]` is read but not yet handed out.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// No line end lies in `buffer[start..searched]`: many short reads are not searched over again.
    searched: usize,
    at_end: bool,
    /// The current line has given a piece, so the end of the file ends it.
    inside_line: bool,
    /// Lines completed.
    lines: u64,
    /// Offset in the file of `buffer[start]`.
    offset: u64,
}

/// Opens a text file.
///
/// # Errors
/// [`DataError::Missing`], [`DataError::Directory`], [`DataError::Read`].
pub fn open(path: impl AsRef<Path>) -> Result<File> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|error| DataError::open(path, error))?;
    // Opening a folder succeeds on Unix and only reading it fails.
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(DataError::Directory { path: path.into() });
    }
    Ok(file)
}

impl TextReader<File> {
    /// Opens a text file for reading in pieces.
    ///
    /// # Errors
    /// Those of [`open`].
    pub fn open(path: impl AsRef<Path>, cut: Cut) -> Result<Self> {
        let path = path.as_ref();
        Ok(Self::new(open(path)?, path.display().to_string(), cut))
    }
}

impl<R: Read> TextReader<R> {
    /// Reads from `reader`; `name` stands in error messages.
    pub fn new(reader: R, name: impl Into<String>, cut: Cut) -> Self {
        Self {
            reader,
            name: name.into(),
            cut,
            buffer: vec![0; PIECE].into_boxed_slice(),
            start: 0,
            end: 0,
            searched: 0,
            at_end: false,
            inside_line: false,
            lines: 0,
            offset: 0,
        }
    }

    /// The next piece or line end; none at the end of the text.
    ///
    /// # Errors
    /// [`DataError::Read`], [`DataError::Empty`], [`DataError::InvalidUtf8`], [`DataError::Nul`],
    /// [`DataError::LongWord`].
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>> {
        if self.offset == 0 && self.end == 0 {
            self.begin()?;
        }
        loop {
            let window = &self.buffer[self.start..self.end];
            let searched = self.searched.max(self.start) - self.start;
            if let Some(newline) = window[searched..].iter().position(|&byte| byte == b'\n') {
                let newline = searched + newline;
                let text = newline - usize::from(window[..newline].ends_with(b"\r"));
                if text > 0 {
                    return self.hand_out(text).map(Some);
                }
                self.consume(newline + 1);
                self.inside_line = false;
                self.lines += 1;
                return Ok(Some(Piece::EndOfLine));
            }
            let length = window.len();
            self.searched = self.end;
            if !self.at_end && length < PIECE {
                self.fill()?;
            } else if length > 0 {
                let text = if self.at_end { length } else { self.place_of_cut()? };
                return self.hand_out(text).map(Some);
            } else if self.inside_line {
                self.inside_line = false;
                self.lines += 1;
                return Ok(Some(Piece::EndOfLine));
            } else {
                return Ok(None);
            }
        }
    }

    /// The line being read, from 1.
    pub fn line(&self) -> u64 {
        self.lines + 1
    }

    fn begin(&mut self) -> Result<()> {
        // No further than needed: a terminal gives a line at a time.
        let may_be_mark = |start: &[u8]| start.len() < 3 && BYTE_ORDER_MARK.starts_with(start);
        while may_be_mark(&self.buffer[..self.end]) && !self.at_end {
            self.fill()?;
        }
        if self.buffer[..self.end].starts_with(BYTE_ORDER_MARK) {
            self.consume(BYTE_ORDER_MARK.len());
        }
        if self.start == self.end {
            return Err(DataError::Empty { name: self.name.clone() });
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<()> {
        if self.end == PIECE {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        match self.reader.read(&mut self.buffer[self.end..]) {
            Ok(0) => self.at_end = true,
            Ok(read) => self.end += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(DataError::Read { name: self.name.clone(), source }),
        }
        Ok(())
    }

    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Length of the piece to cut from a buffer that is full and holds no line end.
    fn place_of_cut(&self) -> Result<usize> {
        let mut window = &self.buffer[self.start..self.end];
        // The other half of a `\r\n` may come with the next read.
        if let Some(shorter) = window.strip_suffix(b"\r") {
            window = shorter;
        }
        // A character may continue in the next read; whatever else is wrong is reported later.
        let whole = match std::str::from_utf8(window) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => window.len(),
        };
        if self.cut == Cut::Character || whole == 0 {
            return Ok(whole.max(1));
        }
        let text = match std::str::from_utf8(&window[..whole]) {
            Ok(text) => text,
            Err(_) => return Ok(whole),
        };
        let words = text.trim_start();
        let indent = text.len() - words.len();
        match (words.rfind(char::is_whitespace), self.cut) {
            _ if words.is_empty() => Ok(whole),
            // Before the white space: no word is cut, and no run of spaces.
            (Some(space), _) => Ok(indent + words[..space].trim_end().len()),
            (None, Cut::PreferWord) => Ok(whole),
            (None, _) if indent > 0 => Ok(indent),
            (None, _) => Err(DataError::LongWord {
                name: self.name.clone(),
                line: self.line(),
                byte: self.offset,
                limit: PIECE,
            }),
        }
    }

    fn hand_out(&mut self, length: usize) -> Result<Piece<'_>> {
        let (from, line, offset) = (self.start, self.line(), self.offset);
        self.consume(length);
        self.inside_line = true;
        let bytes = &self.buffer[from..from + length];
        let name = || self.name.clone();
        if let Some(nul) = bytes.iter().position(|&byte| byte == 0) {
            return Err(DataError::Nul { name: name(), line, byte: offset + nul as u64 });
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Piece::Text(text)),
            Err(error) => Err(DataError::InvalidUtf8 {
                name: name(),
                line,
                byte: offset + error.valid_up_to() as u64,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
