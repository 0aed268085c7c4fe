//! The gradients that need all steps: one product each over the `T*B` rows of gate gradients.

use std::ops::Range;

use super::backward::Backward;
use super::buffer::{Scratch, Shared};
use super::cells::BackwardStep;
use super::crew::Crew;
use super::gemm::{Gemm, Packed, Panel, blocks, panels};
use super::layer::{Layer, in_rows};
use super::pack::Matrix;
use super::tile::{K_BLOCK, Lay, ROW_STRIDE, Start};

/// Operands and scratch of the products.
pub(crate) struct WeightGradients<'a> {
    layer: &'a Layer<'a>,
    /// `[I, G*H]`.
    weight_input: Matrix,
    input: Matrix,
    outputs: Shared,
    initial: Shared,
    /// For each kind of gate a row block of `T*B` rows.
    gate_gradients: Shared,
    /// `r⊙h`, `[T*B, H]`, of a GRU with the reset before.
    reset: Matrix,
    recurrent: &'a [usize],
    /// The hidden vectors before each step, `[T*B, H]`.
    before: Scratch,
    /// The packed left operand: inputs or hidden vectors, transposed.
    left: Scratch,
}

impl<'a> WeightGradients<'a> {
    /// Scratch for the gradients of `layer`.
    pub(crate) fn new(
        layer: &'a Layer<'a>,
        pass: &Backward<'_>,
        step: &BackwardStep<'_, '_>,
        recurrent: &'a [usize],
    ) -> Self {
        let rows = layer.steps * layer.batch;
        let widest = layer.inputs.max(layer.hidden);
        let left = Packed::scratch(layer.isa, widest, rows.div_ceil(K_BLOCK), Lay::Columns);
        Self {
            layer,
            weight_input: pass.weight_input,
            input: Matrix::rows(pass.input.as_ptr(), layer.inputs),
            outputs: step.outputs,
            initial: step.initial,
            gate_gradients: step.gate_gradients,
            reset: Matrix::rows(step.reset.at(0), layer.hidden),
            recurrent,
            before: Scratch::new(rows * layer.hidden),
            left,
        }
    }

    /// `dX = δ W_xᵀ`, `[T*B, I]`.
    pub(crate) fn of_inputs(&self, crew: &Crew<'_>, to: Shared) {
        let Layer { isa, hidden, inputs, cell, .. } = *self.layer;
        let gate_blocks = |gate| blocks(hidden).map(move |k| shift(k, gate * hidden));
        let k_blocks: Vec<_> = (0..cell.gates()).flat_map(gate_blocks).collect();
        Gemm {
            a: Packed { data: self.gate_gradients, rows: self.rows(), lay: Lay::Rows },
            panels: &panels(isa, self.weight_input.transposed(), inputs),
            k_blocks: &k_blocks,
            c: to,
            c_stride: inputs,
            start: Start::Zero,
        }
        .run(crew, isa);
    }

    /// `dW_x = Xᵀ δ`, `[I, G*H]`.
    pub(crate) fn of_weight_input(&self, crew: &Crew<'_>, to: Shared) {
        let kinds: Vec<usize> = (0..self.layer.cell.gates()).collect();
        self.product(crew, self.input, self.layer.inputs, &kinds, 0, to);
    }

    /// `dW_h = Hᵀ δ` with `H` the hidden vectors before each step, `[H, G*H]`.
    pub(crate) fn of_weight_hidden(&self, crew: &Crew<'_>, to: Shared) {
        let Layer { hidden, batch, steps, .. } = *self.layer;
        let before = self.before.pointer();
        crew.phase(steps, |t| {
            for row in 0..batch {
                let from = match self.layer.before(row, t) {
                    Some(t) => self.outputs.at((t * batch + row) * hidden),
                    None => self.initial.at(row * hidden),
                };
                // SAFETY: rows of `H` values; each task writes its own.
                unsafe {
                    let to = before.at((t * batch + row) * hidden);
                    std::ptr::copy_nonoverlapping(from, to, hidden);
                }
            }
        });
        let before = Matrix::rows(before.at(0), hidden);
        if self.layer.two_products() {
            // The candidate's product was with r⊙h.
            self.product(crew, before, hidden, &[0, 1], 0, to);
            self.product(crew, self.reset, hidden, &[2], 2, to);
        } else {
            self.product(crew, before, hidden, self.recurrent, 0, to);
        }
    }

    /// `leftᵀ δ` for some kinds of gates, into the columns of gates from `first` on.
    fn product(
        &self,
        crew: &Crew<'_>,
        left: Matrix,
        width: usize,
        kinds: &[usize],
        first: usize,
        to: Shared,
    ) {
        let (isa, rows) = (self.layer.isa, self.rows());
        let a = Packed { data: self.left.pointer(), rows: width, lay: Lay::Columns };
        a.pack(crew, isa, left.transposed(), rows);
        let all = kinds.iter().enumerate();
        let panels: Vec<Panel> =
            all.flat_map(|(i, &kind)| self.gate_panels(kind, first + i)).collect();
        Gemm {
            a,
            panels: &panels,
            k_blocks: &blocks(rows).collect::<Vec<_>>(),
            c: to,
            c_stride: self.layer.columns(),
            start: Start::Zero,
        }
        .run(crew, isa);
    }

    /// The gradients of one kind of gate as panels `[T*B, units]` for the columns of `gate`.
    fn gate_panels(&self, kind: usize, gate: usize) -> impl Iterator<Item = Panel> {
        let (rows, hidden) = (self.rows(), self.layer.hidden);
        let block = self.gate_gradients.from(kind * self.layer.row_block(rows));
        self.layer.units().into_iter().map(move |units| Panel {
            source: Matrix {
                start: in_rows(block, rows, 0, units.first),
                row_stride: ROW_STRIDE,
                column_stride: 1,
            },
            columns: units.count,
            column: gate * hidden + units.first,
            to: gate * hidden + units.first,
        })
    }

    fn rows(&self) -> usize {
        self.layer.steps * self.layer.batch
    }
}

/// A range `by` further on.
fn shift(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}
