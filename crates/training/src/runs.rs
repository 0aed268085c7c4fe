//! A folder of runs: which are there, in what state, and how far they came.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lock;
use crate::logs::{self, METRICS, Metric, TIMINGS, Timing};
use crate::run_dir::{RunDir, RunInfo};

/// Folders below the one that is listed: `runs/experiment/size/seed` is found, a whole disk is not.
const DEPTH: usize = 3;

/// A run directory that was found.
#[derive(Debug)]
pub struct FoundRun {
    /// Its folder.
    pub path: PathBuf,
    /// Its `run.json`, brought up to date: step, seconds and speed by its last line of timings, and
    /// the state of a run that was killed; or why it cannot be read.
    pub info: Result<RunInfo>,
}

/// The runs in `folder` and in its folders, the one begun last first; also `folder` itself, where it
/// is a run. Links are not followed.
///
/// # Errors
/// [`Error::Read`] when `folder` cannot be listed; a run that cannot be read is among the found.
pub fn list(folder: &Path) -> Result<Vec<FoundRun>> {
    let mut found = Vec::new();
    if RunDir::open(folder).is_ok() {
        found.push(read(folder.to_path_buf()));
    } else {
        below(folder, DEPTH, &mut found)?;
    }
    let began = |run: &FoundRun| run.info.as_ref().map_or(0, |info| info.started);
    found.sort_by(|a, b| began(b).cmp(&began(a)).then_with(|| a.path.cmp(&b.path)));
    Ok(found)
}

fn below(folder: &Path, depth: usize, found: &mut Vec<FoundRun>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|e| Error::read(folder, e))? {
        let entry = entry.map_err(|e| Error::read(folder, e))?;
        let path = entry.path();
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if RunDir::open(&path).is_ok() {
            found.push(read(path));
        } else if depth > 0 {
            // One folder of many that is closed to us hides nothing else.
            let _ = below(&path, depth - 1, found);
        }
    }
    Ok(())
}

/// Tokens per second from the start to the last step that both logs know.
fn overall(metrics: &[Metric], timings: &[Timing]) -> f64 {
    let tokens = match metrics.last() {
        None => return 0.0,
        Some(Metric::Train { tokens, .. }) => *tokens,
        Some(Metric::Valid(scored) | Metric::Test(scored)) => scored.tokens,
    };
    let step = metrics.last().map_or(0, Metric::step);
    tokens as f64 / logs::seconds_at(timings, step).max(1e-9)
}

fn read(path: PathBuf) -> FoundRun {
    let info = RunDir::open(&path).and_then(|run| run.info()).map(|mut info| {
        if info.state == "running" && lock::is_held(&path) == Some(false) {
            info.state = "interrupted: its process ended without a word".into();
        }
        // run.json is written after each epoch; the log knows more of a run under way or killed.
        let timings: Vec<Timing> = logs::read(&path.join(TIMINGS)).unwrap_or_default();
        if let Some(last) = timings.last().filter(|last| last.step > info.step) {
            info.step = last.step;
            info.seconds = last.seconds;
            let metrics: Vec<Metric> = logs::read(&path.join(METRICS)).unwrap_or_default();
            info.tokens_per_second = overall(&metrics, &timings);
        }
        info
    });
    FoundRun { path, info }
}
