//! Character n-grams of words, as fastText finds and hashes them.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::quantized::Quantized;
use crate::section::Section;
use crate::vectors::rows_not_finite;

/// Which n-grams a word has, and how many vectors these share (Bojanowski et al. 2017).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NGrams {
    /// Characters of the shortest.
    pub min: usize,
    /// Characters of the longest; 0: there are none.
    pub max: usize,
    /// Vectors that all n-grams share, by their hash.
    pub buckets: u32,
}

impl Default for NGrams {
    /// As fastText: 3 to 6 characters, two million buckets.
    fn default() -> Self {
        Self { min: 3, max: 6, buckets: 2_000_000 }
    }
}

/// fastText's sentence mark, the one word without n-grams.
const EOS: &[u8] = b"</s>";

/// Whether a byte continues a UTF-8 character.
fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// FNV-1a with its bytes taken as *signed* numbers, as fastText has it on x86: bytes above 127 change
/// the upper 24 bits as well.
fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ i32::from(byte as i8) as u32).wrapping_mul(16_777_619)
}

impl NGrams {
    /// Hands out the bucket of each n-gram of `<word>`, in fastText's order. What is no UTF-8 is cut in
    /// front of every byte that begins a character.
    pub fn buckets_of(&self, word: &[u8], mut take: impl FnMut(u32)) {
        if word == EOS || self.buckets == 0 {
            return;
        }
        let byte = |at: usize| match at {
            0 => b'<',
            at if at <= word.len() => word[at - 1],
            _ => b'>',
        };
        let len = word.len() + 2;
        for start in 0..len {
            if continues(byte(start)) {
                continue;
            }
            let mut hash = 2_166_136_261;
            let (mut end, mut characters) = (start, 1);
            while end < len && characters <= self.max {
                hash = step(hash, byte(end));
                end += 1;
                while end < len && continues(byte(end)) {
                    hash = step(hash, byte(end));
                    end += 1;
                }
                // The marks alone are no n-grams.
                let mark = characters == 1 && (start == 0 || end == len);
                if characters >= self.min && !mark {
                    take(hash % self.buckets);
                }
                characters += 1;
            }
        }
    }
}

/// Vectors of n-grams, in memory, mapped, or as codes.
#[derive(Clone, Debug)]
pub struct Subwords {
    ngrams: NGrams,
    rows: Rows,
    /// Rows before the first bucket's: those of the words.
    first: usize,
    dim: usize,
    pruned: Option<HashMap<u32, u32>>,
}

/// The rows that n-grams have.
#[derive(Clone, Debug)]
pub(crate) enum Rows {
    /// Row after row.
    Dense(Arc<Section<f32>>),
    /// Codes of a product quantiser.
    Codes(Arc<Quantized>),
}

impl Rows {
    /// Numbers, or what they would be.
    fn len(&self) -> usize {
        match self {
            Self::Dense(rows) => rows.len(),
            Self::Codes(codes) => codes.rows() * codes.dim(),
        }
    }

    /// Those that hold a NaN or an infinity.
    fn not_finite(&self, dim: usize) -> Vec<usize> {
        let codes = match self {
            Self::Dense(rows) => return rows_not_finite(rows, dim),
            Self::Codes(codes) => codes,
        };
        let is_bad = |row: &usize| {
            let mut numbers = vec![0.0; dim];
            codes.add(*row, &mut numbers);
            numbers.iter().any(|x| !x.is_finite())
        };
        (0..codes.rows()).into_par_iter().filter(is_bad).collect()
    }

    /// Adds a row to `sum`.
    fn add(&self, row: usize, sum: &mut [f32]) {
        match self {
            Self::Dense(rows) => {
                let row = &rows[row * sum.len()..][..sum.len()];
                sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            Self::Codes(codes) => codes.add(row, sum),
        }
    }
}

impl Subwords {
    /// `first` rows of `rows` are the words' own, then there is one a bucket, or, where buckets are left
    /// out, one for each that `pruned` names.
    ///
    /// # Errors
    /// What is wrong with the numbers.
    pub(crate) fn new(
        ngrams: NGrams,
        rows: Rows,
        first: usize,
        dim: usize,
        pruned: Option<HashMap<u32, u32>>,
    ) -> Result<Self, String> {
        let last = match &pruned {
            None => ngrams.buckets as usize,
            Some(pruned) => pruned.values().max().map_or(0, |&row| row as usize + 1),
        };
        let needed = first.checked_add(last).and_then(|rows| rows.checked_mul(dim));
        if dim == 0 || needed.is_none_or(|needed| needed > rows.len()) {
            return Err(format!("{first} words and {last} buckets have more rows than the matrix"));
        }
        Ok(Self { ngrams, rows, first, dim, pruned })
    }

    /// Which n-grams there are.
    pub fn ngrams(&self) -> NGrams {
        self.ngrams
    }

    /// Numbers of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Whether the vectors are codes of a product quantiser.
    pub fn is_quantized(&self) -> bool {
        matches!(self.rows, Rows::Codes(_))
    }

    /// The rows of a matrix that a word's n-grams have.
    pub(crate) fn rows_of(&self, word: &[u8], mut take: impl FnMut(usize)) {
        self.ngrams.buckets_of(word, |bucket| match &self.pruned {
            None => take(self.first + bucket as usize),
            Some(pruned) => {
                if let Some(&row) = pruned.get(&bucket) {
                    take(self.first + row as usize);
                }
            }
        });
    }

    /// The mean of a word's n-grams; nothing where it has none.
    pub fn vector(&self, word: &[u8]) -> Option<Vec<f32>> {
        self.mean(word, None)
    }

    /// The mean of a word's own row and its n-grams'.
    pub(crate) fn mean(&self, word: &[u8], own: Option<usize>) -> Option<Vec<f32>> {
        let mut sum = vec![0.0; self.dim];
        let mut rows = 0;
        let mut add = |row| {
            self.rows.add(row, &mut sum);
            rows += 1;
        };
        own.into_iter().for_each(&mut add);
        self.rows_of(word, &mut add);
        let share = 1.0 / rows as f32;
        sum.iter_mut().for_each(|x| *x *= share);
        (rows > 0).then_some(sum)
    }

    /// The input rows, of words and then of buckets, that hold a NaN or an infinity.
    pub fn not_finite(&self) -> Vec<usize> {
        self.rows.not_finite(self.dim)
    }

    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    pub(crate) fn pruned(&self) -> Option<&HashMap<u32, u32>> {
        self.pruned.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ngrams_are_cut_at_characters_and_marks_are_none() {
        let count = |word: &str, min, max| {
            let mut count = 0;
            NGrams { min, max, buckets: 100 }.buckets_of(word.as_bytes(), |_| count += 1);
            count
        };
        // <where>: <wh whe her ere re>
        assert_eq!(count("where", 3, 3), 5);
        assert_eq!(count("where", 3, 6), 5 + 4 + 3 + 2);
        assert_eq!(count("\u{e9}\u{e9}", 1, 1), 2, "two characters, four bytes");
        assert_eq!(count("</s>", 3, 6), 0);
        assert_eq!(count("", 3, 6), 0);
        assert_eq!(count("", 2, 6), 1);
    }
}
