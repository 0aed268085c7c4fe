//! Probabilities and backoffs of all orders, interpolated from the lowest up.
//!
//! Each probability takes the place of its count, and each backoff that of its n-gram's link, which
//! are of no use any more: estimation needs no memory beyond what counting needs.

use super::rule::{Context, Rule};
use super::settings::Settings;
use crate::counting::trie::{Counts, Trie};
use crate::error::Result;
use crate::links::range;
use crate::progress::{Progress, Stage};
use crate::storage::{Column, Storage};
use crate::table::{Log10, Table, TableLevel};
use crate::words::{BOS, UNK, Words};
use rayon::prelude::*;

/// What is estimated from.
pub(crate) struct Counted<'a> {
    /// With the counts that probabilities are made from.
    pub(crate) trie: Trie,
    /// Which n-grams of each order stay; all, where there is nothing.
    pub(crate) keep: Option<&'a [Vec<bool>]>,
    pub(crate) links: Vec<Column<u32>>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) settings: &'a Settings,
}

/// Parents that one task works on.
const PARENTS: usize = 1 << 13;

impl Counted<'_> {
    /// The whole model; the n-grams to leave out are still in it.
    pub(crate) fn estimate(
        mut self,
        words: Words,
        storage: &Storage,
        progress: &dyn Progress,
    ) -> Result<Table> {
        let order = self.trie.levels.len();
        progress.stage(Stage::Estimating, Some(order as u64));
        self.unigrams();
        // From the second order on, the links of the contexts become their backoffs.
        let mut links = std::mem::take(&mut self.links).into_iter();
        let mut gammas = Column::zeroed(self.trie.levels[0].len(), storage)?;
        let mut backoffs = Vec::with_capacity(order);
        for n in 1..order {
            let Some(suffixes) = links.next() else { break };
            self.level(n, &suffixes, &mut gammas);
            let below = &self.trie.levels[n - 1];
            for column in [&below.counts.small, &below.children, &gammas] {
                column.release();
            }
            backoffs.push(std::mem::replace(&mut gammas, suffixes));
            progress.at(n as u64 + 1);
        }
        backoffs.push(Vec::new().into());
        let parts = self.trie.levels.into_iter().zip(backoffs);
        let levels = parts.map(|(level, gamma)| {
            let (mut p, mut gamma): (Column<f32>, Column<f32>) =
                (level.counts.small.cast(), gamma.cast());
            // <s> is given, so its probability is 1; the rest becomes logarithms in place.
            p.par_iter_mut().chain(gamma.par_iter_mut()).for_each(|value| {
                *value = f64::from(*value).log10_or_never();
            });
            p.release();
            gamma.release();
            TableLevel { words: level.words, children: level.children, log10: p, backoffs: gamma }
        });
        Ok(Table::new(words, levels.collect()))
    }

    /// `p(w)`, interpolated with the uniform distribution, or all that is free for `<unk>`.
    fn unigrams(&mut self) {
        let kept = |word: usize| self.keep.is_none_or(|keep| keep[0][word]);
        let counts = &mut self.trie.levels[0].counts;
        let words = counts.small.len();
        let mut context = Context::default();
        for word in (0..words).filter(|&word| word != BOS as usize) {
            context.add(counts.get(word), kept(word));
        }
        let (scale, gamma) = self.rules[0].weights(&context);
        // With <unk>, without <s>, which is never predicted.
        let size = (0..words).filter(|&word| kept(word)).count() as u64 - 1;
        let size = size.max(self.settings.vocabulary_pad) as f64;
        for word in 0..words {
            let lower = match (self.settings.interpolate_unigrams, word as u32) {
                (true, _) => gamma / size,
                (false, UNK) => gamma,
                (false, _) => 0.0,
            };
            let p = self.rules[0].mass(counts.get(word)) * scale + lower;
            counts.small[word] = if word == BOS as usize { 1f32 } else { p as f32 }.to_bits();
        }
    }

    /// `p(w|h)` of each n-gram of level n, and `gamma(h)` of each context of the level below.
    fn level(&mut self, n: usize, suffixes: &[u32], gammas: &mut [u32]) {
        let (below, above) = self.trie.levels.split_at_mut(n);
        let (children, lower) = (&below[n - 1].children[..], &below[n - 1].counts.small[..]);
        let Counts { small, large } = &mut above[0].counts;
        let mut tasks = Vec::new();
        let mut rest = &mut small[..];
        for (chunk, gammas) in gammas.chunks_mut(PARENTS).enumerate() {
            let first = chunk * PARENTS;
            let length = (children[first + gammas.len()] - children[first]) as usize;
            let (part, behind) = std::mem::take(&mut rest).split_at_mut(length);
            tasks.push((first, gammas, part));
            rest = behind;
        }
        let (rule, large) = (&self.rules[n], &*large);
        let keep = self.keep.map(|keep| &keep[n][..]);
        tasks.into_par_iter().for_each(|(first, gammas, mut part)| {
            let whole = |small: u32, child: usize| match small {
                u32::MAX => large.get(&child).copied().unwrap_or(u64::from(u32::MAX)),
                small => u64::from(small),
            };
            for (parent, gamma) in (first..).zip(gammas) {
                let among = range(children, parent);
                let own;
                (own, part) = part.split_at_mut(among.len());
                let mut context = Context::default();
                for (&count, child) in own.iter().zip(among.clone()) {
                    context.add(whole(count, child), keep.is_none_or(|keep| keep[child]));
                }
                let (scale, free) = rule.weights(&context);
                *gamma = (free as f32).to_bits();
                for (place, child) in own.iter_mut().zip(among) {
                    let shorter = f64::from(f32::from_bits(lower[suffixes[child] as usize]));
                    let p = rule.mass(whole(*place, child)) * scale + free * shorter;
                    *place = (p as f32).to_bits();
                }
            }
        });
    }
}
