//! A linear layer over many rows.

use burn::prelude::*;

use crate::composed;
#[cfg(feature = "flex")]
use crate::extension;

/// What follows a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// `tanh`.
    Tanh,
}

/// `x W + b`, or `tanh(x W + b)`, of rows `x`, `[N, I]`: `[N, O]`; differentiable.
///
/// - `weight`: `[I, O]`; in bf16 or f16 beside an `x` in f32 the products are of the narrow type;
/// - `bias`: `[O]`, in `x`'s type.
///
/// On Flex in `f32` the products, their gradients and tanh run on all threads, and a row's result does
/// not depend on their number; elsewhere it is [`composed::linear`].
///
/// # Panics
///
/// When shapes disagree or have a zero.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>, then: Then) -> Tensor<2> {
    let ([rows, inputs], [from, to]) = (x.dims(), weight.dims());
    assert!(
        rows > 0 && inputs > 0 && to > 0,
        "linear: x [{rows}, {inputs}], weight [{from}, {to}]"
    );
    assert_eq!(inputs, from, "linear: x [{rows}, {inputs}] by weight [{from}, {to}]");
    let biases = bias.as_ref().map_or(to, |bias| bias.dims()[0]);
    assert_eq!(biases, to, "linear: a bias [{biases}] by weight [{from}, {to}]");
    #[cfg(feature = "flex")]
    if extension::fused(x.device(), [x.dtype(), weight.dtype()]) {
        return extension::linear(x, weight, bias, then);
    }
    composed::linear(x, weight, bias, then)
}
