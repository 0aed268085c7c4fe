//! `[data]`: where the tokens come from; `[batches]`: how they are cut.

use lampwick_data::{BpttLength, SyntheticConfig, TokenizerKind, VocabularyLimits};
use serde::{Deserialize, Serialize};

/// The corpus; `source` picks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum DataConfig {
    /// The synthetic language of known entropy; needs no file.
    Synthetic(SyntheticData),
    /// Plain UTF-8 text files.
    Text(TextData),
    /// A folder written by `lampwick prepare`.
    Tokens(TokenData),
}

impl Default for DataConfig {
    fn default() -> Self {
        Self::Synthetic(SyntheticData::default())
    }
}

/// `source = "synthetic"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticData {
    /// The grammar.
    pub language: SyntheticConfig,
    /// Tokens to train on, in whole sentences.
    pub train_tokens: usize,
    /// Tokens to validate on.
    pub valid_tokens: usize,
    /// Tokens to test on; 0 = no test.
    pub test_tokens: usize,
}

impl Default for SyntheticData {
    fn default() -> Self {
        Self {
            language: SyntheticConfig::default(),
            train_tokens: 400_000,
            valid_tokens: 20_000,
            test_tokens: 20_000,
        }
    }
}

/// `source = "text"`. Paths are relative to the working folder and may hold `${NAME}`, the
/// environment variable's value; the run's own config keeps them absolute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextData {
    /// Text to train on.
    pub train: String,
    /// Text to validate on; empty = hold out the last lines of `train`.
    pub valid: String,
    /// Text to test on; empty = none, or held out when `valid` is.
    pub test: String,
    /// Share of the lines of `train` held out for each of validation and test when `valid` is empty.
    pub holdout: f64,
    /// Words, characters, bytes or subwords.
    pub tokenizer: TokenizerKind,
    /// Which words enter the vocabulary.
    pub vocabulary: VocabularyLimits,
}

impl Default for TextData {
    fn default() -> Self {
        Self {
            train: String::new(),
            valid: String::new(),
            test: String::new(),
            holdout: 0.05,
            tokenizer: TokenizerKind::Words,
            vocabulary: VocabularyLimits::default(),
        }
    }
}

/// `source = "tokens"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenData {
    /// The folder; as a path of [`TextData`].
    pub dir: String,
    /// Which `NAME.tokens` to train on; empty = `train.tokens`, or the one file with `train` as a word of
    /// its name.
    pub train: String,
    /// Which to validate on; empty = as for `train`.
    pub valid: String,
    /// Which to test on; empty = as for `train`, if there is any.
    pub test: String,
}

/// `[batches]`: truncated BPTT over parallel streams.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchConfig {
    /// Parallel streams B.
    pub size: usize,
    /// Steps T of a window: `{ fixed = 35 }`, or drawn: `{ random = { mean = 70 } }`.
    pub bptt: BpttLength,
    /// Scale the learning rate of a window by its length over the mean (Merity et al. 2017,
    /// arXiv:1708.02182, section 4.1): short windows must not weigh more.
    pub bptt_scales_lr: bool,
    /// A stream whose window begins right after a line's end starts from the zero state instead of
    /// the carried one: for text whose lines stand alone, so that the model learns to begin as
    /// `generate` and `score` do. Without it, what it carries over is what it has read before.
    pub restart_lines: bool,
    /// Windows whose gradients are averaged into one optimiser step.
    pub accumulate: usize,
    /// Streams of an evaluation. Every token is scored whatever the number; more streams start
    /// more often without context.
    pub evaluation_size: usize,
    /// Steps of an evaluation window; changes speed and memory, not the result.
    pub evaluation_bptt: usize,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            size: 20,
            bptt: BpttLength::Fixed(35),
            bptt_scales_lr: false,
            restart_lines: false,
            accumulate: 1,
            evaluation_size: 10,
            evaluation_bptt: 35,
        }
    }
}
