//! The texts that a run writes.

use std::ops::ControlFlow;

use lampwick_data::{Tokenizer, TokenizerKind};
use lampwick_decoding::{GenerateOptions, Sampling, generate};
use lampwick_models::{Generator, LanguageModel};

use crate::config::Config;
use crate::error::Result;
use crate::prompt::{self, PromptError};
use crate::seeds::{Stream, seed_of};

/// Texts of `weights`, as `[sampling]` asks: those after an epoch, or those of the run's end.
pub(super) fn draw(
    config: &Config,
    tokenizer: &Tokenizer,
    weights: &LanguageModel,
    last: bool,
) -> Result<Vec<String>> {
    let c = &config.sampling;
    let count = if last { c.count } else { c.count_per_epoch };
    if count == 0 {
        return Ok(Vec::new());
    }
    let start = prompt::encode(&c.prompt, tokenizer)?;
    let sampling = Sampling {
        temperature: c.temperature,
        top_k: (c.top_k > 0).then_some(c.top_k),
        top_p: (c.top_p < 1.0).then_some(c.top_p),
        min_p: None,
        seed: seed_of(config.seed, Stream::Samples),
    };
    let options = GenerateOptions {
        // The end's texts are others than those drawn after the last epoch.
        first_stream: if last { c.count_per_epoch as u64 } else { 0 },
        ..prompt::options(tokenizer, sampling, c.length, prompt::lines(tokenizer))
    };
    let prompts = vec![start; count];
    let generated =
        generate(&Generator::new(weights), &prompts, &options, |_| ControlFlow::Continue(()))
            .map_err(PromptError::from)?;
    let text = |tokens: &[u32]| {
        let decoded = tokenizer.decode(tokens);
        format!("{}{}", join_prompt(&c.prompt, tokenizer), decoded.trim_end())
    };
    Ok(generated.into_iter().map(|one| text(&one.tokens)).collect())
}

fn join_prompt(prompt: &str, tokenizer: &Tokenizer) -> String {
    match tokenizer.kind() {
        TokenizerKind::Words if !prompt.is_empty() => format!("{} ", prompt.trim_end()),
        _ => prompt.to_string(),
    }
}
