//! Similarities beside those that people gave: WordSim-353, SimLex-999, RareWords, MEN.

use super::Settings;
use super::correlation::{pearson, spearman};
use super::folded::Folded;
use crate::error::{EmbeddingError, Place, Result};
use crate::neighbours::cosine;
use crate::vectors::Vectors;

/// Two words and how similar people find them.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The words.
    pub words: [Vec<u8>; 2],
    /// What people said, on any scale.
    pub score: f64,
}

/// A file of pairs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// What could be read.
    pub pairs: Vec<Pair>,
    /// Lines that are no pair: a heading, or something broken.
    pub invalid: Vec<u64>,
}

impl Pairs {
    /// Reads lines of two words and a number, apart by tabs, spaces or commas; `#` begins a comment.
    ///
    /// # Errors
    /// [`EmbeddingError::Malformed`] when no line is a pair.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let mut read = Self::default();
        for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let separator: fn(&u8) -> bool = match (line.contains(&b'\t'), line.contains(&b',')) {
                (true, _) => |byte| *byte == b'\t',
                (false, true) => |byte| *byte == b',',
                _ => u8::is_ascii_whitespace,
            };
            let fields = line.split(separator).map(<[u8]>::trim_ascii);
            let fields: Vec<&[u8]> = fields.filter(|field| !field.is_empty()).collect();
            let pair = match fields[..] {
                [a, b, score] => std::str::from_utf8(score)
                    .ok()
                    .and_then(|score| score.parse().ok())
                    .filter(|score: &f64| score.is_finite())
                    .map(|score| Pair { words: [a.to_vec(), b.to_vec()], score }),
                _ => None,
            };
            match pair {
                Some(pair) => read.pairs.push(pair),
                None => read.invalid.push(number),
            }
        }
        if read.pairs.is_empty() {
            let problem = "no line has two words and a number, apart by tabs; give such a file \
                           (WordSim-353, SimLex-999, RareWords, MEN)";
            return Err(EmbeddingError::malformed(name, Place::File, problem));
        }
        Ok(read)
    }
}

/// How similarities agree with those that people gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Spearman's correlation; nothing where fewer than two pairs are known, or all are alike.
    pub spearman: Option<f64>,
    /// Pearson's.
    pub pearson: Option<f64>,
    /// Pairs that were compared.
    pub known: usize,
    /// Pairs with a word that has no vector.
    pub unknown: usize,
}

/// Compares.
///
/// # Errors
/// [`EmbeddingError::NotFinite`] where a word's vector, made from its n-grams, holds a NaN or an infinity.
pub fn evaluate(vectors: &Vectors, pairs: &Pairs, settings: &Settings) -> Result<Agreement> {
    let folded = Folded::new(vectors, settings);
    let vector = |word: &[u8]| match folded.row(word) {
        Some(row) => Ok(Some(vectors.row(row).into())),
        None if settings.subwords => vectors.try_vector(word),
        None => Ok(None),
    };
    let (mut given, mut own) = (Vec::new(), Vec::new());
    for Pair { words: [a, b], score } in &pairs.pairs {
        if let (Some(a), Some(b)) = (vector(a)?, vector(b)?) {
            given.push(*score);
            own.push(cosine(&a, &b));
        }
    }
    Ok(Agreement {
        spearman: spearman(&given, &own),
        pearson: pearson(&given, &own),
        known: own.len(),
        unknown: pairs.pairs.len() - own.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_pairs_headings_are_not() {
        let text = b"# from a paper\nWord 1,Word 2,Human (mean)\nlamp,wick,7.5\r\nlamp\toil lamp\t2\na b nan\n\nflame burn 3e0\n";
        let read = Pairs::read("pairs", text).unwrap();
        assert_eq!(read.invalid, [2, 5]);
        assert_eq!(read.pairs.len(), 3);
        assert_eq!(read.pairs[1].words[1], b"oil lamp");
        assert_eq!(read.pairs[2].score, 3.0);
        let error = Pairs::read("pairs", b"\xff\0\n1 2\n").unwrap_err().to_string();
        assert!(error.starts_with("pairs: no line has two words"), "{error}");
    }
}
