//! The likeliest continuations of some hypotheses, in one pass over their distributions.

use std::cmp::Ordering;

use crate::hypothesis::counted;

/// One hypothesis and the token after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// What it is chosen by.
    pub(crate) rank: f64,
    /// Its log-probability.
    pub(crate) log_prob: f64,
    /// Which of the hypotheses.
    pub(crate) parent: u32,
    pub(crate) token: u32,
}

impl Candidate {
    /// Best first; among equals the earlier hypothesis, then the lower token.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let place = |c: &Self| (c.parent, c.token);
        other.rank.total_cmp(&self.rank).then_with(|| place(self).cmp(&place(other)))
    }
}

/// Gathers the best `wanted` of all candidates that it is shown, in linear time: what is not above
/// the worst of the best so far is passed over, a block at a time.
#[derive(Debug, Default)]
pub(crate) struct Best {
    wanted: usize,
    found: Vec<Candidate>,
    /// The rank that another has to exceed; those shown later lose among equals.
    floor: f64,
}

/// Values that are passed over at once.
const BLOCK: usize = 64;

impl Best {
    pub(crate) fn clear(&mut self, wanted: usize) {
        self.wanted = wanted.max(1);
        self.found.clear();
        self.floor = f64::NEG_INFINITY;
    }

    /// Shows the continuations of hypothesis `parent` of `log_prob` by each token. Parents have to
    /// come in order. A token of -inf or NaN is no candidate.
    pub(crate) fn scan(&mut self, parent: u32, log_prob: f64, log_probs: &[f32]) {
        let mut least = least_value(self.floor, log_prob);
        for (block, values) in log_probs.chunks(BLOCK).enumerate() {
            if !any_above(values, least) {
                continue;
            }
            for (index, &value) in values.iter().enumerate() {
                let sum = log_prob + f64::from(counted(value));
                if value > least && sum > self.floor {
                    let token = (block * BLOCK + index) as u32;
                    self.found.push(Candidate { rank: sum, log_prob: sum, parent, token });
                    // Selecting among twice as many is linear in what was pushed since.
                    if self.found.len() >= 2 * self.wanted + 16 {
                        self.shrink();
                        least = least_value(self.floor, log_prob);
                    }
                }
            }
        }
    }

    fn shrink(&mut self) {
        if self.found.len() > self.wanted {
            let (_, worst, _) =
                self.found.select_nth_unstable_by(self.wanted - 1, Candidate::order);
            self.floor = worst.rank;
            self.found.truncate(self.wanted);
        }
    }

    /// The best, best first.
    pub(crate) fn sorted(&mut self) -> &[Candidate] {
        self.shrink();
        self.found.sort_unstable_by(Candidate::order);
        &self.found
    }
}

/// Whatever makes `log_prob + value` exceed `floor` exceeds this: one step below the rounded
/// difference.
fn least_value(floor: f64, log_prob: f64) -> f32 {
    ((floor - log_prob) as f32).next_down()
}

/// NaN is not above anything. Without a branch in the loop, so that it is done by vectors.
fn any_above(values: &[f32], least: f32) -> bool {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let chunks = values.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes.iter().chain(rest).any(|&value| value > least)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn it_is_the_head_of_the_full_sort() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for round in 0..300 {
            let vocabulary = 1 + rng.next_u32() as usize % 700;
            let wanted = 1 + rng.next_u32() as usize % 24;
            // Few values, so that many are equal; some are no candidates.
            let kinds = [5, 40, 1 << 20][round % 3];
            let mut best = Best::default();
            best.clear(wanted);
            let mut all = Vec::new();
            for parent in 0..4 {
                let base = -f64::from(rng.next_u32() % 7) * [1.0, 0.1, 1e-9][round % 3];
                let row: Vec<f32> = (0..vocabulary)
                    .map(|_| match rng.next_u32() % 50 {
                        0 => f32::NAN,
                        1 => f32::NEG_INFINITY,
                        2 => 1e-7,
                        _ => -((rng.next_u32() % kinds) as f32) / 16.0,
                    })
                    .collect();
                best.scan(parent, base, &row);
                let finite = row.iter().enumerate().filter(|(_, v)| **v > f32::NEG_INFINITY);
                all.extend(finite.map(|(token, &value)| {
                    let sum = base + f64::from(value.min(0.0));
                    Candidate { rank: sum, log_prob: sum, parent, token: token as u32 }
                }));
            }
            all.sort_by(Candidate::order);
            all.truncate(wanted);
            assert_eq!(best.sorted(), all);
        }
    }
}
