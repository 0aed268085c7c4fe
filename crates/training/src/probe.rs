//! `report.probes`: what a run looks at besides its loss.
//!
//! `gradients`: how much of the last step's loss reaches the states before it, by
//! [`LanguageModel::gradient_flow`], at initialisation and after each epoch, on the same words of the
//! validation text each time; into `gradients.json`.

use std::fs;
use std::io::Write;
use std::path::Path;

use burn::prelude::*;
use lampwick_data::{EvaluationBatches, Tokenizer, atomic};
use lampwick_models::LanguageModel;
use serde::{Deserialize, Serialize};

use crate::corpus::Text;
use crate::error::{Error, Result};

/// The file's name in the run directory.
pub const GRADIENTS: &str = "gradients.json";

/// What `report.probes` may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// The norm of `dL_T/dh_(T-k)` against `k`, for each layer.
    Gradients,
}

/// Steps back that are looked at, and sequences that are meaned over, where the text allows.
const STEPS: usize = 100;
const SEQUENCES: usize = 32;

/// `gradients.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradientProbe {
    /// Sequences of the validation text that the norms are means over.
    pub sequences: usize,
    /// One for each look, in order: epoch 0 is the initialisation.
    pub looks: Vec<Look>,
}

/// One look at one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Epochs trained.
    pub epoch: u64,
    /// Steps trained.
    pub step: u64,
    /// First layer first.
    pub layers: Vec<Layer>,
}

/// The norms of one layer, as [`lampwick_models::GradientFlow`]; index = steps before the loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Of the hidden vector.
    pub hidden: Vec<f64>,
    /// Of the memory cell; empty where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cell: Vec<f64>,
}

/// Reads a run's `gradients.json`; `None` where the run was not probed.
///
/// # Errors
/// [`Error::Read`], [`Error::Damaged`] when it is not what this program writes.
pub fn gradients(dir: &Path) -> Result<Option<GradientProbe>> {
    let path = dir.join(GRADIENTS);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::read(&path, error)),
    };
    let mend = "remove it: what it held is lost, and the next look begins it anew";
    serde_json::from_slice(&text).map(Some).map_err(|e| Error::Damaged {
        path,
        problem: e.to_string(),
        mend,
    })
}

/// Looks at `weights` and adds what it sees to the run's file. A look at this step or a later one,
/// which a run that was killed may have left, is replaced: it will be taken again.
pub(crate) fn look(
    dir: &Path,
    (epoch, step): (u64, u64),
    weights: &LanguageModel,
    text: &Text,
    tokenizer: &Tokenizer,
) -> Result<()> {
    let mut probe = gradients(dir)?.unwrap_or_default();
    probe.looks.retain(|look| look.step < step);
    let (layers, sequences) = norms(weights, text, tokenizer)?;
    probe.sequences = sequences;
    probe.looks.push(Look { epoch, step, layers });
    let mut bytes = serde_json::to_vec(&probe).expect("norms are plain data");
    bytes.push(b'\n');
    Ok(atomic::write(dir.join(GRADIENTS), |w| w.write_all(&bytes))?)
}

/// The norms of each layer on sequences spread evenly over the text, and how many these are.
fn norms(
    weights: &LanguageModel,
    text: &Text,
    tokenizer: &Tokenizer,
) -> Result<(Vec<Layer>, usize)> {
    let start = tokenizer.vocabulary().eos_id();
    let targets = text.tokens.len().saturating_sub(usize::from(start.is_none())).max(1);
    let steps = STEPS.min(targets);
    let sequences = SEQUENCES.min(targets / steps);
    let mut windows = EvaluationBatches::new(text.tokens.clone(), sequences, steps, start)?;
    let window = windows.next().expect("a text that is long enough has a first window");
    let (tokens, targets) = window.to_tensors(&weights.device()); // [T, B]
    let last = targets.slice(s![-1..]).squeeze_dim(0); // [B]
    let flow = weights.gradient_flow(tokens, last).into_iter();
    Ok((flow.map(|flow| Layer { hidden: flow.hidden, cell: flow.cell }).collect(), sequences))
}
