//! Our side of `cargo xtask bench seq2seq`. Not meant to be run by hand.
//!
//! Training is what `lampwick train` runs, timed from its first step to its last; decoding is the beam
//! search of `lampwick translate`, batch by batch, over a model of random weights.

use std::error::Error;
use std::fs;

use burn::prelude::*;
use lampwick::decoding::{BeamOptions, LengthPenalty, Lengths, Rules, Scoring, Sentence};
use lampwick::models::{EncoderDecoderConfig, Translator};
use lampwick::training::{RunConfig, Seq2SeqConfig};
use serde::Deserialize;
use serde_json::{Value, json};

mod protocol;
#[path = "protocol/training.rs"]
mod timing;

use timing::{random_words, timed_training};

fn main() -> Result<(), Box<dyn Error>> {
    // Burn's global pool starts with the first product; the caller names its size.
    protocol::serve(
        |question| if question["ask"] == "train" { train(question) } else { translate(question) },
        |runs| {
            let seconds: f64 = runs.iter().map(|(time, _)| time.as_secs_f64()).sum();
            let done: usize = runs.iter().map(|(_, done)| done).sum();
            json!({ "per_second": done as f64 / seconds })
        },
    )
}

/// What both sides are told.
#[derive(Clone, Deserialize)]
struct Sizes {
    vocabulary: usize,
    embedding: usize,
    hidden: usize,
    /// Of the output layer's input.
    readout: usize,
}

/// Of a training.
#[derive(Deserialize)]
struct Training {
    #[serde(flatten)]
    sizes: Sizes,
    dropout: f64,
    label_smoothing: f64,
    clip_norm: f64,
    batch: usize,
    /// Tokens of each source, and of each target with its end.
    source: usize,
    target: usize,
}

/// Some steps of a run over pairs of random words, all of one length: every batch is full.
fn train(question: &Value) -> Result<protocol::Case, Box<dyn Error>> {
    let asked = Training::deserialize(question)?;
    let Sizes { vocabulary, embedding, hidden, readout } = asked.sizes;
    let (dropout, smoothing, clip) = (asked.dropout, asked.label_smoothing, asked.clip_norm);
    let batch = asked.batch;
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    // `<unk>`, `</s>` and `<s>` are words of the vocabulary, too.
    let words = vocabulary - 3;
    let steps = 12;
    let pairs = (steps * batch).max(words / asked.source + 1);
    fs::write(path("train.a"), random_words(words, asked.source, pairs, 1))?;
    fs::write(path("train.b"), random_words(words, asked.target - 1, pairs, 2))?;
    fs::write(path("valid"), "w1 w2 w3\n")?;
    let half = hidden / 2;
    let (train_a, train_b, valid) = (path("train.a"), path("train.b"), path("valid"));
    let toml = format!(
        r#"
task = "encoder_decoder"
[model]
embedding = {embedding}
readout = {readout}
tie = "three_way"
dropout_input = {dropout:?}
dropout_output = {dropout:?}
[model.encoder]
hidden = {half}
[model.decoder]
hidden = {hidden}
[data]
format = "lines"
train_source = {train_a:?}
train_target = {train_b:?}
valid_source = {valid:?}
valid_target = {valid:?}
[tokenizers]
joint = true
[batches]
size = {{ sentences = {batch} }}
[loss]
label_smoothing = {smoothing:?}
[optimizer]
name = "adam"
lr = 0.001
[regularization]
clip_norm = {clip:?}
[budget]
steps = {steps}
[validation]
metric = "loss"
samples = 0
"#
    );
    let config = Seq2SeqConfig::parse(&toml, "benchmark", &[])?.config;
    Ok(timed_training(config, folder, batch * asked.target))
}

/// Of a decoding.
#[derive(Deserialize)]
struct Decoding {
    #[serde(flatten)]
    sizes: Sizes,
    beam: usize,
    length_penalty: f64,
    batches: Vec<Batch>,
}

/// Sources that are translated side by side.
#[derive(Deserialize)]
struct Batch {
    /// Tokens of every target, the end not counted.
    tokens: usize,
    sources: Vec<Vec<u32>>,
}

/// Searches for targets of given lengths; what is counted are sentences.
fn translate(question: &Value) -> Result<protocol::Case, Box<dyn Error>> {
    let Decoding { sizes, beam, length_penalty, batches } = Decoding::deserialize(question)?;
    let mut config = EncoderDecoderConfig {
        source_vocabulary: sizes.vocabulary,
        target_vocabulary: sizes.vocabulary,
        embedding: sizes.embedding,
        readout: Some(sizes.readout),
        ..EncoderDecoderConfig::default()
    };
    config.encoder.hidden = sizes.hidden / 2;
    config.decoder.hidden = sizes.hidden;
    let model = Translator::new(&config.init(1, &Device::flex())?);
    let length = LengthPenalty::Gnmt { alpha: length_penalty };
    let scoring = Scoring { length, ..Scoring::default() };
    let options = BeamOptions { width: beam, scoring, ..BeamOptions::default() };
    Ok(protocol::timed(move || {
        let mut done = 0;
        for Batch { tokens, sources } in &batches {
            let lengths = Lengths::between(*tokens, *tokens);
            let rules = Rules { start: 1, end: 1, lengths, ..Rules::default() };
            let sources: Vec<&[u32]> = sources.iter().map(Vec::as_slice).collect();
            let asked: Vec<Sentence> = sources.iter().map(|s| Sentence::of(s.len())).collect();
            let state = model.encode(&sources);
            let found = lampwick::decoding::beam_search(&model, state, &asked, &rules, &options)
                .expect("an untrained model gives every token a probability");
            done += found.iter().filter(|best| best[0].tokens.len() == *tokens).count();
        }
        done
    }))
}
