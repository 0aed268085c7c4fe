//! A run's live objects: built from a config, or put back from a checkpoint.

use std::path::PathBuf;

use burn::module::Module;
use lampwick_data::DataError;
use lampwick_models::Mode;

use crate::averaging::{self, Average};
use crate::checkpoint::{self, Files};
use crate::config::{ConfigError, RunConfig, ScheduleConfig, Shared};
use crate::device;
use crate::error::{Error, Result};
use crate::logs::Logs;
use crate::model::{self, Which};
use crate::observer::{Event, Observer};
use crate::optimizer::Rule;
use crate::parameters;
use crate::run_dir::{RunDir, RunInfo};
use crate::schedule::Progress;
use crate::seeds::{Stream, seed_of};
use crate::snapshot::{self, Restored};
use crate::state::{MeanLoss, State};
use crate::step::Gradients;
use crate::task::{At, Task};

/// Everything that a step reads or changes.
pub(crate) struct Run<T: Task> {
    pub(crate) task: T,
    pub(crate) info: RunInfo,
    /// Moved out and back by each step: Burn updates in place only what nobody else holds.
    model: Option<T::Model>,
    rule: Rule,
    /// The gradients lie in this process's memory.
    on_host: bool,
    pub(crate) average: Option<Average<T::Model>>,
    pub(crate) state: State<T::Position>,
    /// Steps of the run by the budget (0: unknown).
    pub(crate) total_steps: u64,
    /// Entropy of the synthetic language on the validation text, nats per token.
    pub(crate) source_nats: Option<f64>,
    /// What whoever watches should know of the data.
    pub(crate) notes: Vec<String>,
}

impl<T: Task> Run<T> {
    /// Everything before the first step. `saved`: the run that goes on.
    pub(crate) fn build(config: &T::Config, saved: Option<&RunDir>) -> Result<Self> {
        let task = T::open(config, saved)?;
        let c = task.config().shared();
        let device = device::parse(c.device)?.autodiff();
        let model = T::init(task.config(), seed_of(c.seed, Stream::Weights), &device)?;
        let model = parameters::name_by_path(model);
        let total_steps = c.budget.total_steps(task.steps_per_epoch(), task.tokens_per_epoch());
        if let ScheduleConfig::Cosine(cosine) = c.schedule
            && cosine.total_steps == 0
            && total_steps == 0
        {
            let problem = "is 0, and the budget does not say how many steps there will be";
            let mend = "set it, or budget.epochs, or budget.steps";
            return Err(ConfigError::value("config", "schedule.total_steps", problem, mend).into());
        }
        let average = averaging::starts(c.optimizer, &[]).then(|| Average::start(&model));
        let dropout = Mode::train(seed_of(c.seed, Stream::Dropout));
        let mut state = State::new(task.position(), dropout);
        state.averaged = average.as_ref().map(|_| 0);
        let facts = task.facts();
        Ok(Self {
            source_nats: facts.source_nats,
            notes: facts.notes.clone(),
            info: RunInfo::new(c, facts, model.num_params()),
            rule: Rule::new(c.optimizer, c.regularization.weight_decay),
            on_host: device::on_host(c.device),
            model: Some(model),
            average,
            state,
            total_steps,
            task,
        })
    }

    /// The sections that every task has.
    pub(crate) fn shared(&self) -> Shared<'_> {
        self.task.config().shared()
    }

    /// Takes the best weights of the run that `start_from` names, where it names one; says what was
    /// wrong with checkpoints that had to be passed by.
    ///
    /// # Errors
    /// The other run cannot be read, has another vocabulary, or a model of other sizes.
    pub(crate) fn start_from(&mut self, observer: &mut dyn Observer) -> Result<()> {
        if self.shared().start_from.is_empty() {
            return Ok(());
        }
        let path = PathBuf::from(self.shared().start_from);
        let device = device::parse(self.shared().device)?;
        let other = RunDir::open(&path)?;
        let config = T::config_of(&other)?;
        self.task.expect_same_vocabulary(&other, "the run of start_from").map_err(|error| {
            match error {
                Error::Data(DataError::VocabularyMismatch {
                    expected_size, found_size, ..
                }) => {
                    let path = path.clone();
                    Error::StartFromVocabulary { path, found: found_size, own: expected_size }
                }
                other => other,
            }
        })?;
        let loaded = model::load::<T>(&other, &config, Which::Best, &device)?;
        let mut model = self.model().clone();
        parameters::to_bytes(&loaded.model)
            .and_then(|bytes| parameters::from_bytes(&mut model, bytes))
            .map_err(|problem| Error::StartFrom { path, problem })?;
        self.model = Some(parameters::name_by_path(model));
        for warning in &loaded.warnings {
            observer.event(&Event::Warning(warning));
        }
        Ok(())
    }

    /// The same run where a checkpoint left it.
    pub(crate) fn restored(self, files: Files) -> Result<Self> {
        let device = device::parse(self.shared().device)?.autodiff();
        let shapes = self.task.carried_shapes(&device);
        let Restored { state, model, rule, average, carried } =
            snapshot::restore::<T>(files, self.model().clone(), self.rule, shapes)?;
        let mut task = self.task;
        task.restore(&state.position, carried)?;
        Ok(Self { state, model: Some(model), rule, average, task, ..self })
    }

    /// Writes a checkpoint and forgets old ones.
    pub(crate) fn save(&mut self, dir: &RunDir, logs: &Logs) -> Result<PathBuf> {
        self.state.position = self.task.position();
        self.state.averaged = self.average.as_ref().map(|average| average.count);
        self.state.logs = logs.sync()?;
        let files = snapshot::files(
            &self.state,
            self.model(),
            &self.rule,
            self.average.as_ref(),
            self.task.carried(),
        )?;
        let checkpoints = dir.checkpoints();
        let path = checkpoint::publish(&checkpoints, &self.state.checkpoint_name(), &files)?;
        checkpoint::prune(&checkpoints, self.shared().checkpoint.keep)?;
        Ok(path)
    }

    /// For an event file, when the run began; `None` where the config asks for none.
    pub(crate) fn events_since(&self) -> Option<u64> {
        self.shared().report.tensorboard.then_some(self.info.started)
    }

    /// The weights of the walk, on the tape's device.
    pub(crate) fn model(&self) -> &T::Model {
        self.model.as_ref().expect("a step gives the model back")
    }

    /// Forward and backward over the batches of the next step; none at the epoch's end.
    pub(crate) fn backward(&mut self) -> Gradients<T::Model> {
        let model = self.model.as_ref().expect("a step gives the model back");
        let mut gradients = Gradients::none();
        self.task.backward(model, &mut self.state.dropout, &mut gradients);
        gradients
    }

    /// Clips, descends, averages; returns the gradient's norm. Nothing changes when it is not finite.
    pub(crate) fn update(&mut self, gradients: Gradients<T::Model>, lr: f64) -> f64 {
        let model = self.model.take().expect("a step gives the model back");
        let clip = self.task.config().shared().regularization.clip_norm;
        let scale = self.task.loss_scale();
        let (model, norm) = gradients.apply(model, &mut self.rule, lr, clip, scale, self.on_host);
        if norm.is_finite() {
            self.average = self.average.take().map(|average| average.add(&model));
        }
        self.model = Some(model);
        norm
    }

    /// The weights to evaluate and sample with, off the tape: the average once there is one.
    pub(crate) fn weights(&self) -> T::Model {
        match &self.average {
            Some(average) if average.count > 0 => average.mean.clone(),
            _ => self.model().clone().valid(),
        }
    }

    /// The rate of the next step, the lengths of its batches aside.
    pub(crate) fn lr(&self) -> f64 {
        let State { epoch, step, .. } = self.state;
        let at = Progress { epoch, step, total_steps: self.total_steps };
        let c = self.shared();
        self.state.schedule.lr(c.optimizer.lr(), c.schedule, at)
    }

    /// Where the run stands.
    pub(crate) fn at(&self) -> At {
        At { epoch: self.state.epoch, step: self.state.step, tokens: self.state.tokens }
    }

    /// Back to the start of the data.
    pub(crate) fn next_epoch(&mut self) {
        self.state.epoch += 1;
        self.state.validated = false;
        self.state.epoch_loss = MeanLoss::default();
        self.task.start_epoch();
    }

    /// Whether a limit within an epoch is reached.
    pub(crate) fn limit_reached(&self, seconds: f64) -> bool {
        let b = self.shared().budget;
        (b.steps > 0 && self.state.step >= b.steps)
            || (b.tokens > 0 && self.state.tokens >= b.tokens)
            || (b.minutes > 0.0 && seconds >= 60.0 * b.minutes)
    }

    /// Whether the run ends after the epoch just validated.
    pub(crate) fn budget_spent(&self, seconds: f64) -> bool {
        let b = self.shared().budget;
        self.limit_reached(seconds)
            || (b.epochs > 0 && self.state.epoch >= b.epochs)
            || (b.patience > 0 && self.state.epochs_without_improvement() >= b.patience)
            || (b.nonmonotone > 0
                && averaging::worse_than_before(
                    &self.state.valid_losses,
                    usize::try_from(b.nonmonotone).unwrap_or(usize::MAX),
                ))
    }
}
