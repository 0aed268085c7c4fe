//! The files of TensorFlow's embedding projector: vectors as tab-separated numbers, and the words, one a
//! line, in a second file.

use std::io::{BufRead, Write};

use super::Loaded;
use super::read::{ReadOptions, Reader, Rows};
use crate::error::{EmbeddingError, Place, Result};
use crate::vectors::Vectors;

/// Reads vectors whose words are those of [`ReadOptions::words`].
///
/// # Errors
/// [`EmbeddingError::Malformed`] with the line.
pub fn read(reader: &mut Reader, options: &ReadOptions) -> Result<Loaded> {
    let Some(words) = &options.words else {
        let problem = "says no words; give the list that goes with it, one a line (--words)";
        return Err(reader.error(Place::File, problem));
    };
    let mut line = Vec::new();
    let mut rows: Option<Rows> = None;
    let mut number = 0;
    while reader.line(&mut line)? {
        if line.is_empty() && reader.bytes.fill_buf().is_ok_and(<[u8]>::is_empty) {
            break;
        }
        number += 1;
        let fields = || line.split(|&byte| byte == b'\t');
        let dim = fields().count();
        let rows = rows.get_or_insert_with(|| Rows::new(dim, 0, 1, 0, options));
        if dim != rows.dim {
            let problem = format!("{dim} numbers, and {} in the first line", rows.dim);
            return Err(reader.error(Place::Line(number), problem));
        }
        for field in fields() {
            let text = std::str::from_utf8(field).unwrap_or_default().trim();
            let Ok(x) = text.parse() else {
                let problem = format!("`{}` is no number", String::from_utf8_lossy(field));
                return Err(reader.error(Place::Line(number), problem));
            };
            rows.matrix.push(x);
        }
        let Some(word) = words.get(number as usize - 1) else {
            let problem = format!("there are vectors here, and only {} words", words.len());
            return Err(reader.error(Place::Line(number), problem));
        };
        rows.take(word, reader, Place::Line(number))?;
    }
    match rows {
        Some(rows) => rows.finish(reader, Some(words.len() as u64)),
        None => Err(reader.error(Place::File, "is empty")),
    }
}

/// Writes the vectors.
///
/// # Errors
/// [`EmbeddingError::Write`].
pub fn write(vectors: &Vectors, out: &mut (impl Write + ?Sized)) -> Result<()> {
    let mut line = Vec::new();
    for row in 0..vectors.len() {
        line.clear();
        for &x in vectors.row(row) {
            if !line.is_empty() {
                line.push(b'\t');
            }
            super::word2vec_text::number(&mut line, x);
        }
        line.push(b'\n');
        out.write_all(&line).map_err(EmbeddingError::write)?;
    }
    Ok(())
}

/// Writes the words that go with them.
///
/// # Errors
/// [`EmbeddingError::Write`]; [`EmbeddingError::Setting`] for a word that holds a tab or a line's end.
pub fn write_words(vectors: &Vectors, out: &mut (impl Write + ?Sized)) -> Result<()> {
    for word in vectors.words().iter() {
        if word.iter().any(|byte| matches!(byte, b'\t' | b'\n' | b'\r')) {
            let word = String::from_utf8_lossy(word);
            let problem =
                format!("the word {word:?} holds a tab or a line's end: write another format");
            return Err(EmbeddingError::Setting(problem));
        }
        out.write_all(word).and_then(|()| out.write_all(b"\n")).map_err(EmbeddingError::write)?;
    }
    Ok(())
}
