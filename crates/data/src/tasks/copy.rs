//! Copying after a pause.

use rand::{Rng, RngExt};

use super::Targets;

/// Symbols to remember, from 0; then the blank and the sign to begin.
const ALPHABET: u32 = 8;
const BLANK: u32 = ALPHABET;
const BEGIN: u32 = ALPHABET + 1;

/// All of them.
pub(super) const SYMBOLS: usize = ALPHABET as usize + 2;

/// Symbols of one sequence to remember.
const LENGTH: usize = 10;

/// Steps of a sequence with a pause of `steps`.
pub(super) fn sequence(steps: usize) -> usize {
    steps + 2 * LENGTH
}

/// Whoever forgot the symbols is sure of the blanks and guesses among eight ten times: 10 ln 8 nats
/// over `T + 20` steps.
pub(super) fn chance(steps: usize) -> f64 {
    LENGTH as f64 * f64::from(ALPHABET).ln() / sequence(steps) as f64
}

/// Fills `inputs` `[T+20, B, 10]`, zeros, with one-hot symbols; gives what is asked at each step.
pub(super) fn fill(inputs: &mut [f32], steps: usize, batch: usize, rng: &mut impl Rng) -> Targets {
    let begin = steps - LENGTH - 1;
    let mut targets = vec![BLANK; steps * batch]; // [T+20, B]
    for b in 0..batch {
        for t in 0..steps {
            let symbol = match t {
                t if t < LENGTH => rng.random_range(0..ALPHABET),
                t if t == begin => BEGIN,
                _ => BLANK,
            };
            inputs[(t * batch + b) * SYMBOLS + symbol as usize] = 1.0;
            if t < LENGTH {
                targets[(steps - LENGTH + t) * batch + b] = symbol;
            }
        }
    }
    Targets::Classes(targets)
}
