//! n-gram models among the models that text is drawn from.

use lampwick_models::NextToken;
use lampwick_ngram::{BOS, Distribution, EOS, Model, State};

/// An n-gram model as a [`NextToken`]. `</s>` and `<s>` begin a sentence: what comes behind them does
/// not depend on what was before. `<s>` is never next.
#[derive(Clone, Copy, Debug)]
pub struct NgramTokens<'a> {
    model: &'a Model,
}

impl<'a> NgramTokens<'a> {
    /// Of a model that is open.
    pub fn new(model: &'a Model) -> Self {
        Self { model }
    }
}

/// The contexts of several sequences, and room for one distribution.
#[derive(Clone, Debug)]
pub struct NgramState {
    states: Vec<State>,
    room: Distribution,
    row: Vec<f32>,
}

impl NextToken for NgramTokens<'_> {
    type State = NgramState;

    fn vocabulary_size(&self) -> usize {
        self.model.vocabulary().len()
    }

    fn start(&self, batch: usize) -> Self::State {
        let states = vec![self.model.start(); batch];
        NgramState { states, room: Distribution::default(), row: Vec::new() }
    }

    fn next(
        &self,
        tokens: &[u32],
        mut state: Self::State,
        log_probs: &mut Vec<f32>,
    ) -> Self::State {
        assert_eq!(tokens.len(), state.states.len(), "one token for each sequence");
        let vocabulary = self.vocabulary_size();
        log_probs.clear();
        for (&token, context) in tokens.iter().zip(&mut state.states) {
            assert!((token as usize) < vocabulary, "token {token} of {vocabulary}");
            if token == BOS || token == EOS {
                *context = self.model.start();
            } else {
                self.model.advance(context, token);
            }
            self.model.distribution(context, &mut state.room, &mut state.row);
            log_probs.extend(state.row.iter().map(|log10| log10 * std::f32::consts::LN_10));
        }
        state
    }

    fn select(&self, state: &Self::State, indices: &[usize]) -> Self::State {
        let states = indices.iter().map(|&index| state.states[index]).collect();
        NgramState { states, room: Distribution::default(), row: Vec::new() }
    }
}
