//! Words and the row of each. A word is bytes: what a file holds is carried through unchanged.

use xxhash_rust::xxh3::xxh3_64;

use crate::section::Section;

/// Distinct words in the order of their rows; may lie in a mapped file.
#[derive(Clone, Debug)]
pub struct Lexicon {
    pub(crate) bytes: Section<u8>,
    /// Where each word ends in `bytes`.
    pub(crate) ends: Section<u64>,
    /// Open addressing, a power of two long, at most half full: the upper half of a word's hash, and
    /// its row + 1; 0 marks an empty slot.
    pub(crate) slots: Section<[u32; 2]>,
}

/// The most words that rows of 32 bits can number.
pub(crate) const MOST_WORDS: usize = u32::MAX as usize - 1;

impl Lexicon {
    /// How many words there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The word of a row.
    ///
    /// # Panics
    /// When there are not so many rows.
    pub fn word(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        // Ranges of a mapped file may be anything; an impossible one is no word.
        self.bytes.get(start as usize..self.ends[row] as usize).unwrap_or_default()
    }

    /// All words in the order of their rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|row| self.word(row))
    }

    /// The row of a word.
    pub fn row(&self, word: &[u8]) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let hash = xxh3_64(word);
        let tag = (hash >> 32) as u32;
        let first = hash as usize & mask;
        // A damaged file may have no empty slot: each is looked at once.
        for step in 0..self.slots.len() {
            let [slot_tag, row] = self.slots[(first + step) & mask];
            let row = (row as usize).checked_sub(1)?;
            if slot_tag == tag && row < self.len() && self.word(row) == word {
                return Some(row);
            }
        }
        None
    }
}

/// Gathers words for a [`Lexicon`].
#[derive(Clone, Debug)]
pub struct LexiconBuilder {
    bytes: Vec<u8>,
    ends: Vec<u64>,
    slots: Vec<[u32; 2]>,
}

impl Default for LexiconBuilder {
    fn default() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), slots: vec![[0; 2]; 64] }
    }
}

impl LexiconBuilder {
    /// No words at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds a word; `false` when it is there already.
    pub fn add(&mut self, word: &[u8]) -> bool {
        let hash = xxh3_64(word);
        let tag = (hash >> 32) as u32;
        let mask = self.slots.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let [slot_tag, row] = self.slots[place];
            if row == 0 {
                break;
            }
            if slot_tag == tag && self.word(row as usize - 1) == word {
                return false;
            }
            place = (place + 1) & mask;
        }
        self.bytes.extend_from_slice(word);
        self.ends.push(self.bytes.len() as u64);
        self.slots[place] = [tag, self.ends.len() as u32];
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        true
    }

    fn word(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start as usize..self.ends[row] as usize]
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![[0; 2]; mask + 1];
        for row in 0..self.ends.len() {
            let hash = xxh3_64(self.word(row));
            let mut place = hash as usize & mask;
            while slots[place][1] != 0 {
                place = (place + 1) & mask;
            }
            slots[place] = [(hash >> 32) as u32, row as u32 + 1];
        }
        self.slots = slots;
    }

    /// The words, to be looked up.
    pub fn finish(self) -> Lexicon {
        Lexicon { bytes: self.bytes.into(), ends: self.ends.into(), slots: self.slots.into() }
    }
}

impl<'a> FromIterator<&'a [u8]> for Lexicon {
    /// The distinct words in the order of their first occurrence.
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(words: I) -> Self {
        let mut builder = LexiconBuilder::new();
        for word in words {
            builder.add(word);
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bytes_and_found_by_row_and_by_name() {
        let mut builder = LexiconBuilder::new();
        for n in 0..5000 {
            assert!(builder.add(format!("w{n}").as_bytes()));
        }
        assert!(builder.add(b"caf\xe9") && builder.add(b"la\0mp") && builder.add(b""));
        assert!(!builder.add(b"w77"));
        let words = builder.finish();
        assert_eq!(words.len(), 5003);
        assert_eq!(words.row(b"w4999"), Some(4999));
        assert_eq!(words.row(b"caf\xe9"), Some(5000));
        assert_eq!(words.word(5001), b"la\0mp");
        assert_eq!(words.row(b""), Some(5002));
        assert_eq!(words.row(b"lamp"), None);
    }
}
