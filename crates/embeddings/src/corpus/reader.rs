//! Words of a text, line by line, whatever their lengths.

use std::path::Path;

use lampwick_ngram::{Source, Words, words::is_separator};
use xxhash_rust::xxh3::Xxh3;

use super::ids::{Ids, IdsWriter, LINE_END};
use super::vocabulary::{Vocabulary, VocabularyLimits};
use crate::error::{EmbeddingError, Result};
use crate::lexicon::Lexicon;
use crate::progress::{Progress, Stage};

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TextSummary {
    /// Words of the text.
    pub words: u64,
    /// Of these, how many are of the vocabulary.
    pub known: u64,
    /// Lines with a word; a window never crosses a line's end.
    pub lines: u64,
    /// Different words of the text.
    pub distinct: u64,
}

/// A text as numbers, and the words that these are.
pub struct Corpus {
    /// The words that are kept.
    pub vocabulary: Vocabulary,
    /// What was read.
    pub summary: TextSummary,
    pub(crate) ids: Ids,
    /// Of the ids: two texts that differ have different ones.
    pub(crate) hash: u64,
}

impl std::fmt::Debug for Corpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Corpus({:?})", self.summary)
    }
}

/// Bytes that are read at a time; a word that is longer is read whole.
const BLOCK: usize = 1 << 18;

/// What a text is made of.
pub(crate) enum Token<'a> {
    Word(&'a [u8]),
    LineEnd,
    /// Also ends a line that has no end of its own.
    SourceEnd,
}

/// Hands out the words of sources. No line is ever in memory whole.
pub(crate) fn each_word(
    sources: Vec<Source>,
    progress: &dyn Progress,
    mut take: impl FnMut(Token<'_>) -> Result<()>,
) -> Result<()> {
    progress.stage(Stage::Reading, None);
    let mut bytes = Vec::new();
    let mut done = 0;
    for mut source in sources {
        bytes.clear();
        let mut first = true;
        loop {
            // What is left is the beginning of a word.
            let start = bytes.len();
            bytes.resize(start + BLOCK, 0);
            let filled = fill(&mut source, &mut bytes[start..])?;
            let ended = filled < BLOCK;
            bytes.truncate(start + filled);
            done += filled as u64;
            progress.at(done);
            let mut at = 0;
            if std::mem::take(&mut first) && bytes.starts_with(b"\xef\xbb\xbf") {
                at = 3;
            }
            loop {
                while at < bytes.len() && is_separator(bytes[at]) {
                    if bytes[at] == b'\n' {
                        take(Token::LineEnd)?;
                    }
                    at += 1;
                }
                // The beginning of a word that was looked at before needs no second look.
                let from = if at == 0 { start } else { at };
                let length = bytes[from..].iter().position(|&byte| is_separator(byte));
                match length {
                    Some(length) => {
                        take(Token::Word(&bytes[at..from + length]))?;
                        at = from + length;
                    }
                    None if ended && at < bytes.len() => {
                        take(Token::Word(&bytes[at..]))?;
                        break;
                    }
                    None => break,
                }
            }
            if ended {
                break;
            }
            bytes.drain(..at);
        }
        take(Token::SourceEnd)?;
    }
    Ok(())
}

fn fill(source: &mut Source, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(EmbeddingError::read(&source.name, error)),
        }
    }
    Ok(filled)
}

/// Memory that the ids of a text may take before they go to a file.
pub const MEMORY: u64 = 1 << 28;

/// Reads a text.
///
/// `first` are words that are kept with their numbers: those of vectors that are trained on.
///
/// # Errors
/// [`EmbeddingError::Read`]; [`EmbeddingError::EmptyText`] and [`EmbeddingError::EmptyVocabulary`] where
/// nothing is left to train.
pub fn read(
    sources: Vec<Source>,
    limits: &VocabularyLimits,
    first: Option<&Lexicon>,
    temporary: &Path,
    memory: u64,
    progress: &dyn Progress,
) -> Result<Corpus> {
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let name = names.join(", ");
    let mut words = Words::new();
    let mut counts: Vec<u64> = Vec::new();
    let mut ids = IdsWriter::new(memory, temporary);
    let mut summary = TextSummary::default();
    let mut inside = false;
    each_word(sources, progress, |word| {
        let Token::Word(word) = word else {
            if std::mem::take(&mut inside) {
                summary.lines += 1;
                ids.push(LINE_END)?;
            }
            return Ok(());
        };
        let id = words.intern(word);
        if id as usize == counts.len() {
            if id == LINE_END - 1 {
                return Err(EmbeddingError::Setting(
                    "more than 4,294,967,293 different words; cut the text into words first".into(),
                ));
            }
            counts.push(0);
        }
        counts[id as usize] += 1;
        summary.words += 1;
        inside = true;
        ids.push(id)
    })?;
    summary.distinct = words.len() as u64;
    if summary.words == 0 {
        return Err(EmbeddingError::EmptyText { name });
    }
    let (vocabulary, numbers) = Vocabulary::choose(&words, &counts, limits, first, &name)?;
    drop(words);
    let mut ids = ids.finish()?;
    ids.rename(|id, last| match id {
        LINE_END => (last.is_some() && last != Some(LINE_END)).then_some(LINE_END),
        id => numbers[id as usize],
    });
    summary.known = vocabulary.counts.iter().sum();
    let mut hash = Xxh3::new();
    for part in ids.as_slice().chunks(1 << 16) {
        hash.update(bytemuck::cast_slice(part));
    }
    Ok(Corpus { vocabulary, summary, ids, hash: hash.digest() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Ties;
    use crate::progress::Silent;

    fn corpus(texts: &[&[u8]], min_count: u64) -> Result<Corpus> {
        let sources = texts.iter().map(|&text| Source::bytes("text", text)).collect();
        let limits = VocabularyLimits { min_count, ..VocabularyLimits::default() };
        read(sources, &limits, None, &std::env::temp_dir(), MEMORY, &Silent)
    }

    #[test]
    fn lines_end_windows_and_rare_words_are_left_out() {
        let text = b"\xef\xbb\xbfa b a\r\n\n\nrare\nb\0 a caf\xe9 caf\xe9";
        let corpus = corpus(&[text, b"a b"], 2).unwrap();
        let words: Vec<&[u8]> = corpus.vocabulary.words.iter().collect();
        assert_eq!(words, [&b"a"[..], b"b", b"caf\xe9"]);
        assert_eq!(corpus.vocabulary.counts, [4, 2, 2]);
        const E: u32 = LINE_END;
        assert_eq!(corpus.ids.as_slice(), [0, 1, 0, E, 0, 2, 2, E, 0, 1, E]);
        let expected = TextSummary { words: 10, known: 8, lines: 4, distinct: 5 };
        assert_eq!(corpus.summary, expected);
    }

    #[test]
    fn equally_frequent_words_stand_as_they_first_occur_or_by_their_bytes() {
        let of = |text: &str, ties| {
            let source = vec![Source::bytes("text", text)];
            let limits = VocabularyLimits { min_count: 1, size: Some(3), ties };
            let corpus = read(source, &limits, None, &std::env::temp_dir(), MEMORY, &Silent);
            let words = corpus.unwrap().vocabulary.words;
            words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of("d c a b b\n", Ties::FirstSeen), ["b", "d", "c"]);
        assert_eq!(of("d c a b b\n", Ties::Bytes), ["b", "a", "c"]);
        assert_eq!(
            of("a b\nc d b\n", Ties::Bytes),
            ["b", "a", "c"],
            "whatever the order of the parts"
        );
    }

    #[test]
    fn words_longer_than_a_block_and_lines_of_any_length_are_read_whole() {
        let long = vec![b'x'; 3 * BLOCK + 5];
        let mut text = Vec::new();
        for n in 0..200_000 {
            text.extend_from_slice(format!("w{} ", n % 1000).as_bytes());
        }
        text.extend_from_slice(&long);
        let corpus = corpus(&[&text], 1).unwrap();
        assert_eq!((corpus.summary.words, corpus.summary.lines), (200_001, 1));
        assert_eq!(corpus.vocabulary.words.row(&long), Some(1000));
    }

    #[test]
    fn nothing_to_train_is_an_error() {
        assert!(matches!(corpus(&[b" \n \n"], 1), Err(EmbeddingError::EmptyText { .. })));
        let error = corpus(&[b"a b c a"], 5).unwrap_err().to_string();
        assert!(
            error.contains("different words: 3, the most frequent with a count of 2"),
            "{error}"
        );
    }
}
