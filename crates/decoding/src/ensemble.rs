//! Several models of one vocabulary as one.

use lampwick_models::{Attention, NextToken, exponentials, log_softmax};
use rayon::prelude::*;

use crate::error::DecodingError;
use crate::room::Room;

/// How the models' distributions become one; the weights `w_i` sum to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Combination {
    /// `p = sum_i w_i p_i`: what one model believes in stays possible.
    #[default]
    Linear,
    /// `p ∝ prod_i p_i^(w_i)`, a product of experts (Hinton 1999) that is normalised again: what one
    /// model rules out is ruled out.
    LogLinear,
}

/// Several models, checkpoints of one run say, that read the same tokens.
#[derive(Debug)]
pub struct Ensemble<M> {
    models: Vec<M>,
    weights: Vec<f32>,
    combination: Combination,
    room: Room,
}

/// The states of all models, and where they looked together.
#[derive(Clone, Debug)]
pub struct EnsembleState<S> {
    states: Vec<S>,
    /// `[B, S]`, empty where a model does not attend.
    attention: Vec<f32>,
    positions: usize,
}

impl<M: NextToken> Ensemble<M> {
    /// Models with a weight each, which are scaled to sum 1.
    ///
    /// # Errors
    ///
    /// When there is no model, another number of weights, a weight that is not above 0, or models of
    /// different vocabularies.
    pub fn new(
        models: Vec<M>,
        mut weights: Vec<f32>,
        combination: Combination,
    ) -> Result<Self, DecodingError> {
        if models.is_empty() || models.len() != weights.len() {
            let (models, weights) = (models.len(), weights.len());
            return Err(DecodingError::EnsembleSize { models, weights });
        }
        let expected = models[0].vocabulary_size();
        for (model, (found, &weight)) in
            models.iter().map(NextToken::vocabulary_size).zip(&weights).enumerate()
        {
            if found != expected {
                return Err(DecodingError::EnsembleVocabulary { model, found, expected });
            }
            if !(weight.is_finite() && weight > 0.0) {
                return Err(DecodingError::Weight { model, weight });
            }
        }
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Ok(Self { models, weights, combination, room: Room::default() })
    }

    /// The state of sequences of which each model's state is given: an encoder-decoder's begins with
    /// the sources.
    ///
    /// # Panics
    ///
    /// When there is another number of states than of models.
    pub fn state(&self, states: Vec<M::State>) -> EnsembleState<M::State> {
        assert_eq!(states.len(), self.models.len(), "a state of each model");
        EnsembleState { states, attention: Vec::new(), positions: 0 }
    }

    /// The weighted mean of where the models looked.
    fn look(&self, state: &mut EnsembleState<M::State>) {
        let members = self.models.iter().zip(&self.weights).zip(&state.states);
        let (mut mean, mut positions) = (Vec::new(), 0);
        for ((model, &weight), state) in members {
            let Some(attention) = model.attention(state) else { return };
            if mean.is_empty() {
                mean.resize(attention.weights.len(), 0.0);
                positions = attention.positions;
            }
            if mean.len() != attention.weights.len() {
                return;
            }
            for (sum, &looked) in mean.iter_mut().zip(attention.weights) {
                *sum += weight * looked;
            }
        }
        (state.attention, state.positions) = (mean, positions);
    }

    /// Adds up the members' distributions `[B, V]` in `log_probs`.
    fn combine(&self, members: &[Vec<f32>], log_probs: &mut Vec<f32>) {
        let vocabulary = self.vocabulary_size();
        log_probs.clear();
        log_probs.resize(members[0].len(), 0.0);
        let weights = &self.weights;
        let rows = log_probs.par_chunks_mut(vocabulary).enumerate();
        let rows = rows.with_min_len((1 << 15) / vocabulary + 1); // a task is worth its start
        let member =
            |model: usize, row: usize| &members[model][row * vocabulary..(row + 1) * vocabulary];
        match self.combination {
            Combination::Linear => rows.for_each(|(row, out)| {
                let members: Vec<&[f32]> = (0..members.len()).map(|i| member(i, row)).collect();
                add_probabilities(&members, weights, out);
            }),
            Combination::LogLinear => {
                rows.for_each(|(row, out)| {
                    for (model, &weight) in weights.iter().enumerate() {
                        for (sum, &log_prob) in out.iter_mut().zip(member(model, row)) {
                            *sum += weight * log_prob;
                        }
                    }
                });
                log_softmax(log_probs, vocabulary);
            }
        }
    }
}

/// Below this the sum of probabilities has lost digits, or all.
const SMALL: f32 = 1e-30;

/// `ln sum_i w_i p_i` for each token.
fn add_probabilities(members: &[&[f32]], weights: &[f32], out: &mut [f32]) {
    const BLOCK: usize = 256;
    let mut probabilities = [0.0; BLOCK];
    for (block, sums) in out.chunks_mut(BLOCK).enumerate() {
        let start = block * BLOCK;
        let probabilities = &mut probabilities[..sums.len()];
        for (member, &weight) in members.iter().zip(weights) {
            exponentials(&member[start..start + sums.len()], 0.0, 1.0, probabilities);
            for (sum, &probability) in sums.iter_mut().zip(probabilities.iter()) {
                *sum += weight * probability;
            }
        }
        for (index, sum) in sums.iter_mut().enumerate() {
            *sum = if *sum > SMALL {
                sum.ln()
            } else {
                log_of_sum(members.iter().map(|member| member[start + index]), weights)
            };
        }
    }
}

/// The same of one token whose probabilities may be too small to be numbers.
fn log_of_sum(log_probs: impl Iterator<Item = f32> + Clone, weights: &[f32]) -> f32 {
    let max = log_probs.clone().fold(f32::NEG_INFINITY, |max, l| if l > max { l } else { max });
    if max == f32::NEG_INFINITY {
        let any_nan = log_probs.clone().any(f32::is_nan);
        return if any_nan { f32::NAN } else { max };
    }
    let sum: f32 = log_probs.zip(weights).map(|(l, &weight)| weight * (l - max).exp()).sum();
    max + sum.ln()
}

impl<M: NextToken> NextToken for Ensemble<M> {
    type State = EnsembleState<M::State>;

    fn vocabulary_size(&self) -> usize {
        self.models[0].vocabulary_size()
    }

    fn start(&self, batch: usize) -> Self::State {
        self.state(self.models.iter().map(|model| model.start(batch)).collect())
    }

    fn next(&self, tokens: &[u32], state: Self::State, log_probs: &mut Vec<f32>) -> Self::State {
        let mut state = self.room.with(self.models.len(), |members| {
            let each = self.models.iter().zip(state.states).zip(members.iter_mut());
            let states = each.map(|((model, state), room)| model.next(tokens, state, room));
            let state = self.state(states.collect());
            self.combine(members, log_probs);
            state
        });
        self.look(&mut state);
        state
    }

    fn select(&self, state: &Self::State, indices: &[usize]) -> Self::State {
        let each = self.models.iter().zip(&state.states);
        self.state(each.map(|(model, state)| model.select(state, indices)).collect())
    }

    fn attention<'s>(&self, state: &'s Self::State) -> Option<Attention<'s>> {
        let (weights, positions) = (&state.attention[..], state.positions);
        (!weights.is_empty()).then_some(Attention { weights, positions })
    }
}
