//! What stands between logits and a drawn token: log-softmax, exponentials.

use super::buffer::Shared;
use super::crew::Crew;
use super::layer::threads_for;
use super::simd::{Isa, Simd, Task, math};

/// `a_i - ln Σ_j e^(a_j)` of each row of `values` `[B, columns]`, in place.
///
/// # Panics
///
/// When `columns` is 0.
pub fn log_softmax(values: &mut [f32], columns: usize) {
    let isa = Isa::best();
    let rows = values.len() / columns;
    // An exponential is worth some ten multiplications.
    let threads = if rows > 1 { threads_for(20 * values.len()) } else { 1 };
    let values = Shared::writing(values);
    Crew::run(threads, |crew| {
        crew.phase(rows, |row| {
            // SAFETY: a row of its own.
            unsafe { isa.run(LogSoftmax { row: values.at(row * columns), columns }) };
        });
    });
}

struct LogSoftmax {
    row: *mut f32,
    columns: usize,
}

impl Task for LogSoftmax {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { row, columns } = self;
        // SAFETY: the caller vouches for a row of `columns` values.
        unsafe {
            let whole = columns - columns % S::LANES;
            let rest = std::slice::from_raw_parts_mut(row.add(whole), columns - whole);
            let mut largest = S::splat(f32::NEG_INFINITY);
            for at in (0..whole).step_by(S::LANES) {
                largest = S::max(S::load(row.add(at)), largest);
            }
            let largest = rest.iter().fold(S::largest(largest), |a, &b| a.max(b));
            let mut sum = S::splat(0.0);
            for at in (0..whole).step_by(S::LANES) {
                let shifted = S::sub(S::load(row.add(at)), S::splat(largest));
                sum = S::add(sum, math::exp::<S>(shifted));
            }
            let sum = S::sum(sum) + rest.iter().map(|&a| (a - largest).exp()).sum::<f32>();
            let log_sum = largest + sum.ln();
            for at in (0..whole).step_by(S::LANES) {
                S::store(row.add(at), S::sub(S::load(row.add(at)), S::splat(log_sum)));
            }
            rest.iter_mut().for_each(|a| *a -= log_sum);
        }
    }
}

/// `e^(scale (a_i - shift))` of each value, into `out`; 0 where the exponent is below -87, minus
/// infinity or NaN included.
///
/// # Panics
///
/// When the slices differ in length.
pub fn exponentials(values: &[f32], shift: f32, scale: f32, out: &mut [f32]) {
    assert_eq!(values.len(), out.len(), "as many exponentials as values");
    // SAFETY: the slices are of one length.
    unsafe { Isa::best().run(Exponentials { values, shift, scale, out }) }
}

struct Exponentials<'a> {
    values: &'a [f32],
    shift: f32,
    scale: f32,
    out: &'a mut [f32],
}

impl Task for Exponentials<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { values, shift, scale, out } = self;
        for (from, to) in values.chunks(S::LANES).zip(out.chunks_mut(S::LANES)) {
            // SAFETY: both chunks have the same length, at most a vector's.
            unsafe {
                let a = S::load_first(from.as_ptr(), from.len());
                let a = S::mul(S::sub(a, S::splat(shift)), S::splat(scale));
                let e = S::where_positive(S::add(a, S::splat(87.0)), math::exp::<S>(a));
                S::store_first(to.as_mut_ptr(), e, to.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_exponentials() {
        let values: Vec<f32> = (0..10_007).map(|i| -(i as f32) / 100.0).collect();
        let mut found = vec![0.0; values.len()];
        exponentials(&values, -1.0, 0.5, &mut found);
        for (x, found) in values.iter().zip(found) {
            let expected = (0.5 * (f64::from(*x) + 1.0)).exp();
            let error = (f64::from(found) / expected - 1.0).abs();
            assert!(error < 4e-7, "e^(0.5 ({x} + 1)) = {found}, not {expected}");
        }
        let mut found = [1.0; 3];
        exponentials(&[f32::NEG_INFINITY, f32::NAN, -1e9], 0.0, 1.0, &mut found);
        assert_eq!(found, [0.0; 3]);
    }

    #[test]
    fn a_log_softmax_sums_to_one_and_keeps_differences() {
        for columns in [1, 5, 16, 45, 1000] {
            let logits: Vec<f32> =
                (0..3 * columns).map(|i| ((i * 37) % 101) as f32 / 9.0).collect();
            let mut found = logits.clone();
            log_softmax(&mut found, columns);
            for (row, from) in found.chunks(columns).zip(logits.chunks(columns)) {
                let sum: f64 = row.iter().map(|&l| f64::from(l).exp()).sum();
                assert!((sum - 1.0).abs() < 1e-5, "{columns} columns: {sum}");
                for (l, a) in row.iter().zip(from) {
                    assert!((l - row[0] - (a - from[0])).abs() < 1e-5);
                }
            }
        }
    }
}
