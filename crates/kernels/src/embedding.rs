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
/// When the table is empty or (on the CPU; elsewhere what the backend's `select` does) a token is
/// outside the vocabulary.
pub fn embedding(weight: Tensor<2>, tokens: Tensor<1, Int>) -> Tensor<2> {
    let [words, size] = weight.dims();
    assert!(words > 0 && size > 0, "embedding: table [{words}, {size}] is empty");
    #[cfg(feature = "flex")]
    if extension::fused(weight.device(), [weight.dtype(); 2]) {
        return extension::embedding(weight, tokens);
    }
    weight.select(0, tokens)
}
