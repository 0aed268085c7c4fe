//! safetensors: a tensor `embedding` `[words, dim]`, and the words as bytes beside it.
//!
//! `words.bytes` holds all words one after the other, `words.ends` where each ends. A file of another
//! program has no such tensors: its only two-dimensional tensor is read, and the words come from a list.

use std::io::Write;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::Loaded;
use super::read::{ReadOptions, Reader, Rows};
use crate::error::{EmbeddingError, Place, Result};
use crate::vectors::Vectors;

const MATRIX: &str = "embedding";
const BYTES: &str = "words.bytes";
const ENDS: &str = "words.ends";

/// Reads a file, all of whose bytes are given.
///
/// # Errors
/// [`EmbeddingError::Malformed`] with what is wrong.
pub fn read(bytes: &[u8], reader: &Reader, options: &ReadOptions) -> Result<Loaded> {
    let wrong = |problem: String| reader.error(Place::File, problem);
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| wrong(format!("is no safetensors file, or cut ({error})")))?;
    let tensor = match file.tensor(MATRIX) {
        Ok(tensor) => tensor,
        Err(_) => {
            let mut flat = file.tensors().into_iter().filter(|(_, it)| it.shape().len() == 2);
            match (flat.next(), flat.next()) {
                (Some((_, tensor)), None) => tensor,
                _ => {
                    let problem = "holds no tensor `embedding`, and not one two-dimensional tensor";
                    return Err(wrong(problem.into()));
                }
            }
        }
    };
    let &[words, dim] = tensor.shape() else {
        return Err(wrong(format!("`{MATRIX}` has the shape {:?}, not two", tensor.shape())));
    };
    if tensor.dtype() != Dtype::F32 {
        let problem = format!("the vectors are {:?}; write them as F32", tensor.dtype());
        return Err(wrong(problem));
    }
    if dim == 0 {
        return Err(wrong("vectors of no dimensions".into()));
    }
    let list: Vec<&[u8]> = match (file.tensor(BYTES), file.tensor(ENDS), &options.words) {
        (_, _, Some(words)) => words.iter().map(Vec::as_slice).collect(),
        (Ok(bytes), Ok(ends), None) => cut(bytes.data(), ends.data())
            .ok_or_else(|| wrong(format!("`{ENDS}` does not say where the words end")))?,
        _ => {
            let problem =
                "says no words (`words.bytes`, `words.ends`); give a list, one a line (--words)";
            return Err(wrong(problem.into()));
        }
    };
    if list.len() != words {
        return Err(wrong(format!("{words} vectors, but {} words", list.len())));
    }
    let size = bytes.len() as u64;
    let mut rows = Rows::new(dim, words as u64, 4 * dim as u64, size, options);
    for (row, (word, numbers)) in list.iter().zip(tensor.data().chunks(4 * dim)).enumerate() {
        let numbers =
            numbers.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap_or_default()));
        rows.matrix.extend(numbers);
        rows.take(word, reader, Place::Row(row as u64 + 1))?;
    }
    rows.finish(reader, None)
}

/// The words, by where they end.
fn cut<'a>(bytes: &'a [u8], ends: &[u8]) -> Option<Vec<&'a [u8]>> {
    let mut start = 0;
    let mut words = Vec::with_capacity(ends.len() / 8);
    for end in ends.chunks_exact(8) {
        let end = u64::from_le_bytes(end.try_into().ok()?) as usize;
        words.push(bytes.get(start..end)?);
        start = end;
    }
    Some(words)
}

/// Writes a file.
///
/// # Errors
/// [`EmbeddingError::Write`].
pub fn write(vectors: &Vectors, out: &mut (impl Write + ?Sized)) -> Result<()> {
    let words = vectors.words();
    let broken = |error: safetensors::SafeTensorError| EmbeddingError::Setting(error.to_string());
    let matrix: &[u8] = bytemuck::cast_slice(vectors.matrix());
    let ends: &[u8] = bytemuck::cast_slice(&words.ends);
    let shape = vec![vectors.len(), vectors.dim()];
    let tensors = [
        (MATRIX, TensorView::new(Dtype::F32, shape, matrix).map_err(broken)?),
        (BYTES, TensorView::new(Dtype::U8, vec![words.bytes.len()], &words.bytes).map_err(broken)?),
        (ENDS, TensorView::new(Dtype::U64, vec![vectors.len()], ends).map_err(broken)?),
    ];
    let bytes = safetensors::serialize(tensors, None).map_err(broken)?;
    out.write_all(&bytes).map_err(EmbeddingError::write)
}
