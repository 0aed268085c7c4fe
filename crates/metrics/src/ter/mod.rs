//! Translation edit rate.
//!
//! - `distance`: edit distance in a band around the diagonal, with the alignment of both sides
//! - `shifts`: which runs of words are moved, one at a time

mod distance;
mod shifts;

use std::collections::HashMap;
use std::ops::AddAssign;

use serde::Serialize;

use crate::measure::{Measure, SACREBLEU};
use crate::tokenization::words;

/// TER (Snover et al. 2006), to sacreBLEU's figures, which are Tercom's.
///
/// ```text
/// TER = (insertions + deletions + substitutions + shifts) / mean length of the references
/// ```
///
/// A shift moves a run of up to 10 words that the reference has, by up to 50 places; shifts are
/// chosen greedily, each the one that saves the most edits, until none saves any. Words are cut at
/// white space. Of several references the one with the fewest edits counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ter {
    /// Whether upper and lower case differ.
    pub case_sensitive: bool,
}

/// What TER counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TerCounts {
    /// Edits, shifts included.
    pub edits: u64,
    /// Words of the references: the mean over those of each segment.
    pub reference_length: f64,
}

impl AddAssign for TerCounts {
    fn add_assign(&mut self, other: Self) {
        self.edits += other.edits;
        self.reference_length += other.reference_length;
    }
}

impl Ter {
    /// The words of lines as numbers, the smaller ones of what is smaller.
    fn numbered(&self, lines: &[&str]) -> Vec<Vec<u32>> {
        let lines: Vec<String> = lines
            .iter()
            .map(|line| if self.case_sensitive { (*line).to_owned() } else { line.to_lowercase() })
            .collect();
        let mut numbers = HashMap::new();
        lines
            .iter()
            .map(|line| {
                let number = |word| {
                    let next = numbers.len() as u32;
                    *numbers.entry(word).or_insert(next)
                };
                words(line).map(number).collect()
            })
            .collect()
    }
}

/// Edits from the hypothesis to the reference.
fn edits(hypothesis: Vec<u32>, reference: &[u32]) -> u64 {
    if reference.is_empty() {
        return hypothesis.len() as u64;
    }
    let mut matrix = distance::Matrix::new(reference, hypothesis);
    let shifts = shifts::perform(&mut matrix);
    shifts + u64::from(matrix.distance())
}

impl Measure for Ter {
    type Counts = TerCounts;

    fn name(&self) -> String {
        "TER".into()
    }

    fn signature(&self, references: usize) -> String {
        let case = if self.case_sensitive { "mixed" } else { "lc" };
        format!(
            "nrefs:{references}|case:{case}|tok:tercom|norm:no|punct:yes|asian:no|\
             version:{SACREBLEU}"
        )
    }

    fn count(&self, hypothesis: &str, references: &[&str]) -> TerCounts {
        let mut lines = self.numbered(&[references, &[hypothesis]].concat());
        let hypothesis = lines.pop().unwrap_or_default();
        let fewest = lines.iter().map(|reference| edits(hypothesis.clone(), reference)).min();
        let words: usize = lines.iter().map(Vec::len).sum();
        TerCounts {
            edits: fewest.unwrap_or(hypothesis.len() as u64),
            reference_length: words as f64 / lines.len().max(1) as f64,
        }
    }

    fn score(&self, counts: &TerCounts) -> f64 {
        if counts.reference_length > 0.0 {
            100.0 * counts.edits as f64 / counts.reference_length
        } else {
            // Words where nothing should be.
            if counts.edits > 0 { 100.0 } else { 0.0 }
        }
    }

    fn details(&self, counts: &TerCounts) -> String {
        format!("({} edits, ref_len = {:.1})", counts.edits, counts.reference_length)
    }
}
