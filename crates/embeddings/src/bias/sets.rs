//! Word sets, and what of them vectors hold.

use std::collections::BTreeMap;

use crate::error::{EmbeddingError, Place, Result};
use crate::vectors::Vectors;

/// Named sets of words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sets(pub BTreeMap<String, Vec<String>>);

impl Sets {
    /// Reads a JSON object of lists of words.
    ///
    /// # Errors
    /// [`EmbeddingError::Malformed`] for anything else.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        json(name, bytes, "an object of lists of words: {\"career\": [\"office\", ...], ...}")
            .map(Self)
    }

    /// The words of a set.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`] when there is no such set; names those that there are.
    pub fn get(&self, name: &str) -> Result<&[String]> {
        self.0.get(name).map(Vec::as_slice).ok_or_else(|| {
            let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
            EmbeddingError::Setting(format!(
                "no set is named `{name}`; there are {}",
                names.join(", ")
            ))
        })
    }
}

/// Reads JSON of a kind.
pub(super) fn json<T: serde::de::DeserializeOwned>(
    name: &str,
    bytes: &[u8],
    wanted: &str,
) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        let problem = format!("{error}; the file is {wanted}");
        EmbeddingError::malformed(name, Place::Line(error.line() as u64), problem)
    })
}

/// How words are looked up, and how many may be missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lookup {
    /// A word that is not held as it is written is looked for in lower case.
    pub lowercase: bool,
    /// Divide vectors by their length.
    pub unit: bool,
    /// Of a set may be missing at most this share; else results are withheld.
    pub may_lack: f64,
}

impl Default for Lookup {
    fn default() -> Self {
        Self { lowercase: true, unit: false, may_lack: 0.2 }
    }
}

/// A set as vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The words that have vectors, and these; nothing in the place of a word without.
    pub words: Vec<(String, Option<Vec<f64>>)>,
}

impl Found {
    /// Looks words up; one that comes twice counts once.
    pub fn new(vectors: &Vectors, words: &[String], lookup: &Lookup) -> Self {
        let mut found = Self::default();
        for word in words {
            if found.words.iter().any(|(other, _)| other == word) {
                continue;
            }
            found.words.push((word.clone(), vector(vectors, word, lookup)));
        }
        found
    }

    /// The vectors that there are.
    pub fn vectors(&self) -> impl Iterator<Item = &[f64]> + Clone {
        self.words.iter().filter_map(|(_, vector)| vector.as_deref())
    }

    /// The words without vectors.
    pub fn missing(&self) -> Vec<&str> {
        let lacks = self.words.iter().filter(|(_, vector)| vector.is_none());
        lacks.map(|(word, _)| word.as_str()).collect()
    }

    /// Whether enough words have vectors.
    pub fn suffices(&self, lookup: &Lookup) -> bool {
        let missing = self.missing().len();
        missing < self.words.len() && missing as f64 <= lookup.may_lack * self.words.len() as f64
    }

    pub(super) fn mean(&self) -> Vec<f64> {
        let n = self.vectors().count() as f64;
        let mut mean = Vec::new();
        for vector in self.vectors() {
            mean.resize(vector.len(), 0.0);
            mean.iter_mut().zip(vector).for_each(|(mean, x)| *mean += x / n);
        }
        mean
    }
}

/// The row of a word: as it is written, or in lower case.
pub(super) fn row(vectors: &Vectors, word: &str, lookup: &Lookup) -> Option<usize> {
    let lower = || vectors.row_of(word.to_lowercase().as_bytes()).filter(|_| lookup.lowercase);
    vectors.row_of(word.as_bytes()).or_else(lower)
}

/// The vector of a word's row; one of zeros has no direction and is none.
pub(super) fn vector(vectors: &Vectors, word: &str, lookup: &Lookup) -> Option<Vec<f64>> {
    let row = vectors.row(row(vectors, word, lookup)?);
    let vector: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    let scale = if lookup.unit { 1.0 / length } else { 1.0 };
    (length > 0.0).then(|| vector.iter().map(|x| x * scale).collect())
}
