//! The walk through a trie, from short contexts to long ones; how an order is stored is the trie's own.

use super::state::{Climb, Found, MAX_CONTEXT, Score, State};
use super::trie::Levels;
use crate::binary::Sections;
use crate::words::UNK;

/// One order of a trie.
pub(crate) trait Level<'a>: Sized {
    /// The continuations of a context.
    type Context: Copy + Default;

    /// Where it lies; `last`: the highest order.
    fn open(sections: &mut Sections<'a>, quantized: bool, last: bool) -> Result<Self, String>;

    /// The continuations of a context.
    fn context(&self, node: u32) -> Option<Self::Context>;

    /// The first of them.
    fn first(context: &Self::Context) -> usize;

    /// The n-gram of a rank behind a context, and its entry.
    fn find(&self, context: &Self::Context, rank: u32) -> Option<(usize, u64)>;

    /// Logarithm and backoff of an n-gram.
    fn values(&self, at: usize, entry: u64) -> Found;

    /// Goes through the continuations of a context: where each is, its rank and its values.
    fn continuations(&self, context: usize, take: impl FnMut(usize, u32, Found));
}

/// A trie, where it lies.
#[derive(Debug)]
pub(crate) struct Walked<'a, L> {
    /// Logarithm and backoff of each word.
    unigrams: &'a [[f32; 2]],
    /// From the second order on.
    levels: Vec<L>,
}

impl<'a, L: Level<'a>> Walked<'a, L> {
    pub(crate) fn open(
        order: usize,
        quantized: bool,
        sections: &mut Sections<'a>,
    ) -> Result<Self, String> {
        let unigrams = sections.take()?;
        let levels = (2..=order).map(|n| L::open(sections, quantized, n == order));
        Ok(Self { unigrams, levels: levels.collect::<Result<_, _>>()? })
    }

    #[inline(always)]
    pub(crate) fn advance(&self, state: &mut State, word: u32) -> Score {
        let word = if (word as usize) < self.unigrams.len() { word } else { UNK };
        let Some(&[log10, backoff]) = self.unigrams.get(word as usize) else {
            return Score::default();
        };
        let length = (state.length as usize).min(self.levels.len()).min(MAX_CONTEXT);
        // All contexts before any is searched: their memory is fetched together.
        let mut contexts = [L::Context::default(); MAX_CONTEXT];
        for ((context, level), &node) in
            contexts.iter_mut().zip(&self.levels).zip(&state.nodes[..length])
        {
            *context = level.context(node).unwrap_or_default();
        }
        let mut climb = Climb::new(state, Found { log10, backoff }, self.levels.len());
        climb.at(word);
        // A word is its own rank among all words.
        let mut rank = word;
        for (context, level) in contexts[..length].iter().zip(&self.levels) {
            let Some((at, entry)) = level.find(context, rank) else { break };
            climb.found(level.values(at, entry));
            climb.at(at as u32);
            rank = at.saturating_sub(L::first(context)) as u32;
        }
        climb.end()
    }
}

impl<'a, L: Level<'a>> Levels for Walked<'a, L> {
    fn unigrams(&self) -> &[[f32; 2]] {
        self.unigrams
    }

    fn len(&self) -> usize {
        self.levels.len()
    }

    fn continuations(&self, level: usize, context: usize, take: impl FnMut(usize, u32, Found)) {
        self.levels[level].continuations(context, take);
    }
}
