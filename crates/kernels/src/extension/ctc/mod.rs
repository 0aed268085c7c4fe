//! Connectionist temporal classification as an operation of Burn.

mod autodiff;
mod flex;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::prelude::*;

/// What it is, beside its tensor.
#[derive(Clone, Debug)]
pub(crate) struct CtcPlan {
    labels: Vec<Vec<usize>>,
    lengths: Vec<usize>,
    blank: usize,
}

/// The operation that Burn dispatches by device.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait CtcOps: Backend {
    /// `logits [T,B,C]` to losses `[B]`.
    fn ctc_losses(logits: FloatTensor<Self>, plan: CtcPlan) -> FloatTensor<Self>;
}

/// The kernels behind it.
pub(crate) trait CtcKernels: Backend {
    /// Losses `[B]` and where asked their gradients, `[T,B,C]`.
    fn ctc_forward(
        logits: FloatTensor<Self>,
        plan: &CtcPlan,
        with_gradient: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>);

    /// `[T,B,C]` times `[B]`.
    fn scaled_by_sequence(
        gradient: FloatTensor<Self>,
        factors: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// [`crate::ctc()`] by the fused kernel.
pub(crate) fn ctc(
    logits: Tensor<3>,
    labels: &[Vec<usize>],
    lengths: &[usize],
    blank: usize,
) -> Tensor<1> {
    let plan = CtcPlan { labels: labels.to_vec(), lengths: lengths.to_vec(), blank };
    Tensor::from_dispatch(<Dispatch as CtcOps>::ctc_losses(logits.into_dispatch(), plan))
}
