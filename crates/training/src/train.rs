//! The main loop, the same for every task, until the budget is spent.

use std::sync::atomic::{AtomicI32, Ordering};

use crate::averaging::{self, Average};
use crate::checkpoint;
use crate::config::RunConfig;
use crate::corpus::Part;
use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::logs::{Logs, Metric, Scored, Timing};
use crate::observer::{Event, Observer, Started, Step};
use crate::pace::Pace;
use crate::run::Run;
use crate::run_dir::RunDir;
use crate::state::Best;
use crate::task::{At, Task};
use crate::{finish, parameters, report};

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The budget is spent.
    Finished(Box<Summary>),
    /// The stop flag was raised; a checkpoint was written.
    Interrupted {
        /// What the flag held: a signal's number.
        signal: i32,
        /// Steps taken.
        step: u64,
    },
}

/// A finished run in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Steps taken.
    pub steps: u64,
    /// Epochs validated.
    pub epochs: u64,
    /// Seconds of all sessions.
    pub seconds: f64,
    /// Training tokens per second, evaluation included in the time.
    pub tokens_per_second: f64,
    /// The best validation.
    pub valid: Option<Scored>,
    /// The test with the best weights.
    pub test: Option<Scored>,
}

/// A run under way in this process.
pub(crate) struct Session<'a, T: Task> {
    pub(crate) run: Run<T>,
    pub(crate) dir: RunDir,
    /// Held until the session ends.
    pub(crate) _lock: Lock,
    pub(crate) logs: Logs,
    pub(crate) pace: Pace,
    pub(crate) stop: &'a AtomicI32,
    pub(crate) observer: &'a mut dyn Observer,
}

impl<T: Task> Session<'_, T> {
    /// The whole of training, then what follows it.
    pub(crate) fn drive(mut self) -> Result<Outcome> {
        // A resumed run's run.json still says how it stopped.
        let outcome = self.note("running").and_then(|()| self.epochs());
        let state = match &outcome {
            Ok(Outcome::Finished(_)) => "finished".to_string(),
            Ok(Outcome::Interrupted { .. }) => "interrupted".to_string(),
            Err(error) => format!("failed: {error}"),
        };
        let noted = self.note(&state).and_then(|()| report::write(self.dir.path()));
        if outcome.is_err() || noted.is_err() {
            // A removal that failed, perhaps for good: the next start tries again.
            let _ = self.dir.remove_unfinished();
        }
        // The run's own error says more than that of a full disk after it.
        let outcome = outcome.map_err(|error| self.stopped_by(error))?;
        let path = noted.map_err(|error| self.stopped_by(error))?;
        self.observer.event(&Event::Report { path: &path });
        Ok(outcome)
    }

    fn epochs(&mut self) -> Result<Outcome> {
        self.observer.event(&Event::Started(&self.started()));
        for note in &self.run.notes {
            self.observer.event(&Event::Warning(note));
        }
        if self.run.state.step == 0 {
            self.probe(0, &self.run.weights())?;
        }
        loop {
            if self.run.state.validated {
                if self.run.budget_spent(self.pace.seconds()) {
                    return finish::finish(self);
                }
                self.run.next_epoch();
            }
            let mut last_checkpoint = self.pace.seconds();
            while !self.run.limit_reached(self.pace.seconds()) && self.step()? {
                if let Some(signal) = self.stopped() {
                    self.checkpoint()?;
                    return Ok(Outcome::Interrupted { signal, step: self.run.state.step });
                }
                if self.checkpoint_due(last_checkpoint) {
                    self.checkpoint()?;
                    last_checkpoint = self.pace.seconds();
                }
            }
            if !self.validate()? {
                self.checkpoint()?; // the state before validation: it will be validated again
                let signal = self.stopped().unwrap_or_default();
                return Ok(Outcome::Interrupted { signal, step: self.run.state.step });
            }
            self.checkpoint()?;
            self.note("running")?;
            self.pace.pause();
        }
    }

    /// One optimiser step; `false` when the epoch's streams are at their end.
    fn step(&mut self) -> Result<bool> {
        let gradients = self.run.backward();
        if gradients.windows == 0 {
            return Ok(false);
        }
        let lr = self.run.lr() * self.run.task.lr_scale(&gradients);
        let loss = gradients.mean_loss();
        let (sum, tokens) = gradients.loss;
        let next = self.run.state.step + 1;
        self.finite("the loss", loss, next, lr, "the step was not applied")?;

        let norm = self.run.update(gradients, lr);
        self.finite("the gradient norm", norm, next, lr, "the step was not applied")?;

        let state = &mut self.run.state;
        state.step += 1;
        state.tokens += tokens;
        state.epoch_loss.add(sum, tokens);
        state.line_loss.add(sum, tokens);
        let rate = self.pace.step(tokens);
        if state.step.is_multiple_of(self.run.shared().report.log_every) {
            self.log_line(lr, norm)?;
        }
        let event = self.progress(loss, lr, norm, rate);
        self.observer.event(&Event::Step(&event));
        Ok(true)
    }

    /// Validates, and lets schedule, averaging and best-so-far take note. `false`: interrupted,
    /// nothing noted.
    fn validate(&mut self) -> Result<bool> {
        let weights = self.run.weights();
        let Some(mut scored) = self.score(&weights, Part::Valid)? else { return Ok(false) };
        // Before anything takes note: a NaN that became the best would stay it, as nothing is less.
        let (step, lr) = (self.run.state.step, self.run.lr());
        self.finite("the validation loss", scored.loss, step, lr, "the weights were not saved")?;
        let state = &mut self.run.state;
        let improved = state.best.as_ref().is_none_or(|best| scored.better_than(best));
        scored.best = Some(improved);
        scored.train_loss = state.epoch_loss.mean();
        state.validated = true;
        state.valid_losses.push(scored.loss);
        if improved {
            state.best = Some(Best {
                epoch: state.epoch,
                step: state.step,
                loss: scored.loss,
                quality: scored.quality.clone(),
                checkpoint: state.checkpoint_name(),
            });
        }
        state.schedule.validated(self.run.task.config().shared().schedule, improved);
        self.run.task.forget();
        self.logs.metric(&Metric::Valid(scored.clone()))?;
        self.observer.event(&Event::Validated(&scored));
        let run = &mut self.run;
        if run.average.is_none()
            && averaging::starts(run.shared().optimizer, &run.state.valid_losses)
        {
            run.average = Some(Average::start(run.model()));
            self.observer.event(&Event::AveragingStarted);
        }
        self.probe(self.run.state.epoch, &weights)?;
        finish::sample(self, &weights, false)?;
        Ok(true)
    }

    /// Looks at what `report.probes` names.
    fn probe(&self, epoch: u64, weights: &T::Model) -> Result<()> {
        self.run.task.look(self.dir.path(), At { epoch, ..self.run.at() }, weights)
    }

    /// Judges weights by a text; `None` when interrupted.
    pub(crate) fn score(&mut self, weights: &T::Model, part: Part) -> Result<Option<Scored>> {
        let (stop, observer) = (self.stop, &mut *self.observer);
        self.run.task.score(weights, part, self.run.at(), &mut |done, total| {
            observer.event(&Event::Evaluating { done, total });
            stop.load(Ordering::Relaxed) == 0
        })
    }

    /// Writes a checkpoint, of weights that are all numbers: the last good one must stay the newest.
    fn checkpoint(&mut self) -> Result<()> {
        let bad = parameters::first_non_finite(self.run.model()).or_else(|| {
            self.run.average.as_ref().and_then(|a| parameters::first_non_finite(&a.mean))
        });
        if let Some((path, value)) = bad {
            let (what, step, lr) =
                (format!("a weight of `{path}`"), self.run.state.step, self.run.lr());
            self.finite(&what, value, step, lr, "the weights were not saved")?;
        }
        self.log_timing()?;
        let path = self.run.save(&self.dir, &self.logs)?;
        self.observer.event(&Event::Checkpoint { path: &path });
        self.pace.pause();
        Ok(())
    }

    /// By steps of the whole run, so that an interruption moves none of them.
    fn checkpoint_due(&self, last: f64) -> bool {
        let c = self.run.shared().checkpoint;
        (c.every_steps > 0 && self.run.state.step.is_multiple_of(c.every_steps))
            || (c.every_minutes > 0.0 && self.pace.seconds() >= last + 60.0 * c.every_minutes)
    }

    fn stopped(&self) -> Option<i32> {
        Some(self.stop.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }

    /// The error that stops the run before anything is written with a number that is none.
    fn finite(&self, what: &str, value: f64, step: u64, lr: f64, left_undone: &str) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        let kept = format!("{left_undone}; {}", self.last_good());
        let epoch = self.run.state.epoch;
        Err(Error::NonFinite { what: what.into(), value, step, epoch, lr, kept })
    }

    /// What there is to go on from.
    fn last_good(&self) -> String {
        match checkpoint::list(&self.dir.checkpoints()).pop() {
            Some(path) => format!("the last good checkpoint is {}", path.display()),
            None => "no checkpoint was written yet".to_string(),
        }
    }

    /// An error of the disk with what is left of the run; others as they are.
    fn stopped_by(&self, error: Error) -> Error {
        let (path, source) = match error.into_write() {
            Ok(refused) => refused,
            Err(other) => return other,
        };
        let (good, run) = (self.last_good(), self.dir.path().display());
        let kept = format!("{good}: make room, then continue with `lampwick train --resume {run}`");
        Error::Stopped { path, source, step: self.run.state.step, kept }
    }

    fn log_line(&mut self, lr: f64, gradient_norm: f64) -> Result<()> {
        self.log_timing()?;
        let state = &mut self.run.state;
        let loss = std::mem::take(&mut state.line_loss).mean().unwrap_or(f64::NAN);
        self.logs.metric(&Metric::Train {
            epoch: state.epoch,
            step: state.step,
            tokens: state.tokens,
            loss,
            perplexity: loss.exp(),
            lr,
            gradient_norm,
        })
    }

    fn log_timing(&mut self) -> Result<()> {
        self.logs.timing(&Timing {
            step: self.run.state.step,
            seconds: self.pace.seconds(),
            tokens_per_second: self.pace.rate(),
        })
    }

    /// Brings run.json up to date.
    fn note(&mut self, state: &str) -> Result<()> {
        let run = &mut self.run;
        run.info.state = state.to_string();
        run.info.step = run.state.step;
        run.info.epochs = run.state.valid_losses.len() as u64;
        run.info.seconds = self.pace.seconds();
        run.info.tokens_per_second = run.state.tokens as f64 / run.info.seconds.max(1e-9);
        run.info.best_valid_perplexity = run.state.best.as_ref().map(|best| best.loss.exp());
        run.info.best_valid_quality = run.state.best.as_ref().and_then(|best| best.quality.clone());
        self.dir.write_info(&run.info)
    }

    fn started(&self) -> Started {
        let run = &self.run;
        Started {
            dir: self.dir.path().to_path_buf(),
            parameters: run.info.parameters,
            device: run.info.device.clone(),
            vocabulary: run.info.vocabulary,
            train_tokens: run.info.tokens("train"),
            steps_per_epoch: run.task.steps_per_epoch(),
            total_steps: run.total_steps,
            step: run.state.step,
            source_entropy_bits: run.source_nats.map(|n| n / std::f64::consts::LN_2),
        }
    }

    fn progress(&self, loss: f64, lr: f64, gradient_norm: f64, tokens_per_second: f64) -> Step {
        let run = &self.run;
        let steps_per_epoch = run.task.steps_per_epoch();
        let budget = run.shared().budget;
        let minutes = budget.minutes;
        let by_steps = (run.total_steps > 0)
            .then(|| self.pace.eta(run.total_steps.saturating_sub(run.state.step)))
            .flatten();
        let by_time = (minutes > 0.0).then(|| (60.0 * minutes - self.pace.seconds()).max(0.0));
        Step {
            epoch: run.state.epoch,
            epochs: budget.epochs,
            step: run.state.step,
            step_in_epoch: steps_per_epoch.saturating_sub(run.task.steps_left()),
            steps_per_epoch,
            total_steps: run.total_steps,
            epoch_loss: run.state.epoch_loss.mean().unwrap_or(loss),
            loss,
            lr,
            gradient_norm,
            tokens_per_second,
            eta_seconds: [by_steps, by_time].into_iter().flatten().reduce(f64::min),
        }
    }
}
