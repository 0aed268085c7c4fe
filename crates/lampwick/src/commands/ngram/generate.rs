//! `lampwick ngram generate`: text from an n-gram model.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

use lampwick::decoding::{self, GenerateOptions, NgramTokens};
use lampwick::ngram::{BOS, EOS, UNK, words};
use serde_json::json;

use super::opened::{self, Load};
use super::{BOS_WORD, EOS_WORD, shown};
use crate::commands::drawing::Drawing;
use crate::exit::Exit;

/// Samples that are drawn side by side.
const AT_ONCE: u32 = 16;

/// What `lampwick ngram generate` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram generate model.bin
  lampwick ngram generate model.bin --prompt 'the lamp' --samples 5
  lampwick ngram generate model.bin --temperature 0.7 --top-k 40 --seed 3

A sample is one sentence, or --length words of it. It depends on the model, the prompt, these
options and its own number only. <unk> is never generated. The prompt is the beginning of a
sentence: <s> may stand in front of it, and neither <s> nor </s> in it. A trie is much faster here
than hash tables, which have to be asked for every word of the vocabulary.")]
pub(crate) struct Arguments {
    /// The model: binary, or ARPA
    model: PathBuf,
    /// What each sample begins with
    #[arg(long, default_value = "")]
    prompt: String,
    /// How many samples
    #[arg(short = 'n', long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// The most words of each sample, the prompt not counted
    #[arg(long, default_value_t = 100)]
    length: usize,
    #[command(flatten)]
    drawing: Drawing,
    /// One JSON object a sample
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let sampling = arguments.drawing.sampling()?;
    let model = opened::model(&arguments.model, Load::Map)?;
    let vocabulary = model.vocabulary();
    let mut prompt = vec![BOS];
    for (place, word) in words::split(arguments.prompt.as_bytes()).enumerate() {
        match word {
            BOS_WORD if place == 0 => continue,
            BOS_WORD | EOS_WORD => anyhow::bail!(
                "--prompt: `{}` is where a sentence begins or ends, and a prompt is the beginning of \
                 one: leave it out",
                shown(word)
            ),
            _ => {}
        }
        let Some(id) = vocabulary.get(word) else {
            anyhow::bail!(
                "--prompt: `{}` is not in the vocabulary of {}; use words that it was trained on",
                shown(word),
                arguments.model.display()
            );
        };
        prompt.push(id);
    }
    let mut out = crate::output::stdout();
    for first in (0..arguments.samples).step_by(AT_ONCE as usize) {
        let options = GenerateOptions {
            sampling: sampling.clone(),
            max_tokens: arguments.length,
            stop: Some(EOS),
            stop_count: 1,
            suppress: vec![UNK, BOS],
            first_stream: first.into(),
        };
        let streams = (arguments.samples - first).min(AT_ONCE) as usize;
        let prompts = vec![prompt.clone(); streams];
        let tokens = NgramTokens::new(&model);
        let samples =
            decoding::generate(&tokens, &prompts, &options, |_| ControlFlow::Continue(()))?;
        for (index, sample) in samples.iter().enumerate() {
            let ids = prompt[1..].iter().chain(&sample.tokens).filter(|&&id| id != EOS);
            let text: Vec<&[u8]> = ids.map(|&id| vocabulary.word(id)).collect();
            let text = text.join(&b' ');
            if arguments.json {
                let log_prob: f64 = sample.log_probs.iter().map(|&p| f64::from(p)).sum();
                let (sample, tokens) = (first as usize + index, sample.tokens.len());
                let object = json!({
                    "sample": sample, "text": shown(&text), "tokens": tokens, "log_prob": log_prob,
                });
                writeln!(out, "{object}")?;
            } else {
                out.write_all(&text)?;
                writeln!(out)?;
            }
        }
    }
    Ok(Exit::Done)
}
