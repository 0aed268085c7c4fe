//! Our side of `cargo xtask bench lm`. Not meant to be run by hand.
//!
//! Training is what `lampwick train` runs, timed from its first step to its last; generation is
//! what `lampwick generate` runs.

use std::error::Error;
use std::fs;
use std::ops::ControlFlow;

use burn::prelude::*;
use lampwick::decoding::{GenerateOptions, Sampling, generate};
use lampwick::models::{Generator, LanguageModelConfig};
use lampwick::training::{Config, RunConfig};
use serde_json::{Value, json};

mod protocol;
#[path = "protocol/training.rs"]
mod timing;

use timing::{random_words, timed_training};

/// `</s>` and `<unk>` among them.
const VOCABULARY: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    // Burn's global pool starts with the first product; the caller names its size.
    protocol::serve(
        |question| if question["ask"] == "train" { train(question) } else { sample(question) },
        |runs| {
            let seconds: f64 = runs.iter().map(|(time, _)| time.as_secs_f64()).sum();
            let tokens: usize = runs.iter().map(|(_, tokens)| tokens).sum();
            json!({ "tokens_per_second": tokens as f64 / seconds })
        },
    )
}

fn number(question: &Value, key: &str) -> usize {
    question[key].as_u64().unwrap_or(1) as usize
}

/// Some steps of a run over random words.
fn train(question: &Value) -> Result<protocol::Case, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let text = folder.path().join("random.txt");
    fs::write(&text, random_words(VOCABULARY - 2, 20, 6_000, 1))?;
    let valid = folder.path().join("valid.txt");
    fs::write(&valid, "w1 w2 w3\n")?;
    let (size, batch, steps) =
        (number(question, "size"), number(question, "batch"), number(question, "steps"));
    let dropout = question["dropout"].as_f64().unwrap_or(0.0);
    // About two seconds each: 400 tokens a step of the small model, 700 of the medium one.
    let updates = if size > 400 { 8 } else { 30 };
    let toml = format!(
        r#"
[model]
embedding = {size}
hidden = {size}
layers = 2
dropout_input = {dropout:?}
dropout_hidden = {dropout:?}
dropout_output = {dropout:?}
[data]
source = "text"
train = {text:?}
valid = {valid:?}
[batches]
size = {batch}
bptt = {{ fixed = {steps} }}
[optimizer]
name = "sgd"
lr = 1.0
[regularization]
clip_norm = 5.0
[budget]
steps = {updates}
[sampling]
count = 0
count_per_epoch = 0
"#
    );
    let config = Config::parse(&toml, "benchmark", &[])?.config;
    Ok(timed_training(config, folder, batch * steps))
}

/// Word by word from a model of that size.
fn sample(question: &Value) -> Result<protocol::Case, Box<dyn Error>> {
    let size = number(question, "size");
    let config = LanguageModelConfig {
        vocabulary: VOCABULARY,
        embedding: size,
        hidden: size,
        ..LanguageModelConfig::default()
    };
    let model = Generator::new(&config.init(1, &Device::flex())?);
    let prompts = vec![vec![0]; number(question, "streams")];
    let options = GenerateOptions {
        sampling: Sampling {
            temperature: question["temperature"].as_f64().unwrap_or(1.0),
            ..Sampling::default()
        },
        max_tokens: number(question, "length"),
        ..GenerateOptions::default()
    };
    Ok(protocol::timed(move || {
        let generated = generate(&model, &prompts, &options, |_| ControlFlow::Continue(()))
            .expect("an untrained model gives every token a probability");
        generated.iter().map(|stream| stream.tokens.len()).sum()
    }))
}
