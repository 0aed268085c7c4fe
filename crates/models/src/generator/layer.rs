//! One recurrent layer, one token at a time.

use burn::module::Param;
use burn::prelude::*;
use lampwick_kernels::{Activation, Cell, Reset};
use pulp::{Simd, WithSimd};

use super::panels::{Panels, WIDTH};
use crate::recurrent::{RecurrentDirection, RecurrentLayer};
use crate::vector::{sigmoid, tanh, widest};

/// Units of one panel: four gates of eight units side by side fill it.
const UNITS: usize = WIDTH / 4;

/// A layer's weights, gates of the same units in the same panel.
///
/// The input and the hidden vector enter as one row `[x; h]`, `[I + H]`. A GRU that resets after
/// the product keeps its candidate's two halves apart, as a fourth gate.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    cell: Cell,
    pub(super) input: usize,
    pub(super) hidden: usize,
    gates: Panels,
    /// `W_n` of a GRU that resets before the product, `[H, H]`.
    candidate: Option<Panels>,
    projection: Option<Panels>,
}

/// Numbers that live for one step.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) rows: Vec<f32>,
    pub(super) panels: Vec<f32>,
    reset: Vec<f32>,
    candidate: Vec<f32>,
}

/// `[B, H]` each, `cell` empty but for an LSTM.
#[derive(Clone, Debug)]
pub(super) struct LayerState {
    pub(super) hidden: Vec<f32>,
    pub(super) cell: Vec<f32>,
}

impl Layer {
    pub(super) fn new(cell: Cell, layer: &RecurrentLayer) -> Self {
        let RecurrentDirection { input, hidden, bias_input, bias_hidden } = &layer.forward;
        let [inputs, columns] = input.val().dims();
        let units = hidden.val().dims()[0];
        let (input, hidden) = (matrix(input), matrix(hidden));
        let bias = |bias: &Option<Param<Tensor<1>>>| match bias {
            Some(bias) => floats(bias.val()),
            None => vec![0.0; columns],
        };
        let (bias_input, bias_hidden) = (bias(bias_input), bias(bias_hidden));
        // What gate `gate` of the panel takes from the input's and from the hidden vector's part.
        let after = cell == Cell::Gru { reset: Reset::After };
        let before = cell == Cell::Gru { reset: Reset::Before };
        let parts = |gate: usize| match cell {
            Cell::Gru { .. } if gate == 2 => (Some(2), None),
            Cell::Gru { .. } if gate == 3 => (None, after.then_some(2)),
            _ if gate < cell.gates() => (Some(gate), Some(gate)),
            _ => (None, None),
        };
        let place = |n: usize| {
            let (block, within) = (n / WIDTH, n % WIDTH);
            (within / UNITS, block * UNITS + within % UNITS)
        };
        let weight = |k: usize, n: usize| {
            let (gate, unit) = place(n);
            let (from_input, from_hidden) = parts(gate);
            let (source, k, gate) = match (from_input, from_hidden) {
                (Some(gate), _) if k < inputs => (&input, k, gate),
                (_, Some(gate)) if k >= inputs => (&hidden, k - inputs, gate),
                _ => return 0.0,
            };
            if unit < units { source[k * columns + gate * units + unit] } else { 0.0 }
        };
        let start = |n: usize| {
            let (gate, unit) = place(n);
            let (from_input, from_hidden) = parts(gate);
            let value = |bias: &[f32], gate: Option<usize>| {
                gate.filter(|_| unit < units).map_or(0.0, |gate| bias[gate * units + unit])
            };
            value(&bias_input, from_input) + value(&bias_hidden, from_hidden)
        };
        let width = units.div_ceil(UNITS) * WIDTH;
        let gates = Panels::new([inputs + units, width], 0.0, weight, start);
        let candidate = before.then(|| {
            let weight = |k: usize, n: usize| hidden[k * columns + 2 * units + n];
            Panels::new([units, units], 0.0, weight, |n| bias_hidden[2 * units + n])
        });
        let projection = layer.projection.as_ref().map(|projection| {
            let size = projection.val().dims()[1];
            let values = matrix(projection);
            Panels::new([units, size], 0.0, |k, n| values[k * size + n], |_| 0.0)
        });
        Self { cell, input: inputs, hidden: units, gates, candidate, projection }
    }

    pub(super) fn start(&self, batch: usize) -> LayerState {
        let zeros = vec![0.0; batch * self.hidden];
        let cell = if self.cell.has_cell_state() { zeros.clone() } else { Vec::new() };
        LayerState { hidden: zeros, cell }
    }

    /// Reads `x` `[B, I]`, advances `state` and leaves the layer's output in `x`.
    pub(super) fn step(&self, x: &mut Vec<f32>, state: &mut LayerState, scratch: &mut Scratch) {
        let (inputs, units) = (self.input, self.hidden);
        let batch = x.len() / inputs;
        let Scratch { rows, panels, reset, candidate } = scratch;
        rows.clear();
        for (x, h) in x.chunks_exact(inputs).zip(state.hidden.chunks_exact(units)) {
            rows.extend_from_slice(x);
            rows.extend_from_slice(h);
        }
        self.gates.product(rows, batch, panels);
        if let Some(product) = &self.candidate {
            reset.clear();
            reset.extend((0..batch * units).map(|i| {
                let (row, unit) = (i / units, i % units);
                let at = (unit / UNITS * batch + row) * WIDTH + unit % UNITS;
                sigmoid(panels[at]) * state.hidden[i]
            }));
            product.product(reset, batch, candidate);
        }
        widest(Gates { layer: self, batch, panels, candidate, state });
        x.clear();
        match &self.projection {
            None => x.extend_from_slice(&state.hidden),
            Some(projection) => {
                projection.product(&state.hidden, batch, panels);
                let size = projection.columns();
                for row in 0..batch {
                    for (panel, first) in (0..size).step_by(WIDTH).enumerate() {
                        let at = (panel * batch + row) * WIDTH;
                        x.extend_from_slice(&panels[at..at + WIDTH.min(size - first)]);
                    }
                }
            }
        }
    }
}

/// The gates of all units, after the products.
struct Gates<'a> {
    layer: &'a Layer,
    batch: usize,
    panels: &'a [f32],
    candidate: &'a [f32],
    state: &'a mut LayerState,
}

impl WithSimd for Gates<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { layer, batch, panels, candidate, state } = self;
        let units = layer.hidden;
        for (index, values) in panels.chunks_exact(WIDTH).enumerate() {
            let (block, row) = (index / batch, index % batch);
            let first = block * UNITS;
            let width = UNITS.min(units - first);
            let values = &values[..WIDTH];
            let range = row * units + first..row * units + first + width;
            let gate = |gate: usize| lanes(|u| values[gate * UNITS + u]);
            let h = padded(&state.hidden[range.clone()]);
            let next = match layer.cell {
                Cell::Lstm => {
                    let (i, f, g, o) = (gate(0), gate(1), gate(2), gate(3));
                    let c = padded(&state.cell[range.clone()]);
                    let c = lanes(|u| sigmoid(f[u]) * c[u] + sigmoid(i[u]) * tanh(g[u]));
                    state.cell[range.clone()].copy_from_slice(&c[..width]);
                    lanes(|u| sigmoid(o[u]) * tanh(c[u]))
                }
                Cell::Gru { reset } => {
                    let (r, z, n_x, n_h) = (gate(0), gate(1), gate(2), gate(3));
                    let n = match reset {
                        Reset::After => lanes(|u| tanh(n_x[u] + sigmoid(r[u]) * n_h[u])),
                        Reset::Before => {
                            let at = (first / WIDTH * batch + row) * WIDTH + first % WIDTH;
                            lanes(|u| tanh(n_x[u] + candidate[at + u]))
                        }
                    };
                    let z = lanes(|u| sigmoid(z[u]));
                    lanes(|u| (1.0 - z[u]) * n[u] + z[u] * h[u])
                }
                Cell::Rnn { activation: Activation::Tanh } => lanes(|u| tanh(values[u])),
                Cell::Rnn { activation: Activation::Relu } => lanes(|u| values[u].max(0.0)),
            };
            state.hidden[range].copy_from_slice(&next[..width]);
        }
    }
}

/// One vector of units. (`array::from_fn` and `map` are not inlined into the widest vectors.)
#[inline(always)]
fn lanes(f: impl Fn(usize) -> f32) -> [f32; UNITS] {
    let mut lanes = [0.0; UNITS];
    for (unit, lane) in lanes.iter_mut().enumerate() {
        *lane = f(unit);
    }
    lanes
}

/// At most [`UNITS`] values, zeros after them.
#[inline(always)]
fn padded(values: &[f32]) -> [f32; UNITS] {
    let mut lanes = [0.0; UNITS];
    lanes[..values.len()].copy_from_slice(values);
    lanes
}

pub(super) fn matrix(parameter: &Param<Tensor<2>>) -> Vec<f32> {
    floats(parameter.val())
}

/// Row-major values on the host.
pub(super) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().try_into_vec_as().expect("parameters are readable floats")
}
