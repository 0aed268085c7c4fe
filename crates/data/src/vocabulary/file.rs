//! A vocabulary as a readable file: a head line, then one word a line with its count.
//!
//! ```text
//! # lampwick vocabulary 1: 10000 words, unk 0, eos 1, sha256 6b86...
//! <unk>\t45020
//! </s>\t42068
//! the\t50770
//! ```
//!
//! In a word, `\n`, `\r`, `\t` and `\\` stand for newline, carriage return, tab and backslash (as
//! tokens of characters and subwords may hold them).

use std::fs;
use std::io::Write;
use std::path::Path;

use super::Vocabulary;
use crate::atomic;
use crate::error::{DataError, Result};

const MAGIC: &str = "# lampwick vocabulary 1: ";
const MEND: &str = "take the file from the run again, or make it again with `lampwick prepare`";

impl Vocabulary {
    /// Writes the vocabulary, atomically.
    ///
    /// # Errors
    /// [`DataError::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        atomic::write(path, |file| {
            writeln!(file, "{}", self.head())?;
            for (word, count) in self.words().zip(&self.counts) {
                writeln!(file, "{}\t{count}", escape(word))?;
            }
            Ok(())
        })
    }

    /// Reads a vocabulary and checks it against its head: number of words, special words, hash.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Directory`], [`DataError::Read`],
    /// [`DataError::Malformed`] with the line.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let malformed =
            |problem: String| DataError::Malformed { path: path.into(), problem, mend: MEND };
        let bytes = fs::read(path).map_err(|error| DataError::open(path, error))?;
        let text = String::from_utf8(bytes).map_err(|_| malformed("is not UTF-8".into()))?;
        let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let head = lines.next().unwrap_or_default();
        let (unk, eos) =
            specials(head).ok_or_else(|| malformed(format!("line 1 is not `{MAGIC}...`")))?;

        let (mut words, mut counts) = (Vec::new(), Vec::new());
        for (index, line) in lines.enumerate() {
            // The last newline is followed by nothing.
            if line.is_empty() {
                continue;
            }
            let parsed = line
                .rsplit_once('\t')
                .and_then(|(word, count)| Some((unescape(word)?, count.parse::<u64>().ok()?)));
            let Some((word, count)) = parsed else {
                return Err(malformed(format!("line {} is not `word TAB count`", index + 2)));
            };
            words.push(word);
            counts.push(count);
        }
        let special = |id: Option<usize>| match id {
            None => Ok(None),
            Some(id) => words.get(id).cloned().map(Some).ok_or_else(|| {
                malformed(format!("line 1 names word {id} but there are {}", words.len()))
            }),
        };
        let (unk, eos) = (special(unk)?, special(eos)?);
        let vocabulary = Self::from_words(words, counts, unk.as_deref(), eos.as_deref())
            .map_err(|error| malformed(error.to_string()))?;
        if vocabulary.head() != head {
            return Err(malformed(format!(
                "line 1 does not fit the words below it, which make `{}`",
                vocabulary.head()
            )));
        }
        Ok(vocabulary)
    }

    fn head(&self) -> String {
        let id = |id: Option<u32>| id.map_or("none".to_owned(), |id| id.to_string());
        let (words, unk, eos, hash) = (self.len(), id(self.unk), id(self.eos), self.hash());
        format!("{MAGIC}{words} words, unk {unk}, eos {eos}, sha256 {hash}")
    }
}

/// The special ids that a head line names; none where it is no head line.
fn specials(head: &str) -> Option<(Option<usize>, Option<usize>)> {
    let mut fields = head.strip_prefix(MAGIC)?.split(", ").skip(1);
    let mut id = |name: &str| match fields.next()?.strip_prefix(name)? {
        "none" => Some(None),
        id => id.parse().ok().map(Some),
    };
    Some((id("unk ")?, id("eos ")?))
}

fn escape(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len());
    for character in word.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn unescape(escaped: &str) -> Option<String> {
    let mut word = String::with_capacity(escaped.len());
    let mut characters = escaped.chars();
    while let Some(character) = characters.next() {
        word.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                _ => return None,
            },
            other => other,
        });
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{EOS, UNK};

    fn sample() -> Vocabulary {
        let words = [UNK, EOS, "the", "a\\n", "\n", "\t", "\r", "é\u{2028}", "\\", " ", "#"];
        let words = words.iter().map(ToString::to_string).collect();
        Vocabulary::from_words(words, (0..11).collect(), Some(UNK), Some(EOS)).unwrap()
    }

    #[test]
    fn any_word_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocabulary.txt");
        sample().save(&path).unwrap();
        assert_eq!(Vocabulary::load(&path).unwrap(), sample());
        // A copy through Windows: the same vocabulary.
        let text = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
        fs::write(&path, text).unwrap();
        assert_eq!(Vocabulary::load(&path).unwrap(), sample());
        let bytes = crate::Tokenizer::bytes();
        bytes.vocabulary().save(&path).unwrap();
        assert_eq!(&Vocabulary::load(&path).unwrap(), bytes.vocabulary());
    }

    #[test]
    fn damage_is_found_and_placed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocabulary.txt");
        sample().save(&path).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        let problem = |text: &str| {
            fs::write(&path, text).unwrap();
            let error = Vocabulary::load(&path).unwrap_err();
            assert!(matches!(error, DataError::Malformed { .. }), "{error}");
            error.to_string()
        };
        assert!(problem(&whole.replace("the\t", "teh\t")).contains("line 1 does not fit"));
        assert!(problem(&whole.replace("the\t2\n", "")).contains("line 1 does not fit"));
        assert!(problem(&whole.replace("the\t2", "the two")).contains("line 4"));
        assert!(problem(&whole.replace("#\t10", "the\t10")).contains("listed twice"));
        assert!(problem(&whole.replace("unk 0", "unk 99")).contains("names word 99"));
        assert!(problem("the\na\n").contains("line 1 is not"));
        assert!(problem("").contains("line 1 is not"));
        assert!(matches!(Vocabulary::load(folder.path()), Err(DataError::Directory { .. })));
    }
}
