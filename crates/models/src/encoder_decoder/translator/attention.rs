//! Where the decoder looks, and what it copies from there.

use rayon::prelude::*;

use super::{Translator, TranslatorState, apply, tanh};

impl Translator {
    /// Contexts `[B, M]` of the states `[B, D]`; the weights go into `state`.
    pub(super) fn look(&self, states: &[f32], state: &mut TranslatorState) -> Vec<f32> {
        let (memory, hidden) = (self.config.memory(), self.config.decoder.hidden);
        let steps = state.sources.steps;
        let queries = match &self.query {
            Some(query) => apply(query, states),
            None => states.to_vec(),
        };
        let batch = state.of.len();
        state.weights.clear();
        state.weights.resize(batch * steps, 0.0);
        let mut contexts = vec![0.0; batch * memory];
        let (sources, of, covered) = (&state.sources, &state.of, &state.covered);
        state
            .weights
            .par_chunks_exact_mut(steps)
            .zip(contexts.par_chunks_exact_mut(memory))
            .enumerate()
            .for_each(|(stream, (weights, context))| {
                let source = of[stream];
                let values = &sources.values[source];
                let keys = sources.keys.get(source).unwrap_or(values);
                let query = &queries[stream * hidden..(stream + 1) * hidden];
                let weights = &mut weights[..values.len() / memory];
                if self.energy.is_empty() {
                    for (weight, key) in weights.iter_mut().zip(keys.chunks_exact(hidden)) {
                        *weight = dot(query, key);
                    }
                } else {
                    let covered = covered.get(stream * steps..).unwrap_or(&[]);
                    self.additive(query, keys, covered, weights);
                }
                softmax(weights);
                for (&weight, value) in weights.iter().zip(values.chunks_exact(memory)) {
                    context.iter_mut().zip(value).for_each(|(c, v)| *c += weight * v);
                }
            });
        if !state.covered.is_empty() {
            state.covered.iter_mut().zip(&state.weights).for_each(|(c, w)| *c += w);
        }
        contexts
    }

    /// `v^T tanh(q + k_s [+ w_c cov_s])` of each position.
    fn additive(&self, query: &[f32], keys: &[f32], covered: &[f32], scores: &mut [f32]) {
        let mut sum = vec![0.0; query.len()];
        for (step, (score, key)) in
            scores.iter_mut().zip(keys.chunks_exact(query.len())).enumerate()
        {
            for ((sum, q), k) in sum.iter_mut().zip(query).zip(key) {
                *sum = q + k;
            }
            if let Some(&covered) = covered.get(step)
                && !self.coverage.is_empty()
            {
                sum.iter_mut().zip(&self.coverage).for_each(|(sum, w)| *sum += covered * w);
            }
            tanh(&mut sum);
            *score = dot(&sum, &self.energy);
        }
    }
}

/// `ln(p_gen P(w) + (1 - p_gen) sum_(i: x_i = w) a_i)` (See et al. 2017, eq. 9).
pub(super) fn mix_copies(
    state: &TranslatorState,
    generate: &[f32],
    log_probs: &mut [f32],
    words: usize,
) {
    let steps = state.sources.steps;
    for (stream, row) in log_probs.chunks_exact_mut(words).enumerate() {
        let gate = generate[stream];
        let tokens = &state.sources.tokens[state.of[stream]];
        let weights = &state.weights[stream * steps..];
        let mut copies: Vec<(usize, f32)> = Vec::with_capacity(tokens.len());
        for (&token, &weight) in tokens.iter().zip(weights) {
            match copies.iter_mut().find(|(word, _)| *word == token as usize) {
                Some((_, sum)) => *sum += weight,
                None => copies.push((token as usize, weight)),
            }
        }
        let written: Vec<f32> = copies.iter().map(|&(word, _)| row[word]).collect();
        let shift = gate.max(1e-20).ln();
        row.iter_mut().for_each(|value| *value += shift);
        for ((word, copied), written) in copies.into_iter().zip(written) {
            row[word] = (gate * written.exp() + (1.0 - gate) * copied).max(1e-20).ln();
        }
    }
}

fn softmax(values: &mut [f32]) {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let shifted = values.to_vec();
    lampwick_kernels::exponentials(&shifted, largest, 1.0, values);
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
}

/// Sixteen sums, in a fixed order, so that it vectorises and stays deterministic.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (a16, a_tail) = a.as_chunks::<16>();
    let (b16, b_tail) = b.as_chunks::<16>();
    for (x, y) in a16.iter().zip(b16) {
        for lane in 0..16 {
            // Not `mul_add`: without the instruction it calls a slow library function.
            sums[lane] += x[lane] * y[lane];
        }
    }
    let tail: f32 = a_tail.iter().zip(b_tail).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + tail
}
