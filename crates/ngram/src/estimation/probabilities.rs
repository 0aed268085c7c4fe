//! Probabilities and backoffs of all orders, interpolated from the lowest up.

use super::adjusted::Adjusted;
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
    pub(crate) trie: Trie,
    pub(crate) adjusted: Option<Adjusted>,
    pub(crate) links: Vec<Column<u32>>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) settings: &'a Settings,
}

/// Parents that one task works on.
const PARENTS: usize = 1 << 13;

impl Counted<'_> {
    fn counts(&self, n: usize) -> &Counts {
        match &self.adjusted {
            Some(adjusted) => adjusted.level(&self.trie, n),
            None => &self.trie.levels[n].counts,
        }
    }

    /// Whether an n-gram stays; thresholds are on counts as they are, not adjusted ones.
    #[inline]
    pub(crate) fn kept(&self, n: usize, index: usize) -> bool {
        match self.settings.threshold(n + 1) {
            0 => true,
            _ if n == 0 && index < 3 => true, // <unk>, <s> and </s> always stay
            threshold => self.trie.levels[n].counts.get(index) > threshold,
        }
    }

    /// The whole model; the n-grams to leave out are still in it.
    pub(crate) fn estimate(
        mut self,
        words: Words,
        storage: &Storage,
        progress: &dyn Progress,
    ) -> Result<(Table, Option<Vec<Vec<bool>>>)> {
        let order = self.trie.levels.len();
        progress.stage(Stage::Estimating, Some(order as u64));
        let mut probabilities: Vec<Column<f32>> = vec![self.unigrams()];
        let mut backoffs: Vec<Column<f32>> = Vec::new();
        for n in 1..order {
            let (p, gamma) = self.level(n, &probabilities[n - 1], storage)?;
            probabilities.push(p);
            backoffs.push(gamma);
            progress.at(n as u64 + 1);
        }
        let prunes = (1..=order).any(|order| self.settings.threshold(order) > 0);
        let keep = prunes.then(|| {
            let level =
                |n: usize| (0..self.trie.levels[n].len()).map(|i| self.kept(n, i)).collect();
            (0..order).map(level).collect()
        });
        self.links.clear();
        self.adjusted = None;
        backoffs.push(Vec::new().into());
        let parts = self.trie.levels.into_iter().zip(probabilities).zip(backoffs);
        let levels = parts.map(|((level, mut p), mut gamma)| {
            // <s> is given, so its probability is 1; the rest becomes logarithms in place.
            p.par_iter_mut().chain(gamma.par_iter_mut()).for_each(|value| {
                *value = f64::from(*value).log10_or_never();
            });
            TableLevel { words: level.words, children: level.children, log10: p, backoffs: gamma }
        });
        Ok((Table::new(words, levels.collect()), keep))
    }

    /// `p(w)`, interpolated with the uniform distribution, or all that is free for `<unk>`.
    fn unigrams(&self) -> Column<f32> {
        let counts = self.counts(0);
        let words = self.trie.levels[0].len();
        let mut context = Context::default();
        for word in (0..words).filter(|&word| word != BOS as usize) {
            context.add(counts.get(word), self.kept(0, word));
        }
        let (scale, gamma) = self.rules[0].weights(&context);
        // With <unk>, without <s>, which is never predicted.
        let size = (0..words).filter(|&word| self.kept(0, word)).count() as u64 - 1;
        let size = size.max(self.settings.vocabulary_pad) as f64;
        let p = |word: usize| {
            let lower = match (self.settings.interpolate_unigrams, word as u32) {
                (true, _) => gamma / size,
                (false, UNK) => gamma,
                (false, _) => 0.0,
            };
            let p = self.rules[0].mass(counts.get(word)) * scale + lower;
            if word == BOS as usize { 1.0 } else { p as f32 }
        };
        (0..words).map(p).collect::<Vec<f32>>().into()
    }

    /// `p(w|h)` of each n-gram of level n, and `gamma(h)` of each context of the level below.
    fn level(
        &self,
        n: usize,
        lower: &[f32],
        storage: &Storage,
    ) -> Result<(Column<f32>, Column<f32>)> {
        let children = &self.trie.levels[n - 1].children[..];
        let mut p = Column::zeroed(self.trie.levels[n].len(), storage)?;
        let mut gammas = Column::zeroed(self.trie.levels[n - 1].len(), storage)?;
        let mut tasks = Vec::new();
        let mut rest = &mut p[..];
        for (chunk, gammas) in gammas.chunks_mut(PARENTS).enumerate() {
            let first = chunk * PARENTS;
            let length = (children[first + gammas.len()] - children[first]) as usize;
            let (part, behind) = std::mem::take(&mut rest).split_at_mut(length);
            tasks.push((first, gammas, part));
            rest = behind;
        }
        let (counts, links, rule) = (self.counts(n), &self.links[n - 1][..], &self.rules[n]);
        let prunes = self.settings.threshold(n + 1) > 0;
        tasks.into_par_iter().for_each(|(first, gammas, part)| {
            let mut part = part.iter_mut();
            for (parent, gamma) in (first..).zip(gammas) {
                let among = range(children, parent);
                let mut context = Context::default();
                for child in among.clone() {
                    context.add(counts.get(child), !prunes || self.kept(n, child));
                }
                let (scale, free) = rule.weights(&context);
                *gamma = free as f32;
                for (child, p) in among.zip(&mut part) {
                    let below = f64::from(lower[links[child] as usize]);
                    *p = (rule.mass(counts.get(child)) * scale + free * below) as f32;
                }
            }
        });
        Ok((p, gammas))
    }
}
