//! A linear layer as an operation of Burn.

mod autodiff;
mod flex;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::prelude::*;

use crate::linear::Then;

/// What the layer is, beside its tensors. A layer without a bias has one zero in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinearPlan {
    has_bias: bool,
    tanh: bool,
}

/// The operation that Burn dispatches by device.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait LinearOps: Backend {
    /// `x [N,I]`, `weight [I,O]`, `bias [O]` to `[N,O]`.
    fn linear_rows(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        plan: LinearPlan,
    ) -> FloatTensor<Self>;
}

/// The kernels behind it.
pub(crate) trait LinearKernels: Backend {
    /// Gradients of x, weight and bias, only where `wanted`, from the result and its gradient.
    fn linear_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        result: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        plan: LinearPlan,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<Self>>; 3];
}

/// [`crate::linear()`] by the fused kernel.
pub(crate) fn linear(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    then: Then,
) -> Tensor<2> {
    let plan = LinearPlan { has_bias: bias.is_some(), tanh: then == Then::Tanh };
    let bias = bias.unwrap_or_else(|| Tensor::zeros([1], &x.device()));
    Tensor::from_dispatch(<Dispatch as LinearOps>::linear_rows(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        plan,
    ))
}
