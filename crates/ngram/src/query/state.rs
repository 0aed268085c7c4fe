//! What is remembered between two words.

use crate::estimation::settings::MAX_ORDER;
use crate::links::range;
use crate::table::Table;

/// The most words of a context.
pub(crate) const MAX_CONTEXT: usize = MAX_ORDER - 1;

/// Queries that are made side by side: while one waits for memory, the others go on.
pub(crate) const LANES: usize = 8;

/// The context of the next word, and its backoffs. Equal states give equal scores; a state is of one
/// model.
#[derive(Clone, Copy, Debug, Default)]
pub struct State {
    pub(crate) length: u8,
    /// In a trie, where the n-gram of the last k words is; in hash tables, the k-th last word.
    pub(crate) nodes: [u32; MAX_CONTEXT],
    /// Base-10 logarithms.
    pub(crate) backoffs: [f32; MAX_CONTEXT],
}

impl State {
    /// How many of the last words matter for the next.
    pub fn context_length(&self) -> usize {
        self.length as usize
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        // The nodes say it all: the backoffs follow from them.
        let length = self.length as usize;
        self.length == other.length && self.nodes[..length] == other.nodes[..length]
    }
}

impl Eq for State {}

impl std::hash::Hash for State {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        self.nodes[..self.length as usize].hash(hasher);
    }
}

/// The score of a word.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Base-10 logarithm of its probability.
    pub log10: f32,
    /// Words of the n-gram that gave it.
    pub ngram: u8,
}

impl Score {
    /// The natural logarithm.
    pub fn ln(self) -> f64 {
        f64::from(self.log10) * std::f64::consts::LN_10
    }
}

/// An n-gram as a structure finds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) log10: f32,
    /// `-0.0` where no longer n-gram begins with it: it is no context.
    pub(crate) backoff: f32,
}

/// The backoff of what is no context.
pub(crate) const NO_CONTEXT: f32 = -0.0;

/// A backoff as query structures have it: 0 where something follows, -0 where nothing does.
pub(crate) fn marked(backoff: f32, is_context: bool) -> f32 {
    match (backoff == 0.0, is_context) {
        (true, true) => 0.0,
        (true, false) => NO_CONTEXT,
        (false, _) => backoff,
    }
}

/// Logarithm and marked backoff of each word: the first section of either kind of model.
pub(crate) fn unigrams(table: &Table) -> Vec<[f32; 2]> {
    let first = &table.levels()[0];
    let value = |index: usize| {
        let backoff = first.backoffs.get(index).copied().unwrap_or(0.0);
        [first.log10[index], marked(backoff, !range(&first.children, index).is_empty())]
    };
    (0..first.len()).map(value).collect()
}

/// Collects what is found on the way from short to long n-grams, and turns a state into the next.
pub(crate) struct Climb<'a> {
    state: &'a mut State,
    /// From each context length on, the sum of the backoffs.
    rest: [f32; MAX_CONTEXT + 1],
    log10: f32,
    ngram: usize,
    most: usize,
}

impl<'a> Climb<'a> {
    /// From the unigram up; `most`: words of the longest context. The state's nodes have been read:
    /// the caller fills in those of the next.
    #[inline(always)]
    pub(crate) fn new(state: &'a mut State, unigram: Found, most: usize) -> Self {
        let length = (state.length as usize).min(MAX_CONTEXT);
        let mut rest = [0.0; MAX_CONTEXT + 1];
        for context in (0..length).rev() {
            rest[context] = rest[context + 1] + state.backoffs[context];
        }
        state.length = 0;
        let mut climb = Self { state, rest, log10: 0.0, ngram: 0, most };
        climb.found(unigram);
        climb
    }

    /// An n-gram that is one word longer than the last.
    #[inline(always)]
    pub(crate) fn found(&mut self, found: Found) {
        self.log10 = found.log10;
        if self.ngram < self.most.min(MAX_CONTEXT) {
            self.state.backoffs[self.ngram] = found.backoff;
            // In a closed model nothing longer is a context where this one is none.
            if found.backoff.to_bits() != NO_CONTEXT.to_bits() {
                self.state.length = self.ngram as u8 + 1;
            }
        }
        self.ngram += 1;
    }

    /// Where the n-gram found last is, for the next state.
    #[inline(always)]
    pub(crate) fn at(&mut self, node: u32) {
        if let Some(place) = self.state.nodes.get_mut(self.ngram - 1) {
            *place = node;
        }
    }

    /// The words of the next state's contexts: this one, then those before.
    #[inline(always)]
    pub(crate) fn words(&mut self, word: u32, before: &[u32; MAX_CONTEXT]) {
        // As many as there can be: a copy of a known length is one instruction.
        self.state.nodes[0] = word;
        self.state.nodes[1..].copy_from_slice(&before[..MAX_CONTEXT - 1]);
    }

    /// The score, with the backoffs of the contexts that were too long.
    #[inline(always)]
    pub(crate) fn end(self) -> Score {
        let rest = self.rest.get(self.ngram - 1).copied().unwrap_or(0.0);
        Score { log10: self.log10 + rest, ngram: self.ngram as u8 }
    }
}
