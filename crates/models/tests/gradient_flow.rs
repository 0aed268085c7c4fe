//! The gradient that reaches earlier states, against the product of Jacobians and against finite
//! differences.

use burn::prelude::*;
use lampwick_kernels::RecurrentState;
use lampwick_models::{CellKind, LanguageModel, LanguageModelConfig, RecurrentInit, StackState};

const STEPS: usize = 7;

fn model(cell: CellKind, layers: usize, hidden: usize) -> LanguageModel {
    let config = LanguageModelConfig {
        vocabulary: 11,
        embedding: 5,
        cell,
        hidden,
        layers,
        // Large enough that the product of Jacobians has something to multiply.
        initializer: RecurrentInit::Uniform { bound: 0.6 },
        ..LanguageModelConfig::default()
    };
    config.init(3, &Device::flex().autodiff()).unwrap()
}

/// One sequence: `[T, 1]`, and the word after it.
fn sequence() -> (Vec<i64>, i64) {
    ((0..STEPS as i64).map(|t| (3 * t + 2) % 11).collect(), 4)
}

fn flow(model: &LanguageModel, batch: usize) -> Vec<lampwick_models::GradientFlow> {
    let device = Device::flex();
    let (tokens, target) = sequence();
    let tokens: Vec<i64> = tokens.iter().flat_map(|&id| std::iter::repeat_n(id, batch)).collect();
    model.gradient_flow(
        Tensor::from_data(TensorData::new(tokens, [STEPS, batch]), &device),
        Tensor::from_data(TensorData::new(vec![target; batch], [batch]), &device),
    )
}

fn vector(tensor: Tensor<2>) -> Vec<f64> {
    let values: Vec<f32> = tensor.try_into_vec_as().unwrap();
    values.into_iter().map(f64::from).collect()
}

/// The last step's loss when `nudge` (layer, step, unit, of the cell, size) is added to a state.
fn loss(model: &LanguageModel, nudge: (usize, usize, usize, bool, f32)) -> f64 {
    let model = model.valid();
    let device = Device::flex();
    let (tokens, target) = sequence();
    let (at_layer, at_step, unit, of_cell, size) = nudge;
    let mut state: Option<StackState> = None;
    let mut output = None;
    for (step, id) in tokens.into_iter().enumerate() {
        let id = Tensor::<1, Int>::from_data([id], &device);
        let x = model.embedding.val().select(0, id);
        let mut each = |layer: usize, state: RecurrentState| {
            if layer != at_layer || step != at_step {
                return state;
            }
            let nudged = |tensor: Tensor<2>| {
                let [rows, units] = tensor.dims();
                let delta: Vec<f32> =
                    (0..units).map(|u| if u == unit { size } else { 0.0 }).collect();
                tensor + Tensor::from_data(TensorData::new(delta, [rows, units]), &device)
            };
            if of_cell {
                RecurrentState { cell: state.cell.map(nudged), ..state }
            } else {
                RecurrentState { hidden: nudged(state.hidden), ..state }
            }
        };
        let (y, next) = model.recurrent.step_each(x, state, &mut each);
        (output, state) = (Some(y), Some(next));
    }
    let mut logits = vector(output.unwrap().matmul(model.output_weight()));
    let bias = vector(model.output_bias.as_ref().unwrap().val().unsqueeze());
    logits.iter_mut().zip(bias).for_each(|(logit, bias)| *logit += bias);
    let log_sum = logits.iter().map(|l| l.exp()).sum::<f64>().ln();
    log_sum - logits[target as usize]
}

#[test]
fn the_norms_are_those_of_finite_differences() {
    for cell in [CellKind::Lstm, CellKind::Gru, CellKind::RnnTanh] {
        let model = model(cell, 2, 6);
        let flow = flow(&model, 1);
        assert_eq!(flow.len(), 2, "one for each layer");
        for (layer, of) in flow.iter().enumerate() {
            for k in [0, 1, 4] {
                for of_cell in [false, true] {
                    let norms = if of_cell { &of.cell } else { &of.hidden };
                    if of_cell && cell != CellKind::Lstm {
                        assert!(norms.is_empty());
                        continue;
                    }
                    let at = |unit, size| loss(&model, (layer, STEPS - 1 - k, unit, of_cell, size));
                    let size = 1e-2;
                    let square: f64 = (0..6)
                        .map(|unit| (at(unit, size) - at(unit, -size)) / f64::from(2.0 * size))
                        .map(|slope| slope * slope)
                        .sum();
                    let (expected, found) = (square.sqrt(), norms[k]);
                    let close = (found - expected).abs() < 2e-3 * expected + 2e-5;
                    assert!(close, "{cell:?} layer {layer} k {k}: {found}, differences {expected}");
                }
            }
        }
    }
}

/// Pascanu et al. 2013, eq. 5, written out for one tanh layer: each step back multiplies by
/// `diag(1 - h_t^2) W_h` (row vectors: `g <- (g * (1 - h_t^2)) W_h^T`).
#[test]
fn a_simple_networks_norms_are_the_product_of_its_jacobians() {
    let model = model(CellKind::RnnTanh, 1, 6);
    let flow = flow(&model, 1);
    let plain = model.valid();
    let device = Device::flex();
    let (tokens, target) = sequence();
    let (mut state, mut hiddens) = (None, Vec::new());
    for id in tokens {
        let x = plain.embedding.val().select(0, Tensor::<1, Int>::from_data([id], &device));
        let (y, next) = plain.recurrent.step(x, state);
        hiddens.push(vector(y));
        state = Some(next);
    }
    // dL/dh_T = W_o (p - onehot)
    let last = Tensor::<2>::from_data(
        TensorData::new(hiddens[STEPS - 1].iter().map(|&h| h as f32).collect(), [1, 6]),
        &device,
    );
    let bias = plain.output_bias.as_ref().unwrap().val().unsqueeze();
    let logits = vector(last.matmul(plain.output_weight()) + bias);
    let sum: f64 = logits.iter().map(|l| l.exp()).sum();
    let output = vector(plain.output_weight()); // [H, V]
    let weights = vector(plain.recurrent.layers[0].forward.hidden.val()); // [H, H]
    let mut g: Vec<f64> = (0..6)
        .map(|u| {
            let row = &output[u * 11..(u + 1) * 11];
            let each = row.iter().zip(&logits).enumerate();
            each.map(|(v, (w, l))| w * (l.exp() / sum - f64::from(v == target as usize))).sum()
        })
        .collect();
    for (k, found) in flow[0].hidden.iter().enumerate() {
        let expected = g.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!((found / expected - 1.0).abs() < 1e-3, "k {k}: {found}, product {expected}");
        let hidden = &hiddens[STEPS - 1 - k];
        let scaled: Vec<f64> = g.iter().zip(hidden).map(|(g, h)| g * (1.0 - h * h)).collect();
        g = (0..6).map(|u| (0..6).map(|v| scaled[v] * weights[u * 6 + v]).sum()).collect();
    }
    assert_eq!(flow[0].hidden.len(), STEPS);
}

#[test]
fn the_mean_over_sequences_does_not_depend_on_their_number() {
    let model = model(CellKind::Lstm, 1, 6);
    let (one, many) = (flow(&model, 1), flow(&model, 3));
    for (a, b) in one[0].hidden.iter().zip(&many[0].hidden) {
        assert!((a / b - 1.0).abs() < 1e-4, "{a} {b}");
    }
}
