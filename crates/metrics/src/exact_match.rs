//! Exact match.

use std::ops::AddAssign;

use serde::Serialize;

use crate::measure::Measure;
use crate::tokenization::words;

/// The share of hypotheses that equal a reference, word for word; white space between the words does
/// not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExactMatch;

/// What exact match counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExactMatchCounts {
    /// Segments that are right.
    pub right: u64,
    /// Segments.
    pub segments: u64,
}

impl AddAssign for ExactMatchCounts {
    fn add_assign(&mut self, other: Self) {
        self.right += other.right;
        self.segments += other.segments;
    }
}

impl Measure for ExactMatch {
    type Counts = ExactMatchCounts;

    fn name(&self) -> String {
        "exact match".into()
    }

    fn signature(&self, references: usize) -> String {
        format!("nrefs:{references}|case:mixed|tok:none")
    }

    fn count(&self, hypothesis: &str, references: &[&str]) -> ExactMatchCounts {
        let is_right = references.iter().any(|reference| words(reference).eq(words(hypothesis)));
        ExactMatchCounts { right: is_right.into(), segments: 1 }
    }

    fn score(&self, counts: &ExactMatchCounts) -> f64 {
        100.0 * counts.right as f64 / counts.segments.max(1) as f64
    }

    fn details(&self, counts: &ExactMatchCounts) -> String {
        format!("({} of {})", counts.right, counts.segments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_reference_will_do_and_spaces_do_not_count() {
        let count = |hypothesis, references| ExactMatch.count(hypothesis, references).right;
        assert_eq!(count("JUMP  TURN_LEFT ", &["WALK", "JUMP TURN_LEFT"]), 1);
        assert_eq!(count("JUMP", &["jump"]), 0);
        assert_eq!((count("", &[""]), count("", &[])), (1, 0));
        let mut counts = ExactMatchCounts { right: 1, segments: 1 };
        counts += ExactMatch.count("a", &["b"]);
        assert_eq!(ExactMatch.score(&counts), 50.0);
        assert_eq!(ExactMatch.details(&counts), "(1 of 2)");
    }
}
