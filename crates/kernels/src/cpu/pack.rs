//! Copies of operands in the order in which the micro-kernel reads them.

use super::simd::{Simd, Task};
use super::tile::{K_BLOCK, MAX_ROWS, ROW_STRIDE};

/// A matrix in memory, rows and columns any distance apart: also a transposed view.
#[derive(Clone, Copy)]
pub(crate) struct Matrix {
    pub(crate) start: *const f32,
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

// SAFETY: only read through, while the borrow it was made from lives.
unsafe impl Send for Matrix {}
// SAFETY: as above.
unsafe impl Sync for Matrix {}

impl Matrix {
    /// Row after row, `columns` wide.
    pub(crate) fn rows(start: *const f32, columns: usize) -> Self {
        Self { start, row_stride: columns, column_stride: 1 }
    }

    /// The same numbers, rows as columns.
    pub(crate) fn transposed(self) -> Self {
        let Self { start, row_stride, column_stride } = self;
        Self { start, row_stride: column_stride, column_stride: row_stride }
    }

    /// The part from `row` and `column` on.
    pub(crate) fn from(self, row: usize, column: usize) -> Self {
        let offset = row * self.row_stride + column * self.column_stride;
        Self { start: self.start.wrapping_add(offset), ..self }
    }
}

/// Packs a panel of `B`: `k` rows of `columns` values, padded with zeros to `width`.
pub(crate) struct PackPanel {
    pub(crate) source: Matrix,
    pub(crate) k: usize,
    pub(crate) columns: usize,
    pub(crate) width: usize,
    pub(crate) panel: *mut f32,
}

impl Task for PackPanel {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { source, k, columns, width, panel } = self;
        // SAFETY: the caller vouches for `k x columns` values at the source, `k x width` at the panel.
        unsafe {
            if source.column_stride == 1 {
                for i in 0..k {
                    let (from, to) = (source.from(i, 0).start, panel.add(i * width));
                    S::prefetch(from.wrapping_add(8 * source.row_stride));
                    copy::<S>(from, to, columns);
                    clear::<S>(to, columns, width);
                }
                return;
            }
            // Transposed: whole squares by shuffles, the rest one by one.
            let whole = |n: usize| if source.row_stride == 1 { n - n % S::LANES } else { 0 };
            let (whole_k, whole_columns) = (whole(k), whole(columns));
            for column in (0..whole_columns).step_by(S::LANES) {
                for i in (0..whole_k).step_by(S::LANES) {
                    let from = source.from(i, column).start;
                    S::transpose(from, source.column_stride, panel.add(i * width + column), width);
                }
            }
            for i in 0..k {
                let done = if i < whole_k { whole_columns } else { 0 };
                for column in done..columns {
                    *panel.add(i * width + column) = *source.from(i, column).start;
                }
                clear::<S>(panel.add(i * width), columns, width);
            }
        }
    }
}

/// Copies rows of `A` into a block of rows: [`ROW_STRIDE`] apart, at most [`K_BLOCK`] wide.
pub(crate) struct PackRows {
    pub(crate) source: Matrix,
    pub(crate) rows: usize,
    pub(crate) k: usize,
    pub(crate) block: *mut f32,
}

impl Task for PackRows {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { source, rows, k, block } = self;
        debug_assert!(k <= K_BLOCK);
        // SAFETY: the caller vouches for `rows x k` values at the source and the block's rows.
        unsafe {
            if source.column_stride == 1 {
                for row in 0..rows {
                    copy::<S>(source.from(row, 0).start, block.add(row * ROW_STRIDE), k);
                }
            } else {
                for row in 0..rows {
                    for i in 0..k {
                        *block.add(row * ROW_STRIDE + i) = *source.from(row, i).start;
                    }
                }
            }
        }
    }
}

/// Copies one tile of the rows of `A` into groups of [`MAX_ROWS`], one group for each `k`.
pub(crate) struct PackColumns {
    pub(crate) source: Matrix,
    pub(crate) rows: usize,
    pub(crate) k: usize,
    pub(crate) block: *mut f32,
}

impl Task for PackColumns {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { source, rows, k, block } = self;
        debug_assert!(rows <= MAX_ROWS);
        // SAFETY: the caller vouches for `rows x k` values at the source and `k` groups.
        unsafe {
            for i in 0..k {
                let group = block.add(i * MAX_ROWS);
                if source.row_stride == 1 {
                    copy::<S>(source.from(0, i).start, group, rows);
                } else {
                    for row in 0..rows {
                        *group.add(row) = *source.from(row, i).start;
                    }
                }
            }
        }
    }
}

/// Copies `n` floats.
#[inline(always)]
unsafe fn copy<S: Simd>(from: *const f32, to: *mut f32, n: usize) {
    let mut at = 0;
    // SAFETY: the caller vouches for `n` floats at both.
    unsafe {
        while at + S::LANES <= n {
            S::store(to.add(at), S::load(from.add(at)));
            at += S::LANES;
        }
        if at < n {
            S::store_first(to.add(at), S::load_first(from.add(at), n - at), n - at);
        }
    }
}

/// Zeros from `columns` to `width`.
#[inline(always)]
unsafe fn clear<S: Simd>(row: *mut f32, columns: usize, width: usize) {
    for i in columns..width {
        // SAFETY: the caller vouches for `width` floats.
        unsafe { *row.add(i) = 0.0 }
    }
}
