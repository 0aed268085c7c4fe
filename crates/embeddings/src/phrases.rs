//! Words that stand together more often than by chance, joined into one (Mikolov et al. 2013, section 4).

use std::collections::HashSet;
use std::io::Write;

use lampwick_ngram::{Source, Words};

use crate::corpus::reader::{Token, each_word};
use crate::error::{EmbeddingError, Result};
use crate::progress::Progress;

/// How two neighbours are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    /// `(count(ab) - min_count) / (count(a) count(b))`, times the words of the text, as word2phrase.
    Word2vec,
    /// `ln(p(ab) / (p(a) p(b))) / -ln p(ab)` (Bouma 2009): -1 to 1.
    Npmi,
}

/// What makes a phrase.
#[derive(Clone, Debug)]
pub struct PhraseSettings {
    /// How pairs are scored.
    pub score: Score,
    /// A phrase scores above it.
    pub threshold: f64,
    /// Words and pairs that occur less often make no phrase.
    pub min_count: u64,
    /// What joins two words.
    pub delimiter: Vec<u8>,
    /// Words that may stand inside a phrase and make none themselves.
    pub connectors: Vec<Vec<u8>>,
}

/// A phrase that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Phrase {
    /// Its words, joined.
    pub text: Vec<u8>,
    /// How often its words stand together.
    pub count: u64,
    /// Its score.
    pub score: f64,
}

/// The phrases of a text.
#[derive(Debug)]
pub struct Phrases {
    words: Words,
    connectors: HashSet<u32>,
    delimiter: Vec<u8>,
    /// Ids of the words of each phrase, as bytes.
    keys: Words,
    scores: Vec<(u64, f64)>,
}

/// The words of a line that may become a phrase: one, and the connectors behind it.
#[derive(Default)]
struct Open {
    ids: Vec<u32>,
}

impl Open {
    fn key(&self) -> &[u8] {
        bytemuck::cast_slice(&self.ids)
    }
}

impl Phrases {
    /// Counts neighbours and keeps those that make phrases.
    ///
    /// # Errors
    /// [`EmbeddingError::Read`]; [`EmbeddingError::EmptyText`]; [`EmbeddingError::Setting`] for a delimiter
    /// that would separate words.
    pub fn find(
        sources: Vec<Source>,
        settings: &PhraseSettings,
        progress: &dyn Progress,
    ) -> Result<Self> {
        if settings.delimiter.iter().any(|&byte| lampwick_ngram::words::is_separator(byte)) {
            let problem = "the delimiter of phrases (--delimiter) may hold no white space";
            return Err(EmbeddingError::Setting(problem.into()));
        }
        let name = sources.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
        let mut words = Words::new();
        let mut connectors = HashSet::new();
        for word in &settings.connectors {
            connectors.insert(words.intern(word));
        }
        let mut counts: Vec<u64> = vec![0; words.len()];
        let mut pairs = Words::new();
        let mut pair_counts: Vec<u64> = Vec::new();
        let mut all = 0u64;
        let mut open = Open::default();
        each_word(sources, progress, |token| {
            let Token::Word(word) = token else {
                open.ids.clear();
                return Ok(());
            };
            let id = words.intern(word);
            counts.resize(words.len(), 0);
            counts[id as usize] += 1;
            all += 1;
            if connectors.contains(&id) {
                if !open.ids.is_empty() {
                    open.ids.push(id);
                }
                return Ok(());
            }
            if !open.ids.is_empty() {
                open.ids.push(id);
                let pair = pairs.intern(open.key());
                pair_counts.resize(pairs.len(), 0);
                pair_counts[pair as usize] += 1;
            }
            open.ids.clear();
            open.ids.push(id);
            Ok(())
        })?;
        if all == 0 {
            return Err(EmbeddingError::EmptyText { name });
        }
        let mut found = Self {
            words,
            connectors,
            delimiter: settings.delimiter.clone(),
            keys: Words::new(),
            scores: Vec::new(),
        };
        for (key, &count) in pairs.iter().zip(&pair_counts) {
            let ids = ids(key);
            let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else { continue };
            let (a, b) = (counts[first as usize], counts[last as usize]);
            if count < settings.min_count || a < settings.min_count || b < settings.min_count {
                continue;
            }
            let score = score(settings, count, a, b, all);
            if score > settings.threshold {
                found.keys.intern(key);
                found.scores.push((count, score));
            }
        }
        Ok(found)
    }

    /// How many different phrases there are.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// All phrases, the best first.
    pub fn list(&self) -> Vec<Phrase> {
        let phrase = |(key, &(count, score)): (&[u8], &(u64, f64))| {
            let words: Vec<&[u8]> = ids(key).iter().map(|&id| self.words.word(id)).collect();
            Phrase { text: words.join(&self.delimiter[..]), count, score }
        };
        let mut all: Vec<Phrase> = self.keys.iter().zip(&self.scores).map(phrase).collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.text.cmp(&b.text)));
        all
    }
}

fn ids(key: &[u8]) -> Vec<u32> {
    bytemuck::pod_collect_to_vec(key)
}

fn score(settings: &PhraseSettings, pair: u64, a: u64, b: u64, all: u64) -> f64 {
    let (pair_count, a, b, all) = (pair as f64, a as f64, b as f64, all as f64);
    match settings.score {
        Score::Word2vec => (pair_count - settings.min_count as f64) / a / b * all,
        Score::Npmi => {
            let p = pair_count / all;
            // A pair that is all of the text belongs together as much as can be.
            if p >= 1.0 { 1.0 } else { (p / (a / all * (b / all))).ln() / -p.ln() }
        }
    }
}

/// Writes the text with phrases joined, from the left and without overlap; gives how many there were.
///
/// # Errors
/// [`EmbeddingError::Read`], [`EmbeddingError::Write`].
pub fn join(
    sources: Vec<Source>,
    phrases: &Phrases,
    out: &mut (impl Write + ?Sized),
    progress: &dyn Progress,
) -> Result<u64> {
    let mut joined = 0;
    let mut open = Open::default();
    // What is written of the open words, with what would join them.
    let mut text: Vec<u8> = Vec::new();
    let mut plain: Vec<u8> = Vec::new();
    let mut at_start = true;
    let mut put = |text: &[u8], at_start: &mut bool| -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let separator: &[u8] = if std::mem::take(at_start) { b"" } else { b" " };
        out.write_all(separator).and_then(|()| out.write_all(text)).map_err(EmbeddingError::write)
    };
    each_word(sources, progress, |token| {
        let word = match token {
            Token::Word(word) => word,
            end => {
                put(&plain, &mut at_start)?;
                open.ids.clear();
                plain.clear();
                text.clear();
                if matches!(end, Token::LineEnd) || !at_start {
                    at_start = true;
                    put(b"\n", &mut at_start)?;
                    at_start = true;
                }
                return Ok(());
            }
        };
        let id = phrases.words.get(word);
        let connects = id.is_some_and(|id| phrases.connectors.contains(&id));
        if !open.ids.is_empty()
            && let Some(id) = id
        {
            open.ids.push(id);
            let found = !connects && phrases.keys.get(open.key()).is_some();
            if found {
                text.extend_from_slice(&phrases.delimiter);
                text.extend_from_slice(word);
                put(&text, &mut at_start)?;
                joined += 1;
                open.ids.clear();
                text.clear();
                plain.clear();
                return Ok(());
            }
            if connects {
                text.extend_from_slice(&phrases.delimiter);
                text.extend_from_slice(word);
                plain.push(b' ');
                plain.extend_from_slice(word);
                return Ok(());
            }
        }
        put(&plain, &mut at_start)?;
        open.ids.clear();
        text.clear();
        plain.clear();
        match id.filter(|_| !connects) {
            Some(id) => {
                open.ids.push(id);
                text.extend_from_slice(word);
                plain.extend_from_slice(word);
            }
            None => put(word, &mut at_start)?,
        }
        Ok(())
    })?;
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn settings(score: Score, threshold: f64) -> PhraseSettings {
        PhraseSettings {
            score,
            threshold,
            min_count: 1,
            delimiter: b"_".to_vec(),
            connectors: vec![b"of".to_vec()],
        }
    }

    fn sources(text: &str) -> Vec<Source> {
        vec![Source::bytes("text", text)]
    }

    const TEXT: &str =
        "new york is big\n\nthe bank of england\nnew york and the bank of england\nis of\n";

    #[test]
    fn phrases_are_scored_and_joined_from_the_left() {
        let phrases =
            Phrases::find(sources(TEXT), &settings(Score::Word2vec, 3.0), &Silent).unwrap();
        let list = phrases.list();
        let names: Vec<&str> =
            list.iter().map(|phrase| std::str::from_utf8(&phrase.text).unwrap()).collect();
        assert_eq!(names, ["bank_of_england", "new_york", "the_bank"]);
        // (2 - 1) / 2 / 2 * 17 words
        assert_eq!((list[0].count, list[0].score), (2, 4.25));
        let mut out = Vec::new();
        let joined = join(sources(TEXT), &phrases, &mut out, &Silent).unwrap();
        let expected =
            "new_york is big\n\nthe_bank of england\nnew_york and the_bank of england\nis of\n";
        assert_eq!((joined, String::from_utf8(out).unwrap().as_str()), (4, expected));
    }

    #[test]
    fn npmi_of_words_that_are_never_apart_is_one() {
        let text = "a b\nc\nd\n".repeat(5);
        let phrases = Phrases::find(sources(&text), &settings(Score::Npmi, 0.5), &Silent).unwrap();
        let list = phrases.list();
        assert_eq!(list.len(), 1);
        assert!((list[0].score - 1.0).abs() < 1e-12);
        let mut out = Vec::new();
        join(sources("x a b"), &phrases, &mut out, &Silent).unwrap();
        assert_eq!(out, b"x a_b\n");
    }
}
