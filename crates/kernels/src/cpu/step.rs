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
        let gates = cell.gates();
        let ([inputs, columns], [size, hidden_columns]) = (input.dims(), hidden.dims());
        assert_eq!(
            [columns, hidden_columns],
            [gates * size; 2],
            "weights [I, G*H] and [H, G*H] for G = {gates} gates and H = {size}"
        );
        let (input, hidden) = (floats(input), floats(hidden));
        let matrices = [&input, &hidden].map(|values| Matrix::rows(values.as_ptr(), columns));
        let bias = |bias: Option<Tensor<1>>| bias.map_or_else(|| vec![0.0; columns], floats);
        let (bias_input, bias_hidden) = (bias(bias_input), bias(bias_hidden));
        assert_eq!([bias_input.len(), bias_hidden.len()], [columns; 2], "biases [G*H]");
        Self::pack(cell, [inputs, size], matrices, &bias_input, bias_hidden)
    }

    /// Packs `[I, G*H]` and `[H, G*H]`, of the sizes `I` and `H`.
    pub(crate) fn pack(
        cell: Cell,
        [inputs, hidden]: [usize; 2],
        [weight_input, weight_hidden]: [Matrix; 2],
        bias_input: &[f32],
        bias_hidden: Vec<f32>,
    ) -> Self {
        let (isa, gates) = (Isa::best(), cell.gates());
        let units = shares(isa, hidden);
        let threads = threads_for(4 * (inputs + hidden) * gates * hidden);
        let packed = [(weight_input, inputs), (weight_hidden, hidden)]
            .map(|(source, k)| (source, PackedWeights::new(isa, k, hidden, gates)));
        Crew::run(threads, |crew| {
            for (source, packed) in &packed {
                packed.pack(crew, &units, |gate| source.from(0, gate * hidden));
            }
        });
        let [(_, weight_input), (_, weight_hidden)] = packed;
        let bias = Vec::new();
        let mut packed =
            Self { cell, inputs, hidden, weight_input, weight_hidden, bias, bias_hidden };
        packed.bias = packed.layer(1).bias(bias_input, &packed.bias_hidden);
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
    pub(crate) fn layer(&self, batch: usize) -> Layer<'static> {
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
        let splits = layer.splits_candidate();
        let candidate = Scratch::new(if splits { batch * self.hidden } else { 0 });
        let gates = Scratch::new(batch * layer.gate_stride());
        let hidden = Shared::writing(hidden);
        let memory = Shared::writing(memory);
        let has_cell = self.cell.has_cell_state();
        self.advance(
            &layer,
            x,
            &Places {
                hidden_before: hidden,
                cell_before: memory,
                output: hidden,
                extra: if has_cell { memory } else { candidate.pointer() },
                gates: gates.pointer(),
                keep: false,
            },
        );
    }

    /// Reads `x` `[B, I]` after `state` `[S, B, H]` and gives the state after it, with what the backward
    /// pass needs: the gates' activations `[B, G*H]`, rows [`Layer::gate_stride`] apart, and of a GRU with
    /// the reset after `W_n h + b_n`, `[B, H]`, in `extra`.
    pub(crate) fn step_kept(
        &self,
        layer: &Layer<'_>,
        x: &[f32],
        state: &[f32],
        next: &mut [f32],
        gates: &mut [f32],
        extra: &mut [f32],
    ) {
        let one = layer.batch * self.hidden;
        let (state, next) = (Shared::reading(state), Shared::writing(next));
        let has_cell = self.cell.has_cell_state();
        self.advance(
            layer,
            x,
            &Places {
                hidden_before: state,
                cell_before: state.from(one),
                output: next,
                extra: if has_cell { next.from(one) } else { Shared::writing(extra) },
                gates: Shared::writing(gates),
                keep: true,
            },
        );
    }

    /// One step, from and to the places given.
    fn advance(&self, layer: &Layer<'_>, x: &[f32], places: &Places) {
        let (batch, k) = (layer.batch, self.inputs);
        let (units, parts) = (layer.units(), layer.parts());
        let stride = layer.gate_stride();
        let inputs = Scratch::new(row_block(batch, k));
        let [before, after] = [(); 2].map(|()| Scratch::new(layer.row_block(batch)));
        let reset = Scratch::new(if layer.two_products() { layer.row_block(batch) } else { 0 });
        fill_rows(inputs.pointer(), Shared::reading(x), batch, k);
        fill_rows(before.pointer(), places.hidden_before, batch, self.hidden);
        let step = ForwardStep {
            layer,
            t: 0,
            keep: places.keep,
            gates: places.gates,
            cell_before: places.cell_before,
            extra: places.extra,
            hidden_before: before.pointer(),
            hidden_after: after.pointer(),
            reset: reset.pointer(),
            output: places.output,
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

/// Where a step reads and writes.
struct Places {
    /// `[B, H]`, as all others but the gates.
    hidden_before: Shared,
    cell_before: Shared,
    output: Shared,
    /// An LSTM's cells after the step; of a GRU with the reset after, the recurrent half of the candidate.
    extra: Shared,
    gates: Shared,
    keep: bool,
}

/// Row-major values on the host.
fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().try_into_vec_as().expect("a device that can be read")
}
