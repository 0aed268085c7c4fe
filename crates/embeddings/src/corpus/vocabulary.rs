//! Which words are trained.

use std::cmp::Reverse;

use lampwick_ngram::Words;

use crate::error::{EmbeddingError, Result};
use crate::lexicon::{Lexicon, LexiconBuilder};

/// Which words are kept.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct VocabularyLimits {
    /// Words that occur at least so often.
    pub min_count: u64,
    /// Only so many words, the most frequent.
    pub size: Option<usize>,
    /// The order of words that are equally frequent.
    #[serde(default)]
    pub ties: Ties,
}

/// The order of words that are equally frequent. It is more than taste: the Huffman tree of the hierarchical
/// softmax puts rare words beside those that precede them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// As they first occur in the text: rare words that occur together share their ways through
    /// the tree.
    #[default]
    FirstSeen,
    /// By their bytes: parts of a text, counted in any order, give the vocabulary of the whole.
    Bytes,
}

impl Default for VocabularyLimits {
    /// Five times, as all programs of this kind.
    fn default() -> Self {
        Self { min_count: 5, size: None, ties: Ties::default() }
    }
}

/// Words by descending frequency, and how often each occurs.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// The words.
    pub words: Lexicon,
    /// How often each occurs in the text.
    pub counts: Vec<u64>,
}

impl Vocabulary {
    /// How many words there are.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Chooses from the words of a text; also says each word's new number. Words that `first` holds are
    /// kept with their numbers, whatever their counts.
    pub(crate) fn choose(
        words: &Words,
        counts: &[u64],
        limits: &VocabularyLimits,
        first: Option<&Lexicon>,
        name: &str,
    ) -> Result<(Self, Vec<Option<u32>>)> {
        let mut numbers: Vec<Option<u32>> = vec![None; words.len()];
        let mut chosen = LexiconBuilder::new();
        let mut chosen_counts = Vec::new();
        for word in first.iter().flat_map(|first| first.iter()) {
            let known = words.get(word);
            if let Some(id) = known {
                numbers[id as usize] = Some(chosen.len() as u32);
            }
            chosen.add(word);
            chosen_counts.push(known.map_or(0, |id| counts[id as usize]));
        }
        let mut others: Vec<u32> = (0..words.len() as u32)
            .filter(|&id| numbers[id as usize].is_none())
            .filter(|&id| counts[id as usize] >= limits.min_count.max(1))
            .collect();
        // The numbers that words have so far are those of their first places in the text.
        let count = |id: u32| Reverse(counts[id as usize]);
        match limits.ties {
            Ties::FirstSeen => others.sort_by_key(|&id| count(id)),
            Ties::Bytes => others.sort_unstable_by_key(|&id| (count(id), words.word(id))),
        }
        if let Some(size) = limits.size {
            others.truncate(size.saturating_sub(chosen.len()));
        }
        for id in others {
            numbers[id as usize] = Some(chosen.len() as u32);
            chosen.add(words.word(id));
            chosen_counts.push(counts[id as usize]);
        }
        if chosen.is_empty() {
            let most = counts.iter().max().copied().unwrap_or(0);
            return Err(EmbeddingError::EmptyVocabulary {
                name: name.into(),
                words: words.len(),
                most,
                min_count: limits.min_count,
            });
        }
        Ok((Self { words: chosen.finish(), counts: chosen_counts }, numbers))
    }
}
