//! A matrix packed once for products with few rows.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::vector::widest;

/// Columns of a panel: two vectors of AVX-512, four of AVX2.
pub(super) const WIDTH: usize = 32;

/// Multiply-adds under which a second thread costs more than it gives.
const ONE_THREAD: usize = 200_000;

/// A matrix `[K, N]` and a row `[N]` that starts every product, cut into panels of [`WIDTH`]
/// columns, `[N/32, K, 32]`: one row vector times the matrix reads memory once, in order.
#[derive(Clone, Debug)]
pub(super) struct Panels {
    rows: usize,
    columns: usize,
    data: Vec<f32>,
    start: Vec<f32>,
}

impl Panels {
    /// Packs `matrix(k, n)` and `start(n)`; columns past `N` hold zeros over `padding`.
    pub(super) fn new(
        [rows, columns]: [usize; 2],
        padding: f32,
        matrix: impl Fn(usize, usize) -> f32,
        start: impl Fn(usize) -> f32,
    ) -> Self {
        let padded = columns.div_ceil(WIDTH) * WIDTH;
        let mut data = vec![0.0; rows * padded];
        for (panel, block) in data.chunks_exact_mut((rows * WIDTH).max(1)).enumerate() {
            let first = panel * WIDTH;
            let width = WIDTH.min(columns - first);
            for (k, line) in block.chunks_exact_mut(WIDTH).enumerate() {
                for (n, value) in line[..width].iter_mut().enumerate() {
                    *value = matrix(k, first + n);
                }
            }
        }
        let start = (0..padded).map(|n| if n < columns { start(n) } else { padding }).collect();
        Self { rows, columns, data, start }
    }

    /// `N`.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// `start + x M` for each row of `x` `[B, K]`, into `out` as panels, `[N/32, B, 32]`.
    ///
    /// Each element is one sum over `k` in order, whatever `B` and the number of threads: a row's
    /// result never depends on the rows beside it.
    pub(super) fn product(&self, x: &[f32], batch: usize, out: &mut Vec<f32>) {
        debug_assert_eq!(x.len(), batch * self.rows);
        out.resize(self.start.len() * batch, 0.0);
        let panel = |(index, out): (usize, &mut [f32])| {
            let size = self.rows * WIDTH;
            widest(Product {
                x,
                k: self.rows,
                panel: &self.data[index * size..(index + 1) * size],
                start: &self.start[index * WIDTH..(index + 1) * WIDTH],
                out,
            });
        };
        if batch * self.rows * self.columns < ONE_THREAD {
            out.chunks_exact_mut(batch * WIDTH).enumerate().for_each(panel);
        } else {
            out.par_chunks_exact_mut(batch * WIDTH).enumerate().for_each(panel);
        }
    }
}

/// All rows times one panel.
struct Product<'a> {
    x: &'a [f32],
    k: usize,
    panel: &'a [f32],
    start: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    /// As many rows at once as keep their sums in registers (at most 16 of the 32 or half of the
    /// 16 there are), so that each vector of the panel is loaded once for all of them.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.rows::<S, 2, 8>(simd),
            8 => self.rows::<S, 4, 2>(simd),
            4 => self.rows::<S, 8, 2>(simd),
            _ => self.rows::<S, WIDTH, 1>(simd),
        }
    }
}

impl Product<'_> {
    /// `W` vectors make a panel's row; `R` rows of `x` go together.
    #[inline(always)]
    fn rows<S: Simd, const W: usize, const R: usize>(self, simd: S) {
        let Self { x, k, panel, start, out } = self;
        let (panel, _) = S::as_simd_f32s(panel);
        let (start, _) = S::as_simd_f32s(start);
        let (out, _) = S::as_mut_simd_f32s(out);
        let (tiles, rest) = out.split_at_mut(out.len() / (R * W) * (R * W));
        let (x_tiles, x_rest) = x.split_at(tiles.len() / W * k);
        for (out, x) in tiles.chunks_exact_mut(R * W).zip(x_tiles.chunks_exact((R * k).max(1))) {
            tile::<S, W, R>(simd, x, k, panel, start, out);
        }
        for (out, x) in rest.chunks_exact_mut(W).zip(x_rest.chunks_exact(k.max(1))) {
            tile::<S, W, 1>(simd, x, k, panel, start, out);
        }
    }
}

#[inline(always)]
fn tile<S: Simd, const W: usize, const R: usize>(
    simd: S,
    x: &[f32],
    k: usize,
    panel: &[S::f32s],
    start: &[S::f32s],
    out: &mut [S::f32s],
) {
    let mut sums = [[start[0]; W]; R];
    for row in &mut sums {
        row.copy_from_slice(&start[..W]);
    }
    for (k_index, line) in panel.chunks_exact(W).take(k).enumerate() {
        for (r, row) in sums.iter_mut().enumerate() {
            let value = simd.splat_f32s(x[r * k + k_index]);
            for (sum, &weight) in row.iter_mut().zip(line) {
                *sum = simd.mul_add_e_f32s(value, weight, *sum);
            }
        }
    }
    for (out, row) in out.chunks_exact_mut(W).zip(&sums) {
        out.copy_from_slice(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_a_product() {
        for (k, n, batch) in [(1, 1, 1), (7, 33, 3), (20, 64, 8), (13, 70, 19), (300, 700, 2)] {
            let m = |k: usize, n: usize| ((k * 31 + n * 17) % 23) as f32 - 11.0;
            let b = |n: usize| (n % 5) as f32;
            let x: Vec<f32> = (0..batch * k).map(|i| ((i * 7) % 19) as f32 - 9.0).collect();
            let panels = Panels::new([k, n], -1.0, m, b);
            let mut out = Vec::new();
            panels.product(&x, batch, &mut out);
            for row in 0..batch {
                for column in 0..n.div_ceil(WIDTH) * WIDTH {
                    let at = column / WIDTH * batch * WIDTH + row * WIDTH + column % WIDTH;
                    let sum = (0..k).map(|i| x[row * k + i] * m(i, column)).sum::<f32>();
                    let expected = if column < n { b(column) + sum } else { -1.0 };
                    assert_eq!(out[at], expected, "{k} {n} {batch}: row {row} column {column}");
                }
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours() {
        let m = |k: usize, n: usize| ((k * 31 + n * 17) as f32).sin();
        let panels = Panels::new([211, 65], 0.0, m, |n| (n as f32).cos());
        let x: Vec<f32> = (0..211 * 21).map(|i| (i as f32 * 0.37).sin()).collect();
        let (mut all, mut one) = (Vec::new(), Vec::new());
        panels.product(&x, 21, &mut all);
        for row in 0..21 {
            panels.product(&x[row * 211..(row + 1) * 211], 1, &mut one);
            for panel in 0..3 {
                let at = (panel * 21 + row) * WIDTH;
                assert_eq!(all[at..at + WIDTH], one[panel * WIDTH..(panel + 1) * WIDTH]);
            }
        }
    }
}
