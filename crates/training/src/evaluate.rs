//! Perplexity of a text: every token scored once, whatever the batch.

use burn::prelude::*;
use lampwick_data::{BpttBatch, EvaluationBatches, Tokenizer, Tokens};
use lampwick_metrics::Perplexity;
use lampwick_models::{LanguageModel, Mode, StackState};

use crate::corpus::{Text, unit_of};
use crate::error::Result;

/// How a text is cut for scoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvaluationOptions {
    /// Streams scored at once. Each starts without context: more are faster and a little worse.
    pub batch: usize,
    /// Steps of a window. Changes memory and speed, not the result.
    pub steps: usize,
}

/// Scores every token of `text` with the model's present weights, nothing dropped.
///
/// The token before the text is the end of a line, where the tokenizer has one: then the first token
/// is scored too (82,430 on Penn Treebank's test text). The `n mod batch` tokens that fill no stream
/// are scored at the end in a stream of their own. `watch` is called after each window with (done,
/// total) and ends the evaluation by returning `false`: the result is then `None`.
///
/// # Errors
/// When the text has no token to score.
pub fn evaluate(
    model: &LanguageModel,
    text: &Text,
    tokenizer: &Tokenizer,
    evaluation: EvaluationOptions,
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Option<Perplexity>> {
    let vocabulary = tokenizer.vocabulary();
    let mut perplexity = Perplexity::new(unit_of(tokenizer), vocabulary.eos_id().is_some());
    let batch = evaluation.batch.min(text.tokens.len()).max(1);
    let main =
        EvaluationBatches::new(text.tokens.clone(), batch, evaluation.steps, vocabulary.eos_id())?;
    let rest = rest(&text.tokens, main.tokens_scored(), vocabulary.eos_id(), evaluation.steps)?;
    let total = main.windows() + rest.as_ref().map_or(0, EvaluationBatches::windows);
    let mut done = 0;
    for batches in std::iter::once(main).chain(rest) {
        let mut state = None;
        for batch in batches {
            let (nll, next) = score(model, &batch, state);
            state = Some(next);
            perplexity.add_each(&nll);
            perplexity
                .add_oov(batch.targets.iter().filter(|&&id| tokenizer.is_oov(id)).count() as u64);
            done += 1;
            if !watch(done, total) {
                return Ok(None);
            }
        }
    }
    perplexity.add_characters(text.counts.characters);
    Ok(Some(perplexity))
}

/// The tokens that fill no stream, after the one before them.
fn rest(
    tokens: &Tokens,
    scored: usize,
    start: Option<u32>,
    steps: usize,
) -> Result<Option<EvaluationBatches>> {
    let first = usize::from(start.is_none()) + scored;
    if first >= tokens.len() || first == 0 {
        return Ok(None);
    }
    let mut last = Vec::new();
    tokens.copy(first..tokens.len(), &mut last);
    let before = tokens.get(first - 1);
    Ok(Some(EvaluationBatches::new(last.into(), 1, steps, before)?))
}

/// Negative log-likelihoods of a window's targets, `[T*B]`, and the state after it.
fn score(
    model: &LanguageModel,
    batch: &BpttBatch,
    state: Option<StackState>,
) -> (Vec<f32>, StackState) {
    let (inputs, targets) = batch.to_tensors(&model.device()); // [T, B] each
    let output = model.loss(inputs, targets, state, &Default::default(), &mut Mode::Evaluate);
    (read(output.nll), output.state.detach())
}

/// A tensor's values; a device that cannot be read gives NaN, which stops a run.
pub(crate) fn read(tensor: Tensor<1>) -> Vec<f32> {
    let length = tensor.dims()[0];
    tensor.try_into_vec_as::<f32>().unwrap_or_else(|_| vec![f32::NAN; length])
}
