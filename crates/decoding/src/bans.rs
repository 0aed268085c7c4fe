//! The rules of a search on one distribution: tokens that may not come next lose their probability.

use crate::phrases::{Phrases, Progress};
use crate::sentence::{Asked, Rules};

/// How far a target has come in the phrases of all sentences and in those of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    common: Progress,
    pub(crate) own: Progress,
}

/// What a sentence's targets are held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bans<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) common: &'a Phrases,
    pub(crate) asked: &'a Asked<'a>,
}

impl Bans<'_> {
    /// After one more token.
    pub(crate) fn advance(&self, position: Position, token: u32) -> Position {
        Position {
            common: self.common.advance(position.common, token),
            own: self.asked.phrases.advance(position.own, token),
        }
    }

    /// Sets what may not follow to minus infinity in `log_probs` `[V]`. `tokens` is the target so far;
    /// of it only `length` has to be true where no n-gram is kept from repeating.
    pub(crate) fn apply(
        &self,
        position: Position,
        length: usize,
        tokens: &[u32],
        log_probs: &mut [f32],
    ) {
        let mut ban = |token: u32| {
            if let Some(value) = log_probs.get_mut(token as usize) {
                *value = f32::NEG_INFINITY;
            }
        };
        self.rules.suppress.iter().for_each(|&token| ban(token));
        self.common.bans(position.common).for_each(&mut ban);
        self.asked.phrases.bans(position.own).for_each(&mut ban);
        if let Some(n) = self.rules.no_repeat_ngram
            && tokens.len() >= n
        {
            let context = &tokens[tokens.len() + 1 - n..];
            let seen = tokens.windows(n).filter(|ngram| ngram[..n - 1] == *context);
            seen.for_each(|ngram| ban(ngram[n - 1]));
        }
        if length < self.asked.min || !self.asked.phrases.complete(position.own) {
            ban(self.rules.end);
        }
    }
}
