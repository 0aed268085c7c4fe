//! Matrix products of a crew: `C (+)= A B` over packed operands.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::buffer::{Scratch, Shared};
use super::crew::Crew;
use super::pack::{Matrix, PackColumns, PackPanel, PackRows};
use super::simd::{Isa, MAX_LANES};
use super::tile::{K_BLOCK, Lay, MAX_ROWS, ROW_STRIDE, Start, Tile, width};

/// Rows of `A` whose block of `k` stays in the second cache while panels of `B` pass.
const ROW_CHUNK: usize = 1024;

/// The most panels of `B` in one task: each block of `A` is read from memory once for all of them.
const GROUP: usize = 4;

/// Tasks that a product is cut into where it has as many: so few threads wait at its end.
const TASKS: usize = 12;

/// `0..n` cut into blocks of at most [`K_BLOCK`].
pub(crate) fn blocks(n: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(K_BLOCK).map(move |start| start..(start + K_BLOCK).min(n))
}

/// Cuts `rows` into tiles of nearly equal height, at most `isa.rows()`: tile `i` of how many.
pub(crate) fn tiles(isa: Isa, rows: usize) -> usize {
    rows.div_ceil(isa.rows())
}

/// The rows of tile `i` of `count`.
pub(crate) fn tile_rows(rows: usize, count: usize, i: usize) -> Range<usize> {
    i * rows / count..(i + 1) * rows / count
}

/// A left operand of `rows` rows, packed by blocks of `k`.
#[derive(Clone, Copy)]
pub(crate) struct Packed {
    pub(crate) data: Shared,
    pub(crate) rows: usize,
    pub(crate) lay: Lay,
}

impl Packed {
    /// Scratch for an operand of this size, `k` given as the number of its blocks.
    pub(crate) fn scratch(isa: Isa, rows: usize, k_blocks: usize, lay: Lay) -> Scratch {
        Scratch::new(match lay {
            Lay::Rows => k_blocks * rows * ROW_STRIDE,
            Lay::Columns => k_blocks * tiles(isa, rows) * K_BLOCK * MAX_ROWS,
        })
    }

    /// Where block `q` of the rows of tile `i` of `count` starts.
    #[inline(always)]
    fn tile(self, q: usize, i: usize, count: usize) -> *const f32 {
        match self.lay {
            Lay::Rows => {
                self.data.at((q * self.rows + i * self.rows / count) * ROW_STRIDE).cast_const()
            }
            Lay::Columns => self.data.at((q * count + i) * K_BLOCK * MAX_ROWS).cast_const(),
        }
    }

    /// Packs `source`, `[rows, k]`, as one phase of the crew.
    pub(crate) fn pack(self, crew: &Crew<'_>, isa: Isa, source: Matrix, k: usize) {
        let blocks: Vec<_> = blocks(k).collect();
        // Chunks of rows: a tile for columns, more for rows.
        let chunks = match self.lay {
            Lay::Rows => self.rows.div_ceil(64),
            Lay::Columns => tiles(isa, self.rows),
        };
        crew.phase(blocks.len() * chunks, |task| {
            let (q, chunk) = (task / chunks, task % chunks);
            let rows = tile_rows(self.rows, chunks, chunk);
            let source = source.from(rows.start, blocks[q].start);
            let k = blocks[q].len();
            // SAFETY: each task writes rows, or a tile, of its own; the source is readable.
            unsafe {
                match self.lay {
                    Lay::Rows => {
                        let block = self.data.at((q * self.rows + rows.start) * ROW_STRIDE);
                        isa.run(PackRows { source, rows: rows.len(), k, block });
                    }
                    Lay::Columns => {
                        let block = self.tile(q, chunk, chunks).cast_mut();
                        isa.run(PackColumns { source, rows: rows.len(), k, block });
                    }
                }
            }
        });
    }
}

/// Some columns of the right operand and where their products go.
#[derive(Clone, Copy)]
pub(crate) struct Panel {
    /// `[k, columns]`.
    pub(crate) source: Matrix,
    /// At most two vectors.
    pub(crate) columns: usize,
    /// The first one's number, for the bias.
    pub(crate) column: usize,
    /// Where it lies in a row of `C`.
    pub(crate) to: usize,
}

/// The panels of a right operand `[k, columns]`.
pub(crate) fn panels(isa: Isa, source: Matrix, columns: usize) -> Vec<Panel> {
    let width = 2 * isa.lanes();
    let panel = |first: usize| Panel {
        source: source.from(0, first),
        columns: width.min(columns - first),
        column: first,
        to: first,
    };
    (0..columns).step_by(width).map(panel).collect()
}

/// A product `C (+)= A B`.
pub(crate) struct Gemm<'a> {
    pub(crate) a: Packed,
    pub(crate) panels: &'a [Panel],
    /// Rows of `B` for each block of `A`.
    pub(crate) k_blocks: &'a [Range<usize>],
    pub(crate) c: Shared,
    pub(crate) c_stride: usize,
    /// A bias has a value for each column.
    pub(crate) start: Start,
}

impl Gemm<'_> {
    /// Computes the product as one phase of the crew.
    pub(crate) fn run(&self, crew: &Crew<'_>, isa: Isa) {
        let tiles = tiles(isa, self.a.rows);
        let chunks = self.a.rows.div_ceil(ROW_CHUNK);
        let group = (self.panels.len() / TASKS).clamp(1, GROUP);
        let groups = self.panels.len().div_ceil(group);
        // Few panels: let more threads share each, by rows.
        let chunks = chunks.max(TASKS / 2 / groups).clamp(1, tiles);
        crew.phase(groups * chunks, |task| {
            let (group, chunk) = (task % groups, task / groups);
            let panels = &self.panels[tile_rows(self.panels.len(), groups, group)];
            self.part(isa, panels, tile_rows(tiles, chunks, chunk), tiles);
        });
    }

    /// Some panels by some tiles.
    fn part(&self, isa: Isa, panels: &[Panel], range: Range<usize>, tiles: usize) {
        /// A block of a panel, on cache lines of its own.
        #[repr(align(64))]
        struct Block(MaybeUninit<[f32; K_BLOCK * 2 * MAX_LANES]>);
        let mut block = Block(MaybeUninit::uninit());
        let b = block.0.as_mut_ptr().cast::<f32>();
        for (q, k) in self.k_blocks.iter().enumerate() {
            for panel in panels {
                let (source, columns) = (panel.source.from(k.start, 0), panel.columns);
                let width = width(isa, columns);
                // SAFETY: the block holds `K_BLOCK` rows of the widest panel.
                unsafe { isa.run(PackPanel { source, k: k.len(), columns, width, panel: b }) };
                let start = match self.start {
                    _ if q > 0 => Start::Add,
                    Start::Bias(bias) => Start::Bias(bias.from(panel.column)),
                    start => start,
                };
                for i in range.clone() {
                    let rows = tile_rows(self.a.rows, tiles, i);
                    let tile = Tile {
                        rows: rows.len(),
                        columns,
                        k: k.len(),
                        a: self.a.tile(q, i, tiles),
                        lay: self.a.lay,
                        b,
                        c: self.c.at(rows.start * self.c_stride + panel.to),
                        c_stride: self.c_stride,
                        start,
                    };
                    // SAFETY: tasks own disjoint tiles of C; A and B are packed.
                    unsafe { tile.compute(isa) };
                }
            }
        }
    }
}
