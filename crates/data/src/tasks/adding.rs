//! The adding problem.

use rand::{Rng, RngExt};

use super::Targets;

/// A number and a mark.
pub(super) const INPUTS: usize = 2;

/// Variance of the sum of two independent numbers from U(0, 1): what the best constant, 1, leaves.
pub(super) const CHANCE: f64 = 1.0 / 6.0;

/// Fills `inputs` `[T, B, 2]`, zeros; gives the sums.
pub(super) fn fill(inputs: &mut [f32], steps: usize, batch: usize, rng: &mut impl Rng) -> Targets {
    let mut sums = Vec::with_capacity(batch);
    for b in 0..batch {
        let marks = [rng.random_range(0..steps / 2), rng.random_range(steps / 2..steps)];
        let mut sum = 0.0;
        for t in 0..steps {
            let number: f32 = rng.random();
            let step = &mut inputs[(t * batch + b) * INPUTS..][..INPUTS];
            step[0] = number;
            if marks.contains(&t) {
                step[1] = 1.0;
                sum += number;
            }
        }
        sums.push(sum);
    }
    Targets::Value(sums)
}
