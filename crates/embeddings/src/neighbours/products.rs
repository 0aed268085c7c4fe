//! Products of many queries with many rows: `scores = queries · rowsᵀ`, a panel of rows at a time.

use crate::simd::{Isa, LANES, Simd, Task};

/// Rows of a panel.
pub(crate) const PANEL: usize = 128;
/// Rows whose products with a few queries are held in registers: two vectors.
const STRIPE: usize = 2 * LANES;
/// Queries of a register tile.
const TILE: usize = 4;

/// [`PANEL`] rows, each scaled by a number of its own, stripe after stripe: `[PANEL / STRIPE, dim, STRIPE]`.
pub(crate) struct Panel {
    dim: usize,
    values: Vec<f32>,
}

impl Panel {
    pub(crate) fn new(dim: usize) -> Self {
        Self { dim, values: vec![0.0; PANEL * dim] }
    }

    /// Takes up rows, at most [`PANEL`], and zeros for what is missing.
    pub(crate) fn fill(&mut self, rows: &[f32], scales: &[f32]) {
        let dim = self.dim;
        assert!(scales.len() <= PANEL && rows.len() == scales.len() * dim);
        for (number, stripe) in self.values.chunks_exact_mut(dim * STRIPE).enumerate() {
            for half in 0..2 {
                let first = number * STRIPE + half * LANES;
                let held = scales.len().saturating_sub(first).min(LANES);
                for (d, column) in stripe.chunks_exact_mut(STRIPE).enumerate() {
                    let column = &mut column[half * LANES..][..LANES];
                    column[held..].fill(0.0);
                    for (r, x) in column[..held].iter_mut().enumerate() {
                        *x = rows[(first + r) * dim + d] * scales[first + r];
                    }
                }
            }
        }
    }

    /// The products of queries `[Q, dim]` with all rows, to `scores`: `[Q, PANEL]`.
    pub(crate) fn multiply(&self, queries: &[f32], scores: &mut [f32]) {
        let number = queries.len() / self.dim;
        assert!(queries.len() == number * self.dim && scores.len() == number * PANEL);
        let task = Multiply { panel: self, queries, scores };
        // SAFETY: the lengths asserted above are what the task reads and writes.
        unsafe { Isa::best().run(task) }
    }
}

struct Multiply<'a> {
    panel: &'a Panel,
    queries: &'a [f32],
    scores: &'a mut [f32],
}

impl Task for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let dim = self.panel.dim;
        for (number, stripe) in self.panel.values.chunks_exact(dim * STRIPE).enumerate() {
            let scores = self.scores.chunks_mut(TILE * PANEL);
            for (queries, scores) in self.queries.chunks(TILE * dim).zip(scores) {
                let scores = &mut scores[number * STRIPE..];
                // SAFETY: the caller vouches for the instructions; `stripe` has `dim` times two
                // vectors, `queries` that many rows of `dim`, `scores` a row of PANEL for each.
                unsafe {
                    match queries.len() / dim {
                        1 => tile::<S, 1>(stripe, queries, dim, scores),
                        2 => tile::<S, 2>(stripe, queries, dim, scores),
                        3 => tile::<S, 3>(stripe, queries, dim, scores),
                        _ => tile::<S, TILE>(stripe, queries, dim, scores),
                    }
                }
            }
        }
    }
}

/// `N` queries with a stripe. Every product is summed in the order of dimensions, whatever its tile.
///
/// # Safety
///
/// The machine has the instructions; `stripe` has `dim * STRIPE` numbers, `queries` `N * dim`, and
/// `scores` `(N - 1) * PANEL + STRIPE`.
#[inline(always)]
unsafe fn tile<S: Simd, const N: usize>(
    stripe: &[f32],
    queries: &[f32],
    dim: usize,
    scores: &mut [f32],
) {
    debug_assert!(stripe.len() == dim * STRIPE && queries.len() == N * dim);
    debug_assert!(scores.len() >= (N - 1) * PANEL + STRIPE);
    // SAFETY: the caller's promise.
    unsafe {
        let (stripe, queries) = (stripe.as_ptr(), queries.as_ptr());
        let mut sums = [[S::splat(0.0); 2]; N];
        for d in 0..dim {
            let low = S::load(stripe.add(d * STRIPE));
            let high = S::load(stripe.add(d * STRIPE + LANES));
            for (n, sum) in sums.iter_mut().enumerate() {
                let x = S::splat(*queries.add(n * dim + d));
                sum[0] = S::fma(x, low, sum[0]);
                sum[1] = S::fma(x, high, sum[1]);
            }
        }
        for (n, sum) in sums.into_iter().enumerate() {
            S::store(scores.as_mut_ptr().add(n * PANEL), sum[0]);
            S::store(scores.as_mut_ptr().add(n * PANEL + LANES), sum[1]);
        }
    }
}

/// The products of one query with rows as they lie: no panel to fill, as fast as memory gives rows.
pub(crate) fn dots(query: &[f32], rows: &[f32], scores: &mut [f32]) {
    let dim = query.len();
    assert!(rows.len() == dim * scores.len());
    dots_of(query, |r| &rows[r * dim..][..dim], scores);
}

/// The products of one query with rows that lie anywhere: `row(r)` for score `r`.
///
/// # Panics
/// When a row has not as many numbers as the query.
pub(crate) fn dots_of<'a>(query: &[f32], row: impl Fn(usize) -> &'a [f32], scores: &mut [f32]) {
    for (tile, scores) in scores.chunks_mut(EIGHT).enumerate() {
        // Where fewer are left, the last of them again.
        let rows = std::array::from_fn(|r| row(tile * EIGHT + r.min(scores.len() - 1)));
        assert!(rows.iter().all(|row| row.len() == query.len()));
        // SAFETY: the lengths asserted above are what the task reads.
        let found = unsafe { Isa::best().run(Dots { query, rows }) };
        scores.copy_from_slice(&found[..scores.len()]);
    }
}

/// Rows whose products are summed together.
const EIGHT: usize = 8;

/// The products of one query with eight rows of its length.
struct Dots<'a> {
    query: &'a [f32],
    rows: [&'a [f32]; EIGHT],
}

impl Task for Dots<'_> {
    type Output = [f32; EIGHT];

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> [f32; EIGHT] {
        let whole = self.query.len() / LANES * LANES;
        // SAFETY: the caller vouches for the instructions, and that each row is as long as the query;
        // `whole` is at most that.
        let sums = unsafe {
            let mut sums = [S::splat(0.0); EIGHT];
            for d in (0..whole).step_by(LANES) {
                let x = S::load(self.query.as_ptr().add(d));
                for (row, sum) in self.rows.iter().zip(&mut sums) {
                    *sum = S::fma(x, S::load(row.as_ptr().add(d)), *sum);
                }
            }
            let mut out = [0.0f32; LANES];
            S::store(out.as_mut_ptr(), S::sums(sums));
            out
        };
        std::array::from_fn(|r| {
            let (query, row) = (&self.query[whole..], &self.rows[r][whole..]);
            sums[r] + query.iter().zip(row).map(|(a, b)| a * b).sum::<f32>()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every path gives the product that a loop in double precision gives, on sizes with every rest.
    #[test]
    fn products_are_those_of_a_plain_loop() {
        for (dim, rows, queries) in [(1, 1, 1), (7, 33, 3), (16, 128, 6), (50, 127, 9), (180, 5, 2)]
        {
            let number = |i: usize| ((i * 7919 + 13) % 101) as f32 / 50.0 - 1.0;
            let matrix: Vec<f32> = (0..rows * dim).map(number).collect();
            let asked: Vec<f32> = (0..queries * dim).map(|i| number(i + 5)).collect();
            let scales: Vec<f32> = (0..rows).map(|r| 1.0 / (r + 1) as f32).collect();
            let mut panel = Panel::new(dim);
            panel.fill(&vec![9.0; PANEL * dim], &[1.0; PANEL]); // must be gone afterwards
            panel.fill(&matrix, &scales);
            let mut scores = vec![f32::NAN; queries * PANEL];
            panel.multiply(&asked, &mut scores);
            for (q, query) in asked.chunks(dim).enumerate() {
                let mut plain = vec![f32::NAN; rows];
                dots(query, &matrix, &mut plain);
                for (r, row) in matrix.chunks(dim).enumerate() {
                    let exact: f64 =
                        query.iter().zip(row).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                    assert!((f64::from(plain[r]) - exact).abs() < 1e-4);
                    let scaled = exact * f64::from(scales[r]);
                    assert!((f64::from(scores[q * PANEL + r]) - scaled).abs() < 1e-4);
                }
                assert!(scores[q * PANEL + rows..(q + 1) * PANEL].iter().all(|&x| x == 0.0));
            }
        }
    }
}
