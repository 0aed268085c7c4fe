//! Rows of an embedding table.

use burn::prelude::*;

#[cfg(feature = "flex")]
use crate::extension;

/// Rows `tokens`, `[N]`, of the table `weight`, `[V, E]`: `[N, E]`.
///
/// What `Tensor::select` gives; on Flex in `f32` the gradient's table comes from memory that is used
/// again and is summed in the tokens' order.
///
/// # Panics
///
/// When a token is outside the vocabulary.
pub fn embedding(weight: Tensor<2>, tokens: Tensor<1, Int>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if extension::fused(weight.device(), weight.dtype()) {
        return extension::embedding(weight, tokens);
    }
    weight.select(0, tokens)
}
