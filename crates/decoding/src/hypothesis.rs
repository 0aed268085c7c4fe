//! What a search gives.

/// One target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hypothesis {
    /// Its tokens, the end not among them.
    pub tokens: Vec<u32>,
    /// What the model gave each token, and after them the end where it was reached: natural
    /// logarithms, before any rule or penalty.
    pub log_probs: Vec<f32>,
    /// Their sum, `ln P(Y|X)`.
    pub log_prob: f64,
    /// By [`Scoring`](crate::Scoring), by which hypotheses are compared.
    pub score: f64,
    /// Whether the end was reached. A search that finds no end within the limits gives the best
    /// target that it has, unfinished.
    pub finished: bool,
    /// Which of the diverse groups found it.
    pub group: usize,
    /// Where the model looked at each of `log_probs`, where that was asked for.
    pub attention: Option<AttentionMatrix>,
}

/// The attention of a target's tokens over the source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttentionMatrix {
    /// `[T, S]` row-major.
    weights: Vec<f32>,
    positions: usize,
}

impl AttentionMatrix {
    pub(crate) fn new(positions: usize) -> Self {
        Self { weights: Vec::new(), positions }
    }

    pub(crate) fn push(&mut self, row: &[f32]) {
        self.weights.extend_from_slice(row);
    }

    /// `S`, the length of the source.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// `[T, S]` row-major.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// `[S]` for each token.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.weights.chunks_exact(self.positions.max(1))
    }

    /// The hard alignment: the position that each token looked at most, the first among equals.
    /// Empty where the source is.
    pub fn alignment(&self) -> Vec<usize> {
        let strongest = |row: &[f32]| {
            let best = row.iter().enumerate().skip(1);
            best.fold(
                0,
                |best, (position, &weight)| if weight > row[best] { position } else { best },
            )
        };
        self.rows().map(strongest).collect()
    }

    /// The sum over all tokens for each position, `[S]`, in the order of the tokens.
    pub(crate) fn coverage(&self) -> Vec<f64> {
        let mut coverage = vec![0.0; self.positions];
        for row in self.rows() {
            for (sum, &weight) in coverage.iter_mut().zip(row) {
                *sum += f64::from(weight);
            }
        }
        coverage
    }
}

/// A log-probability as it is summed: what a model's rounding leaves above 0 is 0, so that a target
/// never becomes likelier by growing.
pub(crate) fn counted(log_prob: f32) -> f32 {
    if log_prob > 0.0 { 0.0 } else { log_prob }
}
