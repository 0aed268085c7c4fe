//! The append-only files of a run: one JSON object a line.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use lampwick_data::files::OutputFile;
use lampwick_metrics::Perplexity;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::state::{Best, LogLengths};
use crate::task::At;
use crate::tensorboard::EventFile;

/// The names of the three files.
pub(crate) const METRICS: &str = "metrics.jsonl";
pub(crate) const TIMINGS: &str = "timings.jsonl";
pub(crate) const SAMPLES: &str = "samples.jsonl";

/// One line of `metrics.jsonl`. No wall-clock figure is among them, so that equal runs write equal
/// bytes; those are in `timings.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Metric {
    /// Training since the last such line.
    Train {
        /// Epoch, from 1.
        epoch: u64,
        /// Steps taken.
        step: u64,
        /// Training tokens so far.
        tokens: u64,
        /// Mean loss since the last line, nats per token.
        loss: f64,
        /// exp(loss).
        perplexity: f64,
        /// Learning rate of the last step.
        lr: f64,
        /// Gradient norm of the last step, before clipping.
        gradient_norm: f64,
    },
    /// Validation after an epoch.
    Valid(Scored),
    /// The test at the end.
    Test(Scored),
}

impl Metric {
    /// Steps taken.
    pub fn step(&self) -> u64 {
        match self {
            Self::Train { step, .. } => *step,
            Self::Valid(scored) | Self::Test(scored) => scored.step,
        }
    }
}

/// What an evaluation says.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct Scored {
    /// Epoch, from 1.
    pub epoch: u64,
    /// Steps taken.
    pub step: u64,
    /// Training tokens so far.
    pub tokens: u64,
    /// Mean loss, nats per token.
    pub loss: f64,
    /// exp(loss).
    pub perplexity: f64,
    /// Tokens scored.
    pub scored: u64,
    /// Of these, out of vocabulary.
    pub oov: u64,
    /// `word`, `character`, `byte` or `token`.
    pub unit: String,
    /// Training loss of the whole epoch, nats per token (validation only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_loss: Option<f64>,
    /// Bits per token above the source's own entropy (synthetic language only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits_above_source: Option<f64>,
    /// What the model's own output is worth, where it is measured; then it decides which is best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// Other measures of it, and the same with another search; they decide nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Quality>,
    /// Whether it is the best so far (validation only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<bool>,
}

/// A measure of output against references.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct Quality {
    /// Its name, such as `BLEU`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Whether less is better (error rates).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub less_is_better: bool,
    /// All settings that change the value; without them it cannot be compared.
    #[serde(default)]
    pub signature: String,
}

impl std::fmt::Display for Quality {
    /// `BLEU 34.21`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:.2}", self.name, self.value)
    }
}

impl Scored {
    /// What a perplexity says, at some place of a run.
    pub(crate) fn new(at: At, perplexity: &Perplexity) -> Self {
        Self {
            epoch: at.epoch,
            step: at.step,
            tokens: at.tokens,
            loss: perplexity.nats_per_token(),
            perplexity: perplexity.value(),
            scored: perplexity.tokens(),
            oov: perplexity.oov(),
            unit: perplexity.unit().to_string(),
            train_loss: None,
            bits_above_source: None,
            quality: None,
            also: Vec::new(),
            best: None,
        }
    }

    /// Whether it is better than the best so far: by the quality where one is measured, by the loss
    /// among equals.
    pub(crate) fn better_than(&self, best: &Best) -> bool {
        match (&self.quality, &best.quality) {
            (Some(now), Some(before)) if now.value != before.value => {
                (now.value > before.value) != now.less_is_better
            }
            _ => self.loss < best.loss,
        }
    }
}

/// One line of `timings.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct Timing {
    /// Steps taken.
    pub step: u64,
    /// Seconds since the run began, over all its sessions.
    pub seconds: f64,
    /// Training tokens per second, smoothed.
    pub tokens_per_second: f64,
}

/// Seconds of the run at `step`, by the last of the timings up to it.
pub(crate) fn seconds_at(timings: &[Timing], step: u64) -> f64 {
    let after = timings.partition_point(|timing| timing.step <= step);
    timings[..after].last().map_or(0.0, |timing| timing.seconds)
}

/// One line of `samples.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct SampleLine {
    /// Epoch, from 1.
    pub epoch: u64,
    /// Steps taken.
    pub step: u64,
    /// The text.
    pub text: String,
}

/// Reads one of the files; a line torn by a kill ends it.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read.
pub fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::read(path, e))?;
    Ok(text.lines().map_while(|line| serde_json::from_str(line).ok()).collect())
}

/// The best validation among the lines.
pub fn best_valid(metrics: &[Metric]) -> Option<Scored> {
    best_of(metrics.iter().filter_map(|metric| match metric {
        Metric::Valid(scored) => Some(scored),
        _ => None,
    }))
}

/// The best of validations in the order in which they were made: the last that was the best so far.
pub(crate) fn best_of<'a>(
    mut valid: impl DoubleEndedIterator<Item = &'a Scored>,
) -> Option<Scored> {
    valid.rfind(|scored| scored.best == Some(true)).cloned()
}

/// An append-only file whose length is known.
#[derive(Debug)]
pub(crate) struct Lines {
    file: OutputFile,
    path: PathBuf,
    length: u64,
}

impl Lines {
    /// Opens for appending, cut to `length` (0 for a new run).
    pub(crate) fn open(path: &Path, length: u64) -> Result<Self> {
        let mut file = OutputFile::open(path).map_err(|e| Error::write(path, e))?;
        file.cut(length).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => Error::LogTooShort { path: path.into(), length },
            _ => Error::write(path, e),
        })?;
        Ok(Self { file, path: path.into(), length })
    }

    /// Appends one line, the whole of it or nothing.
    pub(crate) fn push(&mut self, line: &impl Serialize) -> Result<()> {
        let mut bytes = serde_json::to_vec(line).expect("a log line is plain data");
        bytes.push(b'\n');
        if let Err(error) = self.file.write_all(&bytes) {
            let _ = self.file.cut(self.length);
            return Err(Error::write(&self.path, error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Flushes to the disk: before a checkpoint vouches for the length.
    pub(crate) fn sync(&self) -> Result<()> {
        self.file.sync().map_err(|e| Error::write(&self.path, e))
    }
}

/// The three logs of a run, and its event file where the config asks for one.
#[derive(Debug)]
pub(crate) struct Logs {
    metrics: Lines,
    timings: Lines,
    samples: Lines,
    events: Option<EventFile>,
}

impl Logs {
    /// Opens the logs of a run that stands at `step`, each cut to what a checkpoint of that step
    /// vouches for. Also says the seconds that the run had taken until then. `events_since`: for an
    /// event file, when the run began, in seconds since 1970.
    pub(crate) fn open(
        dir: &Path,
        lengths: LogLengths,
        step: u64,
        events_since: Option<u64>,
    ) -> Result<(Self, f64)> {
        let [metrics, timings, samples] = [METRICS, TIMINGS, SAMPLES].map(|name| dir.join(name));
        let (until, seconds) = timings_until(&timings, step)?;
        let mut logs = Self {
            metrics: Lines::open(&metrics, lengths.metrics)?,
            timings: Lines::open(&timings, until)?,
            samples: Lines::open(&samples, lengths.samples)?,
            events: None,
        };
        if let Some(started) = events_since {
            let (metrics, timings, samples) = (read(&metrics)?, read(&timings)?, read(&samples)?);
            logs.events = Some(EventFile::open(dir, started, &metrics, &timings, &samples)?);
        }
        Ok((logs, seconds))
    }

    pub(crate) fn metric(&mut self, metric: &Metric) -> Result<()> {
        self.metrics.push(metric)?;
        self.events.as_mut().map_or(Ok(()), |events| events.metric(metric))
    }

    pub(crate) fn timing(&mut self, timing: &Timing) -> Result<()> {
        self.timings.push(timing)?;
        self.events.as_mut().map_or(Ok(()), |events| events.timing(timing))
    }

    pub(crate) fn sample(&mut self, sample: &SampleLine) -> Result<()> {
        self.samples.push(sample)?;
        self.events.as_mut().map_or(Ok(()), |events| events.sample(sample))
    }

    /// Syncs all three and returns the lengths that a checkpoint vouches for.
    pub(crate) fn sync(&self) -> Result<LogLengths> {
        for lines in [&self.metrics, &self.timings, &self.samples] {
            lines.sync()?;
        }
        Ok(LogLengths { metrics: self.metrics.length, samples: self.samples.length })
    }
}

/// How many bytes of `timings.jsonl` belong to the steps up to `step`, and the last one's seconds.
fn timings_until(path: &Path, step: u64) -> Result<(u64, f64)> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((0, 0.0)),
        Err(error) => return Err(Error::read(path, error)),
    };
    let (mut length, mut seconds) = (0, 0.0);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match serde_json::from_slice::<Timing>(line) {
            Ok(timing) if timing.step <= step && line.ends_with(b"\n") => seconds = timing.seconds,
            _ => break,
        }
        length += line.len() as u64;
    }
    Ok((length, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reopening_cuts_what_no_checkpoint_vouches_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("timings.jsonl");
        let line = |step| Timing { step, seconds: 1.0, tokens_per_second: 2.0 };
        let mut lines = Lines::open(&path, 0).unwrap();
        lines.push(&line(1)).unwrap();
        let vouched = lines.length;
        lines.push(&line(2)).unwrap();
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"torn")
            .unwrap();
        let mut again = Lines::open(&path, vouched).unwrap();
        again.push(&line(3)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let steps: Vec<Timing> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(steps.iter().map(|t| t.step).collect::<Vec<_>>(), [1, 3]);
        assert!(Lines::open(&path, 10_000).unwrap_err().to_string().contains("shorter"));
        // The clock's own lines go by their steps.
        let at = |step| timings_until(&path, step).unwrap();
        assert_eq!(at(0), (0, 0.0));
        assert_eq!(at(2), (vouched, 1.0));
        assert_eq!(at(3), (text.len() as u64, 1.0));
        assert!(Lines::open(&dir.path().join("no/such/folder.jsonl"), 0).is_err());
    }
}
