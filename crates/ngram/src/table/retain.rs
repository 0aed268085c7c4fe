//! n-grams left out of a table.

use super::{Table, TableLevel};
use crate::error::Result;
use crate::links::range;
use crate::storage::{ColumnWriter, Storage};
use crate::words::{UNK, Words};

impl Table {
    /// Keeps those n-grams for which `keep[order - 1][index]` holds. What is kept has to be closed.
    pub(crate) fn retain(&mut self, keep: &[Vec<bool>], storage: &Storage) -> Result<()> {
        let renamed = keep[0].iter().any(|&kept| !kept).then(|| self.retain_words(&keep[0]));
        let mut levels = Vec::with_capacity(self.levels.len());
        for n in 0..self.levels.len() {
            let level = &self.levels[n];
            let kept = |&index: &usize| keep[n][index];
            let indices = || (0..level.len()).filter(kept);
            let word = |index: usize| match &renamed {
                Some(renamed) => renamed[level.words[index] as usize],
                None => level.words[index],
            };
            let words = collect(indices().map(word), storage)?;
            let log10 = collect(indices().map(|index| level.log10[index]), storage)?;
            let (mut children, mut backoffs) = (Vec::new().into(), Vec::new().into());
            if n + 1 < self.levels.len() {
                let ends = indices().scan(0u32, |end, index| {
                    let below = range(&level.children, index);
                    *end += keep[n + 1][below].iter().filter(|&&kept| kept).count() as u32;
                    Some(*end)
                });
                children = collect(std::iter::once(0).chain(ends), storage)?;
                backoffs = collect(indices().map(|index| level.backoffs[index]), storage)?;
            }
            levels.push(TableLevel { words, children, log10, backoffs });
        }
        self.levels = levels;
        Ok(())
    }

    /// Leaves words out of the vocabulary; gives the new id of each.
    fn retain_words(&mut self, keep: &[bool]) -> Vec<u32> {
        let mut words = Words::new();
        let mut renamed = vec![UNK; keep.len()];
        for (id, word) in self.words.iter().enumerate() {
            if keep[id] {
                renamed[id] = words.intern(word);
            }
        }
        self.words = words;
        renamed
    }
}

fn collect<T: bytemuck::Pod>(
    values: impl Iterator<Item = T>,
    storage: &Storage,
) -> Result<crate::storage::Column<T>> {
    let mut writer = ColumnWriter::new(storage);
    let mut part = Vec::with_capacity(1 << 12);
    for value in values {
        part.push(value);
        if part.len() == part.capacity() {
            writer.extend(&part)?;
            part.clear();
        }
    }
    writer.extend(&part)?;
    writer.finish()
}
