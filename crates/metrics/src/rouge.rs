//! ROUGE.

use std::ops::AddAssign;

use serde::Serialize;

use crate::measure::Measure;
use crate::ngrams::Ngrams;

/// ROUGE of summaries (Lin 2004), to the figures of Google's `rouge-score` without stemming.
///
/// ```text
/// ROUGE-n: P, R = shared n-grams / n-grams of the hypothesis, of the reference;   F = 2 P R / (P + R)
/// ROUGE-L: the same with the length of the longest common subsequence / tokens
/// ```
///
/// Tokens are runs of `a-z` and `0-9` in the lowercased text; nothing else counts. A corpus' figure
/// is the mean of its segments' F. Of several references the one with the best F counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rouge {
    /// ROUGE-n.
    Ngrams(usize),
    /// ROUGE-L.
    Longest,
}

/// What ROUGE counts: sums over segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RougeCounts {
    /// Sum of the precisions, each up to 1.
    pub precision: f64,
    /// Sum of the recalls.
    pub recall: f64,
    /// Sum of the F-measures.
    pub f: f64,
    /// Segments.
    pub segments: u64,
}

impl AddAssign for RougeCounts {
    fn add_assign(&mut self, other: Self) {
        self.precision += other.precision;
        self.recall += other.recall;
        self.f += other.f;
        self.segments += other.segments;
    }
}

impl RougeCounts {
    fn segment(shared: u64, hypothesis: u64, reference: u64) -> Self {
        let share = |of: u64| shared as f64 / of.max(1) as f64;
        let (precision, recall) = (share(hypothesis), share(reference));
        let f = match shared {
            0 => 0.0,
            _ => 2.0 * precision * recall / (precision + recall),
        };
        Self { precision, recall, f, segments: 1 }
    }
}

fn tokens(line: &str) -> Vec<String> {
    let line = line.to_lowercase();
    let is_token = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    line.split(|c| !is_token(c)).filter(|token| !token.is_empty()).map(str::to_owned).collect()
}

/// Length of the longest common subsequence, row by row.
fn longest_common(left: &[String], right: &[String]) -> u64 {
    let mut row = vec![0; right.len() + 1];
    for token in left {
        let mut diagonal = 0;
        for (column, other) in right.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] = if token == other { diagonal + 1 } else { above.max(row[column]) };
            diagonal = above;
        }
    }
    row[right.len()]
}

impl Measure for Rouge {
    type Counts = RougeCounts;

    fn name(&self) -> String {
        match self {
            Self::Ngrams(order) => format!("ROUGE-{order}"),
            Self::Longest => "ROUGE-L".into(),
        }
    }

    fn signature(&self, references: usize) -> String {
        format!("nrefs:{references}|case:lc|tok:a-z0-9|stem:no|mean:segments")
    }

    fn count(&self, hypothesis: &str, references: &[&str]) -> RougeCounts {
        let hypothesis = tokens(hypothesis);
        let counts = references.iter().map(|reference| {
            let reference = tokens(reference);
            match *self {
                Self::Ngrams(order) => {
                    let given = Ngrams::count(&hypothesis, order);
                    let right = Ngrams::count(&reference, order);
                    RougeCounts::segment(given.overlap(&right), given.total(), right.total())
                }
                Self::Longest => RougeCounts::segment(
                    longest_common(&reference, &hypothesis),
                    hypothesis.len() as u64,
                    reference.len() as u64,
                ),
            }
        });
        // The first of the best.
        let best = counts.reduce(|best, next| if next.f > best.f { next } else { best });
        best.unwrap_or(RougeCounts { segments: 1, ..RougeCounts::default() })
    }

    fn score(&self, counts: &RougeCounts) -> f64 {
        100.0 * counts.f / counts.segments.max(1) as f64
    }

    fn details(&self, counts: &RougeCounts) -> String {
        let mean = |sum: f64| 100.0 * sum / counts.segments.max(1) as f64;
        format!("(P = {:.2} R = {:.2})", mean(counts.precision), mean(counts.recall))
    }
}
