//! SCAN (Lake and Baroni 2018): commands such as `jump twice` to sequences of actions.

use std::path::Path;

use crate::error::{DataError, Result};
use crate::parallel::corpora::percentile;
use crate::parallel::{Filter, Lines, Pairs, Split};

/// How SCAN is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanSplit {
    /// At random.
    Simple,
    /// Up to 22 actions for training, 24 to 48 for the test.
    Length,
}

/// Reads `tasks_train_simple.txt`, `tasks_test_length.txt` and so on: lines of `IN: command OUT: actions`.
///
/// SCAN has no validation set: two in a hundred training commands, chosen by the command's SHA-256,
/// are that and no training data.
///
/// # Errors
/// Those of [`Lines`]; [`DataError::Line`] for a line of another form.
pub fn read(folder: &Path, kind: ScanSplit, split: Split, filter: &Filter) -> Result<Pairs> {
    let part = if split == Split::Test { "test" } else { "train" };
    let kind = match kind {
        ScanSplit::Simple => "simple",
        ScanSplit::Length => "length",
    };
    let mut lines = Lines::open(folder.join(format!("tasks_{part}_{kind}.txt")))?;
    let (mut pairs, mut line) = (Pairs::default(), String::new());
    loop {
        let number = lines.number();
        if !lines.read(&mut line)? {
            return Ok(pairs);
        }
        let halves = line.strip_prefix("IN: ").and_then(|rest| rest.split_once(" OUT: "));
        let Some((command, actions)) = halves else {
            return Err(DataError::Line {
                name: lines.name().into(),
                line: number,
                problem: "no `IN: ... OUT: ...`".into(),
                mend: "give SCAN's own files",
            });
        };
        let is_valid = percentile(command) < 2;
        if split == Split::Test || is_valid == (split == Split::Valid) {
            pairs.add(command, actions, filter);
        }
    }
}
