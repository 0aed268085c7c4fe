//! n-grams from elsewhere as a closed table.
//!
//! Other tools may leave out an n-gram that a longer one begins or ends with. It is put in with
//! the probability that backing off gives it, and a backoff of 1: nothing that the model says
//! changes, but that a "probability" above 1 becomes 1.

use rayon::prelude::*;

use super::{Table, TableLevel};
use crate::error::{NgramError, Result};
use crate::links::{MISSING, range};
use crate::storage::Storage;
use crate::words::Words;

/// n-grams of one order, in any order.
#[derive(Debug, Default)]
pub(crate) struct Records {
    order: usize,
    /// `order` words for each.
    words: Vec<u32>,
    /// Not a number: to be found by backing off.
    log10: Vec<f32>,
    backoffs: Vec<f32>,
}

impl Records {
    pub(crate) fn new(order: usize) -> Self {
        Self { order, ..Self::default() }
    }

    pub(crate) fn push(&mut self, words: &[u32], log10: f32, backoff: f32) {
        self.words.extend_from_slice(words);
        self.log10.push(log10);
        self.backoffs.push(backoff);
    }

    pub(crate) fn len(&self) -> usize {
        self.log10.len()
    }

    pub(crate) fn words(&self, index: usize) -> &[u32] {
        &self.words[index * self.order..(index + 1) * self.order]
    }

    /// Sorts by words. Of equal n-grams, gives the first that is met.
    pub(crate) fn sort(&mut self) -> Result<(), Vec<u32>> {
        if !self.words.chunks_exact(self.order).is_sorted() {
            let mut indices: Vec<u32> = (0..self.len() as u32).collect();
            indices.par_sort_by(|&a, &b| self.words(a as usize).cmp(self.words(b as usize)));
            let mut sorted = Self::new(self.order);
            for index in indices.into_iter().map(|index| index as usize) {
                sorted.push(self.words(index), self.log10[index], self.backoffs[index]);
            }
            *self = sorted;
        }
        let grams = || self.words.chunks_exact(self.order);
        match grams().zip(grams().skip(1)).find(|(a, b)| a == b) {
            Some((twice, _)) => Err(twice.to_vec()),
            None => Ok(()),
        }
    }

    /// Adds n-grams whose probability is to be found by backing off; those that are there are left.
    fn add_blank(&mut self, mut missing: Vec<Vec<u32>>) {
        missing.sort_unstable();
        missing.dedup();
        for words in missing {
            self.push(&words, f32::NAN, 0.0);
        }
        // A blank that was there twice would have been found by its words before.
        let unique = self.sort();
        debug_assert!(unique.is_ok());
    }
}

/// Puts n-grams together to a closed table. `unigrams` are by word; `higher` are sorted and
/// distinct, from the second order on.
pub(crate) fn close(
    words: &Words,
    unigrams: &Records,
    mut higher: Vec<Records>,
    storage: &Storage,
) -> Result<Table> {
    // The highest orders may have no n-grams at all, but an order below one that has some may not.
    loop {
        for n in (1..higher.len()).rev() {
            let missing = missing_prefixes(&higher[n], &higher[n - 1]);
            if !missing.is_empty() {
                higher[n - 1].add_blank(missing);
            }
        }
        if let Some(large) = higher.iter().find(|records| records.len() >= MISSING as usize) {
            return Err(NgramError::TooLarge {
                what: format!("the number of n-grams of order {}", large.order),
                limit: u64::from(MISSING),
                mend: "prune the model",
            });
        }
        let table = assemble(words.clone(), unigrams, &higher);
        let links = table.links(storage)?;
        let mut closed = true;
        // From low to high: links are indices into each order as it was before any was added to.
        for n in 1..higher.len() {
            let absent = |&(_, &link): &(usize, &u32)| link == MISSING;
            let missing: Vec<Vec<u32>> = links[n]
                .iter()
                .enumerate()
                .filter(absent)
                .map(|(index, _)| higher[n].words(index)[1..].to_vec())
                .collect();
            if !missing.is_empty() {
                closed = false;
                higher[n - 1].add_blank(missing);
            }
        }
        if closed {
            return Ok(fill(table, &links));
        }
    }
}

/// What sorted n-grams begin with and the sorted n-grams one order below lack.
fn missing_prefixes(records: &Records, below: &Records) -> Vec<Vec<u32>> {
    let mut missing: Vec<Vec<u32>> = Vec::new();
    let mut at = 0;
    for words in records.words.chunks_exact(records.order) {
        let prefix = &words[..records.order - 1];
        while at < below.len() && below.words(at) < prefix {
            at += 1;
        }
        let there = at < below.len() && below.words(at) == prefix;
        if !there && missing.last().is_none_or(|last| last != prefix) {
            missing.push(prefix.to_vec());
        }
    }
    missing
}

/// A table of n-grams of which none lacks its beginning.
fn assemble(words: Words, unigrams: &Records, higher: &[Records]) -> Table {
    let all: Vec<&Records> = std::iter::once(unigrams).chain(higher).collect();
    let mut levels = Vec::with_capacity(all.len());
    for (n, records) in all.iter().enumerate() {
        let last = |words: &[u32]| words[words.len() - 1];
        let mut level = TableLevel {
            words: records.words.chunks_exact(n + 1).map(last).collect::<Vec<u32>>().into(),
            children: Vec::new().into(),
            log10: records.log10.clone().into(),
            backoffs: Vec::new().into(),
        };
        if let Some(next) = all.get(n + 1) {
            let mut children = Vec::with_capacity(records.len() + 1);
            let mut end = 0;
            for index in 0..records.len() {
                children.push(end as u32);
                while end < next.len() && next.words(end)[..=n] == *records.words(index) {
                    end += 1;
                }
            }
            children.push(end as u32);
            level.children = children.into();
            level.backoffs = records.backoffs.clone().into();
        }
        levels.push(level);
    }
    Table::new(words, levels)
}

/// Gives those without a probability that of backing off, lowest order first.
fn fill(mut table: Table, links: &[crate::storage::Column<u32>]) -> Table {
    for n in 1..table.order() {
        let (below, above) = table.levels.split_at_mut(n);
        let (contexts, level) = (&below[n - 1], &mut above[0]);
        if !level.log10.iter().any(|p| p.is_nan()) {
            continue;
        }
        for context in 0..contexts.len() {
            for child in range(&contexts.children, context) {
                if level.log10[child].is_nan() {
                    let lower = contexts.log10[links[n - 1][child] as usize];
                    // A backoff may be above 1, a probability not.
                    level.log10[child] = (contexts.backoffs[context] + lower).min(0.0);
                }
            }
        }
    }
    table
}
