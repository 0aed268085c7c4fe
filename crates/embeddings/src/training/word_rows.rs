//! Which rows of the input matrix make up a word's vector: its own and those of its n-grams.

use rayon::prelude::*;

use crate::lexicon::Lexicon;
use crate::subwords::NGrams;

/// The rows of each word: its own first, then its n-grams', which lie behind those of all words.
pub(crate) struct WordRows {
    ends: Vec<u64>,
    rows: Vec<u32>,
    /// `sum m^2 / n` over the rows that stand `m` times among `n`.
    gains: Vec<f32>,
}

/// Words whose n-grams one task finds.
const WORDS: usize = 1 << 12;

impl WordRows {
    pub(crate) fn new(words: &Lexicon, ngrams: NGrams) -> Self {
        let first = words.len() as u32;
        let starts: Vec<usize> = (0..words.len()).step_by(WORDS).collect();
        let parts: Vec<(Vec<u64>, Vec<u32>, Vec<f32>)> = starts
            .par_iter()
            .map(|&start| {
                let (mut lengths, mut rows, mut gains) = (Vec::new(), Vec::new(), Vec::new());
                for word in start..words.len().min(start + WORDS) {
                    let from = rows.len();
                    rows.push(word as u32);
                    ngrams.buckets_of(words.word(word), |bucket| rows.push(first + bucket));
                    lengths.push((rows.len() - from) as u64);
                    gains.push(gain(&rows[from..]));
                }
                (lengths, rows, gains)
            })
            .collect();
        let mut all = Self { ends: Vec::new(), rows: Vec::new(), gains: Vec::new() };
        for (lengths, rows, gains) in parts {
            let mut end = all.rows.len() as u64;
            all.ends.extend(lengths.iter().map(|length| {
                end += length;
                end
            }));
            all.rows.extend(rows);
            all.gains.extend(gains);
        }
        all
    }

    #[inline(always)]
    pub(crate) fn of(&self, word: u32) -> &[u32] {
        let word = word as usize;
        let start = if word == 0 { 0 } else { self.ends[word - 1] as usize };
        &self.rows[start..self.ends[word] as usize]
    }

    #[inline(always)]
    pub(crate) fn gain(&self, word: u32) -> f32 {
        self.gains[word as usize]
    }
}

/// Each row gains once for each time that it stands in the mean, and counts as often in it.
fn gain(rows: &[u32]) -> f32 {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable();
    let squares: usize = sorted.chunk_by(|a, b| a == b).map(|equal| equal.len().pow(2)).sum();
    squares as f32 / rows.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ngrams_gain_more_than_once() {
        assert_eq!(gain(&[1, 2, 3]), 1.0);
        assert_eq!(gain(&[1, 2, 2]), 5.0 / 3.0);
        let words: Lexicon = [&b"aaaa"[..], b"b"].into_iter().collect();
        let rows = WordRows::new(&words, NGrams { min: 3, max: 3, buckets: 1000 });
        // <aa aaa aaa aa>
        assert_eq!(rows.of(0).len(), 5);
        assert_eq!(rows.of(0)[2], rows.of(0)[3]);
        assert_eq!(rows.gain(0), 7.0 / 5.0);
        assert_eq!(rows.of(1)[0], 1);
        assert!(rows.of(1)[1..].iter().all(|&row| row >= 2));
    }
}
