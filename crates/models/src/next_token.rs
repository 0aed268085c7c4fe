//! What decoding needs of a model, in plain numbers: neural and counted models can both give it.

use burn::prelude::*;

use crate::language_model::LanguageModel;
use crate::recurrent::StackState;

/// A model that gives the probability of the next token after what it has read.
pub trait NextToken {
    /// What the model remembers of `B` sequences.
    type State: Clone;

    /// `V`: tokens are `0..V`.
    fn vocabulary_size(&self) -> usize;

    /// The state of `batch` sequences of which nothing was read.
    fn start(&self, batch: usize) -> Self::State;

    /// Reads one more token of each sequence (`tokens`: `[B]`) and fills `log_probs` with the
    /// natural log-probabilities of the token after it, `[B, V]` row-major. The vector is cleared
    /// first; its allocation is reused.
    ///
    /// # Panics
    ///
    /// When `tokens` has another length than the state's batch or a token is not in `0..V`.
    fn next(&self, tokens: &[u32], state: Self::State, log_probs: &mut Vec<f32>) -> Self::State;

    /// The states of sequences `indices` of the batch, in that order: to drop those that have
    /// ended, and to continue one in several ways (an index may repeat).
    ///
    /// # Panics
    ///
    /// When an index is not below the state's batch.
    fn select(&self, state: &Self::State, indices: &[usize]) -> Self::State;

    /// Where the last [`next`](Self::next) looked, of the state that it gave; `None` from a model
    /// that does not attend, and allowed of a state that [`start`](Self::start) or
    /// [`select`](Self::select) gave.
    fn attention<'s>(&self, state: &'s Self::State) -> Option<Attention<'s>> {
        let _ = state;
        None
    }
}

/// A model that is borrowed, so that one can be part of several combinations.
impl<M: NextToken> NextToken for &M {
    type State = M::State;

    fn vocabulary_size(&self) -> usize {
        (**self).vocabulary_size()
    }

    fn start(&self, batch: usize) -> Self::State {
        (**self).start(batch)
    }

    fn next(&self, tokens: &[u32], state: Self::State, log_probs: &mut Vec<f32>) -> Self::State {
        (**self).next(tokens, state, log_probs)
    }

    fn select(&self, state: &Self::State, indices: &[usize]) -> Self::State {
        (**self).select(state, indices)
    }

    fn attention<'s>(&self, state: &'s Self::State) -> Option<Attention<'s>> {
        (**self).attention(state)
    }
}

/// The attention of one step over the sources of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention<'a> {
    /// `[B, S]` row-major: each row sums to 1 and is 0 beyond the end of its own source.
    pub weights: &'a [f32],
    /// `S`, the length of the longest source in the batch.
    pub positions: usize,
}

impl<'a> Attention<'a> {
    /// `[S]`: of one sequence.
    ///
    /// # Panics
    ///
    /// When `index` is not below the batch.
    pub fn row(&self, index: usize) -> &'a [f32] {
        &self.weights[index * self.positions..(index + 1) * self.positions]
    }
}

/// Through [`LanguageModel::step`], on any device.
impl NextToken for LanguageModel {
    type State = Option<StackState>;

    fn vocabulary_size(&self) -> usize {
        self.config().vocabulary
    }

    fn start(&self, _batch: usize) -> Self::State {
        None
    }

    fn next(&self, tokens: &[u32], state: Self::State, log_probs: &mut Vec<f32>) -> Self::State {
        let vocabulary = self.config().vocabulary;
        if let Some(token) = tokens.iter().find(|&&token| token as usize >= vocabulary) {
            panic!("token {token} is outside the vocabulary of {vocabulary}");
        }
        let ids: Vec<i64> = tokens.iter().map(|&token| i64::from(token)).collect();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [tokens.len()]), &self.device());
        let (log_p, state) = self.step(ids, state);
        let values = log_p.try_into_vec_as::<f32>().expect("log-probabilities are readable floats");
        log_probs.clear();
        log_probs.extend_from_slice(&values);
        Some(state)
    }

    fn select(&self, state: &Self::State, indices: &[usize]) -> Self::State {
        let state = state.as_ref()?; // nothing was read: zeros for any batch
        let indices: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
        let indices = TensorData::new(indices.clone(), [indices.len()]);
        Some(state.clone().select(&Tensor::from_data(indices, &self.device())))
    }
}
