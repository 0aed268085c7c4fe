//! Two models as one.

use lampwick_models::{Attention, NextToken};

/// `p(w|h) = (1 - weight) p_1(w|h) + weight p_2(w|h)`, over the first model's tokens: an n-gram model
/// beside a neural one, say.
#[derive(Clone, Debug)]
pub struct Mixture<A, B> {
    first: A,
    second: B,
    weight: f32,
    /// The second model's token for each of the first's.
    tokens: Vec<u32>,
}

/// The states of both, and room for what both say.
#[derive(Clone, Debug)]
pub struct MixtureState<A, B> {
    first: A,
    second: B,
    read: Vec<u32>,
    log_probs: Vec<f32>,
}

impl<A: NextToken, B: NextToken> Mixture<A, B> {
    /// `tokens[t]` is the second model's token for token `t` of the first. Tokens that share one
    /// (such as `<unk>`) each get all of its probability.
    ///
    /// # Panics
    ///
    /// When `weight` is not in 0..=1, or `tokens` does not give a token that the second model knows
    /// for each of the first.
    pub fn new(first: A, second: B, weight: f32, tokens: Vec<u32>) -> Self {
        assert!((0.0..=1.0).contains(&weight), "a weight of {weight}");
        assert_eq!(tokens.len(), first.vocabulary_size(), "one token for each of the first's");
        let known = second.vocabulary_size();
        assert!(tokens.iter().all(|&token| (token as usize) < known), "tokens of the second");
        Self { first, second, weight, tokens }
    }

    /// The state of sequences of which the models' states are given: an encoder-decoder's begins
    /// with the sources.
    pub fn state(&self, first: A::State, second: B::State) -> MixtureState<A::State, B::State> {
        MixtureState { first, second, read: Vec::new(), log_probs: Vec::new() }
    }
}

impl<A: NextToken, B: NextToken> NextToken for Mixture<A, B> {
    type State = MixtureState<A::State, B::State>;

    fn vocabulary_size(&self) -> usize {
        self.first.vocabulary_size()
    }

    fn start(&self, batch: usize) -> Self::State {
        self.state(self.first.start(batch), self.second.start(batch))
    }

    fn next(&self, tokens: &[u32], state: Self::State, log_probs: &mut Vec<f32>) -> Self::State {
        let MixtureState { first, second, mut read, log_probs: mut others } = state;
        let first = self.first.next(tokens, first, log_probs);
        read.clear();
        read.extend(tokens.iter().map(|&token| self.tokens[token as usize]));
        let second = self.second.next(&read, second, &mut others);
        let rows = log_probs.chunks_mut(self.first.vocabulary_size());
        for (row, others) in rows.zip(others.chunks(self.second.vocabulary_size())) {
            for (log_prob, &token) in row.iter_mut().zip(&self.tokens) {
                let other = others[token as usize].exp();
                *log_prob = ((1.0 - self.weight) * log_prob.exp() + self.weight * other).ln();
            }
        }
        MixtureState { first, second, read, log_probs: others }
    }

    fn select(&self, state: &Self::State, indices: &[usize]) -> Self::State {
        let first = self.first.select(&state.first, indices);
        let second = self.second.select(&state.second, indices);
        self.state(first, second)
    }

    /// The first model's.
    fn attention<'s>(&self, state: &'s Self::State) -> Option<Attention<'s>> {
        self.first.attention(&state.first)
    }
}
