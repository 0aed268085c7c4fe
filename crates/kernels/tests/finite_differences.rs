//! Gradients of the composed layers, in f64, against central differences: what the fused kernels are
//! held against is itself right.

mod common;

use burn::prelude::*;
use burn::tensor::DType;
use common::all_cells;
use lampwick_kernels::{
    Cell, CrossEntropyOptions, Direction, RecurrentState, RecurrentWeights, Reduction, Sequence,
    composed,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const STEP: f64 = 1e-5;

fn tensor<const D: usize>(data: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(data.to_vec(), shape), (device, DType::F64))
}

/// Holds the gradient of `f`, a function of flat `operands`, against differences.
fn check<const N: usize>(
    operands: &[Vec<f64>; N],
    f: impl Fn(&[Tensor<1>; N]) -> Tensor<1>,
    what: &str,
) {
    let device = Device::flex().autodiff();
    let leaves = operands.each_ref().map(|data| tensor(data, [data.len()], &device).require_grad());
    let mut grads = f(&leaves).backward();
    for (which, data) in operands.iter().enumerate() {
        let gradient: Vec<f64> = leaves[which]
            .grad_remove(&mut grads)
            .expect("tracked")
            .try_into_vec_as()
            .expect("doubles");
        for i in 0..data.len() {
            let moved = |by: f64| -> f64 {
                let mut all = operands.clone();
                all[which][i] += by;
                let plain = Device::flex();
                f(&all.map(|data| tensor(&data, [data.len()], &plain))).into_scalar()
            };
            let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let error = (gradient[i] - difference).abs() / difference.abs().max(1.0);
            assert!(
                error < 1e-7,
                "{what}, operand {which}[{i}]: {} against {difference}",
                gradient[i]
            );
        }
    }
}

fn numbers(rng: &mut ChaCha8Rng, shape: &[usize]) -> Vec<f64> {
    (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect()
}

#[test]
fn recurrent_layers() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (steps, batch, inputs, hidden) = (3, 2, 2, 3);
    for cell in all_cells() {
        for direction in [Direction::Forward, Direction::Reverse] {
            for lengths in [None, Some([3, 1])] {
                let columns = cell.gates() * hidden;
                let operands = [
                    numbers(&mut rng, &[steps, batch, inputs]),
                    numbers(&mut rng, &[inputs, columns]),
                    numbers(&mut rng, &[hidden, columns]),
                    numbers(&mut rng, &[columns]),
                    numbers(&mut rng, &[columns]),
                    numbers(&mut rng, &[batch, hidden]),
                    numbers(&mut rng, &[batch, hidden]),
                ];
                let pull = numbers(&mut rng, &[(steps + 2) * batch * hidden]);
                let loss = |t: &[Tensor<1>; 7]| {
                    let lengths = lengths.as_ref().map(<[usize; 2]>::as_slice);
                    layer(
                        cell,
                        t,
                        &pull,
                        [steps, batch, inputs, hidden],
                        Sequence { direction, lengths },
                    )
                };
                check(&operands, loss, &format!("{cell:?} {direction:?} {lengths:?}"));
            }
        }
    }
}

/// A weighted sum of all that a layer returns.
fn layer(
    cell: Cell,
    t: &[Tensor<1>; 7],
    pull: &[f64],
    [steps, batch, inputs, hidden]: [usize; 4],
    sequence: Sequence<'_>,
) -> Tensor<1> {
    let columns = cell.gates() * hidden;
    let [x, wx, wh, bx, bh, h, c] = t.clone();
    let weights = RecurrentWeights {
        input: wx.reshape([inputs, columns]),
        hidden: wh.reshape([hidden, columns]),
        bias_input: Some(bx),
        bias_hidden: Some(bh),
    };
    let c = c.reshape([batch, hidden]);
    let state = RecurrentState {
        hidden: h.reshape([batch, hidden]),
        // A cell that is not used still has a gradient: zero.
        cell: cell.has_cell_state().then(|| c.clone()),
    };
    let x = x.reshape([steps, batch, inputs]);
    let device = x.device();
    let (y, last) = composed::recurrent(cell, x, weights, Some(state), sequence);
    let memory = last.cell.unwrap_or(c * 0.0);
    let all = Tensor::cat(
        vec![
            y.reshape([steps * batch * hidden]),
            last.hidden.reshape([batch * hidden]),
            memory.reshape([batch * hidden]),
        ],
        0,
    );
    (all * tensor(pull, [pull.len()], &device)).sum()
}

#[test]
fn output_layer_and_loss() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let (tokens, features, words) = (4, 3, 5);
    for reduction in [Reduction::Mean, Reduction::Sum] {
        for (label_smoothing, ignore_index) in [(0.0, None), (0.2, None), (0.1, Some(2))] {
            let options = CrossEntropyOptions { ignore_index, label_smoothing, reduction };
            let operands = [
                numbers(&mut rng, &[tokens, features]),
                numbers(&mut rng, &[features, words]),
                numbers(&mut rng, &[words]),
            ];
            let loss = |t: &[Tensor<1>; 3]| {
                let [h, w, b] = t.clone();
                let device = h.device();
                let targets = Tensor::<1, Int>::from_data([0, 2, 4, 1], &device);
                let (h, w) = (h.reshape([tokens, features]), w.reshape([features, words]));
                composed::linear_cross_entropy(h, w, Some(b), targets, &options).loss
            };
            check(&operands, loss, &format!("{options:?}"));
        }
    }
}
