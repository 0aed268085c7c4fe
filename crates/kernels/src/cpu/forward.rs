//! The scan forward: inputs of many steps in one product, then step by step.

use std::ops::Range;

use super::buffer::{Scratch, Shared};
use super::cells::{ForwardStep, ForwardUnits};
use super::crew::Crew;
use super::gemm::{Gemm, Packed, blocks, panels};
use super::layer::{Layer, StepProduct, Units, fill_rows, in_rows};
use super::pack::Matrix;
use super::tile::{K_BLOCK, Lay, Start};
use super::weights::PackedWeights;

/// Floats of gates that inference computes at a time, 8 MiB: enough rows that packing the weights is
/// little beside their product, however long the sequence.
const INFERENCE_CHUNK: usize = 1 << 21;

/// Operands and results of a forward pass.
pub(crate) struct Forward<'a> {
    /// `[T, B, I]`.
    pub(crate) input: &'a [f32],
    /// `[I, G*H]`.
    pub(crate) weight_input: Matrix,
    /// `[H, G*H]`.
    pub(crate) weight_hidden: Matrix,
    /// `[G*H]`.
    pub(crate) bias_input: &'a [f32],
    /// `[G*H]`.
    pub(crate) bias_hidden: &'a [f32],
    /// `[S, B, H]`.
    pub(crate) state: &'a [f32],
    /// `[T, B, H]`: all hidden vectors.
    pub(crate) outputs: &'a mut [f32],
    /// `[S, B, H]`: the final state.
    pub(crate) last: &'a mut [f32],
    /// What the backward pass needs; inference keeps none of it.
    pub(crate) tape: Option<Tape<'a>>,
}

/// What a forward pass keeps for the backward pass.
pub(crate) struct Tape<'a> {
    /// Gate activations, `[T, B, G*H]`, rows [`Layer::gate_stride`] apart.
    pub(crate) gates: &'a mut [f32],
    /// `[T, B, H]`: an LSTM's memory cells; of a GRU with the reset after, `W_n h + b_n`; else empty.
    pub(crate) extra: &'a mut [f32],
}

impl Layer<'_> {
    /// Runs the layer over the sequence.
    pub(crate) fn forward(&self, pass: Forward<'_>) {
        let (isa, batch, hidden, columns) = (self.isa, self.batch, self.hidden, self.columns());
        let all_units = self.units();
        let keep = pass.tape.is_some();
        let per_step = batch * self.gate_stride();
        let chunk =
            if keep { self.steps } else { (INFERENCE_CHUNK / per_step).clamp(1, self.steps) };

        let weights = PackedWeights::new(isa, hidden, hidden, self.cell.gates());
        let state_buffers = [(); 2].map(|()| Scratch::new(self.row_block(batch)));
        let states = state_buffers.each_ref().map(Scratch::pointer);
        let reset = Scratch::new(if self.two_products() { self.row_block(batch) } else { 0 });
        let inputs = Packed::scratch(isa, chunk * batch, self.inputs.div_ceil(K_BLOCK), Lay::Rows);
        let gates_scratch = Scratch::new(if keep { 0 } else { chunk * per_step });
        let extra_scratch = Scratch::new(if keep { 0 } else { batch * hidden });
        let (gates, extra) = match pass.tape {
            Some(tape) => (Shared::writing(tape.gates), Shared::writing(tape.extra)),
            None => (gates_scratch.pointer(), extra_scratch.pointer()),
        };
        let bias = self.bias(pass.bias_input, pass.bias_hidden);
        let (output, last) = (Shared::writing(pass.outputs), Shared::writing(pass.last));
        let initial = Shared::reading(pass.state);
        let bias_hidden = Shared::reading(pass.bias_hidden);
        let input_blocks: Vec<_> = blocks(self.inputs).collect();
        let input_panels = panels(isa, pass.weight_input, columns);
        let input = Shared::reading(pass.input);
        let bias = Shared::reading(&bias);

        Crew::run(self.threads, |crew| {
            weights.pack(crew, &all_units, |gate| pass.weight_hidden.from(0, gate * hidden));
            crew.phase(1, |_| fill_rows(states[0], initial, batch, hidden));
            let mut read = 0;
            while read < self.steps {
                let reads = read..(read + chunk).min(self.steps);
                let range = self.steps_of(reads.clone());
                // a_t = W_x x_t + b for all steps of the chunk at once.
                let rows = range.len() * batch;
                let source = Matrix::rows(input.at(range.start * batch * self.inputs), self.inputs);
                let a = Packed { data: inputs.pointer(), rows, lay: Lay::Rows };
                a.pack(crew, isa, source, self.inputs);
                let c = if keep { gates.from(range.start * per_step) } else { gates };
                Gemm {
                    a,
                    panels: &input_panels,
                    k_blocks: &input_blocks,
                    c,
                    c_stride: self.gate_stride(),
                    start: Start::Bias(bias),
                }
                .run(crew, isa);
                let parts = self.parts();
                self.scan(crew, reads.len() * parts, |stage, share| {
                    let (i, part) = (reads.start + stage / parts, stage % parts);
                    let t = self.step(i);
                    let cell_before = match (self.cell.has_cell_state(), keep, i) {
                        (false, ..) => extra,
                        (true, true, 1..) => extra.from(self.step(i - 1) * batch * hidden),
                        (true, false, 1..) => extra,
                        (true, _, 0) => initial.from(batch * hidden),
                    };
                    let step = ForwardStep {
                        layer: self,
                        t,
                        keep,
                        gates: c.from((t - range.start) * per_step),
                        cell_before,
                        extra: extra.from(if keep { t * batch * hidden } else { 0 }),
                        hidden_before: states[i % 2],
                        hidden_after: states[(i + 1) % 2],
                        reset: reset.pointer(),
                        output: output.from(t * batch * hidden),
                    };
                    for index in share.units.clone() {
                        let (units, tiles) = (all_units[index], share.tiles.clone());
                        let panel = |gate| weights.panel(index, gate, units);
                        self.multiply(&step, part, units, tiles.clone(), panel, bias_hidden);
                        let rows = self.rows_of(tiles);
                        // SAFETY: units and rows of their own, in buffers of the layer's sizes.
                        unsafe { isa.run(ForwardUnits { step: &step, units, rows, part }) };
                    }
                });
                read = reads.end;
            }
            crew.phase(1, |_| {
                self.rows_out(states[self.steps % 2], last);
                if self.cell.has_cell_state() {
                    let cell = if keep { self.step(self.steps - 1) * batch * hidden } else { 0 };
                    // SAFETY: `[B, H]` in both; one thread.
                    unsafe {
                        let to = last.at(batch * hidden);
                        std::ptr::copy_nonoverlapping(extra.at(cell), to, batch * hidden);
                    }
                }
            });
        });
    }

    /// Products in a step.
    pub(super) fn parts(&self) -> usize {
        1 + usize::from(self.two_products())
    }

    /// The gates of a step's product.
    fn gates_of(&self, part: usize) -> Range<usize> {
        match (self.two_products(), part) {
            (false, _) => 0..self.cell.gates(),
            (true, 0) => 0..2,
            (true, _) => 2..3,
        }
    }

    /// `W_h h` (or `W_n (r⊙h)`) added to the gates of some units.
    pub(super) fn multiply(
        &self,
        step: &ForwardStep<'_, '_>,
        part: usize,
        units: Units,
        tiles: Range<usize>,
        panel: impl Fn(usize) -> Shared,
        bias_hidden: Shared,
    ) {
        for gate in self.gates_of(part) {
            // The candidate of a GRU with the reset after has its product apart.
            let (c, c_stride, start) = if gate == 2 && self.splits_candidate() {
                let bias = bias_hidden.from(2 * self.hidden + units.first);
                (step.extra.from(units.first), self.hidden, Start::Bias(bias))
            } else {
                let c = step.gates.from(gate * self.hidden + units.first);
                (c, self.gate_stride(), Start::Add)
            };
            StepProduct {
                tile_count: self.tiles(),
                tiles: tiles.clone(),
                batch: self.batch,
                k: self.hidden,
                a: if part == 0 { step.hidden_before } else { step.reset },
                a_rows: self.batch,
                panel: panel(gate),
                units,
                c,
                c_stride,
                start,
            }
            .compute(self.isa);
        }
    }

    /// The biases that can be added before the scan: all but the recurrent one of a candidate that is
    /// kept apart.
    pub(super) fn bias(&self, input: &[f32], hidden: &[f32]) -> Vec<f32> {
        let apart = if self.splits_candidate() { 2 * self.hidden } else { usize::MAX };
        let add = |(i, (x, h)): (usize, (&f32, &f32))| if i < apart { x + h } else { *x };
        input.iter().zip(hidden).enumerate().map(add).collect()
    }

    /// Copies a row block to `[B, H]`.
    fn rows_out(&self, block: Shared, rows: Shared) {
        for row in 0..self.batch {
            for run in blocks(self.hidden) {
                let to = rows.at(row * self.hidden + run.start);
                let from = in_rows(block, self.batch, row, run.start);
                // SAFETY: a run of a row is contiguous in both.
                unsafe { std::ptr::copy_nonoverlapping(from, to, run.len()) }
            }
        }
    }
}
