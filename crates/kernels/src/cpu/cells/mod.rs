//! The cells' equations on the vectors of a task: forward, and backward by hand.

mod gru;
mod lstm;
mod rnn;

use std::ops::Range;

use super::buffer::Shared;
use super::layer::{Layer, Units, in_rows};
use super::simd::{Simd, Task};
use crate::cell::{Cell, Reset};

/// Where one step's values lie. Rows are [`Layer::gate_stride`] apart in `gates`, `H` apart elsewhere; `hidden_*` and
/// `reset` are row blocks of `B` rows.
pub(crate) struct ForwardStep<'a, 'b> {
    pub(crate) layer: &'a Layer<'b>,
    pub(crate) t: usize,
    /// Whether the gates are kept for the backward pass.
    pub(crate) keep: bool,
    /// In: all products; out: activations.
    pub(crate) gates: Shared,
    pub(crate) cell_before: Shared,
    /// LSTM: the memory cells after the step; GRU, reset after: `W_n h + b_n`.
    pub(crate) extra: Shared,
    pub(crate) hidden_before: Shared,
    pub(crate) hidden_after: Shared,
    /// GRU, reset before: `r ⊙ h`.
    pub(crate) reset: Shared,
    pub(crate) output: Shared,
}

/// The forward equations for some units of a step.
pub(crate) struct ForwardUnits<'a, 'b, 'c> {
    pub(crate) step: &'a ForwardStep<'b, 'c>,
    pub(crate) units: Units,
    pub(crate) rows: Range<usize>,
    /// After the step's first product, or its second.
    pub(crate) part: usize,
}

impl Task for ForwardUnits<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { step, units, rows, part } = self;
        let layer = step.layer;
        for row in rows {
            // SAFETY: the step's buffers have `B` rows; the units are the task's own.
            unsafe {
                if !layer.live(row, step.t) {
                    if part == 0 {
                        step.pass_over::<S>(row, units);
                    }
                    continue;
                }
                match layer.cell {
                    Cell::Lstm => lstm::forward::<S>(step, row, units),
                    Cell::Gru { reset: Reset::After } => gru::forward_after::<S>(step, row, units),
                    Cell::Gru { reset: Reset::Before } if part == 0 => {
                        gru::forward_gates::<S>(step, row, units);
                    }
                    Cell::Gru { reset: Reset::Before } => {
                        gru::forward_candidate::<S>(step, row, units);
                    }
                    Cell::Rnn { activation } => rnn::forward::<S>(step, row, units, activation),
                }
            }
        }
    }
}

impl ForwardStep<'_, '_> {
    /// Gate `gate` of unit `unit`.
    #[inline(always)]
    fn gate(&self, row: usize, gate: usize, unit: usize) -> *mut f32 {
        self.layer.gate(self.gates, row, gate, unit)
    }

    /// A value of one of the buffers whose rows are `H` apart.
    #[inline(always)]
    fn at(&self, rows: Shared, row: usize, unit: usize) -> *mut f32 {
        rows.at(row * self.layer.hidden + unit)
    }

    /// A value of one of the row blocks.
    #[inline(always)]
    fn block(&self, block: Shared, row: usize, unit: usize) -> *mut f32 {
        in_rows(block, self.layer.batch, row, unit)
    }

    /// Stores the new hidden vector.
    #[inline(always)]
    unsafe fn emit<S: Simd>(&self, row: usize, unit: usize, n: usize, h: S::V) {
        // SAFETY: the task's own units.
        unsafe {
            store::<S>(self.block(self.hidden_after, row, unit), h, n);
            store::<S>(self.at(self.output, row, unit), h, n);
        }
    }

    /// A step past the sequence's end: the state stays, the output is zero, and so is all that the
    /// backward pass reads.
    #[inline(always)]
    unsafe fn pass_over<S: Simd>(&self, row: usize, units: Units) {
        // SAFETY: the task's own units.
        unsafe {
            each::<S>(units, |unit, n| {
                let zero = S::splat(0.0);
                let h = load::<S>(self.block(self.hidden_before, row, unit), n);
                store::<S>(self.block(self.hidden_after, row, unit), h, n);
                store::<S>(self.at(self.output, row, unit), zero, n);
                if self.layer.cell.has_cell_state() {
                    let c = load::<S>(self.at(self.cell_before, row, unit), n);
                    store::<S>(self.at(self.extra, row, unit), c, n);
                }
                if self.keep {
                    for gate in 0..self.layer.cell.gates() {
                        store::<S>(self.gate(row, gate, unit), zero, n);
                    }
                }
                if self.layer.two_products() {
                    store::<S>(self.block(self.reset, row, unit), zero, n);
                }
            });
        }
    }
}

/// Where one step's values lie, backward.
pub(crate) struct BackwardStep<'a, 'b> {
    pub(crate) layer: &'a Layer<'b>,
    pub(crate) t: usize,
    /// Activations of the step.
    pub(crate) gates: Shared,
    /// The tape's extra values of all steps, `[T, B, H]`.
    pub(crate) extra: Shared,
    /// All hidden vectors, `[T, B, H]`.
    pub(crate) outputs: Shared,
    /// The state before the first step, `[S, B, H]`.
    pub(crate) initial: Shared,
    /// Gradient of the step's output.
    pub(crate) output_gradient: Shared,
    /// In and out: gradient of the hidden state after, then (less its product) before the step.
    pub(crate) hidden_gradient: Shared,
    /// The same for an LSTM's memory cells.
    pub(crate) cell_gradient: Shared,
    /// Gradients of the gates' arguments: for each gate a row block of `T * B` rows.
    pub(crate) gate_gradients: Shared,
    /// Their sums over steps and a tile's sequences, `[gates, H]`.
    pub(crate) bias_gradients: Shared,
    /// GRU, reset before: the product's gradient, `[B, H]`, and `r ⊙ h`, `[T, B, H]`.
    pub(crate) reset_gradient: Shared,
    pub(crate) reset: Shared,
}

/// The backward equations for some units of a step.
pub(crate) struct BackwardUnits<'a, 'b, 'c> {
    pub(crate) step: &'a BackwardStep<'b, 'c>,
    pub(crate) units: Units,
    pub(crate) rows: Range<usize>,
    /// Before the step's first product, or its second.
    pub(crate) part: usize,
}

impl Task for BackwardUnits<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { step, units, rows, part } = self;
        let layer = step.layer;
        for row in rows {
            // SAFETY: the step's buffers have `B` rows; the units are the task's own.
            unsafe {
                if !layer.live(row, step.t) {
                    step.pass_over::<S>(row, units);
                    continue;
                }
                match layer.cell {
                    Cell::Lstm => lstm::backward::<S>(step, row, units),
                    Cell::Gru { reset: Reset::After } => gru::backward_after::<S>(step, row, units),
                    Cell::Gru { reset: Reset::Before } if part == 0 => {
                        gru::backward_candidate::<S>(step, row, units);
                    }
                    Cell::Gru { reset: Reset::Before } => {
                        gru::backward_gates::<S>(step, row, units);
                    }
                    Cell::Rnn { activation } => rnn::backward::<S>(step, row, units, activation),
                }
            }
        }
    }
}

impl BackwardStep<'_, '_> {
    /// Gate `gate` of unit `unit`.
    #[inline(always)]
    fn gate(&self, row: usize, gate: usize, unit: usize) -> *mut f32 {
        self.layer.gate(self.gates, row, gate, unit)
    }

    /// A value of a buffer `[B, H]`.
    #[inline(always)]
    fn at(&self, rows: Shared, row: usize, unit: usize) -> *mut f32 {
        rows.at(row * self.layer.hidden + unit)
    }

    /// A value of this step in a buffer `[T, B, H]`.
    #[inline(always)]
    fn now(&self, rows: Shared, row: usize, unit: usize) -> *mut f32 {
        rows.at((self.t * self.layer.batch + row) * self.layer.hidden + unit)
    }

    /// The value before this step: of `rows`, `[T, B, H]`, or at the first step of state `which`.
    #[inline(always)]
    fn before(&self, rows: Shared, which: usize, row: usize, unit: usize) -> *const f32 {
        let Layer { batch, hidden, .. } = *self.layer;
        match self.layer.before(row, self.t) {
            Some(t) => rows.at((t * batch + row) * hidden + unit),
            None => self.initial.at((which * batch + row) * hidden + unit),
        }
    }

    /// The gradient of the hidden vector that this step gave: from its output and from the future.
    #[inline(always)]
    unsafe fn arriving<S: Simd>(&self, row: usize, unit: usize, n: usize) -> S::V {
        // SAFETY: the task's own units.
        unsafe {
            let output = load::<S>(self.at(self.output_gradient, row, unit), n);
            S::add(output, load::<S>(self.at(self.hidden_gradient, row, unit), n))
        }
    }

    /// Where the gradient of gate `gate`'s argument goes.
    #[inline(always)]
    fn gradient(&self, gate: usize, row: usize, unit: usize) -> *mut f32 {
        let rows = self.layer.steps * self.layer.batch;
        let block = self.gate_gradients.from(gate * self.layer.row_block(rows));
        in_rows(block, rows, self.t * self.layer.batch + row, unit)
    }

    /// Stores the gradient of gate `gate`'s argument and adds it to the bias's.
    #[inline(always)]
    unsafe fn emit<S: Simd>(&self, gate: usize, row: usize, unit: usize, n: usize, d: S::V) {
        // SAFETY: the task's own units.
        unsafe {
            store::<S>(self.gradient(gate, row, unit), d, n);
            let sum = self.bias_gradients.at(gate * self.layer.hidden + unit);
            store::<S>(sum, S::add(load::<S>(sum, n), d), n);
        }
    }

    /// A step past the sequence's end gives the gates no gradient and lets the state's through.
    #[inline(always)]
    unsafe fn pass_over<S: Simd>(&self, row: usize, units: Units) {
        let gates = self.layer.cell.gates() + usize::from(self.layer.splits_candidate());
        // SAFETY: the task's own units.
        unsafe {
            each::<S>(units, |unit, n| {
                for gate in 0..gates {
                    store::<S>(self.gradient(gate, row, unit), S::splat(0.0), n);
                }
                if self.layer.two_products() {
                    store::<S>(self.now(self.reset, row, unit), S::splat(0.0), n);
                }
            });
        }
    }
}

/// Calls `f(first unit, units)` for each vector of the units; the last may be partial.
#[inline(always)]
unsafe fn each<S: Simd>(units: Units, mut f: impl FnMut(usize, usize)) {
    let end = units.first + units.count;
    let mut unit = units.first;
    while unit < end {
        f(unit, S::LANES.min(end - unit));
        unit += S::LANES;
    }
}

/// The first `n` lanes.
#[inline(always)]
unsafe fn load<S: Simd>(p: *const f32, n: usize) -> S::V {
    // SAFETY: the caller vouches for `n` floats.
    unsafe { if n == S::LANES { S::load(p) } else { S::load_first(p, n) } }
}

/// The first `n` lanes.
#[inline(always)]
unsafe fn store<S: Simd>(p: *mut f32, v: S::V, n: usize) {
    // SAFETY: the caller vouches for `n` floats.
    unsafe { if n == S::LANES { S::store(p, v) } else { S::store_first(p, v, n) } }
}

/// `y (1 - y)`: the derivative of a sigmoid in terms of its value.
#[inline(always)]
unsafe fn sigmoid_slope<S: Simd>(y: S::V) -> S::V {
    // SAFETY: arithmetic only.
    unsafe { S::mul(y, S::sub(S::splat(1.0), y)) }
}

/// `1 - y²`: the derivative of a tanh in terms of its value.
#[inline(always)]
pub(super) unsafe fn tanh_slope<S: Simd>(y: S::V) -> S::V {
    // SAFETY: arithmetic only.
    unsafe { S::sub(S::splat(1.0), S::mul(y, y)) }
}
