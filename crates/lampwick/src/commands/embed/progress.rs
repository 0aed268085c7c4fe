//! The bar of a stage, on stderr, and a training's way; where stderr is no terminal, a line now and then.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use lampwick::embeddings::training::{self, Observer};
use lampwick::embeddings::{EmbeddingError, Progress, Result, Stage};
use lampwick::metrics::figures::{clock, count};

use super::opened;

/// Between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Shows the stages of a computation.
pub(super) struct Stages {
    bar: ProgressBar,
    training: AtomicBool,
    /// When the stage began, and when the last plain line was written.
    times: Mutex<(Instant, Instant)>,
    /// The last loss, in millionths.
    loss: AtomicU64,
    /// The signal that came.
    signal: Arc<AtomicI32>,
    checkpoint: Option<Checkpoint>,
}

/// When and where a training is put in a safe place.
struct Checkpoint {
    path: PathBuf,
    every: Duration,
    last: Mutex<Instant>,
}

impl Stages {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            bar: ProgressBar::new(0),
            training: AtomicBool::new(false),
            times: Mutex::new((now, now)),
            loss: AtomicU64::new(u64::MAX),
            signal: Arc::default(),
            checkpoint: None,
        }
    }

    /// With checkpoints, and a signal that asks for the last one.
    pub(super) fn with_checkpoint(
        self,
        signal: Arc<AtomicI32>,
        path: Option<PathBuf>,
        every: Duration,
    ) -> Self {
        let last = Mutex::new(Instant::now());
        let checkpoint = path.map(|path| Checkpoint { path, every, last });
        Self { signal, checkpoint, ..self }
    }

    /// The signal that came, if one did.
    pub(super) fn signal(&self) -> Option<i32> {
        Some(self.signal.load(Relaxed)).filter(|&signal| signal != 0)
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// How a training goes, and where there is no bar any stage, now and then.
    fn tell(&self, done: u64) {
        // Whoever finds the lock taken has nothing to tell that the other does not.
        let Ok(mut times) = self.times.try_lock() else { return };
        let (start, last) = *times;
        let every = if self.bar.is_hidden() { PLAIN_EVERY } else { Duration::from_millis(200) };
        if last.elapsed() < every {
            return;
        }
        times.1 = Instant::now();
        let seconds = start.elapsed().as_secs_f64();
        let speed = done as f64 / seconds;
        let mut line = format!("{} a second", count(speed as u64));
        let loss = self.loss.load(Relaxed);
        if loss != u64::MAX {
            line += &format!("  loss {:.4}", loss as f64 / 1e6);
        }
        if let Some(all) = self.bar.length().filter(|&all| all > done && done > 0) {
            line += &format!("  {} left", clock((all - done) as f64 / speed));
            if self.bar.is_hidden() {
                line = format!("{:.1} %  {line}", 100.0 * done as f64 / all as f64);
            }
        }
        if self.bar.is_hidden() {
            // What is not trained is named by the bar's message.
            let name = self.bar.message();
            tell!("{name}{}{line}", if name.is_empty() { "" } else { ": " });
        } else {
            self.bar.set_message(line);
        }
    }
}

impl Progress for Stages {
    fn stage(&self, stage: Stage, total: Option<u64>) {
        let trains = stage == Stage::Training;
        let template = match (trains, total) {
            (true, _) => "{bar:20} {percent} %  {wide_msg}",
            (false, Some(_)) => "{msg:<10} {bar:20} {percent} %  {eta} left",
            (false, None) => "{msg:<10} {spinner} {bytes}  {bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(template).expect("templates that are tested");
        self.bar.reset();
        self.bar.set_style(style);
        self.bar.set_length(total.unwrap_or(0));
        self.bar.set_message(if trains { "" } else { stage.name() });
        self.training.store(trains, Relaxed);
        let now = Instant::now();
        *self.times.lock().expect("no thread panics") = (now, now);
        tracing::info!("{}", stage.name());
    }

    fn at(&self, done: u64) {
        self.bar.set_position(done);
        if self.training.load(Relaxed) || self.bar.is_hidden() {
            self.tell(done);
        }
    }

    fn loss(&self, loss: f64, _: f64) {
        self.loss.store((loss * 1e6) as u64, Relaxed);
    }
}

impl Observer for Stages {
    fn wants_pause(&self) -> bool {
        self.signal().is_some()
            || self
                .checkpoint
                .as_ref()
                .is_some_and(|it| it.last.try_lock().is_ok_and(|last| last.elapsed() >= it.every))
    }

    fn paused(&self, model: &dyn training::Checkpoint) -> Result<bool> {
        if let Some(Checkpoint { path, last, .. }) = &self.checkpoint {
            opened::write(path, |out| model.write_checkpoint(out)).map_err(|error| {
                EmbeddingError::Setting(format!("the checkpoint could not be written: {error}"))
            })?;
            *last.lock().expect("no thread panics") = Instant::now();
            tracing::info!("checkpoint {}", path.display());
        }
        Ok(self.signal().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_bar() {
        let stages = Stages::new();
        stages.stage(Stage::Reading, None);
        stages.at(5);
        stages.stage(Stage::Quantizing, Some(5));
        stages.at(5);
        stages.stage(Stage::Training, Some(5));
        stages.loss(2.0, 0.1);
        stages.at(4);
        stages.finish();
    }
}
