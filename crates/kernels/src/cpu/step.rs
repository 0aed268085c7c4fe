//! One step of a layer whose weights were packed once.

use burn::prelude::*;

use super::buffer::{Scratch, Shared};
use super::cells::{ForwardStep, ForwardUnits};
use super::crew::Crew;
use super::layer::{Layer, StepProduct, fill_rows, row_block, shares, threads_for};
use super::pack::Matrix;
use super::simd::Isa;
use super::tile::Start;
use super::weights::PackedWeights;
use crate::cell::{Cell, Direction, RecurrentWeights};

/// A recurrent layer's weights, packed once for reading a step at a time: what generation does, where
/// each input hangs on the output before it. No gradients; it does not follow later training.
///
/// The equations are those of [`Cell`]. A sequence's numbers do not depend, bit by bit, on the
/// sequences beside it.
#[derive(Debug)]
pub struct PackedRecurrent {
    cell: Cell,
    inputs: usize,
    hidden: usize,
    weight_input: PackedWeights,
    weight_hidden: PackedWeights,
    bias: Vec<f32>,
    bias_hidden: Vec<f32>,
}

impl PackedRecurrent {
    /// Reads the weights from their device and packs them.
    ///
    /// # Panics
    ///
    /// When the device cannot be read, or the shapes are not those of [`RecurrentWeights`].
    pub fn new(cell: Cell, weights: RecurrentWeights) -> Self {
        let RecurrentWeights { input, hidden, bias_input, bias_hidden } = weights;
        let (isa, gates) = (Isa::best(), cell.gates());
        let ([inputs, columns], [size, hidden_columns]) = (input.dims(), hidden.dims());
        assert_eq!(
            [columns, hidden_columns],
            [gates * size; 2],
            "weights [I, G*H] and [H, G*H] for G = {gates} gates and H = {size}"
        );
        let units = shares(isa, size);
        let pack = |weight: Tensor<2>, k: usize| {
            let values = floats(weight);
            let source = Matrix::rows(values.as_ptr(), columns);
            let packed = PackedWeights::new(isa, k, size, gates);
            packed.pack(&Crew::alone(), &units, |gate| source.from(0, gate * size));
            packed
        };
        let bias = |bias: Option<Tensor<1>>| bias.map_or_else(|| vec![0.0; columns], floats);
        let (bias_input, bias_hidden) = (bias(bias_input), bias(bias_hidden));
        assert_eq!([bias_input.len(), bias_hidden.len()], [columns; 2], "biases [G*H]");
        let mut packed = Self {
            cell,
            inputs,
            hidden: size,
            weight_input: pack(input, inputs),
            weight_hidden: pack(hidden, size),
            bias: Vec::new(),
            bias_hidden,
        };
        packed.bias = packed.layer(1).bias(&bias_input, &packed.bias_hidden);
        packed
    }

    /// `H`.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// Which recurrence.
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// A sequence of one step.
    fn layer(&self, batch: usize) -> Layer<'static> {
        let Self { cell, inputs, hidden, .. } = *self;
        Layer {
            isa: Isa::best(),
            threads: threads_for(2 * batch * (inputs + hidden) * cell.gates() * hidden),
            cell,
            direction: Direction::Forward,
            lengths: None,
            steps: 1,
            batch,
            inputs,
            hidden,
        }
    }

    /// Reads `x` `[B, I]` and advances the state in place: `hidden` `[B, H]` and `memory`, an LSTM's
    /// cells `[B, H]`, empty for the others. All row-major.
    ///
    /// # Panics
    ///
    /// When the slices' lengths do not fit each other.
    pub fn step(&self, x: &[f32], hidden: &mut [f32], memory: &mut [f32]) {
        let (batch, k) = (hidden.len() / self.hidden, self.inputs);
        let cells = if self.cell.has_cell_state() { hidden.len() } else { 0 };
        assert_eq!(
            [x.len(), hidden.len(), memory.len()],
            [batch * k, batch * self.hidden, cells],
            "x [B, I], hidden [B, H], memory [B, H] or empty"
        );
        let layer = self.layer(batch);
        let (units, parts) = (layer.units(), layer.parts());
        let stride = layer.gate_stride();
        let inputs = Scratch::new(row_block(batch, k));
        let [before, after] = [(); 2].map(|()| Scratch::new(layer.row_block(batch)));
        let reset = Scratch::new(if layer.two_products() { layer.row_block(batch) } else { 0 });
        let candidate =
            Scratch::new(if layer.splits_candidate() { batch * self.hidden } else { 0 });
        let gates = Scratch::new(batch * stride);
        fill_rows(inputs.pointer(), Shared::reading(x), batch, k);
        fill_rows(before.pointer(), Shared::reading(hidden), batch, self.hidden);
        let memory = Shared::writing(memory);
        let step = ForwardStep {
            layer: &layer,
            t: 0,
            keep: false,
            gates: gates.pointer(),
            cell_before: memory,
            extra: if self.cell.has_cell_state() { memory } else { candidate.pointer() },
            hidden_before: before.pointer(),
            hidden_after: after.pointer(),
            reset: reset.pointer(),
            output: Shared::writing(hidden),
        };
        let (bias, bias_hidden) = (Shared::reading(&self.bias), Shared::reading(&self.bias_hidden));
        Crew::run(layer.threads, |crew| {
            layer.scan(crew, parts, |part, share| {
                for index in share.units.clone() {
                    let (units, tiles) = (units[index], share.tiles.clone());
                    for gate in 0..if part == 0 { self.cell.gates() } else { 0 } {
                        let column = gate * self.hidden + units.first;
                        StepProduct {
                            tile_count: layer.tiles(),
                            tiles: tiles.clone(),
                            batch,
                            k,
                            a: inputs.pointer(),
                            a_rows: batch,
                            panel: self.weight_input.panel(index, gate, units),
                            units,
                            c: step.gates.from(column),
                            c_stride: stride,
                            start: Start::Bias(bias.from(column)),
                        }
                        .compute(layer.isa);
                    }
                    let panel = |gate| self.weight_hidden.panel(index, gate, units);
                    layer.multiply(&step, part, units, tiles.clone(), panel, bias_hidden);
                    let rows = layer.rows_of(tiles);
                    // SAFETY: units and rows of their own, in buffers of the layer's sizes.
                    unsafe { layer.isa.run(ForwardUnits { step: &step, units, rows, part }) };
                }
            });
        });
    }
}

/// Row-major values on the host.
fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().try_into_vec_as().expect("a device that can be read")
}
