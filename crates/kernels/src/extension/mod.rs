//! How the fused kernels enter Burn: a backend extension for Flex, and its gradient on the tape.
//!
//! A CubeCL implementation joins by the selector `Cube` on [`SequenceOps`] and implementations of
//! both traits for `CubeBackend`; until then [`fused`] sends every other device to
//! [`crate::composed`].

mod attention;
mod autodiff;
mod ctc;
mod flex;
mod linear;
mod stepped;

pub(crate) use attention::attention;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, DispatchDevice, backend_extension};
use burn::prelude::*;
use burn::tensor::DType;
pub(crate) use ctc::ctc;
pub(crate) use linear::linear;
pub(crate) use stepped::SteppedLayer;

use crate::cell::{Cell, Direction, RecurrentState, RecurrentWeights, Sequence};
use crate::cross_entropy::{CrossEntropy, CrossEntropyOptions};

/// What a recurrent layer is, beside its tensors.
#[derive(Clone, Debug)]
pub(crate) struct RecurrentPlan {
    cell: Cell,
    direction: Direction,
    lengths: Option<Vec<usize>>,
}

/// What an output layer is, beside its tensors.
#[derive(Clone, Debug)]
pub(crate) struct LossPlan {
    options: CrossEntropyOptions,
    has_bias: bool,
}

/// The operations that Burn dispatches by device.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait SequenceOps: Backend {
    /// A recurrent layer: `input [T,B,I]`, `weight_input [I,G*H]`, `weight_hidden [H,G*H]`, biases
    /// `[G*H]`, `state [S,B,H]` to all hidden vectors `[T,B,H]` and the final state `[S,B,H]`.
    fn recurrent_layer(
        input: FloatTensor<Self>,
        weight_input: FloatTensor<Self>,
        weight_hidden: FloatTensor<Self>,
        bias_input: FloatTensor<Self>,
        bias_hidden: FloatTensor<Self>,
        state: FloatTensor<Self>,
        plan: RecurrentPlan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Rows of a table, `weight [V,E]` by `tokens [N]` to `[N,E]`.
    fn embedding_rows(weight: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self>;

    /// Output layer and cross entropy: `hidden [N,H]`, `weight [H,V]`, `bias [V]`, `targets [N]` to
    /// `[1 + N]`, the loss and then each token's `-ln p`.
    fn output_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        plan: LossPlan,
    ) -> FloatTensor<Self>;
}

/// The kernels behind them, which a backend brings and the tape calls.
pub(crate) trait SequenceKernels: Backend {
    /// The layer's outputs and final state, and where `keep` what its backward pass needs.
    fn recurrent_forward(
        operands: Recurrent<FloatTensor<Self>>,
        plan: &RecurrentPlan,
        keep: bool,
    ) -> RecurrentResult<FloatTensor<Self>>;

    /// Gradients of the operands, only where `wanted`, from those of the outputs and the final state;
    /// `None` stands for zeros.
    fn recurrent_backward(
        operands: Recurrent<FloatTensor<Self>>,
        outputs: FloatTensor<Self>,
        kept: Kept<FloatTensor<Self>>,
        gradients: [Option<FloatTensor<Self>>; 2],
        plan: &RecurrentPlan,
        wanted: [bool; 6],
    ) -> [Option<FloatTensor<Self>>; 6];

    /// The gradient of a table `[V,E]` from that of its rows `[N,E]`.
    fn table_gradient(
        vocabulary: usize,
        tokens: IntTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// One zero, to stand on the tape for values that travel beside it.
    fn placeholder(like: &FloatTensor<Self>) -> FloatTensor<Self>;

    /// Loss and tokens' losses, `[1 + N]`, and where asked the loss's gradients of hidden, weight
    /// and bias.
    fn cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        plan: &LossPlan,
        with_gradients: bool,
    ) -> (FloatTensor<Self>, Option<[FloatTensor<Self>; 3]>);

    /// `tensor` times the first value of `factors`.
    fn scaled_by_first(tensor: FloatTensor<Self>, factors: &FloatTensor<Self>)
    -> FloatTensor<Self>;
}

/// Operands of a recurrent layer.
#[derive(Clone, Debug)]
pub(crate) struct Recurrent<T> {
    input: T,
    weight_input: T,
    weight_hidden: T,
    bias_input: T,
    bias_hidden: T,
    state: T,
}

/// What a recurrent layer gives.
#[derive(Clone, Debug)]
pub(crate) struct RecurrentResult<T> {
    /// `[T,B,H]`.
    outputs: T,
    /// `[S,B,H]`.
    last: T,
    kept: Option<Kept<T>>,
}

/// What a recurrent layer keeps for its backward pass, flat: the gates of all steps, and the extra
/// values `[T,B,H]` or nothing.
#[derive(Clone, Debug)]
pub(crate) struct Kept<T> {
    gates: T,
    extra: T,
}

/// Whether the fused kernels run on this device in these types.
pub(crate) fn fused(device: Device, dtypes: [DType; 2]) -> bool {
    dtypes == [DType::F32; 2] && matches!(device.inner().as_dispatch(), DispatchDevice::Flex(_))
}

/// [`crate::recurrent()`] by the fused kernel.
pub(crate) fn recurrent(
    cell: Cell,
    input: Tensor<3>,
    weights: RecurrentWeights,
    state: Option<RecurrentState>,
    sequence: Sequence<'_>,
) -> (Tensor<3>, RecurrentState) {
    let batch = input.dims()[1];
    let [hidden, columns] = weights.hidden.dims();
    let device = input.device();
    let no_bias = || Tensor::zeros([columns], &device);
    let states = 1 + usize::from(cell.has_cell_state());
    let state: Tensor<3> = match state {
        None => Tensor::zeros([states, batch, hidden], &device),
        Some(RecurrentState { hidden, cell: Some(cell) }) => Tensor::stack(vec![hidden, cell], 0),
        Some(RecurrentState { hidden, cell: None }) => hidden.unsqueeze_dim(0),
    };
    let plan = RecurrentPlan {
        cell,
        direction: sequence.direction,
        lengths: sequence.lengths.map(<[usize]>::to_vec),
    };
    let (outputs, last) = <Dispatch as SequenceOps>::recurrent_layer(
        input.into_dispatch(),
        weights.input.into_dispatch(),
        weights.hidden.into_dispatch(),
        weights.bias_input.unwrap_or_else(no_bias).into_dispatch(),
        weights.bias_hidden.unwrap_or_else(no_bias).into_dispatch(),
        state.into_dispatch(),
        plan,
    );
    let last = Tensor::<3>::from_dispatch(last); // [S, B, H]
    let part = |i: usize| last.clone().slice(s![i..=i, .., ..]).squeeze_dim(0);
    let state = RecurrentState { hidden: part(0), cell: (states == 2).then(|| part(1)) };
    (Tensor::from_dispatch(outputs), state)
}

/// [`crate::embedding()`] by the fused kernel.
pub(crate) fn embedding(weight: Tensor<2>, tokens: Tensor<1, Int>) -> Tensor<2> {
    let rows =
        <Dispatch as SequenceOps>::embedding_rows(weight.into_dispatch(), tokens.into_dispatch());
    Tensor::from_dispatch(rows)
}

/// [`crate::linear_cross_entropy()`] by the fused kernel.
pub(crate) fn linear_cross_entropy(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    options: &CrossEntropyOptions,
) -> CrossEntropy {
    let tokens = hidden.dims()[0];
    let plan = LossPlan { options: options.clone(), has_bias: bias.is_some() };
    let bias = bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[1]], &hidden.device()));
    let all = <Dispatch as SequenceOps>::output_cross_entropy(
        hidden.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        targets.into_dispatch(),
        plan,
    );
    let all = Tensor::<1>::from_dispatch(all); // [1 + N]
    let nll = all.clone().detach().slice(s![1..=tokens]);
    CrossEntropy { loss: all.slice(s![0..1]), nll }
}
