//! Words and their ids. A word is bytes: what the text holds is carried through unchanged.

use xxhash_rust::xxh3::xxh3_64;

/// Id of `<unk>`, the word that stands for all that are not in the vocabulary.
pub const UNK: u32 = 0;
/// Id of `<s>`, which every sentence begins with; it is never predicted.
pub const BOS: u32 = 1;
/// Id of `</s>`, which every sentence ends with.
pub const EOS: u32 = 2;
/// The words of the ids 0, 1 and 2.
pub const SPECIAL: [&[u8]; 3] = [b"<unk>", b"<s>", b"</s>"];

/// The hash by which words are found, also in binary models: part of the file format.
pub(crate) fn hash(word: &[u8]) -> u64 {
    xxh3_64(word)
}

/// Distinct words, numbered in the order of their arrival.
#[derive(Clone, Debug)]
pub struct Words {
    bytes: Vec<u8>,
    /// Where each word ends in `bytes`.
    ends: Vec<usize>,
    /// Open addressing, a power of two long, at most half full.
    slots: Vec<Slot>,
}

/// The upper half of a word's hash, and its id + 1; 0 marks an empty slot.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    tag: u32,
    id: u32,
}

impl Default for Words {
    fn default() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), slots: vec![Slot::default(); 64] }
    }
}

impl Words {
    /// No words at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// `<unk>`, `<s>` and `</s>` as 0, 1 and 2.
    pub fn with_special() -> Self {
        let mut words = Self::default();
        for word in SPECIAL {
            words.intern(word);
        }
        words
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The word of an id.
    ///
    /// # Panics
    ///
    /// When there are not so many words.
    pub fn word(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        &self.bytes[start..self.ends[id]]
    }

    /// All words in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len() as u32).map(|id| self.word(id))
    }

    /// The id of a word that is known.
    #[inline]
    pub fn get(&self, word: &[u8]) -> Option<u32> {
        let slot = self.slots[self.find(word, hash(word))];
        (slot.id != 0).then(|| slot.id - 1)
    }

    /// The id of a word, which becomes known by this.
    #[inline]
    pub fn intern(&mut self, word: &[u8]) -> u32 {
        let hash = hash(word);
        let place = self.find(word, hash);
        if self.slots[place].id != 0 {
            return self.slots[place].id - 1;
        }
        self.insert(word, hash, place)
    }

    /// The slot that holds the word, or the empty one where it belongs.
    #[inline]
    fn find(&self, word: &[u8], hash: u64) -> usize {
        let mask = self.slots.len() - 1;
        let tag = (hash >> 32) as u32;
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot.id == 0 || (slot.tag == tag && self.word(slot.id - 1) == word) {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    fn insert(&mut self, word: &[u8], hash: u64, place: usize) -> u32 {
        let id = self.ends.len() as u32;
        self.bytes.extend_from_slice(word);
        self.ends.push(self.bytes.len());
        self.slots[place] = Slot { tag: (hash >> 32) as u32, id: id + 1 };
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        id
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![Slot::default(); mask + 1];
        for id in 0..self.ends.len() as u32 {
            let hash = hash(self.word(id));
            let mut place = hash as usize & mask;
            while slots[place].id != 0 {
                place = (place + 1) & mask;
            }
            slots[place] = Slot { tag: (hash >> 32) as u32, id: id + 1 };
        }
        self.slots = slots;
    }
}

/// What separates words: ASCII white space. Any other byte, NUL included, is part of a word.
#[inline]
pub fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The words of a line.
pub fn split(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| is_separator(byte)).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_arrival_and_words_are_bytes() {
        let mut words = Words::with_special();
        assert_eq!(words.intern(b"caf\xe9"), 3);
        assert_eq!(words.intern(b"la\0mp"), 4);
        assert_eq!(words.intern(b"caf\xe9"), 3);
        for id in 0..5000u32 {
            assert_eq!(words.intern(format!("w{id}").as_bytes()), 5 + id);
        }
        assert_eq!(words.get(b"la\0mp"), Some(4));
        assert_eq!(words.get(b"lamp"), None);
        assert_eq!(words.word(3), b"caf\xe9");
        assert_eq!(words.word(EOS), b"</s>");
    }
}
