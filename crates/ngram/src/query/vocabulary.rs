//! Words to ids, and back, in a binary model.

use crate::binary::{SectionWriter, Sections};
use crate::error::{NgramError, Result};
use crate::words::{UNK, Words, hash};

/// The words of a model.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary<'a> {
    bytes: &'a [u8],
    /// Where each word ends.
    ends: &'a [u32],
    /// Pairs: the upper half of a word's hash, and its id + 1; 0 for none. A power of two long.
    slots: &'a [[u32; 2]],
}

impl<'a> Vocabulary<'a> {
    pub(crate) fn open(sections: &mut Sections<'a>) -> Result<Self, String> {
        let vocabulary =
            Self { bytes: sections.take()?, ends: sections.take()?, slots: sections.take()? };
        if !vocabulary.slots.len().is_power_of_two() || vocabulary.ends.len() < 3 {
            return Err("the vocabulary is impossible; build the model again".into());
        }
        Ok(vocabulary)
    }

    pub(crate) fn write(words: &Words, sections: &mut SectionWriter) -> Result<()> {
        let bytes: Vec<u8> = words.iter().flatten().copied().collect();
        if u32::try_from(bytes.len()).is_err() {
            return Err(NgramError::TooLarge {
                what: format!("a vocabulary of {} bytes", bytes.len()),
                limit: u64::from(u32::MAX),
                mend: "train with fewer words (--vocabulary-size, --vocabulary-min-count)",
            });
        }
        let mut end = 0u32;
        let ends: Vec<u32> = words
            .iter()
            .map(|word| {
                end += word.len() as u32;
                end
            })
            .collect();
        // At most three quarters full.
        let mut slots = vec![[0u32; 2]; (words.len() * 4 / 3 + 1).next_power_of_two()];
        let mask = slots.len() - 1;
        for (id, word) in words.iter().enumerate() {
            let hash = hash(word);
            let mut place = hash as usize & mask;
            while slots[place][1] != 0 {
                place = (place + 1) & mask;
            }
            slots[place] = [(hash >> 32) as u32, id as u32 + 1];
        }
        sections.add(&bytes);
        sections.add(&ends);
        sections.add(&slots);
        Ok(())
    }

    /// How many words there are, `<unk>`, `<s>` and `</s>` included.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The word of an id; nothing for an id that is not in the vocabulary.
    pub fn word(&self, id: u32) -> &'a [u8] {
        let end = |id: usize| self.ends.get(id).map_or(0, |&end| end as usize);
        let start = if id == 0 { 0 } else { end(id as usize - 1) };
        self.bytes.get(start..end(id as usize)).unwrap_or_default()
    }

    /// The id of a word that is in the vocabulary.
    #[inline]
    pub fn get(&self, word: &[u8]) -> Option<u32> {
        let hash = hash(word);
        let mask = self.slots.len() - 1;
        let first = hash as usize & mask;
        for place in first..first + self.slots.len() {
            let [tag, id] = self.slots[place & mask];
            if id == 0 {
                return None;
            }
            if tag == (hash >> 32) as u32 && self.word(id - 1) == word {
                return Some(id - 1);
            }
        }
        None
    }

    /// The id of a word, that of `<unk>` for one that is not in the vocabulary.
    #[inline]
    pub fn id(&self, word: &[u8]) -> u32 {
        self.get(word).unwrap_or(UNK)
    }

    /// All words in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len() as u32).map(|id| self.word(id))
    }
}
