//! BLEU.

use std::array::from_fn;
use std::ops::AddAssign;

use serde::Serialize;

use crate::measure::{Measure, SACREBLEU};
use crate::ngrams::Ngrams;
use crate::tokenization::Tokenization;

/// The longest n-grams.
const ORDER: usize = 4;

/// BLEU of a corpus (Papineni et al. 2002), to sacreBLEU's figures.
///
/// ```text
/// BLEU = BP * exp(1/4 sum over n = 1 .. 4 of ln p_n),   BP = min(1, exp(1 - r / c))
/// ```
///
/// `p_n` is the share of the hypotheses' n-grams that a reference has, each at most as often as the
/// reference where it is most frequent; `c` the length of all hypotheses, `r` that of the references
/// closest in length (the shorter one of two as close). An order without a match counts as half a
/// match, the next such as a quarter and so on (`smooth:exp`, as in mteval-v13a); no match at all is
/// a score of 0. A single sentence is scored by the orders that it is long enough for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bleu {
    /// How lines become tokens.
    pub tokenization: Tokenization,
    /// Whether upper and lower case are the same.
    pub lowercase: bool,
}

/// What BLEU counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BleuCounts {
    /// Tokens of the hypotheses.
    pub hypothesis_length: u64,
    /// Tokens of the references that are closest in length.
    pub reference_length: u64,
    /// n-grams of the hypotheses that a reference has, by order from 1.
    pub correct: [u64; ORDER],
    /// n-grams of the hypotheses.
    pub total: [u64; ORDER],
}

impl AddAssign for BleuCounts {
    fn add_assign(&mut self, other: Self) {
        self.hypothesis_length += other.hypothesis_length;
        self.reference_length += other.reference_length;
        for order in 0..ORDER {
            self.correct[order] += other.correct[order];
            self.total[order] += other.total[order];
        }
    }
}

impl BleuCounts {
    /// `p_1` to `p_4`, smoothed, in per cent.
    pub fn precisions(&self) -> [f64; ORDER] {
        let mut smoothed = 1.0;
        let mut none = self.correct == [0; ORDER];
        from_fn(|order| {
            let total = self.total[order] as f64;
            none |= self.total[order] == 0;
            match self.correct[order] {
                _ if none => 0.0,
                0 => {
                    smoothed *= 2.0;
                    100.0 / (smoothed * total)
                }
                correct => 100.0 * correct as f64 / total,
            }
        })
    }

    /// What hypotheses that are shorter than their references lose.
    pub fn brevity_penalty(&self) -> f64 {
        let (hypothesis, reference) = (self.hypothesis_length, self.reference_length);
        match hypothesis {
            _ if hypothesis >= reference => 1.0,
            0 => 0.0,
            _ => (1.0 - reference as f64 / hypothesis as f64).exp(),
        }
    }

    /// Length of the hypotheses over that of the references; 0 where those are empty.
    pub fn length_ratio(&self) -> f64 {
        match self.reference_length {
            0 => 0.0,
            length => self.hypothesis_length as f64 / length as f64,
        }
    }

    fn score(&self, orders: usize) -> f64 {
        let precisions = &self.precisions()[..orders];
        if orders == 0 || precisions.contains(&0.0) {
            return 0.0;
        }
        let mean = precisions.iter().map(|precision| precision.ln()).sum::<f64>() / orders as f64;
        self.brevity_penalty() * mean.exp()
    }
}

impl Bleu {
    fn tokens(&self, line: &str) -> Vec<String> {
        match self.lowercase {
            true => self.tokenization.tokens(&line.to_lowercase()),
            false => self.tokenization.tokens(line),
        }
    }
}

impl Measure for Bleu {
    type Counts = BleuCounts;

    fn name(&self) -> String {
        "BLEU".into()
    }

    fn signature(&self, references: usize) -> String {
        let case = if self.lowercase { "lc" } else { "mixed" };
        let tokenization = self.tokenization;
        format!(
            "nrefs:{references}|case:{case}|eff:no|tok:{tokenization}|smooth:exp|version:{SACREBLEU}"
        )
    }

    fn count(&self, hypothesis: &str, references: &[&str]) -> BleuCounts {
        let hypothesis = self.tokens(hypothesis);
        let references: Vec<_> = references.iter().map(|line| self.tokens(line)).collect();
        let lengths = references.iter().map(Vec::len);
        let closest = lengths.min_by_key(|&length| (length.abs_diff(hypothesis.len()), length));
        let mut counts = BleuCounts {
            hypothesis_length: hypothesis.len() as u64,
            reference_length: closest.unwrap_or(0) as u64,
            ..BleuCounts::default()
        };
        for order in 1..=ORDER {
            let given = Ngrams::count(&hypothesis, order);
            let references = references.iter().map(|reference| Ngrams::count(reference, order));
            let right = references.reduce(|one, other| one.union(&other));
            counts.correct[order - 1] = right.map_or(0, |right| given.overlap(&right));
            counts.total[order - 1] = given.total();
        }
        counts
    }

    fn score(&self, counts: &BleuCounts) -> f64 {
        counts.score(ORDER)
    }

    fn sentence_score(&self, counts: &BleuCounts) -> f64 {
        counts.score(counts.total.iter().take_while(|&&total| total > 0).count())
    }

    fn details(&self, counts: &BleuCounts) -> String {
        let precisions = counts.precisions().map(|precision| format!("{precision:.1}")).join("/");
        format!(
            "{precisions} (BP = {:.3} ratio = {:.3} hyp_len = {} ref_len = {})",
            counts.brevity_penalty(),
            counts.length_ratio(),
            counts.hypothesis_length,
            counts.reference_length
        )
    }
}
