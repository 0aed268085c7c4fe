//! Which words stay, and the ids that they get.

use super::tokens::is_special;
use crate::error::{NgramError, Result};
use crate::words::{SPECIAL, UNK, Words};

/// Which words of the text are in the vocabulary; the others are read as `<unk>`.
#[derive(Clone, Debug, Default)]
pub struct VocabularyLimits {
    /// Only words that occur at least so often.
    pub min_count: u64,
    /// Only so many words, the most frequent; `<unk>`, `<s>` and `</s>` do not count.
    pub size: Option<usize>,
    /// Only these words; those of them that the text lacks are in the vocabulary all the same.
    pub words: Option<Words>,
}

/// The final vocabulary: the most frequent words first, so that small ids are what is met most.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) words: Words,
    /// Old id to new id.
    pub(crate) renamed: Vec<u32>,
    pub(crate) dropped: Dropped,
}

/// What limits leave out of a text: it is read as `<unk>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Different words.
    pub types: u64,
    /// How often they occur, all together.
    pub tokens: u64,
}

/// All words in the order of their bytes: for counts that others go on with.
#[cfg(feature = "parquet")]
pub(crate) fn by_bytes(words: &Words) -> Chosen {
    let first = SPECIAL.len() as u32;
    let mut order: Vec<&[u8]> = (first..words.len() as u32).map(|id| words.word(id)).collect();
    order.sort_unstable();
    let mut sorted = Words::with_special();
    for word in order {
        sorted.intern(word);
    }
    let renamed = words.iter().map(|word| sorted.get(word).unwrap_or(UNK)).collect();
    Chosen { words: sorted, renamed, dropped: Dropped::default() }
}

/// Chooses among `words` with their `counts`. Equally frequent words go by their bytes, so that
/// the ids do not depend on the order in which the counts came.
pub(crate) fn choose(words: &Words, counts: &[u64], limits: &VocabularyLimits) -> Result<Chosen> {
    if limits.size == Some(0) {
        return Err(NgramError::Setting("a vocabulary of 0 words: allow at least one".into()));
    }
    if limits.words.as_ref().is_some_and(|allowed| allowed.iter().all(is_special)) {
        let problem =
            "the vocabulary has no word (<unk>, <s> and </s> are in every one): give some";
        return Err(NgramError::Setting(problem.into()));
    }
    let first = SPECIAL.len() as u32;
    let mut order: Vec<(u64, &[u8])> = (first..words.len() as u32)
        .map(|id| (counts[id as usize], words.word(id)))
        .filter(|&(count, word)| {
            count >= limits.min_count
                && limits.words.as_ref().is_none_or(|allowed| allowed.get(word).is_some())
        })
        .collect();
    if let Some(allowed) = &limits.words {
        let unseen = |word: &&[u8]| !is_special(word) && words.get(word).is_none();
        order.extend(allowed.iter().filter(unseen).map(|word| (0, word)));
    }
    order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    order.truncate(limits.size.unwrap_or(usize::MAX));
    let mut chosen = Words::with_special();
    for (_, word) in order {
        chosen.intern(word);
    }
    let renamed: Vec<u32> = words.iter().map(|word| chosen.get(word).unwrap_or(UNK)).collect();
    let out = (SPECIAL.len()..words.len()).filter(|&id| renamed[id] == UNK);
    let dropped = out.fold(Dropped::default(), |sum, id| Dropped {
        types: sum.types + 1,
        tokens: sum.tokens + counts[id],
    });
    if words.len() > SPECIAL.len() && chosen.len() == SPECIAL.len() {
        return Err(NgramError::Setting(format!(
            "none of the {} words of the text occurs {} times: lower that limit",
            dropped.types, limits.min_count
        )));
    }
    Ok(Chosen { words: chosen, renamed, dropped })
}
