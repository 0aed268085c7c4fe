//! chrF and chrF++.

use std::ops::AddAssign;

use serde::Serialize;

use crate::measure::{Measure, SACREBLEU};
use crate::ngrams::Ngrams;
use crate::tokenization::{is_space, words};

/// The longest n-grams of characters, and of words.
const CHARACTERS: usize = 6;
const WORDS: usize = 2;
/// How much more recall weighs than precision.
const BETA: f64 = 2.0;

/// chrF (Popović 2015) and chrF++ (Popović 2017), to sacreBLEU's figures.
///
/// ```text
/// chrF = (1 + beta^2) P R / (beta^2 P + R),   beta = 2
/// ```
///
/// `P` and `R` are precision and recall of n-grams of 1 to 6 characters without white space (and for
/// chrF++ of 1 and 2 words, punctuation at a word's edge apart), averaged over the orders that both
/// sides have. Of several references the one with the best score counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chrf {
    /// Whether words count too: chrF++.
    pub words: bool,
    /// Whether upper and lower case are the same.
    pub lowercase: bool,
}

/// What chrF counts: by order, characters first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChrfCounts {
    /// n-grams of the hypotheses, of orders that the reference has.
    pub hypothesis: [u64; CHARACTERS + WORDS],
    /// n-grams of the references.
    pub reference: [u64; CHARACTERS + WORDS],
    /// n-grams of both.
    pub matches: [u64; CHARACTERS + WORDS],
}

impl AddAssign for ChrfCounts {
    fn add_assign(&mut self, other: Self) {
        for order in 0..CHARACTERS + WORDS {
            self.hypothesis[order] += other.hypothesis[order];
            self.reference[order] += other.reference[order];
            self.matches[order] += other.matches[order];
        }
    }
}

impl ChrfCounts {
    /// In per cent. Orders that were not counted are empty, and those do not take part.
    fn score(&self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for ((&given, &right), &both) in
            self.hypothesis.iter().zip(&self.reference).zip(&self.matches)
        {
            if given > 0 && right > 0 {
                precision += both as f64 / given as f64;
                recall += both as f64 / right as f64;
                orders += 1.0;
            }
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (precision, recall) = (precision / orders, recall / orders);
        let square = BETA * BETA;
        100.0 * (1.0 + square) * precision * recall / (square * precision + recall)
    }
}

/// A line as chrF sees it.
struct Line<'a> {
    characters: Vec<char>,
    words: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn new(line: &'a str, with_words: bool) -> Self {
        Self {
            characters: line.chars().filter(|&c| !is_space(c)).collect(),
            words: if with_words { split_edges(line) } else { Vec::new() },
        }
    }

    fn against(&self, reference: &Self) -> ChrfCounts {
        let mut counts = ChrfCounts::default();
        let mut note = |index: usize, given: u64, right: u64, both: u64| {
            counts.hypothesis[index] = if right > 0 { given } else { 0 };
            counts.reference[index] = right;
            counts.matches[index] = both;
        };
        for order in 1..=CHARACTERS {
            let given = Ngrams::count(&self.characters, order);
            let right = Ngrams::count(&reference.characters, order);
            note(order - 1, given.total(), right.total(), given.overlap(&right));
        }
        for order in 1..=WORDS {
            let given = Ngrams::count(&self.words, order);
            let right = Ngrams::count(&reference.words, order);
            note(CHARACTERS + order - 1, given.total(), right.total(), given.overlap(&right));
        }
        counts
    }
}

/// Words with one ASCII symbol at the end parted from them, or else one at the beginning.
fn split_edges(line: &str) -> Vec<&str> {
    let mut result = Vec::new();
    for word in words(line) {
        let (first, last) = (word.chars().next(), word.chars().next_back());
        let is_long = word.chars().nth(1).is_some();
        let is_mark = |c: Option<char>| is_long && c.is_some_and(|c| c.is_ascii_punctuation());
        if is_mark(last) {
            let (word, mark) = word.split_at(word.len() - 1);
            result.extend([word, mark]);
        } else if is_mark(first) {
            let (mark, word) = word.split_at(1);
            result.extend([mark, word]);
        } else {
            result.push(word);
        }
    }
    result
}

impl Measure for Chrf {
    type Counts = ChrfCounts;

    fn name(&self) -> String {
        format!("chrF{BETA}{}", if self.words { "++" } else { "" })
    }

    fn signature(&self, references: usize) -> String {
        let case = if self.lowercase { "lc" } else { "mixed" };
        let words = if self.words { WORDS } else { 0 };
        format!(
            "nrefs:{references}|case:{case}|eff:yes|nc:{CHARACTERS}|nw:{words}|space:no|\
             version:{SACREBLEU}"
        )
    }

    fn count(&self, hypothesis: &str, references: &[&str]) -> ChrfCounts {
        let case = |line: &str| match self.lowercase {
            true => line.to_lowercase(),
            false => line.to_owned(),
        };
        let hypothesis = case(hypothesis);
        let hypothesis = Line::new(&hypothesis, self.words);
        let counts = references.iter().map(|reference| {
            let reference = case(reference);
            hypothesis.against(&Line::new(&reference, self.words))
        });
        // The first of the best.
        let best =
            counts.reduce(|best, next| if next.score() > best.score() { next } else { best });
        best.unwrap_or_else(|| hypothesis.against(&Line::new("", self.words)))
    }

    fn score(&self, counts: &ChrfCounts) -> f64 {
        counts.score()
    }

    fn details(&self, _: &ChrfCounts) -> String {
        String::new()
    }
}
