//! The micro-kernel: a tile of a few rows by one panel of columns of `C += A B`.
//!
//! The accumulators stay in registers over all of `k`; each step broadcasts one value of `A` per row
//! and loads the panel's row of `B` once. Twelve rows by two vectors keep two fused
//! multiply-adds a cycle busy on AVX-512, with few enough loads beside them (Goto and van de Geijn
//! 2008, "Anatomy of high-performance matrix multiplication").

use super::buffer::Shared;
use super::simd::{Isa, Simd, Task};

/// The most rows of a tile on any instruction set.
pub(crate) const MAX_ROWS: usize = 12;

/// `k` is cut into blocks of this many, so that a block of a panel of `B` stays in the first cache.
pub(crate) const K_BLOCK: usize = 256;

/// Floats from one row of a row block of `A` to the next: not a power of two, so that the rows of a
/// tile fall into different sets of the cache.
pub(crate) const ROW_STRIDE: usize = K_BLOCK + 16;

/// Rows of a panel between the one in use and the one asked for: far enough for the third cache.
const AHEAD: usize = 16;

/// How the values of `A` lie for a tile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lay {
    /// Row after row, [`ROW_STRIDE`] apart, `k` contiguous.
    Rows,
    /// For each `k` a group of [`MAX_ROWS`] values, one a row.
    Columns,
}

/// What happens to what `C` held.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    /// It is overwritten.
    Zero,
    /// It is added to.
    Add,
    /// It is overwritten, a row vector added to each row.
    Bias(Shared),
}

/// One tile: `C[rows, columns] (+)= A[rows, k] B[k, columns]`.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) k: usize,
    pub(crate) a: *const f32,
    pub(crate) lay: Lay,
    /// A packed panel: `k` rows of [`width`] floats.
    pub(crate) b: *const f32,
    pub(crate) c: *mut f32,
    pub(crate) c_stride: usize,
    pub(crate) start: Start,
}

/// Floats in a row of a packed panel of `columns` columns: one vector or two.
pub(crate) fn width(isa: Isa, columns: usize) -> usize {
    if columns > isa.lanes() { 2 * isa.lanes() } else { isa.lanes() }
}

impl Tile {
    /// Computes the tile.
    ///
    /// # Safety
    ///
    /// The pointers reach what the fields say; `rows <= isa.rows()`, `columns <= 2 * isa.lanes()`.
    #[inline]
    pub(crate) unsafe fn compute(self, isa: Isa) {
        // SAFETY: the caller's promise.
        unsafe { isa.run(self) }
    }
}

impl Task for Tile {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        macro_rules! by_rows {
            ($vectors:literal, $rs:expr, $ks:expr; $($rows:literal)*) => {
                match self.rows {
                    // SAFETY: the caller's promise on the pointers.
                    $($rows if $rows <= S::ROWS => unsafe {
                        multiply::<S, $rows, $vectors, { $rs }, { $ks }>(self);
                    },)*
                    rows => debug_assert!(false, "a tile of {rows} rows"),
                }
            };
        }
        match (self.lay, self.columns > S::LANES) {
            (Lay::Rows, true) => by_rows!(2, ROW_STRIDE, 1; 1 2 3 4 5 6 7 8 9 10 11 12),
            (Lay::Rows, false) => by_rows!(1, ROW_STRIDE, 1; 1 2 3 4 5 6 7 8 9 10 11 12),
            (Lay::Columns, true) => by_rows!(2, 1, MAX_ROWS; 1 2 3 4 5 6 7 8 9 10 11 12),
            (Lay::Columns, false) => by_rows!(1, 1, MAX_ROWS; 1 2 3 4 5 6 7 8 9 10 11 12),
        }
    }
}

/// The inner loop: `R` rows, `N` vectors, value `(i, k)` of `A` at `i * RS + k * KS`.
#[inline(always)]
unsafe fn multiply<S: Simd, const R: usize, const N: usize, const RS: usize, const KS: usize>(
    tile: Tile,
) {
    // SAFETY: the caller of `Tile::compute` vouches for all pointers.
    unsafe {
        let width = N * S::LANES;
        let (mut a, mut b) = (tile.a, tile.b);
        let mut sums = [[S::splat(0.0); N]; R];
        let mut left = tile.k;
        // C is needed only at the end: by then it has come.
        for i in 0..R {
            for n in 0..N {
                S::prefetch(tile.c.wrapping_add(i * tile.c_stride + n * S::LANES));
            }
        }
        while left > 0 {
            S::prefetch(b.wrapping_add(AHEAD * width));
            S::prefetch(b.wrapping_add(AHEAD * width + S::LANES));
            step::<S, R, N, RS>(&mut sums, a, b);
            a = a.add(KS);
            b = b.add(width);
            left -= 1;
        }
        match tile.start {
            Start::Zero => finish::<S, R, N>(&tile, &sums, |_, _| None),
            Start::Add => finish::<S, R, N>(&tile, &sums, |c, _| Some(c)),
            Start::Bias(bias) => {
                finish::<S, R, N>(&tile, &sums, |_, at| Some(bias.at(at).cast_const()));
            }
        }
    }
}

/// Stores a tile; `start(where in C, at which column)` is what a sum is added to.
#[allow(clippy::needless_range_loop)] // over constant ranges, which unroll: sums stay in registers
#[inline(always)]
unsafe fn finish<S: Simd, const R: usize, const N: usize>(
    tile: &Tile,
    sums: &[[S::V; N]; R],
    start: impl Fn(*const f32, usize) -> Option<*const f32>,
) {
    // SAFETY: the caller of `Tile::compute` vouches for C.
    unsafe {
        // All but a matrix's last panel are full: the plain path stays in registers.
        if tile.columns == N * S::LANES {
            for i in 0..R {
                for n in 0..N {
                    let c = tile.c.add(i * tile.c_stride + n * S::LANES);
                    let sum = sums[i][n];
                    let start = start(c, n * S::LANES);
                    S::store(c, start.map_or(sum, |start| S::add(S::load(start), sum)));
                }
            }
            return;
        }
        for i in 0..R {
            for n in 0..N {
                let c = tile.c.add(i * tile.c_stride + n * S::LANES);
                let columns = S::LANES.min(tile.columns - n * S::LANES);
                let sum = sums[i][n];
                let start = start(c, n * S::LANES);
                let start = start.map(|start| S::load_first(start, columns));
                S::store_first(c, start.map_or(sum, |start| S::add(start, sum)), columns);
            }
        }
    }
}

/// One `k`: every row's value times the panel's row.
#[inline(always)]
unsafe fn step<S: Simd, const R: usize, const N: usize, const RS: usize>(
    sums: &mut [[S::V; N]; R],
    a: *const f32,
    b: *const f32,
) {
    // SAFETY: as `multiply`.
    unsafe {
        let mut row = [S::splat(0.0); N];
        for (n, v) in row.iter_mut().enumerate() {
            *v = S::load(b.add(n * S::LANES));
        }
        for (i, sums) in sums.iter_mut().enumerate() {
            let x = S::splat(*a.add(i * RS));
            for n in 0..N {
                sums[n] = S::fma(x, row[n], sums[n]);
            }
        }
    }
}
