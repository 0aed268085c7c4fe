//! What vectors associate with groups of people, and a direction taken out of them.
//!
//! A number here says how words stand to each other in one set of vectors. It does not say what a system
//! built on them does, and a small one does not show that there is no bias.
//!
//! - [`sets`]: word sets, and which of their words have vectors
//! - [`mod@weat`]: the word embedding association test
//! - [`associations`]: RND, RIPA, ECT, MAC
//! - [`direction`]: the direction in which pairs differ, and projections on it
//! - [`debias`]: that direction taken out

pub mod associations;
pub mod debias;
pub mod direction;
pub mod sets;
pub mod weat;

use sets::{Found, Lookup, Sets};
use weat::{Weat, weat};

use crate::error::Result;
use crate::vectors::Vectors;

/// Two sets of target words and two of attributes, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The target sets.
    pub targets: [String; 2],
    /// The attribute sets.
    pub attributes: [String; 2],
}

impl Test {
    /// The tests of Caliskan et al. (2017), 1 to 10, by the usual names of their sets.
    pub fn published() -> Vec<Self> {
        const TESTS: [[&str; 4]; 10] = [
            ["flowers", "insects", "pleasant_5", "unpleasant_5a"],
            ["instruments", "weapons", "pleasant_5", "unpleasant_5a"],
            [
                "european_american_names_5",
                "african_american_names_5",
                "pleasant_5",
                "unpleasant_5b",
            ],
            [
                "european_american_names_7",
                "african_american_names_7",
                "pleasant_5",
                "unpleasant_5b",
            ],
            ["european_american_names_7", "african_american_names_7", "pleasant_9", "unpleasant_9"],
            ["male_names", "female_names", "career", "family"],
            ["math", "arts", "male_terms", "female_terms"],
            ["science", "arts_2", "male_terms_2", "female_terms_2"],
            ["mental_disease", "physical_disease", "temporary", "permanent"],
            ["young_people_names", "old_people_names", "pleasant_9", "unpleasant_9"],
        ];
        TESTS.map(|names| Self::new(names.map(str::to_owned))).into()
    }

    /// Two target sets, then two attribute sets.
    pub fn new([x, y, a, b]: [String; 4]) -> Self {
        Self { targets: [x, y], attributes: [a, b] }
    }

    /// The names of all four.
    pub fn names(&self) -> [&str; 4] {
        let ([x, y], [a, b]) = (&self.targets, &self.attributes);
        [x, y, a, b]
    }
}

/// How splits are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    /// How many, and up to how many all are looked at.
    pub permutations: u64,
    /// What the draws begin from.
    pub seed: u64,
}

impl Default for Draws {
    fn default() -> Self {
        Self { permutations: 100_000, seed: 1 }
    }
}

/// All measures of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// For each set: its name, how many words it has, and those without vectors.
    pub sets: [(String, usize, Vec<String>); 4],
    /// Nothing when too few words have vectors.
    pub measures: Option<Measures>,
}

/// The measures. RND, RIPA and ECT are given for each of the two attribute sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    /// See [`mod@weat`].
    pub weat: Weat,
    /// See [`associations::rnd`].
    pub rnd: [Option<f64>; 2],
    /// See [`associations::ripa`].
    pub ripa: [Option<f64>; 2],
    /// See [`associations::ect`].
    pub ect: [Option<f64>; 2],
    /// See [`associations::mac`].
    pub mac: Option<f64>,
}

/// Measures.
///
/// # Errors
/// [`crate::EmbeddingError::Setting`] for a name that is no set's.
pub fn measure(
    vectors: &Vectors,
    sets: &Sets,
    test: &Test,
    lookup: &Lookup,
    draws: &Draws,
) -> Result<Measured> {
    let mut found = Vec::with_capacity(4);
    for name in test.names() {
        found.push(Found::new(vectors, sets.get(name)?, lookup));
    }
    let mut names = test.names().into_iter().zip(&found).map(|(name, found)| {
        let missing = found.missing().into_iter().map(str::to_owned).collect();
        (name.to_owned(), found.words.len(), missing)
    });
    let described = std::array::from_fn(|_| names.next().expect("four sets"));
    let [x, y, a, b] = [0, 1, 2, 3].map(|i| &found[i]);
    let enough = found.iter().all(|set| set.suffices(lookup));
    let test = weat([x, y], [a, b], draws.permutations, draws.seed).filter(|_| enough);
    let measures = test.map(|weat| Measures {
        weat,
        rnd: [a, b].map(|set| associations::rnd([x, y], set)),
        ripa: [a, b].map(|set| associations::ripa([x, y], set)),
        ect: [a, b].map(|set| associations::ect([x, y], set)),
        mac: associations::mac(&[x, y], &[a, b]),
    });
    Ok(Measured { sets: described, measures })
}

fn length(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let lengths = length(a.iter().copied()) * length(b.iter().copied());
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / lengths
}
