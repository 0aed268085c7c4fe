//! Attention as ordinary operations.

use burn::prelude::*;
use burn::tensor::activation::softmax;

use crate::attention::{Attended, Coverage, Score};

/// The reference of [`crate::attention()`]; an additive score keeps a few `[B, T, S, D]` on the tape.
#[allow(clippy::needless_pass_by_value)] // the signature of the fused one
pub fn attention(
    queries: Tensor<3>,
    keys: Tensor<3>,
    values: Tensor<3>,
    score: Score,
    lengths: &[usize],
) -> Attended {
    let [queries, keys, values] = [queries, keys, values].map(|tensor| tensor.swap_dims(0, 1));
    let ([batch, steps, features], [_, source, _]) = (queries.dims(), keys.dims());
    let scores = match score {
        Score::Dot => queries.matmul(keys.swap_dims(1, 2)), // [B, T, S]
        Score::Additive { energy, coverage } => {
            let mut sum: Tensor<4> = queries.unsqueeze_dim(2) + keys.unsqueeze_dim(1);
            if let Some(Coverage { covered, weight }) = coverage {
                let covered = covered.swap_dims(0, 1).reshape([batch, steps, source, 1]);
                sum = sum + covered * weight.reshape([1, 1, 1, features]);
            }
            let rows = sum.tanh().reshape([batch * steps * source, features]);
            rows.matmul(energy.reshape([features, 1])).reshape([batch, steps, source])
        }
    };
    let beyond = |&length: &usize| {
        (0..source).map(move |position| if position < length { 0.0f32 } else { -1e30 })
    };
    let mask: Vec<f32> = lengths.iter().flat_map(beyond).collect();
    let mask = TensorData::new(mask, [batch, 1, source]);
    let mask = Tensor::from_data(mask, (&scores.device(), scores.dtype()));
    let weights = softmax(scores + mask, 2);
    let context = weights.clone().matmul(values); // [B, T, M]
    Attended { context: context.swap_dims(0, 1), weights: weights.swap_dims(0, 1) }
}
