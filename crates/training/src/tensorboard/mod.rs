//! TensorBoard event files, a view of the logs for `tensorboard --logdir runs`.
//!
//! - `record`: TFRecord framing with its masked CRC-32C
//! - `event`: the messages in protobuf's wire format
//!
//! The files hold nothing that the logs do not: a session writes its file from the logs as the
//! checkpoint left them, then appends to it. So a resumed run has no step twice, and one that was
//! begun without event files has the whole of its past in them. Times are the run's own (its start
//! and the seconds that it worked), pauses left out.

mod event;
mod record;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use lampwick_data::atomic;
use lampwick_data::files::{OutputFile, remove_file};

use crate::error::{Error, Result};
use crate::logs::{Metric, SampleLine, Scored, Timing, seconds_at};
use event::{Event, What};

/// What TensorBoard knows event files by, and our own among them.
pub(crate) const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".lampwick";

/// The event file of a session.
#[derive(Debug)]
pub(crate) struct EventFile {
    file: OutputFile,
    path: PathBuf,
    events: Events,
}

impl EventFile {
    /// Writes the logs so far as a new event file of `dir`, in place of those of earlier sessions.
    ///
    /// `started`: when the run began, in seconds since 1970.
    pub(crate) fn open(
        dir: &Path,
        started: u64,
        metrics: &[Metric],
        timings: &[Timing],
        samples: &[SampleLine],
    ) -> Result<Self> {
        let mut events = Events { started: started as f64, ..Events::default() };
        let mut bytes = events.bytes(What::Version, 0);
        bytes.extend(events.bytes(What::SessionStart, 0));
        for timing in timings {
            bytes.extend(events.timing(timing));
        }
        for metric in metrics {
            events.seconds = seconds_at(timings, metric.step());
            bytes.extend(events.metric(metric));
        }
        for sample in samples {
            events.seconds = seconds_at(timings, sample.step);
            bytes.extend(events.sample(sample));
        }
        let earlier = earlier(dir).map_err(|e| Error::read(dir, e))?;
        let path = dir.join(format!("{PREFIX}{:010}{SUFFIX}", number_after(&earlier)));
        atomic::write(&path, |w| w.write_all(&bytes))?;
        for path in earlier {
            remove_file(&path).map_err(|e| Error::write(&path, e))?;
        }
        let file = OutputFile::append(&path);
        Ok(Self { file: file.map_err(|e| Error::write(&path, e))?, path, events })
    }

    pub(crate) fn metric(&mut self, metric: &Metric) -> Result<()> {
        let bytes = self.events.metric(metric);
        self.append(&bytes)
    }

    pub(crate) fn timing(&mut self, timing: &Timing) -> Result<()> {
        let bytes = self.events.timing(timing);
        self.append(&bytes)
    }

    pub(crate) fn sample(&mut self, sample: &SampleLine) -> Result<()> {
        let bytes = self.events.sample(sample);
        self.append(&bytes)
    }

    /// At once, for whoever watches; a record that a kill tears is written anew by the next session.
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| Error::write(&self.path, e))
    }
}

/// The event files that earlier sessions left in `dir`, oldest first.
fn earlier(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// The seconds since 1970 for a file's name; TensorBoard reads on only in a name that sorts behind
/// the one that it is at.
fn number_after(earlier: &[PathBuf]) -> u64 {
    let now = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let last = earlier.last().and_then(|path| {
        path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
    });
    last.map_or(now, |last: u64| now.max(last + 1))
}

/// From lines of the logs to events.
#[derive(Debug, Default)]
struct Events {
    /// When the run began, in seconds since 1970.
    started: f64,
    /// Seconds of the run, by the last timing.
    seconds: f64,
    /// The step of the last timing that was shown: a checkpoint may log its step once more.
    timed: Option<u64>,
    /// The step of the last sample, and how many there were at it.
    sampled: (u64, u64),
}

impl Events {
    fn bytes(&self, what: What, step: u64) -> Vec<u8> {
        record::framed(&Event { wall_time: self.started + self.seconds, step, what }.encode())
    }

    fn metric(&self, metric: &Metric) -> Vec<u8> {
        let scalars = match metric {
            Metric::Train { loss, perplexity, lr, gradient_norm, .. } => vec![
                ("loss/train", *loss),
                ("perplexity/train", *perplexity),
                ("learning_rate", *lr),
                ("gradient_norm", *gradient_norm),
            ],
            Metric::Valid(scored) => {
                let Scored { loss, perplexity, bits_above_source, .. } = scored;
                let bits = bits_above_source.map(|bits| ("bits_above_source/valid", bits));
                let quality = scored.quality.as_ref().map(|q| ("quality/valid", q.value));
                let scored = [("loss/valid", *loss), ("perplexity/valid", *perplexity)];
                scored.into_iter().chain(bits).chain(quality).collect()
            }
            Metric::Test(scored) => {
                let quality = scored.quality.as_ref().map(|q| ("quality/test", q.value));
                let scored = [("loss/test", scored.loss), ("perplexity/test", scored.perplexity)];
                scored.into_iter().chain(quality).collect()
            }
        };
        self.bytes(What::Scalars(scalars), metric.step())
    }

    fn timing(&mut self, timing: &Timing) -> Vec<u8> {
        self.seconds = timing.seconds;
        if self.timed == Some(timing.step) {
            return Vec::new();
        }
        self.timed = Some(timing.step);
        let speed = vec![("tokens_per_second", timing.tokens_per_second)];
        self.bytes(What::Scalars(speed), timing.step)
    }

    /// The samples of one step under tags of their own.
    fn sample(&mut self, sample: &SampleLine) -> Vec<u8> {
        let (step, number) = self.sampled;
        let number = if step == sample.step { number + 1 } else { 1 };
        self.sampled = (sample.step, number);
        // Indented, it is verbatim text to Markdown, in which <unk> would be a tag.
        let lines = sample.text.lines().map(|line| format!("    {line}"));
        let text = lines.collect::<Vec<_>>().join("\n");
        self.bytes(What::Text { tag: format!("sample/{number}"), text }, sample.step)
    }
}
