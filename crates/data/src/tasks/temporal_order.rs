//! Temporal order of two symbols far apart.

use rand::{Rng, RngExt};

use super::Targets;

/// a, b, c, d (noise), X, Y, and the first and last symbol.
pub(super) const SYMBOLS: usize = 8;
const NOISE: usize = 4;
const X: usize = 4;
const FIRST: usize = 6;
const LAST: usize = 7;

/// XX, XY, YX, YY.
pub(super) const CLASSES: usize = 4;

/// Fills `inputs` `[T, B, 8]`, zeros, with one-hot symbols; gives the classes. X or Y stands once
/// between T/10 and T/5 and once between T/2 and 6T/10 (10-20 and 50-60 of 100, as experiment 6a).
pub(super) fn fill(inputs: &mut [f32], steps: usize, batch: usize, rng: &mut impl Rng) -> Targets {
    let mut classes = Vec::with_capacity(batch);
    for b in 0..batch {
        let early = rng.random_range(steps / 10..steps / 5);
        let late = rng.random_range(steps / 2..6 * steps / 10);
        let [first, second] = [(); 2].map(|()| rng.random_range(0..2usize));
        for t in 0..steps {
            let symbol = match t {
                0 => FIRST,
                t if t == steps - 1 => LAST,
                t if t == early => X + first,
                t if t == late => X + second,
                _ => rng.random_range(0..NOISE),
            };
            inputs[(t * batch + b) * SYMBOLS + symbol] = 1.0;
        }
        classes.push((2 * first + second) as u32);
    }
    Targets::Class(classes)
}
