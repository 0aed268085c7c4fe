//! A run's live objects: built from a config, or put back from a checkpoint.

use std::path::PathBuf;

use burn::prelude::*;
use lampwick_data::{BpttBatch, BpttBatches, BpttLength, DataError};
use lampwick_models::{LanguageModel, Mode, StackState};

use crate::averaging::{self, Average};
use crate::checkpoint::{self, Files};
use crate::config::{Config, ConfigError, OverTime, ScheduleConfig};
use crate::corpus::Corpus;
use crate::device;
use crate::error::{Error, Result};
use crate::logs::Logs;
use crate::memory;
use crate::model::{TrainedModel, Which};
use crate::observer::{Event, Observer};
use crate::optimizer::Rule;
use crate::parallel;
use crate::parameters;
use crate::prompt;
use crate::run_dir::{RunDir, RunInfo};
use crate::schedule::Progress;
use crate::snapshot::{self, Restored};
use crate::state::{MeanLoss, State};
use crate::step::{Gradients, Objective};

/// Everything that a step reads or changes.
pub(crate) struct Run {
    pub(crate) config: Config,
    pub(crate) corpus: Corpus,
    pub(crate) info: RunInfo,
    /// Moved out and back by each step: Burn updates in place only what nobody else holds.
    model: Option<LanguageModel>,
    pub(crate) rule: Rule,
    pub(crate) objective: Objective,
    pub(crate) average: Option<Average<LanguageModel>>,
    pub(crate) batches: BpttBatches,
    /// The state that each device's streams carry to the next window; none at an epoch's start.
    pub(crate) carry: Vec<StackState>,
    pub(crate) state: State,
    /// Steps of an epoch and of the run by the budget (0: unknown).
    pub(crate) steps_per_epoch: u64,
    pub(crate) total_steps: u64,
}

/// Independent random streams from one seed.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Weights = 1,
    Dropout,
    Windows,
    Samples,
}

/// A stream's own seed: SplitMix64 (Steele et al. 2014), so that neighbouring seeds are unrelated.
pub(crate) fn seed_of(seed: u64, stream: Stream) -> u64 {
    let mut z = seed.wrapping_add((stream as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Run {
    /// Everything before the first step.
    pub(crate) fn build(config: &Config, corpus: Corpus) -> Result<Self> {
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
        let model = config.model.init(seed_of(config.seed, Stream::Weights), &devices[0])?;
        let model = parameters::name_by_path(model);
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
        let steps_per_epoch = batches.windows_per_epoch().div_ceil(b.accumulate) as u64;
        let total_steps =
            config.budget.total_steps(steps_per_epoch, batches.tokens_per_epoch() as u64);
        if let ScheduleConfig::Cosine(c) = &config.schedule
            && c.total_steps == 0
            && total_steps == 0
        {
            let problem = "is 0, and the budget does not say how many steps there will be";
            let mend = "set it, or budget.epochs, or budget.steps";
            return Err(ConfigError::value("config", "schedule.total_steps", problem, mend).into());
        }
        let average = averaging::starts(&config.optimizer, &[]).then(|| Average::start(&model));
        let dropout = Mode::train(seed_of(config.seed, Stream::Dropout));
        let mut state = State::new(batches.position(), dropout);
        state.averaged = average.as_ref().map(|_| 0);
        // The gradient of a sum over the window instead of a mean: within what f16 can hold.
        let scale = match (config.model.precision.needs_loss_scale(), config.loss.over_time) {
            (false, _) => 1.0,
            (true, OverTime::Sum) => b.size as f64,
            (true, OverTime::Mean) => (b.size * b.bptt.nominal()) as f64,
        };
        let objective = Objective {
            loss: config.loss.clone(),
            regularization: config.regularization.clone(),
            on_host: device::on_host(&config.device),
            scale,
            line_end: if b.restart_lines { corpus.tokenizer.vocabulary().eos_id() } else { None },
            devices,
        };
        Ok(Self {
            info: RunInfo::new(&config, &corpus, model.num_params()),
            objective,
            rule: Rule::new(&config.optimizer, config.regularization.weight_decay),
            carry: Vec::new(),
            model: Some(model),
            average,
            batches,
            state,
            steps_per_epoch,
            total_steps,
            corpus,
            config,
        })
    }

    /// Takes the best weights of the run that `start_from` names, where it names one; says what was
    /// wrong with checkpoints that had to be passed by.
    ///
    /// # Errors
    /// The other run cannot be read, has another vocabulary, or a model of other sizes.
    pub(crate) fn start_from(&mut self, observer: &mut dyn Observer) -> Result<()> {
        if self.config.start_from.is_empty() {
            return Ok(());
        }
        let path = PathBuf::from(&self.config.start_from);
        let device = device::parse(&self.config.device)?;
        let other = TrainedModel::load(&path, Which::Best, &device)?;
        let own = self.corpus.tokenizer.vocabulary();
        own.expect_same(other.tokenizer.vocabulary(), "the run of start_from")?;
        let mut model = self.model().clone();
        parameters::to_bytes(&other.model)
            .and_then(|bytes| parameters::from_bytes(&mut model, bytes))
            .map_err(|e| Error::NotARun {
                path,
                problem: format!("start_from: its weights do not fit this config's [model] ({e})"),
            })?;
        self.model = Some(parameters::name_by_path(model));
        for warning in &other.warnings {
            observer.event(&Event::Warning(warning));
        }
        Ok(())
    }

    /// The same run where a checkpoint left it.
    pub(crate) fn restored(self, files: Files) -> Result<Self> {
        let batch = self.config.batches.size;
        let Restored { state, model, rule, average, carry } =
            snapshot::restore(files, self.model().clone(), self.rule, batch)?;
        let carry = parallel::deal(carry, &self.objective.devices);
        let mut batches = self.batches;
        batches.restore(&state.position)?;
        Ok(Self { state, model: Some(model), rule, average, carry, batches, ..self })
    }

    /// Writes a checkpoint and forgets old ones.
    pub(crate) fn save(&mut self, dir: &RunDir, logs: &Logs) -> Result<PathBuf> {
        self.state.position = self.batches.position();
        self.state.averaged = self.average.as_ref().map(|average| average.count);
        self.state.logs = logs.sync()?;
        let carry = StackState::cat(self.carry.clone());
        let files = snapshot::files(
            &self.state,
            self.model(),
            &self.rule,
            self.average.as_ref(),
            carry.as_ref(),
        )?;
        let checkpoints = dir.checkpoints();
        let path = checkpoint::publish(&checkpoints, &self.state.checkpoint_name(), &files)?;
        checkpoint::prune(&checkpoints, self.config.checkpoint.keep)?;
        Ok(path)
    }

    /// For an event file, when the run began; `None` where the config asks for none.
    pub(crate) fn events_since(&self) -> Option<u64> {
        self.config.report.tensorboard.then_some(self.info.started)
    }

    /// The weights of the walk, on the tape's device.
    pub(crate) fn model(&self) -> &LanguageModel {
        self.model.as_ref().expect("a step gives the model back")
    }

    /// Forward and backward over one window, from the carried state to the next.
    pub(crate) fn backward(&mut self, batch: &BpttBatch, gradients: &mut Gradients) {
        let model = self.model.as_ref().expect("a step gives the model back");
        let carry = std::mem::take(&mut self.carry);
        let mode = &mut self.state.dropout;
        self.carry = self.objective.backward(model, batch, carry, mode, gradients);
    }

    /// Clips, descends, averages; returns the gradient's norm. Nothing changes when it is not finite.
    pub(crate) fn update(&mut self, gradients: Gradients, lr: f64) -> f64 {
        let model = self.model.take().expect("a step gives the model back");
        let (model, norm) = self.objective.apply(model, &mut self.rule, gradients, lr);
        if norm.is_finite() {
            self.average = self.average.take().map(|average| average.add(&model));
        }
        self.model = Some(model);
        norm
    }

    /// The weights to evaluate and sample with, off the tape: the average once there is one.
    pub(crate) fn weights(&self) -> LanguageModel {
        match &self.average {
            Some(average) if average.count > 0 => average.mean.clone(),
            _ => self.model().valid(),
        }
    }

    /// The rate of the next step, window lengths aside.
    pub(crate) fn lr(&self) -> f64 {
        let State { epoch, step, .. } = self.state;
        let at = Progress { epoch, step, total_steps: self.total_steps };
        self.state.schedule.lr(self.config.optimizer.lr(), &self.config.schedule, at)
    }

    /// Back to the start of the streams, with nothing remembered (Zaremba et al. 2014).
    pub(crate) fn next_epoch(&mut self) {
        self.state.epoch += 1;
        self.state.validated = false;
        self.state.epoch_loss = MeanLoss::default();
        self.batches.start_epoch();
        self.carry.clear();
    }

    /// Whether a limit within an epoch is reached.
    pub(crate) fn limit_reached(&self, seconds: f64) -> bool {
        let b = &self.config.budget;
        (b.steps > 0 && self.state.step >= b.steps)
            || (b.tokens > 0 && self.state.tokens >= b.tokens)
            || (b.minutes > 0.0 && seconds >= 60.0 * b.minutes)
    }

    /// Whether the run ends after the epoch just validated.
    pub(crate) fn budget_spent(&self, seconds: f64) -> bool {
        let b = &self.config.budget;
        self.limit_reached(seconds)
            || (b.epochs > 0 && self.state.epoch >= b.epochs)
            || (b.patience > 0 && self.state.epochs_without_improvement() >= b.patience)
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
