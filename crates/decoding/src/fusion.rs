//! A model and a language model beside it.

use lampwick_models::{Attention, NextToken};

use crate::error::DecodingError;
use crate::room::Room;

/// Shallow fusion (Gulcehre et al. 2015, eq. 7): `ln p(y) + weight ln p_LM(y)`, over the first
/// model's tokens. The second may be neural or an n-gram model, of another vocabulary.
///
/// The sum is no distribution, and so the scores of a search are no log-probabilities: a hypothesis's
/// own are what [`score_targets`](crate::score_targets) says under the first model.
#[derive(Debug)]
pub struct ShallowFusion<A, B> {
    first: A,
    second: B,
    weight: f32,
    /// The second model's token for each of the first's.
    tokens: Vec<u32>,
    room: Room,
}

/// The states of both.
#[derive(Clone, Debug)]
pub struct FusionState<A, B> {
    first: A,
    second: B,
}

impl<A: NextToken, B: NextToken> ShallowFusion<A, B> {
    /// `tokens[t]` is the second model's token for token `t` of the first: also for the one that
    /// starts a target, where it is what the second model reads before a sentence.
    ///
    /// # Errors
    ///
    /// When the weight is not above 0, or `tokens` does not give a token that the second model knows
    /// for each of the first.
    pub fn new(first: A, second: B, weight: f32, tokens: Vec<u32>) -> Result<Self, DecodingError> {
        if !(weight.is_finite() && weight > 0.0) {
            return Err(DecodingError::Weight { model: 1, weight });
        }
        let (known, largest) =
            (second.vocabulary_size(), tokens.iter().copied().max().unwrap_or(0));
        if tokens.len() != first.vocabulary_size() || largest as usize >= known {
            let (given, first) = (tokens.len(), first.vocabulary_size());
            return Err(DecodingError::TokenMap { given, first, largest, second: known });
        }
        Ok(Self { first, second, weight, tokens, room: Room::default() })
    }

    /// The state of sequences of which the models' states are given: an encoder-decoder's begins
    /// with the sources.
    pub fn state(&self, first: A::State, second: B::State) -> FusionState<A::State, B::State> {
        FusionState { first, second }
    }
}

impl<A: NextToken, B: NextToken> NextToken for ShallowFusion<A, B> {
    type State = FusionState<A::State, B::State>;

    fn vocabulary_size(&self) -> usize {
        self.first.vocabulary_size()
    }

    fn start(&self, batch: usize) -> Self::State {
        self.state(self.first.start(batch), self.second.start(batch))
    }

    fn next(&self, tokens: &[u32], state: Self::State, log_probs: &mut Vec<f32>) -> Self::State {
        let first = self.first.next(tokens, state.first, log_probs);
        let read: Vec<u32> = tokens.iter().map(|&token| self.tokens[token as usize]).collect();
        let second = self.room.with(1, |room| {
            let second = self.second.next(&read, state.second, &mut room[0]);
            let rows = log_probs.chunks_mut(self.tokens.len());
            for (row, others) in rows.zip(room[0].chunks(self.second.vocabulary_size())) {
                for (log_prob, &token) in row.iter_mut().zip(&self.tokens) {
                    *log_prob += self.weight * others[token as usize];
                }
            }
            second
        });
        FusionState { first, second }
    }

    fn select(&self, state: &Self::State, indices: &[usize]) -> Self::State {
        let first = self.first.select(&state.first, indices);
        self.state(first, self.second.select(&state.second, indices))
    }

    /// The first model's.
    fn attention<'s>(&self, state: &'s Self::State) -> Option<Attention<'s>> {
        self.first.attention(&state.first)
    }
}
