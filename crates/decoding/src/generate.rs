//! Many streams at once, token by token.

use std::ops::ControlFlow;

use lampwick_models::NextToken;

use crate::error::DecodingError;
use crate::sampling::{Sampler, Sampling};

/// What to generate.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct GenerateOptions {
    /// How each token is chosen.
    pub sampling: Sampling,
    /// The most tokens of each stream, the prompt not counted.
    pub max_tokens: usize,
    /// Token that ends a text (`</s>`).
    pub stop: Option<u32>,
    /// How many of those a stream may give: it ends with the last of them. 0 counts as 1.
    pub stop_count: usize,
    /// Tokens that are never chosen (`<unk>`).
    pub suppress: Vec<u32>,
    /// Number of the first stream: stream `i` here draws what stream `first_stream + i` of the
    /// seed draws, so that a long list of prompts can be worked off in parts.
    pub first_stream: u64,
}

/// A token as it is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// Index of its prompt.
    pub stream: usize,
    /// The token.
    pub token: u32,
    /// What the model gave it: natural logarithm, before temperature and cuts.
    pub log_prob: f32,
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It gave its last stop token.
    Stop,
    /// It reached `max_tokens`.
    Length,
    /// The callback asked for it.
    Interrupted,
}

/// One stream's tokens, the prompt not included, a final stop token included.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// The tokens.
    pub tokens: Vec<u32>,
    /// Log-probability of each, as [`Token::log_prob`].
    pub log_probs: Vec<f32>,
    /// Why it ended.
    pub finish: Finish,
}

/// One prompt being continued.
struct Stream<'a> {
    index: usize,
    prompt: &'a [u32],
    sampler: Sampler,
    read: usize,
    stops: usize,
}

/// Continues each of `prompts`; for several samples of one prompt, give it several times.
///
/// `on_token` sees every token as it is chosen, streams interleaved, and may end everything by
/// [`ControlFlow::Break`]. Prompts may differ in length: none waits for another, and none is
/// padded. A stream that has ended leaves the batch.
///
/// # Errors
///
/// When the options make no sense, a prompt is empty or holds an unknown token, or the model gives
/// no finite probability.
pub fn generate<M: NextToken>(
    model: &M,
    prompts: &[Vec<u32>],
    options: &GenerateOptions,
    mut on_token: impl FnMut(Token) -> ControlFlow<()>,
) -> Result<Vec<Generated>, DecodingError> {
    options.sampling.validate()?;
    let vocabulary = model.vocabulary_size();
    check_tokens(prompts, vocabulary)?;
    let empty = Generated { tokens: vec![], log_probs: vec![], finish: Finish::Length };
    let mut results = vec![empty; prompts.len()];
    let mut streams = Vec::with_capacity(prompts.len());
    for (index, prompt) in prompts.iter().enumerate() {
        if prompt.is_empty() {
            return Err(DecodingError::EmptyPrompt(index));
        }
        let sampler = Sampler::new(&options.sampling, options.first_stream + index as u64)?;
        streams.push(Stream { index, prompt, sampler, read: 0, stops: 0 });
    }
    if options.max_tokens == 0 || streams.is_empty() {
        return Ok(results);
    }
    let mut state = model.start(streams.len());
    let (mut tokens, mut log_probs, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let mut allowed = Vec::new();
    loop {
        tokens.clear();
        tokens.extend(streams.iter().map(|stream| match stream.prompt.get(stream.read) {
            Some(&token) => token,
            None => *results[stream.index].tokens.last().expect("the prompt was read"),
        }));
        state = model.next(&tokens, state, &mut log_probs);
        kept.clear();
        for (row, stream) in streams.iter_mut().enumerate() {
            stream.read += 1;
            if stream.read < stream.prompt.len() {
                kept.push(row);
                continue;
            }
            let row_probs = &log_probs[row * vocabulary..(row + 1) * vocabulary];
            let token = if options.suppress.is_empty() {
                stream.sampler.sample(row_probs)?
            } else {
                allowed.clear();
                allowed.extend_from_slice(row_probs);
                for &token in &options.suppress {
                    if let Some(value) = allowed.get_mut(token as usize) {
                        *value = f32::NEG_INFINITY;
                    }
                }
                stream.sampler.sample(&allowed)?
            };
            let log_prob = row_probs[token as usize];
            let result = &mut results[stream.index];
            result.tokens.push(token);
            result.log_probs.push(log_prob);
            if on_token(Token { stream: stream.index, token, log_prob }).is_break() {
                for stream in &streams {
                    results[stream.index].finish = Finish::Interrupted;
                }
                return Ok(results);
            }
            stream.stops += usize::from(options.stop == Some(token));
            let result = &mut results[stream.index];
            if stream.stops >= options.stop_count.max(1) {
                result.finish = Finish::Stop;
            } else if result.tokens.len() < options.max_tokens {
                kept.push(row);
            }
        }
        if kept.is_empty() {
            return Ok(results);
        }
        if kept.len() < streams.len() {
            state = model.select(&state, &kept);
            let mut row = 0;
            streams.retain(|_| {
                row += 1;
                kept.binary_search(&(row - 1)).is_ok()
            });
        }
    }
}

/// Refuses tokens that the model does not know.
pub(crate) fn check_tokens(sequences: &[Vec<u32>], vocabulary: usize) -> Result<(), DecodingError> {
    for (sequence, tokens) in sequences.iter().enumerate() {
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= vocabulary) {
            return Err(DecodingError::UnknownToken { sequence, token, vocabulary });
        }
    }
    Ok(())
}
