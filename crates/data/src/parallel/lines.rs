//! Whole lines of a file or stream.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{DataError, Result};
use crate::text::{Cut, Piece, TextReader};

/// The longest line, in bytes: what is longer is hardly one sentence, and would be held in memory.
pub const LONGEST_LINE: usize = 1 << 24;

/// Reads line by line. A line ends at `\n` (or `\r\n`) and nowhere else, a byte order mark is left
/// out, and what is no text is an error with file, line and byte: see [`crate::text`].
///
/// ```
/// use lampwick_data::parallel::Lines;
/// let text = "one\u{2028}line\r\n\nthe last".as_bytes();
/// assert_eq!(Lines::new(text, "text").read_all()?, ["one\u{2028}line", "", "the last"]);
/// # Ok::<(), lampwick_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct Lines<R> {
    text: TextReader<R>,
    name: String,
}

impl Lines<File> {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of [`crate::text::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = crate::text::open(path)?;
        Ok(Self::new(file, path.display().to_string()))
    }
}

impl<R: Read> Lines<R> {
    /// Reads from `reader`; `name` stands in error messages.
    pub fn new(reader: R, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { text: TextReader::new(reader, name.clone(), Cut::Character), name }
    }

    /// What it is called in error messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the line that comes next, from 1.
    pub fn number(&self) -> u64 {
        self.text.line()
    }

    /// Puts the next line into `line`, without its end; `false` when there is none.
    ///
    /// # Errors
    /// [`DataError::Read`], [`DataError::Empty`], [`DataError::NotText`], [`DataError::LongLine`].
    pub fn read(&mut self, line: &mut String) -> Result<bool> {
        line.clear();
        loop {
            match self.text.next_piece().map_err(no_tokenizer)? {
                Some(Piece::Text(piece)) if line.len() + piece.len() > LONGEST_LINE => {
                    let (name, line) = (self.name.clone(), self.text.line());
                    return Err(DataError::LongLine { name, line, limit: LONGEST_LINE });
                }
                Some(Piece::Text(piece)) => line.push_str(piece),
                Some(Piece::EndOfLine) => return Ok(true),
                None => return Ok(false),
            }
        }
    }

    /// All lines that are left.
    ///
    /// # Errors
    /// Those of [`Lines::read`].
    pub fn read_all(mut self) -> Result<Vec<String>> {
        let (mut lines, mut line) = (Vec::new(), String::new());
        while self.read(&mut line)? {
            lines.push(line.clone());
        }
        Ok(lines)
    }
}

/// The same error with a mend that fits where no tokenizer is chosen.
fn no_tokenizer(error: DataError) -> DataError {
    match error {
        DataError::InvalidUtf8 { name, line, byte } => {
            DataError::NotText { name, line, problem: "not UTF-8", byte }
        }
        DataError::Nul { name, line, byte } => {
            DataError::NotText { name, line, problem: "NUL", byte }
        }
        error => error,
    }
}
