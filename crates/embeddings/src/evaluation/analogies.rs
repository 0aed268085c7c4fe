//! Analogies: `a` is to `b` as `c` is to what? (Mikolov et al. 2013)
//!
//! With rows of length 1, 3CosAdd takes the word `x` with the largest `x·b + x·c - x·a`, and 3CosMul
//! (Levy and Goldberg 2014, equation 4) that with the largest `s(x,b) s(x,c) / (s(x,a) + 1e-6)`, where
//! `s = (1 + x·y) / 2`. Both need only the products of all rows with the few words that questions name:
//! these are computed once, and a question costs three loads for each sixteen rows.

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;

use super::Settings;
use super::folded::Folded;
use crate::error::{EmbeddingError, Place, Result};
use crate::neighbours::{PANEL, Panel, ranges, scales};
use crate::simd::{Isa, LANES, Simd, Task};
use crate::vectors::Vectors;

/// Questions of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// What they are about.
    pub name: String,
    /// `a b c` and the answer.
    pub questions: Vec<[Vec<u8>; 4]>,
}

impl Section {
    /// Whether the questions are about grammar, by Google's names.
    pub fn is_syntactic(&self) -> bool {
        self.name.starts_with("gram")
    }
}

/// A file of questions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Questions {
    /// Section by section.
    pub sections: Vec<Section>,
    /// Lines that are no question.
    pub invalid: Vec<u64>,
}

impl Questions {
    /// Reads `: section` lines and, below each, lines of four words.
    ///
    /// # Errors
    /// [`EmbeddingError::Malformed`] for a question before the first section, or no question at all.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let mut read = Self::default();
        for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
            if let Some(title) = line.strip_prefix(b":") {
                let name = String::from_utf8_lossy(title.trim_ascii()).into_owned();
                read.sections.push(Section { name, questions: Vec::new() });
                continue;
            }
            let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let four = [words.next(), words.next(), words.next(), words.next()];
            match (four, words.next()) {
                ([None, ..], _) => {}
                ([Some(a), Some(b), Some(c), Some(d)], None) => {
                    let Some(section) = read.sections.last_mut() else {
                        let problem = "a question comes before the first `: section` line; put one \
                                       above it";
                        return Err(EmbeddingError::malformed(name, Place::Line(number), problem));
                    };
                    section.questions.push([a, b, c, d].map(<[u8]>::to_vec));
                }
                _ => read.invalid.push(number),
            }
        }
        if read.sections.iter().all(|section| section.questions.is_empty()) {
            let problem = "no line has four words; give a file such as questions-words.txt";
            return Err(EmbeddingError::malformed(name, Place::File, problem));
        }
        Ok(read)
    }
}

/// How many questions were answered, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Questions all of whose words are known.
    pub asked: usize,
    /// Questions with a word that has no vector.
    pub skipped: usize,
    /// Right answers of 3CosAdd.
    pub add: usize,
    /// Right answers of 3CosMul.
    pub mul: usize,
}

impl Score {
    /// The two together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            asked: self.asked + other.asked,
            skipped: self.skipped + other.skipped,
            add: self.add + other.add,
            mul: self.mul + other.mul,
        }
    }
}

/// Answers all questions, on all threads: a score for each section.
pub fn evaluate(vectors: &Vectors, questions: &Questions, settings: &Settings) -> Vec<Score> {
    let folded = Folded::new(vectors, settings);
    let mut scores = Vec::with_capacity(questions.sections.len());
    let mut named = Named::default();
    let mut asked: Vec<([u32; 3], usize, usize)> = Vec::new();
    for (number, section) in questions.sections.iter().enumerate() {
        let before = asked.len();
        for question in &section.questions {
            let [a, b, c, d] = question.each_ref().map(|word| folded.row(word));
            if let (Some(a), Some(b), Some(c), Some(d)) = (a, b, c, d) {
                asked.push(([a, b, c].map(|row| named.number(row)), d, number));
            }
        }
        let asked = asked.len() - before;
        scores.push(Score { asked, skipped: section.questions.len() - asked, ..Score::default() });
    }
    let task = Search {
        vectors,
        folded: &folded,
        scales: scales(vectors),
        queries: named.queries(vectors),
        named: &named.rows,
        asked: asked.iter().map(|&(words, ..)| words).collect(),
    };
    let parts: Vec<Vec<Best>> =
        ranges(folded.rows()).into_par_iter().map(|range| task.answers(range)).collect();
    for (n, &(_, answer, section)) in asked.iter().enumerate() {
        let mut best = Best::default();
        parts.iter().for_each(|part| best.merge(&part[n]));
        let is_right = |row: usize| row != NONE && folded.stands_for(row) == answer;
        scores[section].add += usize::from(is_right(best.add.1));
        scores[section].mul += usize::from(is_right(best.mul.1));
    }
    scores
}

/// The rows that questions name, each once.
#[derive(Default)]
struct Named {
    rows: Vec<usize>,
    numbers: HashMap<usize, u32>,
}

impl Named {
    fn number(&mut self, row: usize) -> u32 {
        *self.numbers.entry(row).or_insert_with(|| {
            self.rows.push(row);
            self.rows.len() as u32 - 1
        })
    }

    /// Their vectors, of length 1.
    fn queries(&self, vectors: &Vectors) -> Vec<f32> {
        let norms = vectors.norms();
        let scaled = |&row: &usize| {
            let scale = if norms[row] > 0.0 { 1.0 / norms[row] } else { 0.0 };
            vectors.row(row).iter().map(move |x| x * scale)
        };
        self.rows.iter().flat_map(scaled).collect()
    }
}

/// No row yet.
const NONE: usize = usize::MAX;

/// The best answers so far, with their scores.
#[derive(Clone, Debug)]
struct Best {
    add: (f32, usize),
    mul: (f32, usize),
}

impl Default for Best {
    fn default() -> Self {
        Self { add: (f32::NEG_INFINITY, NONE), mul: (f32::NEG_INFINITY, NONE) }
    }
}

impl Best {
    /// Takes the answers of later rows.
    fn merge(&mut self, other: &Self) {
        for (own, other) in [(&mut self.add, other.add), (&mut self.mul, other.mul)] {
            if other.0 > own.0 {
                *own = other;
            }
        }
    }
}

struct Search<'a> {
    vectors: &'a Vectors,
    folded: &'a Folded,
    scales: Vec<f32>,
    /// `[named, dim]`
    queries: Vec<f32>,
    named: &'a [usize],
    asked: Vec<[u32; 3]>,
}

impl Search<'_> {
    fn answers(&self, range: Range<usize>) -> Vec<Best> {
        let dim = self.vectors.dim();
        let mut panel = Panel::new(dim);
        let mut products = vec![0.0; self.named.len() * PANEL];
        let mut inverses = products.clone();
        let mut best = vec![Best::default(); self.asked.len()];
        for first in range.clone().step_by(PANEL) {
            let rows = first..range.end.min(first + PANEL);
            let matrix = &self.vectors.matrix()[rows.start * dim..rows.end * dim];
            panel.fill(matrix, &self.scales[rows.clone()]);
            panel.multiply(&self.queries, &mut products);
            for (inverse, product) in inverses.iter_mut().zip(&products) {
                *inverse = 1.0 / (1.0 + product + 2e-6);
            }
            for (&words, best) in self.asked.iter().zip(&mut best) {
                let of = |all, word: u32| panel_of(all, word as usize);
                let [a, b, c] = words.map(|word| of(&products, word));
                let most = most(a, b, c, of(&inverses, words[0]));
                let found = |add: bool, best: &mut (f32, usize)| {
                    for (r, row) in rows.clone().enumerate() {
                        let score = match add {
                            true => b[r] + c[r] - a[r],
                            false => (1.0 + b[r]) * (1.0 + c[r]) * of(&inverses, words[0])[r],
                        };
                        if score > best.0 && !self.names(words, row) {
                            *best = (score, row);
                        }
                    }
                };
                if most[0] > best.add.0 {
                    found(true, &mut best.add);
                }
                if most[1] > best.mul.0 {
                    found(false, &mut best.mul);
                }
            }
        }
        best
    }

    /// Whether the row has a word of the question, in whatever case: that is no answer.
    fn names(&self, words: [u32; 3], row: usize) -> bool {
        let row = self.folded.stands_for(row);
        words.iter().any(|&word| self.named[word as usize] == row)
    }
}

fn panel_of(all: &[f32], word: usize) -> &[f32; PANEL] {
    all[word * PANEL..][..PANEL].try_into().expect("PANEL numbers")
}

/// The largest scores in a panel: of 3CosAdd, and twice that of 3CosMul.
fn most(a: &[f32; PANEL], b: &[f32; PANEL], c: &[f32; PANEL], inverse: &[f32; PANEL]) -> [f32; 2] {
    // SAFETY: the task reads the four arrays only.
    unsafe { Isa::best().run(Most([a, b, c, inverse])) }
}

struct Most<'a>([&'a [f32; PANEL]; 4]);

impl Task for Most<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> [f32; 2] {
        let [a, b, c, inverse] = self.0.map(|array| array.as_ptr());
        // SAFETY: the caller vouches for the instructions; PANEL is a multiple of LANES.
        unsafe {
            let one = S::splat(1.0);
            let mut best = [S::splat(f32::NEG_INFINITY); 2];
            for r in (0..PANEL).step_by(LANES) {
                let (b, c) = (S::load(b.add(r)), S::load(c.add(r)));
                let add = S::sub(S::add(b, c), S::load(a.add(r)));
                let mul = S::mul(S::add(one, b), S::add(one, c));
                let mul = S::mul(mul, S::load(inverse.add(r)));
                best = [S::max(best[0], add), S::max(best[1], mul)];
            }
            best.map(|best| {
                let mut lanes = [0.0f32; LANES];
                S::store(lanes.as_mut_ptr(), best);
                lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_stand_in_sections() {
        let text = b": capitals\nAthens Greece Oslo Norway\nAthens Greece Oslo\n\n: gram1-adverb\r\ncalm calmly apt aptly\r\n";
        let read = Questions::read("q", text).unwrap();
        assert_eq!(read.invalid, [3]);
        assert_eq!(read.sections[0].name, "capitals");
        assert!(!read.sections[0].is_syntactic() && read.sections[1].is_syntactic());
        assert_eq!(read.sections[1].questions[0][3], b"aptly");
        let error = Questions::read("q", b"a b c d\n").unwrap_err().to_string();
        assert!(error.starts_with("q:1: a question comes before"), "{error}");
        assert!(Questions::read("q", b": empty\n").is_err());
    }
}
