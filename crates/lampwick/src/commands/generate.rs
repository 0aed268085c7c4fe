//! `lampwick generate RUN`: text from a model, shown as it is made.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::anyhow;
use lampwick::data::Tokenizer;
use lampwick::decoding::{self, Sampling};
use lampwick::models::{Generator, NextToken};
use lampwick::training::prompt::{self, PromptError};
use serde_json::json;

use super::drawing::Drawing;
use super::opened::{Weights, on_host, open};
use super::samples::{Ended, Samples};
use crate::exit::Exit;
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
    /// How many samples; they are drawn side by side
    #[arg(short = 'n', long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    samples: u32,
    /// The most tokens of each sample, the prompt not counted
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    length: u32,
    /// Lines of each sample; 0 = until --length [default: 1, or 0 for characters and bytes]
    #[arg(long)]
    lines: Option<usize>,
    #[command(flatten)]
    drawing: Drawing,
    /// One JSON object a line for each sample, as soon as it ends
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: Weights,
    #[command(flatten)]
    machine: Machine,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let sampling = arguments.drawing.sampling()?;
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
    let start = prompt::encode(&arguments.prompt, tokenizer).map_err(|error| {
        let words = arguments.run.join("tokenizer");
        match error {
            PromptError::Unknown { .. } => {
                anyhow!("--prompt {error} (the words that it knows are in {})", words.display())
            }
            error => anyhow!("--prompt: {error}"),
        }
    })?;
    let lines = arguments.lines.unwrap_or_else(|| prompt::lines(tokenizer));
    let options = prompt::options(tokenizer, sampling, arguments.length as usize, lines);
    // A sample shows the prompt, but not the end of a line that the model reads before it.
    let unseen = usize::from(tokenizer.vocabulary().eos_id().is_some());
    let count = arguments.samples as usize;
    // Samples of several lines are kept apart by an empty one.
    let mut samples = Samples::new(tokenizer, &start[unseen..], count, lines != 1);
    let mut out = crate::output::stdout();
    let mut written = Ok(());
    decoding::generate(model, &vec![start.clone(); count], &options, |token| {
        let ended = samples.push(token, &options);
        written = match (arguments.json, ended) {
            (false, _) => samples.write(&mut out),
            (true, None) => Ok(()),
            (true, Some(sample)) => {
                writeln!(out, "{}", object(token.stream, &sample)).and_then(|()| out.flush())
            }
        };
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    written?;
    Ok(Exit::Done)
}

fn object(index: usize, sample: &Ended<'_>) -> serde_json::Value {
    json!({
        "sample": index,
        "text": sample.text,
        "tokens": sample.tokens,
        "log_prob": sample.log_prob,
        "finish": if sample.stopped { "stop" } else { "length" },
    })
}
