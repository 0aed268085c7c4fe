//! Language modelling: truncated BPTT over parallel streams of one text, judged by perplexity.
//!
//! - this file: the task; `objective`: one window, forward and backward; `parallel`: its streams on
//!   several devices; `samples`: the texts that a run writes; `memory`: what it takes

mod memory;
mod objective;
mod parallel;
mod samples;

use std::collections::BTreeMap;
use std::path::Path;

use burn::prelude::*;
use lampwick_data::{BpttBatches, BpttLength, BpttPosition, DataError};
use lampwick_models::{LanguageModel, Mode, StackState};

use crate::config::{Config, ConfigError, OverTime};
use crate::corpus::{Corpus, Part, Text};
use crate::device;
use crate::error::{Error, Result};
use crate::evaluate::{EvaluationOptions, evaluate};
use crate::logs::Scored;
use crate::probe::{self, Probe};
use crate::prompt;
use crate::run_dir::{DataInfo, RunDir};
use crate::seeds::{Stream, seed_of};
use crate::step::Gradients;
use crate::task::{At, Facts, Task};
use objective::Objective;

/// A language model's data, and where a run stands in them.
pub struct LanguageModeling {
    config: Config,
    corpus: Corpus,
    objective: Objective,
    batches: BpttBatches,
    /// The state that each device's streams carry to the next window; none at an epoch's start.
    carry: Vec<StackState>,
}

impl Task for LanguageModeling {
    type Config = Config;
    type Model = LanguageModel;
    type Position = BpttPosition;

    fn open(config: &Config, saved: Option<&RunDir>) -> Result<Self> {
        let corpus = match saved {
            Some(run) => Corpus::with_tokenizer(config, run.tokenizer()?)?,
            None => Corpus::open(config)?,
        };
        let mut config = config.clone();
        config.model.vocabulary = vocabulary_size(&config, &corpus)?;
        let devices = device::parse_all(&config.device)?;
        let devices: Vec<Device> = devices.into_iter().map(Device::autodiff).collect();
        memory::check(&config, corpus.ids_in_memory())?;
        let s = &config.sampling;
        if s.count > 0 || s.count_per_epoch > 0 {
            // Refused before hours are spent on what its end could not do.
            prompt::encode(&s.prompt, &corpus.tokenizer)?;
        }
        let b = &config.batches;
        if b.size < devices.len() {
            let problem = format!("is {}, for {} devices", b.size, devices.len());
            let mend = "give each device a stream at least, or name fewer";
            return Err(ConfigError::value("config", "batches.size", &problem, mend).into());
        }
        let windows = seed_of(config.seed, Stream::Windows);
        let tokens = corpus.train.tokens.clone();
        let batches = BpttBatches::new(tokens, b.size, b.bptt.clone(), windows)
            .map_err(|error| by_config_key(error, &config))?;
        // The gradient of a sum over the window instead of a mean: within what f16 can hold.
        let scale = match (config.model.precision.needs_loss_scale(), config.loss.over_time) {
            (false, _) => 1.0,
            (true, OverTime::Sum) => b.size as f64,
            (true, OverTime::Mean) => (b.size * b.bptt.nominal()) as f64,
        };
        let objective = Objective {
            loss: config.loss.clone(),
            regularization: config.regularization.clone(),
            scale,
            line_end: if b.restart_lines { corpus.tokenizer.vocabulary().eos_id() } else { None },
            devices,
        };
        Ok(Self { carry: Vec::new(), objective, batches, corpus, config })
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    fn facts(&self) -> Facts {
        let texts = [
            ("train", Some(&self.corpus.train)),
            ("valid", Some(&self.corpus.valid)),
            ("test", self.corpus.test.as_ref()),
        ];
        let info = |text: &Text| DataInfo {
            sha256: text.hash(),
            tokens: text.tokens.len() as u64,
            oov: text.counts.unknown,
        };
        let named = texts.into_iter().filter_map(|(name, text)| Some((name, text?)));
        let data: BTreeMap<_, _> = named.map(|(name, text)| (name.into(), info(text))).collect();
        let vocabulary = self.corpus.tokenizer.vocabulary();
        Facts {
            vocabulary: vocabulary.len(),
            vocabulary_hash: vocabulary.hash(),
            data,
            unit: self.corpus.unit().to_string(),
            source_nats: self.corpus.valid.source_nats,
            notes: Vec::new(),
        }
    }

    fn save(&self, dir: &RunDir) -> Result<()> {
        dir.write_tokenizer(&self.corpus.tokenizer)
    }

    fn config_of(run: &RunDir) -> Result<Config> {
        run.language_model_config()
    }

    fn expect_same_vocabulary(&self, other: &RunDir, name: &str) -> Result<()> {
        let own = self.corpus.tokenizer.vocabulary();
        Ok(own.expect_same(other.tokenizer()?.vocabulary(), name)?)
    }

    fn init(config: &Config, seed: u64, device: &Device) -> Result<LanguageModel> {
        Ok(config.model.init(seed, device)?)
    }

    fn memory(&self, parameters: usize) -> u64 {
        memory::needed(&self.config, parameters, self.corpus.ids_in_memory())
    }

    fn steps_per_epoch(&self) -> u64 {
        self.batches.windows_per_epoch().div_ceil(self.config.batches.accumulate) as u64
    }

    fn steps_left(&self) -> u64 {
        self.batches.windows_left().div_ceil(self.config.batches.accumulate) as u64
    }

    fn tokens_per_epoch(&self) -> u64 {
        self.batches.tokens_per_epoch() as u64
    }

    fn tokens_left_out(&self) -> usize {
        self.batches.tokens_cut_off()
    }

    /// With nothing remembered (Zaremba et al. 2014).
    fn start_epoch(&mut self) {
        self.batches.start_epoch();
        self.carry.clear();
    }

    fn position(&self) -> BpttPosition {
        self.batches.position()
    }

    fn restore(&mut self, position: &BpttPosition, carried: Vec<Tensor<2>>) -> Result<()> {
        let cell = self.config.model.recurrent().cell;
        let carry = StackState::from_tensors(cell, carried).map(StackState::detach);
        self.carry = parallel::deal(carry, &self.objective.devices);
        Ok(self.batches.restore(position)?)
    }

    fn carried(&self) -> Vec<Tensor<2>> {
        StackState::cat(self.carry.clone()).map_or(Vec::new(), StackState::into_tensors)
    }

    fn carried_shapes(&self, device: &Device) -> Vec<Tensor<2>> {
        let stack = self.config.model.recurrent();
        StackState::zeros(&stack, self.config.batches.size, device).into_tensors()
    }

    fn forget(&mut self) {
        self.carry.clear();
    }

    fn backward(
        &mut self,
        model: &LanguageModel,
        mode: &mut Mode,
        gradients: &mut Gradients<LanguageModel>,
    ) {
        for _ in 0..self.config.batches.accumulate {
            let Some(batch) = self.batches.next() else { break };
            let carry = std::mem::take(&mut self.carry);
            self.carry = self.objective.backward(model, &batch, carry, mode, gradients);
        }
    }

    fn loss_scale(&self) -> f64 {
        self.objective.scale
    }

    fn lr_scale(&self, gradients: &Gradients<LanguageModel>) -> f64 {
        if !self.config.batches.bptt_scales_lr {
            return 1.0;
        }
        let mean = gradients.steps as f64 / gradients.windows as f64;
        mean / self.config.batches.bptt.nominal() as f64
    }

    fn has(&self, part: Part) -> bool {
        self.text(part).is_some()
    }

    fn score(
        &self,
        weights: &LanguageModel,
        part: Part,
        at: At,
        watch: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<Scored>> {
        let Some(text) = self.text(part) else { return Ok(None) };
        let b = &self.config.batches;
        let options = EvaluationOptions { batch: b.evaluation_size, steps: b.evaluation_bptt };
        let perplexity = evaluate(weights, text, &self.corpus.tokenizer, options, watch)?;
        Ok(perplexity.map(|p| Scored {
            bits_above_source: text
                .source_nats
                .map(|source| (p.nats_per_token() - source) / std::f64::consts::LN_2),
            ..Scored::new(at, &p)
        }))
    }

    fn samples(&self, weights: &LanguageModel, last: bool) -> Result<Vec<String>> {
        samples::draw(&self.config, &self.corpus.tokenizer, weights, last)
    }

    fn look(&self, dir: &Path, at: At, weights: &LanguageModel) -> Result<()> {
        if !self.config.report.probes.contains(&Probe::Gradients) {
            return Ok(());
        }
        let Corpus { valid, tokenizer, .. } = &self.corpus;
        probe::look(dir, (at.epoch, at.step), weights, valid, tokenizer)
    }
}

impl LanguageModeling {
    fn text(&self, part: Part) -> Option<&Text> {
        match part {
            Part::Train => Some(&self.corpus.train),
            Part::Valid => Some(&self.corpus.valid),
            Part::Test => self.corpus.test.as_ref(),
        }
    }
}

/// A text too short for the windows, by the keys that ask for them.
fn by_config_key(error: DataError, config: &Config) -> Error {
    let DataError::StreamTooShort { tokens, batch, stream, needed, .. } = error else {
        return error.into();
    };
    let bptt = match config.batches.bptt {
        BpttLength::Fixed(_) => "batches.bptt.fixed",
        BpttLength::Random { .. } => "batches.bptt.random.mean",
    };
    // The key that alone can mend it, the window where both can.
    let key = if stream < 2 { "batches.size" } else { bptt };
    let problem = format!(
        "the training text has {tokens} tokens: {batch} streams of {stream}, but one window needs \
         {needed}"
    );
    let mend = format!("lower batches.size or {bptt}, or give more text");
    ConfigError::value("config", key, &problem, &mend).into()
}

/// The config's vocabulary must be the data's; 0 takes it from there.
fn vocabulary_size(config: &Config, corpus: &Corpus) -> Result<usize> {
    let size = corpus.tokenizer.vocabulary().len();
    if config.model.vocabulary != 0 && config.model.vocabulary != size {
        let problem = format!("is {}, but the data has {size} words", config.model.vocabulary);
        let mend = "leave it out (or 0) to take the data's";
        return Err(ConfigError::value("config", "model.vocabulary", &problem, mend).into());
    }
    Ok(size)
}
