//! `lampwick generate RUN`: text from a model, shown as it is made.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

use lampwick::data::{Tokenizer, TokenizerKind};
use lampwick::decoding::{self, Finish, GenerateOptions, Sampling};
use lampwick::models::{Generator, NextToken};
use serde_json::json;

use super::opened::{Weights, on_host, open};
use super::samples::Samples;
use crate::exit::{Exit, Usage};
use crate::machine::Machine;

/// What `lampwick generate` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick generate runs/mine
  lampwick generate runs/mine --prompt 'the lamp' --samples 5 --temperature 0.7
  lampwick generate runs/mine --temperature 0                the likeliest words, always the same
  lampwick generate runs/mine --top-p 0.9 --seed 7 --length 500 --lines 20
  lampwick generate runs/mine --samples 64 --json > samples.jsonl

A sample depends on the run, the prompt, these options and its own number only: asking for more
samples does not change the first. <unk> is never generated.")]
pub(crate) struct Arguments {
    /// The run's directory
    run: PathBuf,
    /// What each sample begins with
    #[arg(long, default_value = "")]
    prompt: String,
    /// How many samples
    #[arg(short = 'n', long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// The most tokens of each sample, the prompt not counted
    #[arg(long, default_value_t = 100)]
    length: usize,
    /// Lines of each sample; 0 = until --length [default: 1, or 0 for characters and bytes]
    #[arg(long)]
    lines: Option<usize>,
    /// 1 is the model's own distribution, below 1 bolder, 0 the likeliest token each time
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    temperature: f64,
    /// Only the k likeliest tokens
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Only the smallest set of likeliest tokens that has this probability
    #[arg(long, value_name = "P")]
    top_p: Option<f64>,
    /// Another seed, other samples
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// One JSON object a sample
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: Weights,
    #[command(flatten)]
    machine: Machine,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let sampling = Sampling {
        temperature: arguments.temperature,
        top_k: arguments.top_k,
        top_p: arguments.top_p,
        seed: arguments.seed,
    };
    sampling.validate().map_err(|error| Usage(error.to_string()))?;
    let trained = open(&arguments.run, &arguments.weights, &arguments.machine)?;
    let (tokenizer, model) = (&trained.tokenizer, &trained.model);
    if on_host(model) {
        write_samples(arguments, sampling, tokenizer, &Generator::new(model))
    } else {
        write_samples(arguments, sampling, tokenizer, model)
    }
}

fn write_samples(
    arguments: &Arguments,
    sampling: Sampling,
    tokenizer: &Tokenizer,
    model: &impl NextToken,
) -> anyhow::Result<Exit> {
    let prompt = encode_prompt(tokenizer, arguments)?;
    let text_only = matches!(tokenizer.kind(), TokenizerKind::Characters | TokenizerKind::Bytes);
    let lines = arguments.lines.unwrap_or(usize::from(!text_only));
    let options = GenerateOptions {
        sampling,
        max_tokens: arguments.length,
        stop: tokenizer.vocabulary().eos_id().filter(|_| lines > 0),
        stop_count: lines,
        suppress: tokenizer.vocabulary().unk_id().into_iter().collect(),
        first_stream: 0,
    };
    let mut first = vec![tokenizer.vocabulary().eos_id().unwrap_or(0)];
    first.extend(&prompt);
    let prompts = vec![first; arguments.samples as usize];

    // Samples of several lines are kept apart by an empty one.
    let mut samples = Samples::new(tokenizer, &prompt, prompts.len(), lines != 1);
    let mut out = std::io::stdout().lock();
    let mut written = Ok(());
    let generated = decoding::generate(model, &prompts, &options, |token| {
        samples.push(token, &options);
        if !arguments.json {
            written = samples.write(&mut out);
        }
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    written?;
    if !arguments.json {
        samples.close_all();
        samples.write(&mut out)?;
        return Ok(Exit::Done);
    }
    for (index, sample) in generated.iter().enumerate() {
        let object = json!({
            "sample": index,
            "text": samples.text(index),
            "tokens": sample.tokens.len(),
            "log_prob": sample.log_probs.iter().map(|&p| f64::from(p)).sum::<f64>(),
            "finish": match sample.finish {
                Finish::Stop => "stop",
                Finish::Length => "length",
                Finish::Interrupted => "interrupted",
            },
        });
        writeln!(out, "{object}")?;
    }
    Ok(Exit::Done)
}

/// The prompt's ids, every word of it known.
fn encode_prompt(tokenizer: &Tokenizer, arguments: &Arguments) -> anyhow::Result<Vec<u32>> {
    let unknown = tokenizer.unknown(&arguments.prompt);
    if !unknown.is_empty() {
        anyhow::bail!(
            "--prompt: {} not in the vocabulary of {}: {}; use words that it was trained on \
             (they are listed in {})",
            if unknown.len() == 1 { "this word is" } else { "these words are" },
            arguments.run.display(),
            unknown.join(", "),
            arguments.run.join("tokenizer").display()
        );
    }
    let mut ids = Vec::new();
    tokenizer.encode(&arguments.prompt, &mut ids)?;
    Ok(ids)
}
