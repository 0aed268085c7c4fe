//! `[data]` of an encoder-decoder: where pairs of a source and a target come from.

use std::path::PathBuf;

use lampwick_data::DataError;
use lampwick_data::parallel::Filter;
use lampwick_data::parallel::PairCorpus as Corpus;
use lampwick_data::scenes::{Pictures, SceneConfig};
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::validate::Checker;

/// `[data]`: pairs of a source and a target; `format` says how they are read. Paths may hold
/// `${NAME}`, the environment variable's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum PairData {
    /// Sequences of letters to be written backwards: made, not read, to try a model in seconds.
    Reversal(ReversalData),
    /// Two files aligned line by line.
    Lines(LineData),
    /// One file with a source, a tab and a target in each line.
    Tsv(TsvData),
    /// A published task, read from its files as they are published.
    Corpus(CorpusData),
    /// Pictures of coloured shapes and their captions, made, not read, for `model.reads = { image }`.
    Pictures(PictureData),
    /// Strings of spoken digits put together from the Free Spoken Digit Dataset, for
    /// `model.reads = { frames }`.
    Digits(DigitData),
}

impl Default for PairData {
    fn default() -> Self {
        Self::Reversal(ReversalData::default())
    }
}

/// `format = "reversal"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReversalData {
    /// Pairs to train on.
    pub train: usize,
    /// Pairs to validate on, and to test on.
    pub valid: usize,
    /// Different letters, at most 26.
    pub letters: usize,
    /// Letters of the longest sequence; lengths are uniform from 1.
    pub longest: usize,
}

impl Default for ReversalData {
    fn default() -> Self {
        Self { train: 10_000, valid: 500, letters: 12, longest: 12 }
    }
}

/// `format = "lines"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LineData {
    /// Sources to train on, one a line.
    pub train_source: String,
    /// Their targets, line by line.
    pub train_target: String,
    /// Sources to validate on.
    pub valid_source: String,
    /// Their targets.
    pub valid_target: String,
    /// Sources to test on; empty = none.
    pub test_source: String,
    /// Their targets.
    pub test_target: String,
}

/// `format = "tsv"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TsvData {
    /// Pairs to train on, one a line.
    pub train: String,
    /// Pairs to validate on.
    pub valid: String,
    /// Pairs to test on; empty = none.
    pub test: String,
}

/// `format = "corpus"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorpusData {
    /// Which one: `scan_simple`, `scan_length`, `cmudict`, `rnnlg`, `aeslc`.
    pub corpus: Corpus,
    /// The folder of its files.
    pub folder: String,
    /// Sources are cut after so many words; 0 = they are whole.
    pub source_words: usize,
}

impl Default for CorpusData {
    fn default() -> Self {
        Self { corpus: Corpus::ScanSimple, folder: String::new(), source_words: 0 }
    }
}

/// `format = "pictures"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PictureData {
    /// Pictures to train on.
    pub train: usize,
    /// Pictures to validate on, and to test on.
    pub valid: usize,
    /// The most shapes in a picture, 1 to 3.
    pub objects: usize,
    /// The largest disturbance of a pixel, of a range of 0 to 1.
    pub noise: f32,
}

impl Default for PictureData {
    fn default() -> Self {
        Self { train: 10_000, valid: 1000, objects: 2, noise: 0.02 }
    }
}

/// `format = "digits"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DigitData {
    /// The folder of the recordings.
    pub folder: String,
    /// Strings to train on.
    pub train: usize,
    /// Strings to validate on, and to test on; no recording is in two parts.
    pub valid: usize,
    /// The fewest digits of a string.
    pub shortest: usize,
    /// The most.
    pub longest: usize,
}

impl Default for DigitData {
    fn default() -> Self {
        Self { folder: String::new(), train: 4000, valid: 300, shortest: 1, longest: 7 }
    }
}

impl CorpusData {
    /// What is kept of the pairs: of training data those with two sides, of others all.
    pub(crate) fn filter(&self, keep_empty: bool) -> Filter {
        let all = Filter { keep_empty, ..Filter::ALL };
        match self.source_words {
            0 => all,
            words => Filter { source_words: words, cut_source: true, ..all },
        }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> PathBuf {
        PathBuf::from(&self.folder)
    }
}

impl PairData {
    /// Every path and its key.
    pub(super) fn paths(&mut self) -> Vec<(&'static str, &mut String)> {
        match self {
            Self::Reversal(_) | Self::Pictures(_) => Vec::new(),
            Self::Lines(lines) => vec![
                ("data.train_source", &mut lines.train_source),
                ("data.train_target", &mut lines.train_target),
                ("data.valid_source", &mut lines.valid_source),
                ("data.valid_target", &mut lines.valid_target),
                ("data.test_source", &mut lines.test_source),
                ("data.test_target", &mut lines.test_target),
            ],
            Self::Tsv(tsv) => vec![
                ("data.train", &mut tsv.train),
                ("data.valid", &mut tsv.valid),
                ("data.test", &mut tsv.test),
            ],
            Self::Corpus(corpus) => vec![("data.folder", &mut corpus.folder)],
            Self::Digits(digits) => vec![("data.folder", &mut digits.folder)],
        }
    }

    pub(super) fn validate(&self, check: &Checker<'_>) -> Result<(), ConfigError> {
        let named = |key: &str, path: &str, what: &str| {
            if !path.is_empty() {
                return Ok(());
            }
            let key = format!("data.{key}");
            check.fail(&key, "is empty", &format!("name a {what}: `{key}=PATH`"))
        };
        match self {
            Self::Reversal(r) => {
                check.positive("data.train", r.train)?;
                check.positive("data.valid", r.valid)?;
                check.positive("data.letters", r.letters)?;
                check.positive("data.longest", r.longest)?;
                check.at_most("data.letters", r.letters, 26, "they are a to z")
            }
            Self::Lines(lines) => {
                named("train_source", &lines.train_source, "text file")?;
                named("train_target", &lines.train_target, "text file")?;
                named("valid_source", &lines.valid_source, "text file")?;
                named("valid_target", &lines.valid_target, "text file")?;
                if lines.test_source.is_empty() != lines.test_target.is_empty() {
                    let mend = "name both, or neither";
                    return check.fail("data.test_source", "one side alone is named", mend);
                }
                Ok(())
            }
            Self::Tsv(tsv) => {
                named("train", &tsv.train, "file of tab-separated pairs")?;
                named("valid", &tsv.valid, "file of tab-separated pairs")
            }
            Self::Corpus(corpus) => named("folder", &corpus.folder, "folder of the corpus' files"),
            Self::Pictures(pictures) => {
                check.positive("data.train", pictures.train)?;
                check.positive("data.valid", pictures.valid)?;
                let side = Pictures::SMALLEST_SIDE;
                let PictureData { objects, noise, .. } = *pictures;
                match Pictures::new(SceneConfig { seed: 0, side, objects, noise }) {
                    Err(DataError::Setting { key, value, mend }) => {
                        check.fail(&format!("data.{key}"), &format!("is {value}"), mend)
                    }
                    _ => Ok(()),
                }
            }
            Self::Digits(digits) => {
                check.positive("data.train", digits.train)?;
                check.positive("data.valid", digits.valid)?;
                check.positive("data.shortest", digits.shortest)?;
                if digits.longest < digits.shortest {
                    let DigitData { shortest, longest, .. } = digits;
                    let problem = format!("is {longest}, less than data.shortest, {shortest}");
                    return check.fail("data.longest", &problem, "raise it, or lower the other");
                }
                named("folder", &digits.folder, "folder of recordings")
            }
        }
    }
}
