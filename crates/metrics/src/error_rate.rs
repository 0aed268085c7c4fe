//! Word and character error rate.

use std::ops::AddAssign;

use serde::Serialize;

use crate::measure::Measure;
use crate::tokenization::{is_space, words};

/// Error rate of recognised speech, of spellings and so on, to the figures of jiwer.
///
/// ```text
/// WER = (S + D + I) / N
/// ```
///
/// `S` substitutions, `D` deletions and `I` insertions make the reference's `N` words (or characters)
/// the hypothesis' with the fewest edits (Levenshtein 1966). Where that can be done in several ways,
/// read from the end a deletion goes before an insertion, and that before a substitution, after what
/// both begin and end with was set aside. Against an empty reference every word is an error, and the
/// rate is that of one word, so that it is never divided by zero. Of several references the one with
/// the lowest rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorRate {
    /// WER: words at white space.
    Words,
    /// CER: characters, those of white space inside the line included.
    Characters,
}

/// What the error rates count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Edits {
    /// Units of the reference that are right.
    pub hits: u64,
    /// Units that are others.
    pub substitutions: u64,
    /// Units of the reference that are missing.
    pub deletions: u64,
    /// Units that the reference has not.
    pub insertions: u64,
}

impl AddAssign for Edits {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.substitutions += other.substitutions;
        self.deletions += other.deletions;
        self.insertions += other.insertions;
    }
}

impl Edits {
    /// Those that make `reference` into `hypothesis`.
    pub fn between<T: PartialEq>(reference: &[T], hypothesis: &[T]) -> Self {
        let same = |(one, other): &(&T, &T)| one == other;
        let prefix = reference.iter().zip(hypothesis).take_while(same).count();
        let (reference, hypothesis) = (&reference[prefix..], &hypothesis[prefix..]);
        let suffix = reference.iter().rev().zip(hypothesis.iter().rev()).take_while(same).count();
        let reference = &reference[..reference.len() - suffix];
        let hypothesis = &hypothesis[..hypothesis.len() - suffix];
        let Cell { edits, substitutions } = fewest(reference, hypothesis);

        // D + I = edits - S, and I - D is the difference in length.
        let longer = hypothesis.len() as i64 - reference.len() as i64;
        let others = (edits - substitutions) as i64;
        let (deletions, insertions) = ((others - longer) / 2, (others + longer) / 2);
        let (substitutions, deletions) = (substitutions as u64, deletions as u64);
        let kept = reference.len() as u64 - substitutions - deletions;
        let hits = (prefix + suffix) as u64 + kept;
        Self { hits, substitutions, deletions, insertions: insertions as u64 }
    }

    /// S + D + I.
    pub fn errors(&self) -> u64 {
        self.substitutions + self.deletions + self.insertions
    }

    /// Units of the reference.
    pub fn reference_length(&self) -> u64 {
        self.hits + self.substitutions + self.deletions
    }

    fn rate(&self) -> f64 {
        self.errors() as f64 / self.reference_length().max(1) as f64
    }
}

/// The best way from the start to a place in both sequences.
#[derive(Clone, Copy)]
struct Cell {
    edits: usize,
    substitutions: usize,
}

/// Which step leads to a cell depends on its neighbours alone, so the substitutions on the way are
/// counted along with the edits, row by row, and no matrix is kept.
fn fewest<T: PartialEq>(reference: &[T], hypothesis: &[T]) -> Cell {
    let first = |edits| Cell { edits, substitutions: 0 };
    // By how much of the reference, for the hypothesis up to the current unit.
    let mut row: Vec<Cell> = (0..=reference.len()).map(first).collect();
    for (done, unit) in hypothesis.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], first(done + 1));
        for (index, right) in reference.iter().enumerate() {
            let (deletion, insertion) = (row[index], row[index + 1]);
            let wrong = usize::from(unit != right);
            let replacing = diagonal.edits + wrong;
            let edits = replacing.min(deletion.edits + 1).min(insertion.edits + 1);
            let substitutions = if deletion.edits + 1 == edits {
                deletion.substitutions
            } else if insertion.edits < diagonal.edits {
                insertion.substitutions
            } else {
                diagonal.substitutions + wrong
            };
            row[index + 1] = Cell { edits, substitutions };
            diagonal = insertion;
        }
    }
    row[reference.len()]
}

impl ErrorRate {
    fn edits(self, hypothesis: &str, reference: &str) -> Edits {
        match self {
            Self::Words => {
                let units = |line| words(line).collect::<Vec<_>>();
                Edits::between(&units(reference), &units(hypothesis))
            }
            Self::Characters => {
                let units = |line: &str| line.trim_matches(is_space).chars().collect::<Vec<_>>();
                Edits::between(&units(reference), &units(hypothesis))
            }
        }
    }
}

impl Measure for ErrorRate {
    type Counts = Edits;

    fn name(&self) -> String {
        match self {
            Self::Words => "WER".into(),
            Self::Characters => "CER".into(),
        }
    }

    fn signature(&self, references: usize) -> String {
        let unit = match self {
            Self::Words => "none",
            Self::Characters => "char",
        };
        format!("nrefs:{references}|case:mixed|tok:{unit}")
    }

    fn count(&self, hypothesis: &str, references: &[&str]) -> Edits {
        let edits = references.iter().map(|reference| self.edits(hypothesis, reference));
        // The first of the best.
        let best = edits.reduce(|best, next| if next.rate() < best.rate() { next } else { best });
        best.unwrap_or_else(|| self.edits(hypothesis, ""))
    }

    fn score(&self, counts: &Edits) -> f64 {
        100.0 * counts.rate()
    }

    fn details(&self, counts: &Edits) -> String {
        format!(
            "(S = {} D = {} I = {} of {})",
            counts.substitutions,
            counts.deletions,
            counts.insertions,
            counts.reference_length()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fewest edits by trying everything.
    fn brute_force(left: &[u8], right: &[u8]) -> u64 {
        match (left, right) {
            ([], rest) | (rest, []) => rest.len() as u64,
            ([a, left_rest @ ..], [b, right_rest @ ..]) => {
                let replacing = brute_force(left_rest, right_rest) + u64::from(a != b);
                let deletion = brute_force(left_rest, right) + 1;
                replacing.min(deletion).min(brute_force(left, right_rest) + 1)
            }
        }
    }

    #[test]
    fn edits_are_the_fewest_and_lead_from_one_to_the_other() {
        // Every pair of words over three letters of up to four letters.
        let mut all: Vec<Vec<u8>> = vec![Vec::new()];
        for length in 0..4 {
            let longest: Vec<_> = all.iter().filter(|it| it.len() == length).cloned().collect();
            let longer = longest.iter().flat_map(|it| (0..3).map(|c| [&it[..], &[c]].concat()));
            all.extend(longer);
        }
        for reference in &all {
            for hypothesis in &all {
                let edits = Edits::between(reference, hypothesis);
                assert_eq!(edits.errors(), brute_force(reference, hypothesis));
                assert_eq!(edits.reference_length(), reference.len() as u64);
                let given = edits.hits + edits.substitutions + edits.insertions;
                assert_eq!(given, hypothesis.len() as u64);
            }
        }
    }

    #[test]
    fn the_better_reference_counts_and_an_empty_one_divides_nothing() {
        let wer = ErrorRate::Words;
        let counts = wer.count("a b c d", &["a", "a b x d"]);
        assert_eq!((counts.errors(), counts.reference_length()), (1, 4));
        assert_eq!(wer.score(&wer.count("a b", &[""])), 200.0);
        assert_eq!(wer.score(&wer.count("a b", &[])), 200.0);
        assert_eq!(wer.score(&wer.count(" ", &[""])), 0.0);
        assert_eq!(wer.details(&counts), "(S = 1 D = 0 I = 0 of 4)");
    }
}
