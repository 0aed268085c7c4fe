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
}

impl Default for VocabularyLimits {
    /// Five times, as all programs of this kind.
    fn default() -> Self {
        Self { min_count: 5, size: None }
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
        // Equally frequent ones by their bytes: the order of the text does not matter, so that counts of
        // parts of a text give the same vocabulary.
        others.sort_unstable_by_key(|&id| (Reverse(counts[id as usize]), words.word(id)));
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
