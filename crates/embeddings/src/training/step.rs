//! One step of gradient ascent: what the words of a window do to the rows of two matrices.
//!
//! The input is one row or the mean of several, `h = 1/n sum_i v_i`. Each *pair* has a few outputs `u_j`
//! with labels `l_j` (1 for what stands in the text, 0 for what was drawn; a bit of a Huffman code),
//! and the objective is `sum_j ln sigma((2 l_j - 1) u_j.h)` (Mikolov et al. 2013, equations 3 and 4):
//!
//! ```text
//! g_j  = lr (l_j - sigma(u_j.h))
//! v_i += sum_j g_j u_j        for each input row (as word2vec and fastText: not divided by n)
//! u_j += g_j h
//! ```
//!
//! All pairs of a skip-gram window share their input. Each changes `h` by what it adds to the rows,
//! `m^2/n` times over all rows that stand in the input `m` times each; so `h` is kept in step, and the
//! rows are read once and written once a window, not once a pair. That is the published sequence of
//! updates, in another order of additions.

use super::matrix::{Rows, Shared};
use crate::simd::{LANES, Simd, Task};

/// Outputs whose products with the input are computed at once.
const AT_ONCE: usize = 8;

/// What a window asks for; reused from window to window.
#[derive(Default)]
pub(crate) struct Window {
    /// Rows of the input matrix.
    pub(crate) inputs: Vec<u32>,
    /// Rows of the output matrix, pair after pair.
    pub(crate) outputs: Vec<u32>,
    /// The label of each output, and a vector's length of anything behind them ([`Window::seal`]).
    pub(crate) labels: Vec<f32>,
    /// Where each pair ends in `outputs`.
    pub(crate) ends: Vec<u32>,
    /// How much of what each input row gains the mean gains: `sum m^2 / n`.
    pub(crate) gain: f32,
}

impl Window {
    pub(crate) fn clear(&mut self) {
        self.inputs.clear();
        self.outputs.clear();
        self.labels.clear();
        self.ends.clear();
        self.gain = 1.0;
    }

    /// Ends a window: labels are read in whole vectors.
    pub(crate) fn seal(&mut self) {
        self.labels.resize(self.outputs.len() + LANES, 0.0);
    }
}

/// Vectors that a thread needs, each as long as a padded row.
pub(crate) struct Buffers {
    floats: Vec<Aligned>,
    /// `sigma(u_j.h)` of the outputs of the last pair, as far as they are asked for.
    pub(crate) sigmas: Vec<f32>,
}

/// A vector where it is loaded best.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Aligned(pub(super) [f32; LANES]);

impl Buffers {
    pub(crate) fn new(vectors: usize) -> Self {
        Self { floats: vec![Aligned([0.0; LANES]); 3 * vectors], sigmas: Vec::new() }
    }
}

/// Performs a window.
pub(crate) struct Step<'a, R> {
    pub(crate) window: &'a Window,
    pub(crate) buffers: &'a mut Buffers,
    pub(crate) input: Shared<'a>,
    pub(crate) output: R,
    pub(crate) lr: f32,
    /// Keep the last pair's sigmas.
    pub(crate) watch: bool,
}

impl<R: Rows> Task for Step<'_, R> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { window, buffers, input, output, lr, watch } = self;
        assert!(window.labels.len() >= window.outputs.len() + LANES, "a window is sealed");
        let vectors = input.vectors();
        let first = buffers.floats.as_mut_ptr().cast::<f32>();
        // SAFETY: three buffers of `vectors` vectors each; the rows of a window are rows of their
        // matrices, which are `vectors` vectors long too.
        unsafe {
            let place = Place {
                h: first,
                gained: first.add(vectors * LANES),
                partial: first.add(2 * vectors * LANES),
                vectors,
                gain: window.gain,
                lr,
            };
            mean::<S>(&window.inputs, input, place.h, vectors);
            for v in 0..vectors {
                S::store(place.gained.add(v * LANES), S::splat(0.0));
            }
            let mut start = 0;
            let pairs = window.ends.len();
            for (pair, &end) in window.ends.iter().enumerate() {
                let end = end as usize;
                if let Some(&next) = window.ends.get(pair + 1) {
                    for &row in &window.outputs[end..next as usize] {
                        prefetch::<S>(output.row(row), vectors);
                    }
                }
                let labels = window.labels.as_ptr().add(start);
                let sigmas = (watch && pair + 1 == pairs).then_some(&mut buffers.sigmas);
                place.pair::<S>(&window.outputs[start..end], labels, output, sigmas);
                start = end;
            }
            for &row in &window.inputs {
                let row = input.row(row);
                for v in 0..vectors {
                    let at = row.add(v * LANES);
                    S::store(at, S::add(S::load(at), S::load(place.gained.add(v * LANES))));
                }
            }
        }
    }
}

/// Asks for the cache lines of a row.
#[inline(always)]
pub(crate) unsafe fn prefetch<S: Simd>(row: *const f32, vectors: usize) {
    for v in 0..vectors {
        // SAFETY: any address will do.
        unsafe { S::prefetch(row.wrapping_add(v * LANES)) };
    }
}

/// Asks for the rows of a window that is performed next.
pub(crate) struct Prefetch<'a, R> {
    pub(crate) window: &'a Window,
    pub(crate) input: Shared<'a>,
    pub(crate) output: R,
}

impl<R: Rows> Task for Prefetch<'_, R> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { window, input, output } = self;
        let first = window.ends.first().map_or(0, |&end| end as usize);
        // SAFETY: any address will do.
        unsafe {
            for &row in &window.inputs {
                prefetch::<S>(input.row(row), input.vectors());
            }
            for &row in &window.outputs[..first] {
                prefetch::<S>(output.row(row), input.vectors());
            }
        }
    }
}

/// The mean of rows.
#[inline(always)]
unsafe fn mean<S: Simd>(rows: &[u32], input: Shared<'_>, h: *mut f32, vectors: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if let [row] = rows {
            let row = input.row(*row);
            for v in 0..vectors {
                S::store(h.add(v * LANES), S::load(row.add(v * LANES)));
            }
            return;
        }
        for v in 0..vectors {
            S::store(h.add(v * LANES), S::splat(0.0));
        }
        for &row in rows {
            let row = input.row(row);
            for v in 0..vectors {
                let at = h.add(v * LANES);
                S::store(at, S::add(S::load(at), S::load(row.add(v * LANES))));
            }
        }
        let share = S::splat(1.0 / rows.len() as f32);
        for v in 0..vectors {
            let at = h.add(v * LANES);
            S::store(at, S::mul(S::load(at), share));
        }
    }
}

/// Where a window's vectors are.
#[derive(Clone, Copy)]
struct Place {
    /// The input.
    h: *mut f32,
    /// What each input row gains from the window.
    gained: *mut f32,
    /// What they gain from a pair with more outputs than are computed at once.
    partial: *mut f32,
    vectors: usize,
    gain: f32,
    lr: f32,
}

/// Which part of a pair's outputs it is.
const ALONE: u8 = 0;
const FIRST: u8 = 1;
const BETWEEN: u8 = 2;
const LAST: u8 = 3;

impl Place {
    #[inline(always)]
    unsafe fn pair<S: Simd>(
        self,
        outputs: &[u32],
        labels: *const f32,
        matrix: impl Rows,
        mut sigmas: Option<&mut Vec<f32>>,
    ) {
        if let Some(sigmas) = &mut sigmas {
            sigmas.clear();
        }
        let mut start = 0;
        while start < outputs.len() {
            let end = outputs.len().min(start + AT_ONCE);
            let (some, labels) = (&outputs[start..end], labels.wrapping_add(start));
            let position = match (start == 0, end == outputs.len()) {
                (true, true) => ALONE,
                (true, false) => FIRST,
                (false, false) => BETWEEN,
                (false, true) => LAST,
            };
            // SAFETY: the caller's promise.
            let found = unsafe {
                match position {
                    ALONE => self.some::<S, ALONE>(some, labels, matrix),
                    FIRST => self.some::<S, FIRST>(some, labels, matrix),
                    BETWEEN => self.some::<S, BETWEEN>(some, labels, matrix),
                    _ => self.some::<S, LAST>(some, labels, matrix),
                }
            };
            if let Some(sigmas) = &mut sigmas {
                sigmas.extend_from_slice(&found[..some.len()]);
            }
            start = end;
        }
    }

    #[inline(always)]
    unsafe fn some<S: Simd, const POSITION: u8>(
        self,
        outputs: &[u32],
        labels: *const f32,
        matrix: impl Rows,
    ) -> [f32; LANES] {
        // SAFETY: the caller's promise; the count of outputs is the constant's.
        unsafe {
            match outputs.len() {
                1 => self.ascend::<S, POSITION, 1>(outputs, labels, matrix),
                2 => self.ascend::<S, POSITION, 2>(outputs, labels, matrix),
                3 => self.ascend::<S, POSITION, 3>(outputs, labels, matrix),
                4 => self.ascend::<S, POSITION, 4>(outputs, labels, matrix),
                5 => self.ascend::<S, POSITION, 5>(outputs, labels, matrix),
                6 => self.ascend::<S, POSITION, 6>(outputs, labels, matrix),
                7 => self.ascend::<S, POSITION, 7>(outputs, labels, matrix),
                _ => self.ascend::<S, POSITION, 8>(outputs, labels, matrix),
            }
        }
    }

    /// `N` outputs at once: their products with the input, their sigmas, their gradients.
    #[inline(always)]
    unsafe fn ascend<S: Simd, const POSITION: u8, const N: usize>(
        self,
        outputs: &[u32],
        labels: *const f32,
        matrix: impl Rows,
    ) -> [f32; LANES] {
        let Self { h, gained, partial, vectors, gain, lr } = self;
        // SAFETY: the caller's promise.
        unsafe {
            let rows: [*mut f32; N] = std::array::from_fn(|i| matrix.row(outputs[i]));
            let mut dots = [S::splat(0.0); AT_ONCE];
            for v in 0..vectors {
                let x = S::load(h.add(v * LANES));
                for (dot, row) in dots.iter_mut().zip(rows) {
                    *dot = S::fma(x, S::load(row.add(v * LANES)), *dot);
                }
            }
            let mut sigmas = Aligned([0.0; LANES]);
            let sigma = S::sigmoid(S::sums(dots));
            S::store(sigmas.0.as_mut_ptr(), sigma);
            let mut g = Aligned([0.0; LANES]);
            let steps = S::mul(S::splat(lr), S::sub(S::load(labels), sigma));
            S::store(g.0.as_mut_ptr(), steps);
            let g: [S::V; N] = std::array::from_fn(|i| S::splat(g.0[i]));
            for v in 0..vectors {
                let at = v * LANES;
                let x = S::load(h.add(at));
                let mut gradient = match POSITION {
                    ALONE | FIRST => S::splat(0.0),
                    _ => S::load(partial.add(at)),
                };
                for i in 0..N {
                    // After what an equal row before it has stored: words may be drawn twice.
                    let row = rows[i].add(at);
                    let u = S::load(row);
                    gradient = S::fma(g[i], u, gradient);
                    S::store(row, S::fma(g[i], x, u));
                }
                match POSITION {
                    ALONE | LAST => {
                        S::store(h.add(at), S::fma(S::splat(gain), gradient, x));
                        S::store(gained.add(at), S::add(S::load(gained.add(at)), gradient));
                    }
                    _ => S::store(partial.add(at), gradient),
                }
            }
            sigmas.0
        }
    }
}

#[cfg(test)]
mod tests;
