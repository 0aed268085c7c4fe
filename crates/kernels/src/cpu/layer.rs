//! What a recurrent layer's forward and backward scans share: sizes, order of steps, memory layout.

use std::ops::Range;

use super::buffer::Shared;
use super::crew::Crew;
use super::gemm::{blocks, tile_rows};
use super::simd::Isa;
use super::tile::{K_BLOCK, Lay, ROW_STRIDE, Start, Tile, width};
use crate::cell::{Cell, Direction, Reset};

/// Floating-point operations below which one thread does a step alone: meeting the others at its end
/// would cost more than they help.
const ALONE: usize = 1 << 19;

/// Floats of recurrent weights that stay in a core's second cache beside the rest: then each thread
/// may read all of them at every step.
const CACHED: usize = 5 << 16;

/// One layer, one direction, one batch.
pub(crate) struct Layer<'a> {
    pub(crate) isa: Isa,
    pub(crate) threads: usize,
    pub(crate) cell: Cell,
    pub(crate) direction: Direction,
    pub(crate) lengths: Option<&'a [usize]>,
    pub(crate) steps: usize,
    pub(crate) batch: usize,
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
}

/// Some hidden units: the share of one task of a step.
#[derive(Clone, Copy)]
pub(crate) struct Units {
    pub(crate) first: usize,
    pub(crate) count: usize,
}

/// Part of a stage of a scan: shares of the units and tiles of the rows, by number.
pub(crate) struct Share {
    pub(crate) units: Range<usize>,
    pub(crate) tiles: Range<usize>,
}

impl Layer<'_> {
    /// Columns of the weights, `G*H`.
    pub(crate) fn columns(&self) -> usize {
        self.cell.gates() * self.hidden
    }

    /// Floats from one row of gates to the next: `G*H`, and a little more where that is a multiple of
    /// a page, so that the rows of a tile do not all fall into one set of the first cache.
    pub(crate) fn gate_stride(&self) -> usize {
        let columns = self.columns();
        columns + if columns.is_multiple_of(512) { 32 } else { 0 }
    }

    /// Gate `gate` of unit `unit` in row `row` of a step's gates.
    #[inline(always)]
    pub(crate) fn gate(&self, gates: Shared, row: usize, gate: usize, unit: usize) -> *mut f32 {
        gates.at(row * self.gate_stride() + gate * self.hidden + unit)
    }

    /// Vectors in a state: 2 for an LSTM (hidden, cell), else 1.
    pub(crate) fn states(&self) -> usize {
        1 + usize::from(self.cell.has_cell_state())
    }

    /// The step that is read `i`-th.
    pub(crate) fn step(&self, i: usize) -> usize {
        match self.direction {
            Direction::Forward => i,
            Direction::Reverse => self.steps - 1 - i,
        }
    }

    /// The steps that the reads `reads` cover, as a range.
    pub(crate) fn steps_of(&self, reads: Range<usize>) -> Range<usize> {
        match self.direction {
            Direction::Forward => reads,
            Direction::Reverse => self.steps - reads.end..self.steps - reads.start,
        }
    }

    /// Whether sequence `row` reaches step `t`.
    #[inline(always)]
    pub(crate) fn live(&self, row: usize, t: usize) -> bool {
        self.lengths.is_none_or(|lengths| t < lengths[row])
    }

    /// The step read before `t` in sequence `row`; `None` at its first.
    #[inline(always)]
    pub(crate) fn before(&self, row: usize, t: usize) -> Option<usize> {
        match self.direction {
            Direction::Forward => t.checked_sub(1),
            Direction::Reverse => {
                let length = self.lengths.map_or(self.steps, |lengths| lengths[row]);
                (t + 1 < length).then_some(t + 1)
            }
        }
    }

    /// The hidden units in shares of one panel.
    pub(crate) fn units(&self) -> Vec<Units> {
        shares(self.isa, self.hidden)
    }

    /// Into how many tiles the `B` rows are cut.
    pub(crate) fn tiles(&self) -> usize {
        step_tiles(self.isa, self.batch)
    }

    /// The rows of some tiles.
    pub(crate) fn rows_of(&self, tiles: Range<usize>) -> Range<usize> {
        let count = self.tiles();
        tiles.start * self.batch / count..tiles.end * self.batch / count
    }

    /// Goes through the stages of a scan in order, `work` being one stage's work on one share.
    ///
    /// Sequences do not depend on each other: where the recurrent weights fit each core's cache, a
    /// task takes a tile of sequences through all stages and nobody waits. Else every stage is cut by
    /// hidden units, so that each thread reads its own part of the weights, and the threads meet at
    /// its end. Either way a share's results are the same bits.
    pub(crate) fn scan(&self, crew: &Crew<'_>, stages: usize, work: impl Fn(usize, &Share)) {
        let (units, tiles) = (self.units().len(), self.tiles());
        let weights = self.hidden * self.columns();
        let even = tiles % self.threads == 0 || tiles >= 4 * self.threads;
        if self.threads > 1 && weights <= CACHED && even {
            crew.phase(tiles, |tile| {
                let share = Share { units: 0..units, tiles: tile..tile + 1 };
                (0..stages).for_each(|stage| work(stage, &share));
            });
            return;
        }
        let tasks = if 2 * self.batch * weights < ALONE { 1 } else { units };
        for stage in 0..stages {
            crew.turning_phase(tasks, stage % 2 == 1, |task| {
                let share = Share { units: tile_rows(units, tasks, task), tiles: 0..tiles };
                work(stage, &share);
            });
        }
    }

    /// Floats in a row block of `rows` hidden vectors.
    pub(crate) fn row_block(&self, rows: usize) -> usize {
        row_block(rows, self.hidden)
    }

    /// Whether the reset gate of a GRU acts on the product, so that the candidate's two halves are
    /// kept apart.
    pub(crate) fn splits_candidate(&self) -> bool {
        self.cell == Cell::Gru { reset: Reset::After }
    }

    /// Whether a step has two products, the second of what the first one gives.
    pub(crate) fn two_products(&self) -> bool {
        self.cell == Cell::Gru { reset: Reset::Before }
    }
}

/// `0..n` in shares of one panel.
pub(crate) fn shares(isa: Isa, n: usize) -> Vec<Units> {
    let width = 2 * isa.lanes();
    (0..n).step_by(width).map(|first| Units { first, count: width.min(n - first) }).collect()
}

/// Into how many tiles the `batch` rows of a step are cut; an even number, so that two threads get
/// the same.
pub(crate) fn step_tiles(isa: Isa, batch: usize) -> usize {
    let tiles = batch.div_ceil(isa.rows());
    tiles + usize::from(tiles > 1 && tiles % 2 == 1)
}

/// `C[B, columns] (+)= A[B, k] panel`: one step's product for one panel and some tiles of rows.
pub(crate) struct StepProduct {
    /// Into how many tiles the `batch` rows are cut, and which of them are meant.
    pub(crate) tile_count: usize,
    pub(crate) tiles: Range<usize>,
    pub(crate) batch: usize,
    pub(crate) k: usize,
    /// The first of the step's rows in a row block of `a_rows` rows.
    pub(crate) a: Shared,
    pub(crate) a_rows: usize,
    pub(crate) panel: Shared,
    pub(crate) units: Units,
    pub(crate) c: Shared,
    pub(crate) c_stride: usize,
    pub(crate) start: Start,
}

impl StepProduct {
    /// Computes the product. A row's sums do not depend, bit by bit, on the rows beside it.
    pub(crate) fn compute(&self, isa: Isa) {
        let Self { a, a_rows, panel, units, c, c_stride, start, .. } = *self;
        let width = width(isa, units.count);
        for (q, k) in blocks(self.k).enumerate() {
            for i in self.tiles.clone() {
                let rows = tile_rows(self.batch, self.tile_count, i);
                let tile = Tile {
                    rows: rows.len(),
                    columns: units.count,
                    k: k.len(),
                    a: a.at((q * a_rows + rows.start) * ROW_STRIDE),
                    lay: Lay::Rows,
                    b: panel.at(k.start * width),
                    c: c.at(rows.start * c_stride),
                    c_stride,
                    start: if q == 0 { start } else { Start::Add },
                };
                // SAFETY: packed operands; the task owns these columns of C.
                unsafe { tile.compute(isa) };
            }
        }
    }
}

/// Threads worth waking for one step of so many operations.
pub(crate) fn threads_for(operations: usize) -> usize {
    if operations < ALONE { 1 } else { rayon::current_num_threads() }
}

/// Copies `rows` rows of `width` floats into a row block.
pub(crate) fn fill_rows(block: Shared, from: Shared, rows: usize, width: usize) {
    for row in 0..rows {
        for run in blocks(width) {
            let source = from.at(row * width + run.start).cast_const();
            let to = in_rows(block, rows, row, run.start);
            // SAFETY: a run of a row is contiguous in both.
            unsafe { std::ptr::copy_nonoverlapping(source, to, run.len()) }
        }
    }
}

/// Floats in a row block of `rows` rows of `width` floats.
pub(crate) fn row_block(rows: usize, width: usize) -> usize {
    width.div_ceil(K_BLOCK) * rows * ROW_STRIDE
}

/// Unit `unit` of row `row` in a row block of `rows` rows; a panel's units lie together.
#[inline(always)]
pub(crate) fn in_rows(block: Shared, rows: usize, row: usize, unit: usize) -> *mut f32 {
    block.at(((unit / K_BLOCK) * rows + row) * ROW_STRIDE + unit % K_BLOCK)
}
