//! A whole sequence through one recurrent layer.

use burn::prelude::*;

use crate::cell::{Cell, RecurrentState, RecurrentWeights, Sequence};
use crate::composed;
#[cfg(feature = "flex")]
use crate::extension;

/// Runs `cell` over `input`, differentiably.
///
/// - `input`: `[T, B, I]`, time-major;
/// - `weights`: see [`RecurrentWeights`];
/// - `state`: the state before the first step read, zeros when `None`;
/// - `sequence`: direction and true lengths.
///
/// Returns every hidden vector, `[T, B, H]`, and the state after the last step read. A step past a
/// sequence's end leaves its state unchanged and outputs zero; the reverse direction starts at each
/// sequence's own end.
///
/// On Flex in `f32` this is a fused kernel with a backward pass by hand (backpropagation through
/// time, Werbos 1990); elsewhere it is [`composed::recurrent`], whose matrix products are computed
/// in the weights' float type: bf16 or f16 weights under an f32 input are mixed precision.
///
/// # Panics
///
/// When shapes disagree or have a zero, a length exceeds `T`, or an LSTM's state has no cell.
pub fn recurrent(
    cell: Cell,
    input: Tensor<3>,
    weights: RecurrentWeights,
    state: Option<RecurrentState>,
    sequence: Sequence<'_>,
) -> (Tensor<3>, RecurrentState) {
    check(cell, &input, &weights, state.as_ref(), sequence);
    #[cfg(feature = "flex")]
    if extension::fused(input.device(), [input.dtype(), weights.hidden.dtype()]) {
        return extension::recurrent(cell, input, weights, state, sequence);
    }
    composed::recurrent(cell, input, weights, state, sequence)
}

/// The shapes that [`recurrent()`] promises to refuse.
fn check(
    cell: Cell,
    input: &Tensor<3>,
    weights: &RecurrentWeights,
    state: Option<&RecurrentState>,
    sequence: Sequence<'_>,
) {
    let [steps, batch, features] = input.dims();
    let [hidden, columns] = weights.hidden.dims();
    assert!(
        steps > 0 && batch > 0 && features > 0 && hidden > 0,
        "recurrent: input [{steps}, {batch}, {features}] or hidden size {hidden} is empty"
    );
    assert_eq!(columns, cell.gates() * hidden, "recurrent: hidden weights must be [H, G*H]");
    assert_eq!(weights.input.dims(), [features, columns], "recurrent: input weights, [I, G*H]");
    for bias in [&weights.bias_input, &weights.bias_hidden].into_iter().flatten() {
        assert_eq!(bias.dims(), [columns], "recurrent: a bias must be [G*H]");
    }
    if let Some(state) = state {
        assert_eq!(state.hidden.dims(), [batch, hidden], "recurrent: hidden state, [B, H]");
        let cell_dims = state.cell.as_ref().map(Tensor::dims);
        let expected = cell.has_cell_state().then_some([batch, hidden]);
        assert_eq!(cell_dims, expected, "recurrent: an LSTM, and only it, has a cell [B, H]");
    }
    if let Some(lengths) = sequence.lengths {
        assert_eq!(lengths.len(), batch, "recurrent: one length for each of the B sequences");
        assert!(lengths.iter().all(|&n| n <= steps), "recurrent: a length exceeds T = {steps}");
    }
}
