//! word2vec's binary format: a header line `words dimensions`; then for each word its bytes, a space,
//! its vector as little-endian floats, and a line's end that some programs leave out.

use std::io::{BufRead, Read, Write};

use super::Loaded;
use super::read::{ReadOptions, Reader, Rows};
use crate::error::{EmbeddingError, Place, Result};
use crate::vectors::Vectors;

/// A word longer than this is no word: the file is of another format.
const LONGEST_WORD: u64 = 1 << 20;

/// Reads a file.
///
/// # Errors
/// [`EmbeddingError::Malformed`] with the row.
pub fn read(reader: &mut Reader, options: &ReadOptions) -> Result<Loaded> {
    let (words, dim) = reader.header()?;
    let mut rows = Rows::new(dim, words, 4 * dim as u64 + 1, reader.size, options);
    let mut word = Vec::new();
    for row in 1..=words {
        let cut = |reader: &Reader| {
            let problem = format!(
                "the file ends here, and its header says {words} words of {dim} dimensions; was it \
                 cut? Copy it again, or name its format if it is text (--format word2vec)"
            );
            reader.error(Place::Row(row), problem)
        };
        word.clear();
        let bytes = reader.bytes.by_ref().take(LONGEST_WORD).read_until(b' ', &mut word);
        bytes.map_err(|error| EmbeddingError::read(&reader.name, error))?;
        if word.pop() != Some(b' ') {
            if word.len() as u64 + 1 == LONGEST_WORD {
                let problem = "no word in a million bytes; is this file of another format?";
                return Err(reader.error(Place::Row(row), problem));
            }
            return Err(cut(reader));
        }
        let start = word.iter().take_while(|&&byte| byte == b'\n').count();
        let at = rows.matrix.len();
        rows.matrix.resize(at + dim, 0.0);
        let numbers = bytemuck::cast_slice_mut::<f32, u8>(&mut rows.matrix[at..]);
        match reader.bytes.read_exact(numbers) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(cut(reader));
            }
            Err(error) => return Err(EmbeddingError::read(&reader.name, error)),
            Ok(()) => {}
        }
        if cfg!(target_endian = "big") {
            for number in &mut rows.matrix[at..] {
                *number = f32::from_bits(number.to_bits().swap_bytes());
            }
        }
        rows.take(&word[start..], reader, Place::Row(row))?;
    }
    rows.finish(reader, Some(words))
}

/// Writes a file.
///
/// # Errors
/// [`EmbeddingError::Write`]; [`EmbeddingError::Setting`] for a word that holds a space, which the
/// format cannot say.
pub fn write(vectors: &Vectors, out: &mut (impl Write + ?Sized)) -> Result<()> {
    let failed = EmbeddingError::write;
    writeln!(out, "{} {}", vectors.len(), vectors.dim()).map_err(failed)?;
    let mut line = Vec::new();
    for row in 0..vectors.len() {
        let word = vectors.word(row);
        if word.contains(&b' ') || word.starts_with(b"\n") {
            let word = String::from_utf8_lossy(word);
            let problem = format!("the word {word:?} holds a space: write another format");
            return Err(EmbeddingError::Setting(problem));
        }
        line.clear();
        line.extend_from_slice(word);
        line.push(b' ');
        for &x in vectors.row(row) {
            line.extend_from_slice(&x.to_le_bytes());
        }
        line.push(b'\n');
        out.write_all(&line).map_err(failed)?;
    }
    Ok(())
}
