//! What one count does to the rows (Pennington et al. 2014, equation 8; AdaGrad, Duchi et al. 2011):
//!
//! ```text
//! J  = f(x) (w.c + b + b' - ln x)^2
//! g  = lr clip(f(x) (w.c + b + b' - ln x) c)      and likewise for c
//! w -= g / sqrt(G);  G += g^2                     G begins at 1
//! ```
//!
//! Biases go by the same rule with 1 in place of `lr`, as in the authors' program since its version 1.2:
//! they find the words' frequencies early, and the vectors need not hold them.
//!
//! A row holds the vector, its bias, a one, and zeros to the end of a vector of 16; the row of a context
//! has the one and its bias in the other order. So `w.c + b + b'` is one product of two rows, and a bias
//! is updated as any other number; the ones stay. Behind each row stands its `G`.

use super::records::Entry;
use crate::simd::{LANES, Simd, Task};
use crate::training::matrix::{Rows, Shared};
use crate::training::step::prefetch;

/// Largest number that a gradient may have, as in the authors' program: no count makes a NaN.
const CLIP: f32 = 100.0;

/// How many entries ahead rows are asked for.
const AHEAD: usize = 4;

/// Goes through entries.
pub(crate) struct Descend<'a> {
    pub(crate) entries: &'a [Entry],
    pub(crate) words: Shared<'a>,
    pub(crate) contexts: Shared<'a>,
    /// The learning rate of each number of a word's row, zero of what stays; then of a context's.
    pub(crate) rates: &'a [f32],
}

/// Numbers of a row: the vector, two for the biases, and zeros.
pub(crate) fn half(dim: usize) -> usize {
    (dim + 2).next_multiple_of(LANES)
}

/// The rates of vectors of `dim` numbers, and of their biases.
pub(crate) fn rates(dim: usize, lr: f32) -> Vec<f32> {
    const OF_BIASES: f32 = 1.0;
    let mut rates = vec![0.0; 2 * half(dim)];
    let (of_word, of_context) = rates.split_at_mut(half(dim));
    of_word[..dim].fill(lr);
    of_word[dim] = OF_BIASES;
    of_context[..dim].fill(lr);
    of_context[dim + 1] = OF_BIASES;
    rates
}

impl Task for Descend<'_> {
    /// The sum of `J / 2`.
    type Output = f64;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> f64 {
        let Self { entries, words, contexts, rates } = self;
        let all = words.vectors();
        let vectors = all / 2;
        assert!(rates.len() == all * LANES, "a rate for each number of both rows");
        let mut loss = 0.0;
        for (at, entry) in entries.iter().enumerate() {
            // SAFETY: words and contexts of entries are rows of their matrices, each `2 * vectors`
            // vectors long; prefetches take any address.
            unsafe {
                if let Some(next) = entries.get(at + AHEAD) {
                    prefetch::<S>(words.row(next.word), all);
                    prefetch::<S>(contexts.row(next.context), all);
                }
                let (w, c) = (words.row(entry.word), contexts.row(entry.context));
                let (mut even, mut odd) = (S::splat(0.0), S::splat(0.0));
                for v in 0..vectors {
                    let product = if v % 2 == 0 { &mut even } else { &mut odd };
                    let offset = v * LANES;
                    *product = S::fma(S::load(w.add(offset)), S::load(c.add(offset)), *product);
                }
                let zero = S::splat(0.0);
                let sums = S::sums([S::add(even, odd), zero, zero, zero, zero, zero, zero, zero]);
                let mut lanes = [0.0; LANES];
                S::store(lanes.as_mut_ptr(), sums);
                let difference = lanes[0] - entry.log;
                let weighted = entry.weight * difference;
                loss += 0.5 * f64::from(weighted) * f64::from(difference);
                let weighted = S::splat(weighted);
                let (least, most) = (S::splat(-CLIP), S::splat(CLIP));
                for v in 0..vectors {
                    let offset = v * LANES;
                    let squares = (vectors + v) * LANES;
                    let (x, y) = (S::load(w.add(offset)), S::load(c.add(offset)));
                    let step = |other: S::V, rates: *const f32| {
                        let gradient = S::max(least, S::min(most, S::mul(weighted, other)));
                        S::mul(gradient, S::load(rates))
                    };
                    let update = |row: *mut f32, value: S::V, step: S::V| {
                        let sum = S::load(row.add(squares));
                        let new = S::sub(value, S::div(step, S::sqrt(sum)));
                        S::store(row.add(offset), new);
                        S::store(row.add(squares), S::fma(step, step, sum));
                    };
                    let of_word = step(y, rates.as_ptr().add(offset));
                    let of_context = step(x, rates.as_ptr().add(squares));
                    update(w, x, of_word);
                    update(c, y, of_context);
                }
            }
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Isa;
    use crate::training::matrix::Matrix;

    #[test]
    fn a_count_changes_rows_as_adagrad_says() {
        const DIM: usize = 20;
        let half = (DIM + 2).next_multiple_of(LANES);
        let rates = rates(DIM, 0.05);
        let entries = [
            Entry { word: 1, context: 2, log: 3.0, weight: 0.5 },
            Entry { word: 2, context: 2, log: -1.0, weight: 1.0 },
            // Far beyond what any count gives: the gradient is clipped.
            Entry { word: 0, context: 1, log: 1e30, weight: 1.0 },
        ];
        for isa in Isa::available() {
            let make = |one: usize, seed| {
                let mut matrix = Matrix::zeros(3, 2 * half).unwrap();
                matrix.randomize(0, 0.3, seed);
                for row in 0..3 {
                    let row = matrix.row_mut(row);
                    row[DIM + 2..half].fill(0.0);
                    row[DIM + one] = 1.0;
                    row[half..].fill(1.0);
                }
                matrix
            };
            let (mut words, mut contexts) = (make(1, 4), make(0, 5));
            let doubles = |matrix: &Matrix| -> Vec<Vec<f64>> {
                (0..3).map(|row| matrix.row(row).iter().map(|&x| f64::from(x)).collect()).collect()
            };
            let (mut w, mut c) = (doubles(&words), doubles(&contexts));
            let mut expected = 0.0;
            for entry in &entries {
                let (w, c) = (&mut w[entry.word as usize], &mut c[entry.context as usize]);
                let dot: f64 = (0..DIM).map(|i| w[i] * c[i]).sum();
                let difference = dot + w[DIM] + c[DIM + 1] - f64::from(entry.log);
                let weighted = f64::from(entry.weight) * difference;
                expected += 0.5 * weighted * difference;
                let clip = |x: f64| x.clamp(-100.0, 100.0);
                let update = |row: &mut Vec<f64>, i: usize, g: f64| {
                    row[i] -= g / row[half + i].sqrt();
                    row[half + i] += g.powi(2);
                };
                for i in 0..DIM {
                    let (x, y) = (w[i], c[i]);
                    update(w, i, 0.05 * clip(weighted * y));
                    update(c, i, 0.05 * clip(weighted * x));
                }
                update(w, DIM, clip(weighted));
                update(c, DIM + 1, clip(weighted));
            }
            let task = Descend {
                entries: &entries,
                words: words.shared(),
                contexts: contexts.shared(),
                rates: &rates,
            };
            // SAFETY: the entries name rows that there are.
            let loss = unsafe { isa.run(task) };
            assert!((loss / expected - 1.0).abs() < 1e-6);
            for (found, exact) in [(doubles(&words), w), (doubles(&contexts), c)] {
                for (found, exact) in found.iter().flatten().zip(exact.iter().flatten()) {
                    let near = (found - exact).abs() < 1e-4 * exact.abs().max(1.0);
                    assert!(near && found.is_finite(), "{isa:?}: {found} {exact}");
                }
            }
        }
    }
}
