//! Attention as an operation of Burn.

mod autodiff;
mod flex;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::prelude::*;

use super::SequenceKernels;
use crate::attention::{Attended, Coverage, Score};

/// What attention is, beside its tensors. An operand that the score does not have is a tensor of one
/// zero.
#[derive(Clone, Debug)]
pub(crate) struct AttentionPlan {
    lengths: Vec<usize>,
    additive: bool,
    covers: bool,
}

/// The operation that Burn dispatches by device.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait AttentionOps: Backend {
    /// `queries [T,B,D]`, `keys [S,B,D]`, `values [S,B,M]`, `energy [D]`, `covered [T,B,S]`,
    /// `coverage [D]` to contexts `[T,B,M]` and weights `[T,B,S]`.
    fn attend(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        energy: FloatTensor<Self>,
        covered: FloatTensor<Self>,
        coverage: FloatTensor<Self>,
        plan: AttentionPlan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// The kernels behind it.
pub(crate) trait AttentionKernels: SequenceKernels {
    /// Contexts and weights.
    fn attention_forward(
        operands: &Operands<FloatTensor<Self>>,
        plan: &AttentionPlan,
    ) -> [FloatTensor<Self>; 2];

    /// Gradients of the operands from those of contexts and weights; `None` stands for zeros.
    fn attention_backward(
        operands: Operands<FloatTensor<Self>>,
        weights: FloatTensor<Self>,
        gradients: [Option<FloatTensor<Self>>; 2],
        plan: &AttentionPlan,
    ) -> [Option<FloatTensor<Self>>; 6];
}

/// Operands of attention.
#[derive(Clone, Debug)]
pub(crate) struct Operands<T> {
    queries: T,
    keys: T,
    values: T,
    energy: T,
    covered: T,
    coverage: T,
}

/// [`crate::attention()`] by the fused kernel.
pub(crate) fn attention(
    queries: Tensor<3>,
    keys: Tensor<3>,
    values: Tensor<3>,
    score: Score,
    lengths: &[usize],
) -> Attended {
    let device = queries.device();
    let (energy, coverage) = match score {
        Score::Dot => (None, None),
        Score::Additive { energy, coverage } => (Some(energy), coverage),
    };
    let plan = AttentionPlan {
        lengths: lengths.to_vec(),
        additive: energy.is_some(),
        covers: coverage.is_some(),
    };
    let (covered, coverage) =
        coverage.map(|Coverage { covered, weight }| (covered, weight)).unzip();
    let none = || Tensor::zeros([1], &device);
    let (context, weights) = <Dispatch as AttentionOps>::attend(
        queries.into_dispatch(),
        keys.into_dispatch(),
        values.into_dispatch(),
        energy.unwrap_or_else(none).into_dispatch(),
        covered.unwrap_or_else(|| Tensor::zeros([1, 1, 1], &device)).into_dispatch(),
        coverage.unwrap_or_else(none).into_dispatch(),
        plan,
    );
    Attended { context: Tensor::from_dispatch(context), weights: Tensor::from_dispatch(weights) }
}
