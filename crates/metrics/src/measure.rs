//! What the measures of text share: counts of a segment that add up to those of a corpus.

use std::ops::AddAssign;

use serde::Serialize;

/// The release of sacreBLEU whose figures the tests hold BLEU, chrF and TER to; it stands as
/// `version` in their signatures.
pub const SACREBLEU: &str = "2.6.0";

/// A hypothesis and what it should be.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    /// What the model gave.
    pub hypothesis: &'a str,
    /// What is right; where there are several, each measure says which one counts.
    pub references: Vec<&'a str>,
}

/// A measure of hypotheses against references. All that a corpus' score needs of a segment is in
/// counts that add up, so that one pass gives the corpus, its sentences and its parts.
///
/// ```
/// use lampwick_metrics::{Bleu, Measure, Segment};
/// let segment = |hypothesis, one, other| Segment { hypothesis, references: vec![one, other] };
/// let segments = [
///     segment("The lamp burns low.", "The lamp burns.", "The lamp is low."),
///     segment("It is late now.", "It is late.", "It's late now."),
/// ];
/// let bleu = Bleu::default();
/// let counts = bleu.corpus(&segments);
/// assert!((bleu.score(&counts) - 48.36).abs() < 0.01);
/// assert_eq!(bleu.signature(2), "nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0");
/// ```
pub trait Measure {
    /// What is counted.
    type Counts: Clone + Default + AddAssign + Serialize;

    /// The measure's name as sacreBLEU and others print it, such as `chrF2++`.
    fn name(&self) -> String;

    /// All settings that change the score, with the number of references of each segment; a score
    /// without them cannot be compared.
    fn signature(&self, references: usize) -> String;

    /// Counts of one segment. Without any reference, everything in the hypothesis is wrong.
    fn count(&self, hypothesis: &str, references: &[&str]) -> Self::Counts;

    /// The score of what was counted, in per cent.
    fn score(&self, counts: &Self::Counts) -> f64;

    /// The score of a single segment, in per cent, where a measure treats it otherwise.
    fn sentence_score(&self, counts: &Self::Counts) -> f64 {
        self.score(counts)
    }

    /// What the score is made of, as text; may be empty.
    fn details(&self, counts: &Self::Counts) -> String;

    /// Counts of all segments together.
    fn corpus(&self, segments: &[Segment<'_>]) -> Self::Counts {
        let mut sum = Self::Counts::default();
        for segment in segments {
            sum += self.count(segment.hypothesis, &segment.references);
        }
        sum
    }
}
