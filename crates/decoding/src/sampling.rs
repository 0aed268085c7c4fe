//! One token from a distribution.

use std::cmp::Ordering;

use lampwick_models::exponentials;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::error::DecodingError;

/// How a token is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// `τ`: probabilities are raised to `1/τ` and renormalised, `q_i ∝ exp(ln p_i / τ)`. Below 1
    /// the likely become likelier; 0 is greedy, the likeliest token, the smallest id among equals.
    pub temperature: f64,
    /// Only the `k` likeliest tokens (Fan et al. 2018).
    pub top_k: Option<usize>,
    /// Only the nucleus: the smallest set of likeliest tokens whose probability, after temperature
    /// and top-k, reaches `p` (Holtzman et al. 2020, eq. 2).
    pub top_p: Option<f64>,
    /// Only tokens with at least this part of the likeliest one's probability, after temperature
    /// (Nguyen et al. 2024, section 3).
    pub min_p: Option<f64>,
    /// Seed of all streams.
    pub seed: u64,
}

impl Default for Sampling {
    /// The model's own distribution.
    fn default() -> Self {
        Self { temperature: 1.0, top_k: None, top_p: None, min_p: None, seed: 0 }
    }
}

impl Sampling {
    /// Always the likeliest token.
    pub fn greedy() -> Self {
        Self { temperature: 0.0, ..Self::default() }
    }

    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first value that makes no sense.
    pub fn validate(&self) -> Result<(), DecodingError> {
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return Err(DecodingError::Temperature(self.temperature));
        }
        if self.top_k == Some(0) {
            return Err(DecodingError::TopK);
        }
        match (self.top_p, self.min_p) {
            (Some(p), _) if !(p > 0.0 && p <= 1.0) => Err(DecodingError::TopP(p)),
            (_, Some(p)) if !(0.0..=1.0).contains(&p) => Err(DecodingError::MinP(p)),
            _ => Ok(()),
        }
    }
}

/// Draws the tokens of one stream. Stream `n` of a seed is stream `n` of ChaCha8, so it draws the
/// same numbers whatever is drawn beside it.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
    candidates: Vec<Candidate>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    token: u32,
    log_prob: f32,
}

impl Candidate {
    /// Likeliest first, then by id, so that the choice among equals is the same everywhere.
    fn order(a: &Self, b: &Self) -> Ordering {
        b.log_prob.total_cmp(&a.log_prob).then(a.token.cmp(&b.token))
    }
}

impl Sampler {
    /// The sampler of one stream.
    ///
    /// # Errors
    ///
    /// As [`Sampling::validate`].
    pub fn new(sampling: &Sampling, stream: u64) -> Result<Self, DecodingError> {
        sampling.validate()?;
        let mut rng = ChaCha8Rng::seed_from_u64(sampling.seed);
        rng.set_stream(stream);
        Ok(Self { sampling: sampling.clone(), rng, candidates: Vec::new() })
    }

    /// Chooses a token by `log_probs` `[V]`, natural logarithms that need not be normalised; a
    /// token of -inf or NaN is never chosen. Greedy draws no random number, all else one.
    ///
    /// # Errors
    ///
    /// When no token is finite.
    pub fn sample(&mut self, log_probs: &[f32]) -> Result<u32, DecodingError> {
        let best = argmax(log_probs).ok_or(DecodingError::NothingToChoose)?;
        if self.sampling.temperature == 0.0 {
            return Ok(best);
        }
        let uniform = (self.rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
        let max = log_probs[best as usize];
        let scale = (1.0 / self.sampling.temperature) as f32;
        let Sampling { top_k, top_p, min_p, .. } = self.sampling;
        if (top_k, top_p, min_p) == (None, None, None) {
            return Ok(draw_from_all(log_probs, max, scale, uniform).unwrap_or(best));
        }
        self.keep_likeliest(log_probs, max, scale);
        let weight = |c: &Candidate| f64::from(((c.log_prob - max) * scale).exp());
        let total: f64 = self.candidates.iter().map(weight).sum();
        let mut left = uniform * total;
        for candidate in &self.candidates {
            left -= weight(candidate);
            if left < 0.0 {
                return Ok(candidate.token);
            }
        }
        Ok(best)
    }

    /// Leaves in `candidates` the tokens that top-k, then top-p, and min-p keep, likeliest first.
    fn keep_likeliest(&mut self, log_probs: &[f32], max: f32, scale: f32) {
        // What min-p keeps is a head of the sorted list, so it may come first and spare the sorting;
        // but the nucleus is one of all tokens.
        let least = self.sampling.min_p.map_or(f64::NEG_INFINITY, f64::ln);
        let reaches = |log_prob: f32| f64::from((log_prob - max) * scale) >= least;
        let early = self.sampling.top_p.is_none();
        let all = log_probs.iter().enumerate();
        let finite = all.filter(|&(_, &p)| p.is_finite() && (!early || reaches(p)));
        self.candidates.clear();
        self.candidates
            .extend(finite.map(|(i, &log_prob)| Candidate { token: i as u32, log_prob }));
        if let Some(k) = self.sampling.top_k
            && k < self.candidates.len()
        {
            // Selecting is linear; only what is kept is sorted.
            self.candidates.select_nth_unstable_by(k - 1, Candidate::order);
            self.candidates.truncate(k);
        }
        self.candidates.sort_unstable_by(Candidate::order);
        if let Some(p) = self.sampling.top_p {
            let weight = |c: &Candidate| f64::from(((c.log_prob - max) * scale).exp());
            let total: f64 = self.candidates.iter().map(weight).sum();
            let mut sum = 0.0;
            let reached = self.candidates.iter().position(|candidate| {
                sum += weight(candidate);
                sum >= p * total
            });
            if let Some(last) = reached {
                self.candidates.truncate(last + 1);
            }
            let kept = self.candidates.partition_point(|candidate| reaches(candidate.log_prob));
            self.candidates.truncate(kept);
        }
    }
}

/// The likeliest token, the smallest id among equals; `None` when none is finite.
fn argmax(log_probs: &[f32]) -> Option<u32> {
    // Eight lanes find the maximum, then the first that has it: no branch in the long loop.
    let mut lanes = [f32::NEG_INFINITY; 8];
    let chunks = log_probs.chunks_exact(8);
    let tail = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane }; // false for NaN
        }
    }
    let max =
        lanes.iter().chain(tail).fold(f32::NEG_INFINITY, |max, &v| if v > max { v } else { max });
    if !max.is_finite() {
        return None;
    }
    log_probs.iter().position(|&value| value == max).map(|index| index as u32)
}

/// Tokens whose weights are summed at once: a block is passed by its sum.
const BLOCK: usize = 64;

/// A token by inversion of the cumulative distribution, in the order of ids.
fn draw_from_all(log_probs: &[f32], max: f32, scale: f32, uniform: f64) -> Option<u32> {
    let sums: Vec<f64> =
        log_probs.chunks(BLOCK).map(|chunk| chunk_weights(chunk, max, scale).1).collect();
    let mut left = uniform * sums.iter().sum::<f64>();
    for (block, &sum) in sums.iter().enumerate() {
        if left < sum {
            let start = block * BLOCK;
            let chunk = &log_probs[start..log_probs.len().min(start + BLOCK)];
            let (weights, _) = chunk_weights(chunk, max, scale);
            for (index, weight) in weights.iter().enumerate() {
                left -= f64::from(*weight);
                if left < 0.0 {
                    return Some((start + index) as u32);
                }
            }
            // Rounding: the block's sum exceeded the sum of its weights by the last bit.
            return weights.iter().rposition(|&w| w > 0.0).map(|index| (start + index) as u32);
        }
        left -= sum;
    }
    None
}

/// `exp((l - max) scale)` of at most [`BLOCK`] tokens and their sum.
fn chunk_weights(chunk: &[f32], max: f32, scale: f32) -> ([f32; BLOCK], f64) {
    let mut weights = [0.0; BLOCK];
    exponentials(chunk, max, scale, &mut weights[..chunk.len()]);
    let mut lanes = [0.0f64; 8];
    for part in weights.chunks_exact(8) {
        for (lane, &weight) in lanes.iter_mut().zip(part) {
            *lane += f64::from(weight);
        }
    }
    (weights, lanes.iter().sum())
}
