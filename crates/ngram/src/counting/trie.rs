//! Counted n-grams as a trie, level by level: level `n` holds the n-grams in the order of their
//! words, so that the n-grams that continue one are neighbours.

use std::collections::BTreeMap;

use crate::error::{NgramError, Result};
use crate::storage::{Column, ColumnWriter, Storage};

/// The n-grams of all orders of a text.
#[derive(Debug)]
pub(crate) struct Trie {
    /// `levels[n - 1]` holds the n-grams of order n; level 1 has every word of the vocabulary.
    pub(crate) levels: Vec<Level>,
}

/// The n-grams of one order.
#[derive(Debug)]
pub(crate) struct Level {
    /// The last word of each.
    pub(crate) words: Column<u32>,
    /// How often each occurs.
    pub(crate) counts: Counts,
    /// Where the continuations of each start in the next level, and where the last one's end;
    /// empty at the highest order.
    pub(crate) children: Column<u32>,
}

impl Level {
    /// How many n-grams.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }
}

/// Counts of 32 bits, and the few that are larger.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) small: Column<u32>,
    /// Those whose small count is `u32::MAX`.
    pub(crate) large: BTreeMap<usize, u64>,
}

impl Counts {
    #[inline]
    pub(crate) fn get(&self, index: usize) -> u64 {
        match self.small[index] {
            u32::MAX => self.large.get(&index).copied().unwrap_or(u64::from(u32::MAX)),
            small => u64::from(small),
        }
    }

    pub(crate) fn set(&mut self, index: usize, count: u64) {
        self.small[index] = u32::try_from(count).unwrap_or(u32::MAX);
        if count >= u64::from(u32::MAX) {
            self.large.insert(index, count);
        } else {
            self.large.remove(&index);
        }
    }
}

/// A part of a trie: the n-grams of some neighbouring pairs of first words.
#[derive(Debug)]
pub(crate) struct TrieBuilder {
    last: Vec<u32>,
    levels: Vec<LevelBuilder>,
}

#[derive(Debug, Default)]
struct LevelBuilder {
    words: Vec<u32>,
    counts: Vec<u64>,
    starts: Vec<u32>,
}

impl TrieBuilder {
    pub(crate) fn new(order: usize) -> Self {
        let levels = (0..order).map(|_| LevelBuilder::default()).collect();
        Self { last: Vec::with_capacity(order), levels }
    }

    /// n-grams, in all.
    pub(crate) fn len(&self) -> usize {
        self.levels.iter().map(|level| level.words.len()).sum()
    }

    /// Adds an n-gram that is not before any that was added, and its beginnings.
    pub(crate) fn push(&mut self, words: &[u32], count: u64) {
        let common = words.iter().zip(&self.last).take_while(|(a, b)| a == b).count();
        for (n, &word) in words.iter().enumerate().skip(common) {
            let start = self.levels.get(n + 1).map_or(0, |next| next.words.len() as u32);
            let level = &mut self.levels[n];
            level.words.push(word);
            level.counts.push(0);
            level.starts.push(start);
        }
        for level in &mut self.levels[..words.len()] {
            if let Some(last) = level.counts.last_mut() {
                *last += count;
            }
        }
        self.last.clear();
        self.last.extend_from_slice(words);
    }
}

/// Puts parts together to a whole trie.
#[derive(Debug)]
pub(crate) struct TrieWriter {
    vocabulary: usize,
    levels: Vec<LevelWriter>,
    /// The last word of level 1, its count and where its continuations start: the next part may begin
    /// with that word again.
    last: Option<(u32, u64, u32)>,
}

#[derive(Debug)]
struct LevelWriter {
    words: ColumnWriter<u32>,
    counts: ColumnWriter<u32>,
    large: BTreeMap<usize, u64>,
    children: ColumnWriter<u32>,
}

impl TrieWriter {
    pub(crate) fn new(order: usize, vocabulary: usize, storage: &Storage) -> Self {
        let level = |_| LevelWriter {
            words: ColumnWriter::new(storage),
            counts: ColumnWriter::new(storage),
            large: BTreeMap::new(),
            children: ColumnWriter::new(storage),
        };
        Self { vocabulary, levels: (0..order).map(level).collect(), last: None }
    }

    /// Adds n-grams behind all that were added. Their first word may have been there, the pair of their
    /// first two not.
    pub(crate) fn append(&mut self, part: &TrieBuilder) -> Result<()> {
        let starts: Vec<usize> = self.levels.iter().map(|level| level.words.len()).collect();
        let behind: Vec<usize> = starts.iter().copied().skip(1).chain([0]).collect();
        // Level 1 has every word, so that a word is its own index there.
        let first = &part.levels[0];
        for (index, &word) in first.words.iter().enumerate() {
            let (count, start) =
                (first.counts[index], (behind[0] + first.starts[index] as usize) as u32);
            match &mut self.last {
                Some((last, sum, _)) if *last == word => *sum += count,
                _ => {
                    self.put_last()?;
                    self.fill(word as usize, start as usize)?;
                    self.last = Some((word, count, start));
                }
            }
        }
        for (n, level) in part.levels.iter().enumerate().skip(1) {
            let shifted: Vec<u32> =
                level.starts.iter().map(|&start| start.wrapping_add(behind[n] as u32)).collect();
            self.levels[n].append(&level.words, &level.counts, &shifted)?;
        }
        self.check()
    }

    fn put_last(&mut self) -> Result<()> {
        match self.last.take() {
            Some((word, count, start)) => self.levels[0].append(&[word], &[count], &[start]),
            None => Ok(()),
        }
    }

    /// Words that nothing begins with, up to `word`.
    fn fill(&mut self, word: usize, start: usize) -> Result<()> {
        let from = self.levels[0].words.len();
        for missing in from..word {
            self.levels[0].append(&[missing as u32], &[0], &[start as u32])?;
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        match self.levels.iter().position(|level| level.words.len() >= u32::MAX as usize) {
            None => Ok(()),
            Some(n) => Err(NgramError::TooLarge {
                what: format!("the number of n-grams of order {}", n + 1),
                limit: u64::from(u32::MAX),
                mend: "use a lower order, or a smaller text",
            }),
        }
    }

    pub(crate) fn finish(mut self) -> Result<Trie> {
        self.put_last()?;
        let ends: Vec<usize> = self.levels.iter().map(|level| level.words.len()).collect();
        self.fill(self.vocabulary, ends.get(1).copied().unwrap_or(0))?;
        let order = self.levels.len();
        let mut levels = Vec::with_capacity(order);
        for (n, mut level) in self.levels.into_iter().enumerate() {
            let children = if n + 1 < order {
                level.children.extend(&[ends[n + 1] as u32])?;
                level.children.finish()?
            } else {
                Vec::new().into()
            };
            let counts = Counts { small: level.counts.finish()?, large: level.large };
            levels.push(Level { words: level.words.finish()?, counts, children });
        }
        Ok(Trie { levels })
    }
}

impl LevelWriter {
    fn append(&mut self, words: &[u32], counts: &[u64], starts: &[u32]) -> Result<()> {
        let before = self.words.len();
        self.words.extend(words)?;
        let small: Vec<u32> =
            counts.iter().map(|&count| u32::try_from(count).unwrap_or(u32::MAX)).collect();
        self.counts.extend(&small)?;
        for (index, &count) in counts.iter().enumerate() {
            if count >= u64::from(u32::MAX) {
                self.large.insert(before + index, count);
            }
        }
        self.children.extend(starts)
    }
}
