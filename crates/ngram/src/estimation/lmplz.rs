//! The one count that KenLM's `lmplz` takes otherwise.
//!
//! It goes through the n-grams sorted by their last word, then the one before it, and so on, words
//! by first occurrence. When the stream ends, the n-grams of the lower orders that are still open,
//! one an order, enter its counts of counts with the counts as they are instead of adjusted ones.
//! That moves a discount in the fourth digit where few n-grams have a count, as of the unigrams.

use crate::counting::trie::{Counts, Trie};
use crate::links::range;
use crate::words::BOS;

/// The last n-gram of a text in that order, or its part from `<s>` on. Ids are by first occurrence.
pub(crate) fn last_ngram(ids: &[u32], words: usize, order: usize) -> Vec<u32> {
    let last_word = words as u32 - 1;
    let context = |position: usize| {
        // Backwards; in front of a sentence there is nothing but <s>.
        let words = ids[..=position].iter().rev();
        let mut inside = true;
        let mut padded: Vec<u32> = words
            .take(order)
            .map(|&word| {
                let word = if inside { word } else { BOS };
                inside &= word != BOS;
                word
            })
            .collect();
        padded.resize(order, BOS);
        padded
    };
    let positions = (0..ids.len()).filter(|&position| ids[position] == last_word);
    let mut ngram = positions.map(context).max().unwrap_or_default();
    if let Some(bos) = ngram.iter().position(|&word| word == BOS) {
        ngram.truncate(bos + 1);
    }
    ngram.reverse();
    ngram
}

/// The counts of the text, as they are, of the last n-gram's parts below the highest order: from the
/// lowest order up, where each is and its count.
pub(crate) fn parts(last: &[u32], trie: &Trie) -> Vec<Option<(usize, u64)>> {
    let part = |order: usize| {
        let index = find(trie, &last[last.len().checked_sub(order)?..])?;
        Some((index, trie.levels[order - 1].counts.get(index)))
    };
    (1..trie.levels.len()).map(part).collect()
}

/// Takes a part of the last n-gram with its count as it was, not as it was adjusted.
pub(crate) fn correct(n: &mut [u64; 5], part: (usize, u64), adjusted: &Counts) {
    let kind = |count: u64| if (1..=4).contains(&count) { count as usize } else { 0 };
    let (index, count) = part;
    let adjusted = kind(adjusted.get(index));
    n[adjusted] = n[adjusted].saturating_sub(1);
    n[kind(count)] += 1;
}

fn find(trie: &Trie, ngram: &[u32]) -> Option<usize> {
    let (&first, rest) = ngram.split_first()?;
    let mut node = first as usize;
    for (level, word) in rest.iter().enumerate() {
        let among = range(&trie.levels[level].children, node);
        node = among.start + trie.levels[level + 1].words[among].binary_search(word).ok()?;
    }
    Some(node)
}
