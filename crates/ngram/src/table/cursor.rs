//! The n-grams of a level one after the other, with their words.

use super::Table;
use crate::links::range;

/// Stands at an n-gram of a level and knows its words.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    table: &'a Table,
    /// The n-gram's beginnings, of each length, as indices into their levels.
    path: Vec<usize>,
    words: Vec<u32>,
}

impl<'a> Cursor<'a> {
    /// At n-gram `index` of an order. The order is of the model and the index of the level.
    pub(crate) fn new(table: &'a Table, order: usize, index: usize) -> Self {
        let mut path = vec![index; order];
        for n in (1..order).rev() {
            let children = &table.levels[n - 1].children;
            // The last parent whose children start at or before it.
            path[n - 1] = children.partition_point(|&start| start as usize <= path[n]) - 1;
        }
        let words = path.iter().zip(&table.levels).map(|(&i, level)| level.words[i]).collect();
        Self { table, path, words }
    }

    /// The n-gram's words.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// Moves to the next n-gram of the level; there has to be one.
    pub(crate) fn advance(&mut self) {
        let last = self.path.len() - 1;
        self.path[last] += 1;
        self.words[last] = self.table.levels[last].words[self.path[last]];
        for n in (1..=last).rev() {
            let children = &self.table.levels[n - 1].children;
            let mut parent = self.path[n - 1];
            if self.path[n] < range(children, parent).end {
                return;
            }
            while self.path[n] >= range(children, parent).end {
                parent += 1;
            }
            self.path[n - 1] = parent;
            self.words[n - 1] = self.table.levels[n - 1].words[parent];
        }
    }
}
