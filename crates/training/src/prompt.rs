//! How generated text begins and ends, by a run's tokenizer: the same in a run's own samples and in
//! `lampwick generate`.

use lampwick_data::{DataError, Tokenizer, TokenizerKind};
use lampwick_decoding::{DecodingError, GenerateOptions, Sampling};

/// A prompt that cannot be continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// Words or characters that the vocabulary does not have.
    #[error(
        "{prompt:?}: the vocabulary has no {}; use what it was trained on, or leave it empty",
        quoted(.unknown)
    )]
    Unknown {
        /// The prompt.
        prompt: String,
        /// What is unknown of it.
        unknown: Vec<String>,
    },
    /// Nothing, to a vocabulary that has no end of line.
    #[error("it is empty, and the vocabulary has no end of line to start from; give it a word")]
    Empty,
    /// The tokenizer refuses it.
    #[error(transparent)]
    Data(#[from] DataError),
    /// It cannot be continued as asked.
    #[error(transparent)]
    Decoding(#[from] DecodingError),
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

/// What the model reads before its first token: the end of a line, so that a new one starts, then
/// the prompt's tokens.
///
/// # Errors
/// [`PromptError`], with the words that the vocabulary does not have.
pub fn encode(prompt: &str, tokenizer: &Tokenizer) -> Result<Vec<u32>, PromptError> {
    let unknown = tokenizer.unknown(prompt);
    if !unknown.is_empty() {
        return Err(PromptError::Unknown { prompt: prompt.into(), unknown });
    }
    let mut ids: Vec<u32> = tokenizer.vocabulary().eos_id().into_iter().collect();
    tokenizer.encode(prompt, &mut ids)?;
    if ids.is_empty() { Err(PromptError::Empty) } else { Ok(ids) }
}

/// Lines of a text where nobody says how many: one, a sentence, of words; of characters and bytes,
/// whose lines are parts of a text, as many as come (0).
pub fn lines(tokenizer: &Tokenizer) -> usize {
    match tokenizer.kind() {
        TokenizerKind::Characters | TokenizerKind::Bytes => 0,
        TokenizerKind::Words | TokenizerKind::Subwords { .. } => 1,
    }
}

/// Up to `lines` lines (0: until the length) of at most `max_tokens` tokens, `<unk>` never among
/// them.
pub fn options(
    tokenizer: &Tokenizer,
    sampling: Sampling,
    max_tokens: usize,
    lines: usize,
) -> GenerateOptions {
    let vocabulary = tokenizer.vocabulary();
    GenerateOptions {
        sampling,
        max_tokens,
        stop: vocabulary.eos_id().filter(|_| lines > 0),
        stop_count: lines,
        suppress: vocabulary.unk_id().into_iter().collect(),
        first_stream: 0,
    }
}
