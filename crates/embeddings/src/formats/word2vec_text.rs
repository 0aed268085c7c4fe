//! A line a word: word2vec's text with its header, fastText's `.vec`, and GloVe's without one.
//!
//! The last `dim` fields of a line are the vector, what is before them is the word: a word may hold
//! spaces, and any bytes.

use std::io::Write;

use super::Loaded;
use super::read::{ReadOptions, Reader, Rows};
use crate::error::{EmbeddingError, Place, Result};
use crate::vectors::Vectors;

/// Reads a file with a header.
///
/// # Errors
/// [`EmbeddingError::Malformed`] with the line.
pub fn read(reader: &mut Reader, options: &ReadOptions) -> Result<Loaded> {
    let (words, dim) = reader.header()?;
    let mut rows = Rows::new(dim, words, 2 * dim as u64, reader.size, options);
    let mut line = Vec::new();
    let mut number = 1;
    while reader.line(&mut line)? {
        number += 1;
        if line.is_empty() && rows.seen == words {
            continue;
        }
        row(&line, &mut rows, reader, Place::Line(number))?;
    }
    rows.finish(reader, Some(words))
}

/// Lines by which the dimensions of a file without a header are found.
const LINES: usize = 64;

/// Reads a file without a header. A word may hold spaces, so the line with the fewest fields of the
/// first 64 says how many dimensions there are, unless the options do.
///
/// # Errors
/// [`EmbeddingError::Malformed`] with the line.
pub fn read_without_header(reader: &mut Reader, options: &ReadOptions) -> Result<Loaded> {
    let mut first: Vec<Vec<u8>> = Vec::new();
    let mut line = Vec::new();
    while first.len() < LINES && reader.line(&mut line)? {
        first.push(std::mem::take(&mut line));
    }
    let fewest = first.iter().map(|line| fields(line).count()).filter(|&fields| fields > 0).min();
    let Some(dim) = options.dim.or(fewest.map(|fewest| fewest - 1)).filter(|&dim| dim > 0) else {
        let problem = "no line of a word and numbers; is this a file of vectors?";
        return Err(reader.error(Place::Line(1), problem));
    };
    let mut rows = Rows::new(dim, u64::MAX, 2 * dim as u64 + 2, 0, options);
    let mut number = 0;
    for line in &first {
        number += 1;
        if !line.is_empty() {
            row(line, &mut rows, reader, Place::Line(number))?;
        }
    }
    while reader.line(&mut line)? {
        number += 1;
        if !line.is_empty() {
            row(&line, &mut rows, reader, Place::Line(number))?;
        }
    }
    rows.finish(reader, None)
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn fields(line: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    line.split(|&byte| is_space(byte)).filter(|field| !field.is_empty())
}

/// One line, from its end.
fn row(line: &[u8], rows: &mut Rows, reader: &Reader, place: Place) -> Result<()> {
    let start = rows.matrix.len();
    rows.matrix.resize(start + rows.dim, 0.0);
    let mut end = line.len();
    for at in (start..start + rows.dim).rev() {
        while end > 0 && is_space(line[end - 1]) {
            end -= 1;
        }
        let from = line[..end].iter().rposition(|&byte| is_space(byte)).map_or(0, |at| at + 1);
        let field = &line[from..end];
        // `from` is 0 where the word should still come.
        let number = std::str::from_utf8(field).ok().filter(|_| from > 0);
        let Some(number) = number.and_then(|text| text.parse::<f32>().ok()) else {
            let shown = String::from_utf8_lossy(&field[..field.len().min(40)]);
            let read = start + rows.dim - at - 1;
            let problem = format!(
                "a word and {} numbers are expected, and what is before the last {read} is `{shown}`; was \
                 the file cut, or is it of another format?",
                rows.dim,
            );
            return Err(reader.error(place, problem));
        };
        rows.matrix[at] = number;
        end = from;
    }
    // One separator stands between the word and its vector; a word may end in a space itself.
    let word = &line[..end - 1];
    rows.take(word, reader, place)
}

/// Writes a line a word, after a header if there is to be one.
///
/// # Errors
/// [`EmbeddingError::Write`]; [`EmbeddingError::Setting`] for a word that holds a line's end.
pub fn write(vectors: &Vectors, header: bool, out: &mut (impl Write + ?Sized)) -> Result<()> {
    let failed = EmbeddingError::write;
    if header {
        writeln!(out, "{} {}", vectors.len(), vectors.dim()).map_err(failed)?;
    }
    let mut line = Vec::new();
    for row in 0..vectors.len() {
        let word = vectors.word(row);
        if word.contains(&b'\n') {
            let word = String::from_utf8_lossy(word);
            let problem = format!("the word {word:?} holds a line's end: write another format");
            return Err(EmbeddingError::Setting(problem));
        }
        line.clear();
        line.extend_from_slice(word);
        for &x in vectors.row(row) {
            line.push(b' ');
            number(&mut line, x);
        }
        line.push(b'\n');
        out.write_all(&line).map_err(failed)?;
    }
    Ok(())
}

/// The shortest digits that are read as the same float.
pub(crate) fn number(line: &mut Vec<u8>, x: f32) {
    // Without an exponent, a small number would be a long row of zeros.
    let small = x != 0.0 && x.abs() < 1e-5;
    let written = if small { write!(line, "{x:e}") } else { write!(line, "{x}") };
    written.expect("a vector takes what is written");
}
