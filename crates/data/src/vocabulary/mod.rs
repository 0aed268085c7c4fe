//! Words and their ids.
//!
//! Order: the special words first (`<unk>`, then `</s>`), then the words by count, most frequent
//! first, equal counts in byte order; so the same text gives the same ids everywhere.

mod file;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{DataError, Result};

/// The unknown word, as Mikolov's Penn Treebank spells it.
pub const UNK: &str = "<unk>";
/// The end of a sentence (line).
pub const EOS: &str = "</s>";

/// Which words enter a [`Vocabulary`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VocabularyLimits {
    /// Words seen less often than this become `<unk>`. 1 keeps all.
    pub min_count: u64,
    /// The most words to keep, the special ones included; none: no limit.
    pub max_size: Option<usize>,
}

impl Default for VocabularyLimits {
    fn default() -> Self {
        Self { min_count: 1, max_size: None }
    }
}

/// Two-way map between words and ids, with the counts of the text that it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    words: Vec<Box<str>>,
    counts: Vec<u64>,
    ids: HashMap<Box<str>, u32>,
    unk: Option<u32>,
    eos: Option<u32>,
}

impl Vocabulary {
    /// Builds a vocabulary from word counts. `unk` and `eos` name the special words; they come first,
    /// are never cut, and the counts of the words that are cut are added to `unk`'s.
    ///
    /// # Errors
    /// [`DataError::Setting`] when `max_size` leaves no room beyond the special words, or when words
    /// are cut and there is no `unk` to take them.
    pub fn from_counts(
        counts: HashMap<String, u64>,
        limits: &VocabularyLimits,
        unk: Option<&str>,
        eos: Option<&str>,
    ) -> Result<Self> {
        let mut counts = counts;
        let mut words: Vec<(String, u64)> = Vec::with_capacity(counts.len() + 2);
        for special in [unk, eos].into_iter().flatten() {
            let count = counts.remove(special).unwrap_or(0);
            words.push((special.to_owned(), count));
        }
        let specials = words.len();
        let mut ordinary: Vec<(String, u64)> = counts.into_iter().collect();
        ordinary.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));

        let room = match limits.max_size {
            None => usize::MAX,
            Some(size) if size > specials => size - specials,
            Some(size) => {
                return Err(DataError::Setting {
                    key: "vocabulary.max_size",
                    value: size.to_string(),
                    mend: "must leave room for at least one word beside <unk> and </s>",
                });
            }
        };
        let frequent = ordinary.partition_point(|(_, count)| *count >= limits.min_count);
        let cut = ordinary.split_off(frequent.min(room).min(ordinary.len()));
        if !cut.is_empty() {
            if unk.is_none() {
                return Err(DataError::Setting {
                    key: "vocabulary.max_size",
                    value: format!("{:?}", limits.max_size),
                    mend: "words can be cut only where there is an unknown word to stand for them",
                });
            }
            words[0].1 += cut.iter().map(|(_, count)| count).sum::<u64>();
        }
        words.extend(ordinary);
        let (words, counts) = words.into_iter().unzip();
        Self::from_words(words, counts, unk, eos)
    }

    /// Builds a vocabulary from words in the order of their ids. `counts` may be empty (all zero).
    ///
    /// # Errors
    /// [`DataError::Setting`] on a word given twice, on no words, on more than 2^32 - 1, or when a
    /// special word is not among them.
    pub fn from_words(
        words: Vec<String>,
        mut counts: Vec<u64>,
        unk: Option<&str>,
        eos: Option<&str>,
    ) -> Result<Self> {
        let wrong = |value: &str, mend| DataError::Setting {
            key: "vocabulary",
            value: value.to_owned(),
            mend,
        };
        if words.is_empty() || u32::try_from(words.len()).is_err() {
            return Err(wrong(&words.len().to_string(), "must hold 1 to 2^32 - 1 words"));
        }
        counts.resize(words.len(), 0);
        let mut ids = HashMap::with_capacity(words.len());
        let words: Vec<Box<str>> = words.into_iter().map(String::into_boxed_str).collect();
        for (id, word) in words.iter().enumerate() {
            if ids.insert(word.clone(), id as u32).is_some() {
                return Err(wrong(word, "is listed twice; each word has one id"));
            }
        }
        let special = |word: Option<&str>| match word {
            None => Ok(None),
            Some(word) => match ids.get(word) {
                Some(&id) => Ok(Some(id)),
                None => Err(wrong(word, "is named as a special word but is not listed")),
            },
        };
        let (unk, eos) = (special(unk)?, special(eos)?);
        Ok(Self { words, counts, ids, unk, eos })
    }

    /// Number of words, the special ones included.
    #[expect(clippy::len_without_is_empty, reason = "a vocabulary holds at least one word")]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// The id of exactly this word.
    pub fn id(&self, word: &str) -> Option<u32> {
        self.ids.get(word).copied()
    }

    /// The id of this word, or that of `<unk>`; none for an unknown word without `<unk>`.
    pub fn id_or_unk(&self, word: &str) -> Option<u32> {
        self.id(word).or(self.unk)
    }

    /// The word of an id.
    pub fn get(&self, id: u32) -> Option<&str> {
        self.words.get(id as usize).map(AsRef::as_ref)
    }

    /// The word of an id, or the Unicode replacement character for an id beyond the end (an id from
    /// a model with a wider output layer): printing a sample must not fail.
    pub fn word(&self, id: u32) -> &str {
        self.get(id).unwrap_or("\u{fffd}")
    }

    /// How often the word was seen; 0 where no counts are known.
    pub fn count(&self, id: u32) -> u64 {
        self.counts.get(id as usize).copied().unwrap_or(0)
    }

    /// Counts by id.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Words in the order of their ids.
    pub fn words(&self) -> impl ExactSizeIterator<Item = &str> {
        self.words.iter().map(AsRef::as_ref)
    }

    /// The id of the unknown word, where there is one.
    pub fn unk_id(&self) -> Option<u32> {
        self.unk
    }

    /// The id that ends a line, where there is one (`</s>`, or the newline of characters and bytes).
    pub fn eos_id(&self) -> Option<u32> {
        self.eos
    }

    /// SHA-256 of the words in order and of the special ones, as 64 hex digits. Counts do not enter:
    /// two vocabularies with one hash number words alike.
    pub fn hash(&self) -> String {
        crate::hash::hex(&self.digest())
    }

    /// [`Vocabulary::hash`] as bytes.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(format!("{:?} {:?}\n", self.unk, self.eos));
        for word in &self.words {
            // Length first: no two lists run together into the same bytes.
            hasher.update((word.len() as u64).to_le_bytes());
            hasher.update(word.as_bytes());
        }
        hasher.finalize().into()
    }

    /// Checks that `other`, found in `name`, numbers words as this vocabulary does.
    ///
    /// # Errors
    /// [`DataError::VocabularyMismatch`].
    pub fn expect_same(&self, other: &Self, name: &str) -> Result<()> {
        self.expect_digest(&other.digest(), other.len(), name)
    }

    pub(crate) fn expect_digest(&self, found: &[u8; 32], size: usize, name: &str) -> Result<()> {
        let own = self.digest();
        if own == *found {
            return Ok(());
        }
        let short = |digest: &[u8; 32]| crate::hash::hex(&digest[..6]);
        Err(DataError::VocabularyMismatch {
            name: name.to_owned(),
            expected_size: self.len(),
            expected: short(&own),
            found_size: size,
            found: short(found),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(list: &[(&str, u64)]) -> HashMap<String, u64> {
        list.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
    }

    #[test]
    fn order_is_specials_then_count_then_bytes() {
        let counts = counts(&[("b", 2), ("a", 2), ("z", 9), (EOS, 3), ("é", 2)]);
        let all =
            Vocabulary::from_counts(counts, &VocabularyLimits::default(), Some(UNK), Some(EOS));
        let all = all.unwrap();
        assert_eq!(all.words().collect::<Vec<_>>(), [UNK, EOS, "z", "a", "b", "é"]);
        assert_eq!((all.unk_id(), all.eos_id(), all.count(1)), (Some(0), Some(1), 3));
        assert_eq!((all.id("a"), all.id("y"), all.id_or_unk("y")), (Some(3), None, Some(0)));
    }

    #[test]
    fn cut_words_are_counted_as_unknown() {
        let list = counts(&[("a", 5), ("b", 2), ("c", 1), (UNK, 10)]);
        let limits = VocabularyLimits { min_count: 2, max_size: None };
        let by_count = Vocabulary::from_counts(list.clone(), &limits, Some(UNK), None).unwrap();
        assert_eq!(by_count.words().collect::<Vec<_>>(), [UNK, "a", "b"]);
        assert_eq!(by_count.count(0), 11);
        let limits = VocabularyLimits { min_count: 1, max_size: Some(2) };
        let by_size = Vocabulary::from_counts(list.clone(), &limits, Some(UNK), None).unwrap();
        assert_eq!((by_size.len(), by_size.count(0)), (2, 13));
        let none = VocabularyLimits { min_count: 1, max_size: Some(1) };
        assert!(Vocabulary::from_counts(list.clone(), &none, Some(UNK), None).is_err());
        assert!(Vocabulary::from_counts(list, &limits, None, None).is_err());
    }

    #[test]
    fn the_hash_is_of_words_and_order_only() {
        let make = |words: &[&str], counts: Vec<u64>| {
            let words = words.iter().map(ToString::to_string).collect();
            Vocabulary::from_words(words, counts, None, None).unwrap()
        };
        let first = make(&["ab", "c"], vec![1, 2]);
        assert_eq!(first.hash(), make(&["ab", "c"], vec![]).hash());
        assert_ne!(first.hash(), make(&["a", "bc"], vec![]).hash());
        assert_ne!(first.hash(), make(&["c", "ab"], vec![]).hash());
        assert!(first.expect_same(&make(&["ab", "d"], vec![]), "x").is_err());
    }
}
