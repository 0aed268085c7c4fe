//! Our side of `cargo xtask bench lm`. Not meant to be run by hand.
//!
//! Training is what `lampwick train` runs, timed from its first step to its last; generation is
//! what `lampwick generate` runs.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::AtomicI32;
use std::time::{Duration, Instant};

use burn::prelude::*;
use lampwick::decoding::{GenerateOptions, Sampling, generate};
use lampwick::models::{Generator, LanguageModelConfig};
use lampwick::training::{self, Config, Event, RunConfig, Step};
use serde_json::{Value, json};

mod protocol;

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
    fs::write(&text, random_words(120_000))?;
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
    let mut number = 0;
    Ok(Box::new(move || {
        number += 1;
        let run: PathBuf = folder.path().join(format!("run-{number}"));
        // The first step warms up; a step's own time is from the one before it to it.
        let (mut first, mut last, mut taken) = (None, None, 0);
        let mut watch = |event: &Event<'_>| {
            if let Event::Step(Step { .. }) = event {
                let now = Instant::now();
                taken += usize::from(first.is_some());
                first = first.or(Some(now));
                last = Some(now);
            }
        };
        training::train(&config, &run, &AtomicI32::new(0), &mut watch)?;
        fs::remove_dir_all(&run)?;
        let time: Duration = first.zip(last).map(|(first, last)| last - first).ok_or("no step")?;
        Ok((time, taken * batch * steps))
    }))
}

/// Words drawn alike, every one of them at least once, so that the vocabulary has its size.
fn random_words(tokens: usize) -> String {
    let words = VOCABULARY - 2;
    let mut text = String::new();
    let mut random = 1_u64;
    for n in 0..tokens {
        // Knuth's linear congruential generator; its high bits will do for a benchmark.
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = if n < words { n } else { (random >> 33) as usize % words };
        let end = if n % 20 == 19 { '\n' } else { ' ' };
        let _ = write!(text, "w{word}{end}");
    }
    text
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
