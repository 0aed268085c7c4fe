//! `lampwick runs [FOLDER]`: what runs there are.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use lampwick::metrics::figures::{clock, count, figure};
use lampwick::training::runs::{self, FoundRun};
use serde_json::json;

use crate::exit::Exit;

/// What `lampwick runs` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick runs
  lampwick runs experiments/ptb
  lampwick runs --json | jq -r '.[] | select(.state == \"interrupted\") | .run'

The run begun last comes first. States: running, finished, interrupted (continue it with lampwick
train --resume RUN), failed (why stands below the table), unreadable.")]
pub(crate) struct Arguments {
    /// A folder of runs, or of folders of runs
    #[arg(default_value = "runs")]
    folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The table's head. Perplexities stand before what one token of theirs is.
const HEAD: [&str; 10] =
    ["run", "state", "valid", "test", "per", "epochs", "steps", "time", "tokens/s", "begun"];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let found = runs::list(&arguments.folder)?;
    let mut out = crate::output::stdout();
    if arguments.json {
        let list: Vec<_> = found.iter().map(object).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        tell!("no run in {}; begin one with: lampwick train", arguments.folder.display());
        return Ok(Exit::Done);
    }
    let now = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    rows.extend(found.iter().map(|run| row(run, &arguments.folder, now)));
    for line in aligned(&rows) {
        writeln!(out, "{line}")?;
    }
    for run in &found {
        if let (_, Some(why)) = state(run) {
            writeln!(out, "{}: {why}", run.path.display())?;
        }
    }
    Ok(Exit::Done)
}

/// The state in one word, and what there is to say of it.
fn state(run: &FoundRun) -> (&str, Option<String>) {
    match &run.info {
        Ok(info) => match info.state.split_once(": ") {
            Some((state, why)) => (state, Some(why.to_owned())),
            None => (info.state.as_str(), None),
        },
        Err(error) => ("unreadable", Some(error.to_string())),
    }
}

fn row(run: &FoundRun, folder: &Path, now: u64) -> Vec<String> {
    let within = run.path.strip_prefix(folder).ok().filter(|path| !path.as_os_str().is_empty());
    let mut row = vec![within.unwrap_or(&run.path).display().to_string(), state(run).0.to_owned()];
    if let Ok(info) = &run.info {
        let perplexity = |value: Option<f64>| value.map_or("-".to_owned(), figure);
        row.extend([
            perplexity(info.best_valid_perplexity),
            perplexity(info.test_perplexity),
            info.unit.clone(),
            count(info.epochs),
            count(info.step),
            clock(info.seconds),
            count(info.tokens_per_second as u64),
            if info.started == 0 { "-".into() } else { ago(now.saturating_sub(info.started)) },
        ]);
    }
    row
}

/// The rows as lines with their columns aligned: words to the left, numbers to the right.
fn aligned(rows: &[Vec<String>]) -> impl Iterator<Item = String> {
    let mut widths = [0; HEAD.len()];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    rows.iter().map(move |row| {
        let cells = row.iter().zip(widths).zip(HEAD).map(|((cell, width), head)| match head {
            "run" | "state" | "per" => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    })
}

/// `5 min ago`, in the largest unit that there are two of.
fn ago(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("min", 60)];
    let unit = units.into_iter().find(|(_, length)| seconds >= 2 * length);
    let (name, length) = unit.unwrap_or(("s", 1));
    format!("{} {name} ago", seconds / length)
}

fn object(run: &FoundRun) -> serde_json::Value {
    let (state, why) = state(run);
    let mut object = json!({ "run": run.path, "state": state, "why": why });
    if let Ok(info) = &run.info {
        object["unit"] = json!(info.unit);
        object["best_valid_perplexity"] = json!(info.best_valid_perplexity);
        object["test_perplexity"] = json!(info.test_perplexity);
        object["best_valid_quality"] = json!(info.best_valid_quality);
        object["test_quality"] = json!(info.test_quality);
        object["epochs"] = json!(info.epochs);
        object["steps"] = json!(info.step);
        object["seconds"] = json!(info.seconds);
        object["tokens_per_second"] = json!(info.tokens_per_second);
        object["parameters"] = json!(info.parameters);
        object["device"] = json!(info.device);
        object["started"] = json!(info.started);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        for (seconds, text) in [
            (0, "0 s ago"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7_300, "2 h ago"),
            (200_000, "2 d ago"),
        ] {
            assert_eq!(ago(seconds), text);
        }
    }
}
