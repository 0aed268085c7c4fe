//! A recurrent layer as one Burn operation after another.

use burn::prelude::*;
use burn::tensor::activation::{relu, sigmoid};

use super::product;
use crate::cell::{Activation, Cell, Direction, RecurrentState, RecurrentWeights, Reset, Sequence};

/// The reference of [`crate::recurrent()`]: same arguments, results and panics, on any device.
#[allow(clippy::needless_pass_by_value)] // the signature of the fused one
pub fn recurrent(
    cell: Cell,
    input: Tensor<3>,
    weights: RecurrentWeights,
    state: Option<RecurrentState>,
    sequence: Sequence<'_>,
) -> (Tensor<3>, RecurrentState) {
    let [steps, batch, features] = input.dims();
    let [hidden_size, columns] = weights.hidden.dims();
    let device = input.device();
    let dtype = input.dtype();
    let mut state = state.unwrap_or_else(|| {
        let zeros = || Tensor::zeros([batch, hidden_size], (&device, dtype));
        RecurrentState { hidden: zeros(), cell: cell.has_cell_state().then(zeros) }
    });

    let projected = product(input.reshape([steps * batch, features]), weights.input.clone());
    let projected = match weights.bias_input.clone() {
        Some(bias) => projected + bias.unsqueeze(),
        None => projected,
    };
    let projected = projected.reshape([steps, batch, columns]); // [T, B, G*H]

    let order: Vec<usize> = match sequence.direction {
        Direction::Forward => (0..steps).collect(),
        Direction::Reverse => (0..steps).rev().collect(),
    };
    let mut outputs: Vec<Option<Tensor<3>>> = vec![None; steps];
    for t in order {
        let x = projected.clone().slice(s![t..t + 1, .., ..]).squeeze_dim::<2>(0); // [B, G*H]
        let next = step(cell, x, &weights, &state);
        let (output, next) = match live_rows(sequence.lengths, t, &device, dtype) {
            None => (next.hidden.clone(), next),
            Some(live) => {
                let output = next.hidden.clone() * live.clone();
                (output, blend(next, state, &live))
            }
        };
        outputs[t] = Some(output.unsqueeze_dim(0));
        state = next;
    }
    let outputs: Vec<Tensor<3>> = outputs.into_iter().flatten().collect();
    (Tensor::cat(outputs, 0), state)
}

/// One step: `x` is `W_x x + b_x`, `[B, G*H]`.
fn step(
    cell: Cell,
    x: Tensor<2>,
    weights: &RecurrentWeights,
    state: &RecurrentState,
) -> RecurrentState {
    let h = state.hidden.clone();
    let n = h.dims()[1];
    let gate = |a: &Tensor<2>, k: usize| a.clone().slice(s![.., k * n..(k + 1) * n]);
    let with_bias = |a: Tensor<2>| match weights.bias_hidden.clone() {
        Some(bias) => a + bias.unsqueeze(),
        None => a,
    };
    match cell {
        Cell::Lstm => {
            let a = x + with_bias(product(h, weights.hidden.clone())); // [B, 4H]
            let (i, f) = (sigmoid(gate(&a, 0)), sigmoid(gate(&a, 1)));
            let (g, o) = (gate(&a, 2).tanh(), sigmoid(gate(&a, 3)));
            let c = state.cell.clone().expect("an LSTM state has a cell");
            let c = f * c + i * g;
            RecurrentState { hidden: o * c.clone().tanh(), cell: Some(c) }
        }
        Cell::Gru { reset } => {
            let (r, z, candidate);
            match reset {
                Reset::After => {
                    let a = with_bias(product(h.clone(), weights.hidden.clone())); // [B, 3H]
                    r = sigmoid(gate(&x, 0) + gate(&a, 0));
                    z = sigmoid(gate(&x, 1) + gate(&a, 1));
                    candidate = (gate(&x, 2) + r * gate(&a, 2)).tanh();
                }
                Reset::Before => {
                    let x = with_bias(x);
                    let columns = |range| weights.hidden.clone().slice(s![.., range]);
                    let a = product(h.clone(), columns(0..2 * n)); // [B, 2H]
                    r = sigmoid(gate(&x, 0) + gate(&a, 0));
                    z = sigmoid(gate(&x, 1) + gate(&a, 1));
                    let a = product(r * h.clone(), columns(2 * n..3 * n)); // [B, H]
                    candidate = (gate(&x, 2) + a).tanh();
                }
            }
            // (1 - z) n + z h, with one product less.
            RecurrentState { hidden: candidate.clone() + z * (h - candidate), cell: None }
        }
        Cell::Rnn { activation } => {
            let a = x + with_bias(product(h, weights.hidden.clone()));
            let hidden = match activation {
                Activation::Tanh => a.tanh(),
                Activation::Relu => relu(a),
            };
            RecurrentState { hidden, cell: None }
        }
    }
}

/// `[B, 1]` of ones and zeros: which sequences reach step `t`; `None` when all do.
fn live_rows(
    lengths: Option<&[usize]>,
    t: usize,
    device: &Device,
    dtype: burn::tensor::DType,
) -> Option<Tensor<2>> {
    let lengths = lengths.filter(|lengths| lengths.iter().any(|&length| t >= length))?;
    let live: Vec<f32> = lengths.iter().map(|&length| f32::from(u8::from(t < length))).collect();
    Some(Tensor::from_data(TensorData::new(live, [lengths.len(), 1]), (device, dtype)))
}

/// `live` rows of `new`, the others of `old`.
fn blend(new: RecurrentState, old: RecurrentState, live: &Tensor<2>) -> RecurrentState {
    let pick = |new: Tensor<2>, old: Tensor<2>| old.clone() + (new - old) * live.clone();
    RecurrentState {
        hidden: pick(new.hidden, old.hidden),
        cell: new.cell.zip(old.cell).map(|(new, old)| pick(new, old)),
    }
}
