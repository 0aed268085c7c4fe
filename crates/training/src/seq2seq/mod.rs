//! Encoder-decoders: pairs of a source and a target, judged by what the model writes.
//!
//! - this file: the task;
//! - `reading`: its pairs as text; `media`: sources that are none; `corpus`: both as ids
//! - `notes`: which pairs are left out of what, told as a run begins
//! - `judge`: decoding; `measure`: what the output is worth; `memory`: what a run takes
//! - [`looks`]: where the decoder looks, for the report
//! - [`translator`]: a trained run as a model to use

mod corpus;
mod judge;
pub mod looks;
mod measure;
mod media;
mod memory;
mod notes;
mod reading;
pub mod translator;

use std::collections::BTreeMap;
use std::path::Path;

use burn::optim::GradientsParams;
use burn::prelude::*;
use lampwick_data::{PADDING, PairBatch, PairBatches, PairPosition};
use lampwick_models::{
    CrossEntropyOptions, EncoderDecoder, EncoderDecoderBatch, EncoderDecoderLoss, Feeding, Mode,
    SourceKind, Tie,
};

use crate::config::{ConfigError, Seq2SeqConfig, ValidationMetric};
use crate::corpus::{Part, unit_of};
use crate::device;
use crate::error::Result;
use crate::evaluate::read;
use crate::logs::Scored;
use crate::run_dir::RunDir;
use crate::seeds::{Stream, seed_of};
use crate::step::Gradients;
use crate::task::{At, Facts, Task};
use corpus::{PairCorpus, Portion, Tokenizers};
use judge::Judge;

/// Pairs, and where a run stands in them.
pub struct Seq2Seq {
    config: Seq2SeqConfig,
    corpus: PairCorpus,
    batches: PairBatches,
    /// Optimiser steps taken, for scheduled sampling.
    step: u64,
}

/// Where the training data stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    batches: PairPosition,
    step: u64,
}

impl Task for Seq2Seq {
    type Config = Seq2SeqConfig;
    type Model = EncoderDecoder;
    type Position = Position;

    fn open(config: &Seq2SeqConfig, saved: Option<&RunDir>) -> Result<Self> {
        let devices = device::parse_all(&config.device)?.len();
        if devices > 1 {
            let problem = format!("names {devices} devices, and an encoder-decoder trains on one");
            return Err(ConfigError::value("config", "device", &problem, "name one").into());
        }
        // By their keys, before the data are made to their sizes.
        config.model.reads.validate()?;
        let corpus = PairCorpus::open(config, saved)?;
        let mut config = config.clone();
        let Tokenizers { source, target } = &corpus.tokenizers;
        for (key, size, words) in [
            ("source", &mut config.model.source_vocabulary, source.vocabulary().len()),
            ("target", &mut config.model.target_vocabulary, target.vocabulary().len()),
        ] {
            if key == "source" && config.model.reads != SourceKind::Words {
                continue;
            }
            if *size != 0 && *size != words {
                let key = format!("model.{key}_vocabulary");
                let problem = format!("is {size}, but the data has {words} words");
                let mend = "leave it out (or 0) to take the data's";
                return Err(ConfigError::value("config", &key, &problem, mend).into());
            }
            *size = words;
        }
        let shares = [
            (config.model.tie == Tie::ThreeWay, "model.tie"),
            (config.model.copying, "model.copying"),
        ];
        if let Some((_, key)) = shares.into_iter().find(|(shares, _)| *shares)
            && source.vocabulary().hash() != target.vocabulary().hash()
        {
            let problem = "needs one vocabulary for both sides, and there are two";
            let mend = "set tokenizers.joint=true";
            return Err(ConfigError::value("config", key, problem, mend).into());
        }
        memory::check(&config, &corpus)?;
        let seed = seed_of(config.seed, Stream::Windows);
        let batches = PairBatches::new(&corpus.train.ids, config.batches.size, seed)?;
        Ok(Self { config, corpus, batches, step: 0 })
    }

    fn config(&self) -> &Seq2SeqConfig {
        &self.config
    }

    fn config_mut(&mut self) -> &mut Seq2SeqConfig {
        &mut self.config
    }

    fn facts(&self) -> Facts {
        let portions = [
            ("train", Some(&self.corpus.train)),
            ("valid", Some(&self.corpus.valid)),
            ("test", self.corpus.test.as_ref()),
        ];
        let named = portions.into_iter().filter_map(|(name, portion)| Some((name, portion?)));
        let data: BTreeMap<_, _> =
            named.map(|(name, portion)| (name.to_string(), portion.info())).collect();
        let target = &self.corpus.tokenizers.target;
        Facts {
            vocabulary: target.vocabulary().len(),
            vocabulary_hash: self.corpus.tokenizers.hash(),
            data,
            unit: unit_of(target).to_string(),
            source_nats: None,
            notes: notes::of_data(&self.corpus, &self.config),
        }
    }

    fn save(&self, dir: &RunDir) -> Result<()> {
        self.corpus.tokenizers.save(dir)
    }

    fn config_of(run: &RunDir) -> Result<Seq2SeqConfig> {
        run.seq2seq_config()
    }

    fn expect_same_vocabulary(&self, other: &RunDir, name: &str) -> Result<()> {
        let (own, other) = (&self.corpus.tokenizers, Tokenizers::load(other)?);
        own.source.vocabulary().expect_same(other.source.vocabulary(), name)?;
        Ok(own.target.vocabulary().expect_same(other.target.vocabulary(), name)?)
    }

    fn init(config: &Seq2SeqConfig, seed: u64, device: &Device) -> Result<EncoderDecoder> {
        Ok(config.model.init(seed, device)?)
    }

    fn memory(&self, parameters: usize) -> u64 {
        memory::needed(&self.config, &self.corpus, parameters)
    }

    fn steps_per_epoch(&self) -> u64 {
        self.batches.per_epoch().div_ceil(self.config.batches.accumulate) as u64
    }

    fn steps_left(&self) -> u64 {
        self.batches.left().div_ceil(self.config.batches.accumulate) as u64
    }

    fn tokens_per_epoch(&self) -> u64 {
        corpus::target_tokens(&self.corpus.train.ids.target)
    }

    fn tokens_left_out(&self) -> usize {
        0
    }

    fn start_epoch(&mut self) {
        self.batches.start_epoch();
    }

    fn position(&self) -> Position {
        Position { batches: self.batches.position(), step: self.step }
    }

    fn restore(&mut self, position: &Position, _carried: Vec<Tensor<2>>) -> Result<()> {
        self.step = position.step;
        Ok(self.batches.restore(position.batches)?)
    }

    fn carried(&self) -> Vec<Tensor<2>> {
        Vec::new()
    }

    fn carried_shapes(&self, _device: &Device) -> Vec<Tensor<2>> {
        Vec::new()
    }

    fn forget(&mut self) {}

    fn backward(
        &mut self,
        model: &EncoderDecoder,
        mode: &mut Mode,
        gradients: &mut Gradients<EncoderDecoder>,
    ) {
        let feeding = self.feeding();
        let options = CrossEntropyOptions {
            label_smoothing: self.config.loss.label_smoothing,
            ignore_index: Some(PADDING),
            ..CrossEntropyOptions::default()
        };
        for _ in 0..self.config.batches.accumulate {
            let Some(indices) = self.batches.next() else { break };
            let batch = PairBatch::new(&self.corpus.train.ids, indices, self.corpus.end);
            let EncoderDecoderLoss { loss, nll } =
                loss(model, &self.corpus.train, &batch, &options, &feeding, mode);
            gradients.add(model, GradientsParams::from_grads(loss.backward(), model));
            gradients.count_of(&read(nll), batch.target_lengths.iter().sum());
            gradients.windows += 1;
        }
        self.step += u64::from(gradients.windows > 0);
    }

    fn has(&self, part: Part) -> bool {
        self.corpus.portion(part).is_some()
    }

    fn score(
        &self,
        weights: &EncoderDecoder,
        part: Part,
        at: At,
        watch: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<Scored>> {
        let Some(portion) = self.corpus.portion(part) else { return Ok(None) };
        let Some(perplexity) = judge::perplexity(weights, portion, &self.corpus, watch)? else {
            return Ok(None);
        };
        let mut scored = Scored::new(at, &perplexity);
        if self.config.validation.metric != ValidationMetric::Loss {
            let judge = Judge::new(weights, &self.corpus, &self.config);
            let Some(mut qualities) = judge.qualities(portion, part, watch)? else {
                return Ok(None);
            };
            scored.also = qualities.split_off(1);
            scored.quality = qualities.pop();
        }
        Ok(Some(scored))
    }

    fn samples(&self, weights: &EncoderDecoder, _last: bool) -> Result<Vec<String>> {
        Judge::new(weights, &self.corpus, &self.config).samples()
    }

    fn look(&self, dir: &Path, at: At, weights: &EncoderDecoder) -> Result<()> {
        looks::look(dir, at, weights, &self.corpus, &self.config)
    }
}

impl Seq2Seq {
    /// What the decoder reads at this step.
    fn feeding(&self) -> Feeding {
        let s = &self.config.loss.scheduled_sampling;
        let gold = s.gold(self.step);
        if gold >= 1.0 {
            return Feeding::Gold;
        }
        Feeding::Scheduled { gold, feed: s.feed }
    }
}

/// The loss of a batch of a portion's pairs.
fn loss(
    model: &EncoderDecoder,
    portion: &Portion,
    batch: &PairBatch,
    options: &CrossEntropyOptions,
    feeding: &Feeding,
    mode: &mut Mode,
) -> EncoderDecoderLoss {
    let [source, inputs, targets] = batch.to_tensors(&model.device());
    let batch = EncoderDecoderBatch {
        source: portion.source(batch, source),
        source_lengths: &batch.source_lengths,
        inputs,
        targets,
        target_lengths: &batch.target_lengths,
    };
    model.loss(&batch, options, feeding, mode)
}
