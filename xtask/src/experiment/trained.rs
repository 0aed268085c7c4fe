//! A run's directory as figures and curves.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// What a run has reached so far.
#[derive(Debug)]
pub(crate) struct Trained {
    /// Its directory.
    pub(crate) path: PathBuf,
    pub(crate) info: Info,
    /// Training lines, in order.
    pub(crate) train: Vec<Line>,
    /// One validation an epoch, in order.
    pub(crate) valid: Vec<Line>,
    /// The test at the run's end.
    pub(crate) test: Option<Line>,
}

/// `run.json`, what of it is reported.
#[derive(Debug, Deserialize)]
pub(crate) struct Info {
    pub(crate) state: String,
    pub(crate) parameters: u64,
    pub(crate) device: String,
    pub(crate) epochs: u64,
    pub(crate) seconds: f64,
    pub(crate) tokens_per_second: f64,
}

/// A line of `metrics.jsonl`, what of it is reported.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Line {
    kind: String,
    pub(crate) epoch: u64,
    pub(crate) step: u64,
    /// Nats per token.
    pub(crate) loss: f64,
    pub(crate) perplexity: f64,
    pub(crate) bits_above_source: Option<f64>,
    /// The measure of the output that decides, and others.
    pub(crate) quality: Option<Quality>,
    #[serde(default)]
    pub(crate) also: Vec<Quality>,
    best: Option<bool>,
}

/// A measure of output against references.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Quality {
    pub(crate) name: String,
    pub(crate) value: f64,
}

impl Trained {
    /// Reads a run; `None` where there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        if !path.join("config.toml").is_file() {
            return Ok(None);
        }
        let read = |name: &str| {
            let file = path.join(name);
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
        };
        let info = serde_json::from_str(&read("run.json")?)
            .with_context(|| format!("{} is no run.json", path.join("run.json").display()))?;
        let mut trained =
            Self { path: path.into(), info, train: Vec::new(), valid: Vec::new(), test: None };
        // A line that a kill tore ends what can be read.
        for line in read("metrics.jsonl")?.lines() {
            let Ok(line) = serde_json::from_str::<Line>(line) else { break };
            match line.kind.as_str() {
                "train" => trained.train.push(line),
                "valid" => trained.valid.push(line),
                "test" => trained.test = Some(line),
                _ => {}
            }
        }
        Ok(Some(trained))
    }

    /// Whether its budget is spent and its test scored.
    pub(crate) fn finished(&self) -> bool {
        self.info.state == "finished"
    }

    /// The best validation.
    pub(crate) fn best(&self) -> Option<&Line> {
        self.valid.iter().rfind(|line| line.best == Some(true))
    }

    /// Validation perplexity after an epoch, from 1.
    pub(crate) fn valid_after(&self, epoch: u64) -> Option<f64> {
        self.valid.iter().find(|line| line.epoch == epoch).map(|line| line.perplexity)
    }

    /// Minutes of all its sessions.
    pub(crate) fn minutes(&self) -> f64 {
        self.info.seconds / 60.0
    }
}
