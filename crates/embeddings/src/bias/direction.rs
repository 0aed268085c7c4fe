//! The direction in which pairs of words differ: `she` and `he`, `woman` and `man` (Bolukbasi et al. 2016).

use super::sets::{Lookup, json, vector};
use super::{cosine, length};
use crate::error::{EmbeddingError, Result};
use crate::principal::{components, dot};
use crate::vectors::Vectors;

/// Pairs of words.
pub type Pairs = Vec<[String; 2]>;

/// Reads a JSON list of pairs.
///
/// # Errors
/// [`EmbeddingError::Malformed`] for anything else.
pub fn read_pairs(name: &str, bytes: &[u8]) -> Result<Pairs> {
    json(name, bytes, "a list of pairs of words: [[\"she\", \"he\"], ...]")
}

/// Reads a JSON list of words.
///
/// # Errors
/// [`EmbeddingError::Malformed`] for anything else.
pub fn read_words(name: &str, bytes: &[u8]) -> Result<Vec<String>> {
    json(name, bytes, "a list of words: [\"actress\", ...]")
}

/// A word with numbers that people gave it.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct Rated(
    /// The word.
    pub String,
    /// How far it is of one gender by definition, from -1 (female) to 1 (male).
    pub f64,
    /// How far by stereotype.
    pub f64,
);

/// Reads a JSON list of words with two numbers each.
///
/// # Errors
/// [`EmbeddingError::Malformed`] for anything else.
pub fn read_rated(name: &str, bytes: &[u8]) -> Result<Vec<Rated>> {
    json(name, bytes, "a list of words with two numbers: [[\"nurse\", 0.0, -0.9], ...]")
}

/// A direction, from the second words of pairs to the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Direction {
    /// Of length 1.
    pub vector: Vec<f64>,
    /// Which part of the pairs' differences lies in it.
    pub share: f64,
    /// Pairs that were used.
    pub pairs: usize,
    /// Words of pairs without vectors; these pairs were not used.
    pub missing: Vec<String>,
}

/// The first principal component of pairs of unit vectors, each pair about its middle.
///
/// # Errors
/// [`EmbeddingError::Setting`] when no pair is left, or more pairs lack words than may.
pub fn direction(vectors: &Vectors, pairs: &Pairs, lookup: &Lookup) -> Result<Direction> {
    let lookup = Lookup { unit: true, ..*lookup };
    let (mut rows, mut missing, mut used) = (Vec::new(), Vec::new(), 0);
    let mut signs = vec![0.0; vectors.dim()];
    for pair in pairs {
        let found = pair.each_ref().map(|word| vector(vectors, word, &lookup));
        for (word, _) in pair.iter().zip(&found).filter(|(_, vector)| vector.is_none()) {
            missing.push(word.clone());
        }
        if let [Some(a), Some(b)] = found {
            let half: Vec<f64> = a.iter().zip(b).map(|(a, b)| (a - b) / 2.0).collect();
            signs.iter_mut().zip(&half).for_each(|(sum, x)| *sum += x);
            rows.extend(half);
            used += 1;
        }
    }
    let lacking = pairs.len() - used;
    let first = components(&rows, vectors.dim(), 1).pop();
    if lacking as f64 > lookup.may_lack * pairs.len() as f64 || first.is_none() {
        return Err(EmbeddingError::Setting(format!(
            "of {} pairs {used} have vectors, too few for a direction; missing: {}",
            pairs.len(),
            missing.join(", ")
        )));
    }
    let component = first.expect("looked at above");
    let sign = if dot(&component.direction, &signs) < 0.0 { -1.0 } else { 1.0 };
    let vector = component.direction.iter().map(|x| sign * x).collect();
    Ok(Direction { vector, share: component.share, pairs: used, missing })
}

impl Direction {
    /// The cosine of a word with the direction.
    pub fn projection(&self, vectors: &Vectors, word: &str, lookup: &Lookup) -> Option<f64> {
        vector(vectors, word, lookup).map(|vector| cosine(&vector, &self.vector))
    }
}

/// What is left of a vector beside the direction.
pub(super) fn beside(vector: &[f64], direction: &[f64]) -> Vec<f64> {
    let along = dot(vector, direction);
    vector.iter().zip(direction).map(|(x, d)| x - along * d).collect()
}

/// The vector divided by its length; zeros stay.
pub(super) fn unit(vector: Vec<f64>) -> Vec<f64> {
    let length = length(vector.iter().copied());
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    vector.into_iter().map(|x| x * scale).collect()
}
