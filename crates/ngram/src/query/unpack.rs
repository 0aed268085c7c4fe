//! A binary model back to plain tables.

use super::trie::Levels;
use super::vocabulary::Vocabulary;
use crate::storage::Storage;
use crate::table::Table;
use crate::table::close::{Records, close};
use crate::words::Words;

const DAMAGED: &str = "the n-grams contradict each other; build the model again";

/// The vocabulary as it is in memory.
fn words(vocabulary: &Vocabulary<'_>) -> Result<Words, String> {
    let mut words = Words::new();
    for (id, word) in vocabulary.iter().enumerate() {
        if words.intern(word) as usize != id {
            return Err("a word stands twice in the vocabulary; build the model again".into());
        }
    }
    Ok(words)
}

fn finish(words: &Words, unigrams: &Records, mut higher: Vec<Records>) -> Result<Table, String> {
    for records in &mut higher {
        records.sort().map_err(|_| DAMAGED)?;
    }
    let storage = Storage::new(u64::MAX, std::env::temp_dir());
    close(words, unigrams, higher, &storage).map_err(|error| error.to_string())
}

/// A trie: an n-gram's last word is that of its suffix, which its rank leads to.
pub(crate) fn trie(
    trie: &impl Levels,
    counts: &[u64],
    vocabulary: &Vocabulary<'_>,
) -> Result<Table, String> {
    let words = words(vocabulary)?;
    if trie.unigrams().len() != words.len() {
        return Err(DAMAGED.into());
    }
    let mut unigrams = Records::new(1);
    for (word, &[log10, backoff]) in trie.unigrams().iter().enumerate() {
        unigrams.push(&[word as u32], log10, backoff + 0.0);
    }
    let mut higher: Vec<Records> = Vec::new();
    // Of the level below: where the continuations of each n-gram start, each one's suffix and
    // last word. A word's continuations are all words, from 0.
    let mut suffixes: Vec<u32> = vec![0; words.len()];
    let mut last: Vec<u32> = (0..words.len() as u32).collect();
    let mut starts: Vec<u32> = vec![0];
    for n in 0..trie.len() {
        let order = n + 2;
        let count = counts.get(n + 1).copied().unwrap_or(0);
        let mut records = Records::new(order);
        let (mut next_suffixes, mut next_last) = (Vec::new(), Vec::new());
        let mut next_starts = Vec::with_capacity(last.len());
        let mut ngram = Vec::new();
        let mut damaged = false;
        for (context, &suffix) in suffixes.iter().enumerate() {
            next_starts.push(next_last.len() as u32);
            trie.continuations(n, context, |at, rank, values| {
                let start = starts.get(suffix as usize).copied().unwrap_or(u32::MAX);
                let suffix = start.saturating_add(rank);
                let word = last.get(suffix as usize).copied();
                damaged |= at != next_last.len() || word.is_none() || at as u64 >= count;
                if damaged {
                    return;
                }
                let word = word.unwrap_or_default();
                next_suffixes.push(suffix);
                next_last.push(word);
                ngram.clear();
                ngram.extend_from_slice(match higher.last() {
                    None => unigrams.words(context),
                    Some(records) => Records::words(records, context),
                });
                ngram.push(word);
                records.push(&ngram, values.log10, values.backoff + 0.0);
            });
            if damaged {
                return Err(DAMAGED.into());
            }
        }
        (suffixes, last, starts) = (next_suffixes, next_last, next_starts);
        higher.push(records);
    }
    finish(&words, &unigrams, higher)
}
