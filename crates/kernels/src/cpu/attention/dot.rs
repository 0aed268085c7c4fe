//! The dot score: products of queries and keys.

use super::super::buffer::Shared;
use super::super::pack::Matrix;
use super::{Attention, Product, To};

impl Attention<'_> {
    /// `Q Kᵀ` of one source, rows of `[T, S]` `B*S` apart.
    pub(super) fn dot_scores(&self, sequence: usize, scores: Shared) {
        Product {
            a: self.rows(Shared::reading(self.queries), sequence, self.features),
            rows: self.steps,
            turned: false,
            k: self.features,
            b: self.rows(Shared::reading(self.keys), sequence, self.features).transposed(),
            columns: self.lengths[sequence],
            c: scores,
            c_stride: self.batch() * self.source,
        }
        .compute(self.isa);
    }

    /// `dQ = dscores K`, `dK = dscoresᵀ Q`; `scores`: `[T, length]`.
    pub(super) fn dot_back(&self, sequence: usize, scores: Shared, to: To) {
        let (features, length) = (self.features, self.lengths[sequence]);
        let scores = Matrix::rows(scores.at(0).cast_const(), length);
        Product {
            a: scores,
            rows: self.steps,
            turned: false,
            k: length,
            b: self.rows(Shared::reading(self.keys), sequence, features),
            columns: features,
            c: to.queries.from(sequence * features),
            c_stride: self.batch() * features,
        }
        .compute(self.isa);
        Product {
            a: scores.transposed(),
            rows: length,
            turned: true,
            k: self.steps,
            b: self.rows(Shared::reading(self.queries), sequence, features),
            columns: features,
            c: to.keys.from(sequence * features),
            c_stride: self.batch() * features,
        }
        .compute(self.isa);
    }
}
