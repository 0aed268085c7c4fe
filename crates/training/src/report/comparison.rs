//! Several runs on one page: their curves overlaid, their configs' differences side by side, their
//! best figures and speeds in a table.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use lampwick_data::atomic;
use lampwick_metrics::figures::{clock, count, figure};
use serde::Serialize;

use super::plot::{Chart, Line, Plot, Scale, colour, line};
use super::{Curves, curves};
use crate::config::AnyConfig;
use crate::error::Result;
use crate::logs::{self, Scored, Timing, seconds_at};
use crate::run_dir::{RunDir, RunInfo};

/// Reads the runs `dirs` and writes the page `to`, also while they are under way.
///
/// # Errors
/// [`Error::NotARun`](crate::Error::NotARun), [`Error::Read`](crate::Error::Read),
/// [`Error::Write`](crate::Error::Write), [`Error::Report`](crate::Error::Report).
pub fn compare(dirs: &[PathBuf], to: &Path) -> Result<()> {
    let runs = dirs.iter().map(|dir| Run::read(dir)).collect::<Result<Vec<_>>>()?;
    let page = Page {
        title: format!("{} runs compared", runs.len()),
        doubt: doubt(&runs),
        rows: runs.iter().enumerate().map(|(n, run)| Row::of(run, n, best(&runs))).collect(),
        charts: charts(&runs),
        names: runs.iter().map(|run| run.name.clone()).collect(),
        differences: differences(&runs),
    };
    let html = super::render("comparison.html", include_str!("comparison.html"), &page)?;
    Ok(atomic::write(to, |w| w.write_all(html.as_bytes()))?)
}

/// What there is to know of a run.
struct Run {
    name: String,
    config: AnyConfig,
    info: RunInfo,
    curves: Curves,
    timings: Vec<Timing>,
}

/// What the template shows.
#[derive(Serialize)]
struct Page {
    title: String,
    /// Why the perplexities do not compare, where they do not.
    doubt: Option<String>,
    rows: Vec<Row>,
    charts: Vec<Chart>,
    /// Of the runs, over the columns of their differences.
    names: Vec<String>,
    differences: Vec<Difference>,
}

/// A row of the table of runs.
#[derive(Serialize)]
struct Row {
    colour: String,
    name: String,
    state: String,
    best: bool,
    cells: Vec<String>,
}

/// A setting that is not the same everywhere, and its value in each run.
#[derive(Serialize)]
struct Difference {
    key: String,
    values: Vec<String>,
}

impl Run {
    fn read(dir: &Path) -> Result<Self> {
        let run = RunDir::open(dir)?;
        Ok(Self {
            name: dir.display().to_string().trim_end_matches('/').to_string(),
            config: run.any_config()?,
            info: run.info()?,
            curves: curves(logs::read(&dir.join(logs::METRICS))?),
            timings: logs::read(&dir.join(logs::TIMINGS))?,
        })
    }

    fn best(&self) -> Option<Scored> {
        logs::best_of(self.curves.valid.iter())
    }

    /// Validation perplexity by step.
    fn valid(&self) -> Vec<(f64, f64)> {
        self.curves.valid.iter().map(|s| (s.step as f64, s.perplexity)).collect()
    }

    /// Training perplexity by step.
    fn train(&self) -> Vec<(f64, f64)> {
        self.curves.train.iter().map(|p| (p.step, p.perplexity)).collect()
    }

    fn seconds_at(&self, step: f64) -> f64 {
        seconds_at(&self.timings, step as u64)
    }

    /// Every setting by its dotted key, and what `run.json` says of the rest that decides a result.
    fn settings(&self) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        let table = toml::from_str(&self.config.to_toml()).unwrap_or_default();
        flatten(&table, "", &mut settings);
        settings.remove("name"); // the columns' heads say which run it is
        let info = &self.info;
        let mut note =
            |key: &str, value: String| settings.insert(format!("run.json: {key}"), value);
        note("version", info.version.clone());
        note("platform", info.platform.clone());
        note("threads", info.threads.to_string());
        note("parameters", count(info.parameters as u64));
        note(
            "vocabulary",
            format!("{} ({})", count(info.vocabulary as u64), start(&info.vocabulary_hash)),
        );
        for (name, text) in &info.data {
            note(
                &format!("{name} tokens"),
                format!("{} ({})", count(text.tokens), start(&text.sha256)),
            );
        }
        settings
    }
}

/// Enough of a hash to tell two apart.
fn start(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn flatten(table: &toml::Table, prefix: &str, to: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => flatten(inner, &format!("{prefix}{key}."), to),
            value => {
                to.insert(format!("{prefix}{key}"), value.to_string());
            }
        }
    }
}

/// The settings in which the runs differ.
fn differences(runs: &[Run]) -> Vec<Difference> {
    let settings: Vec<_> = runs.iter().map(Run::settings).collect();
    let keys: BTreeSet<&String> = settings.iter().flat_map(BTreeMap::keys).collect();
    let row = |key: &String| {
        let values = settings.iter().map(|of| of.get(key).cloned().unwrap_or("-".into()));
        Difference { key: key.clone(), values: values.collect() }
    };
    let rows = keys.into_iter().map(row);
    rows.filter(|row| row.values.iter().any(|value| *value != row.values[0])).collect()
}

/// Two perplexities compare only with the same unit, vocabulary and text.
fn doubt(runs: &[Run]) -> Option<String> {
    let differ = |value: &dyn Fn(&Run) -> Option<String>| {
        let values: BTreeSet<String> = runs.iter().filter_map(value).collect();
        values.len() > 1
    };
    let differing: Vec<&str> = [
        ("unit", differ(&|run| run.curves.valid.first().map(|scored| scored.unit.clone()))),
        ("vocabulary", differ(&|run| Some(run.info.vocabulary_hash.clone()))),
        ("validation text", differ(&|run| run.info.data.get("valid").map(|t| t.sha256.clone()))),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect();
    (!differing.is_empty()).then(|| {
        format!(
            "These perplexities do not compare: the runs differ in {}.",
            differing.join(" and ")
        )
    })
}

/// Which run has the best validation; none where they do not compare.
fn best(runs: &[Run]) -> Option<usize> {
    let losses = runs.iter().enumerate().filter_map(|(n, run)| Some((n, run.best()?.loss)));
    let best = losses.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(n, _)| n);
    best.filter(|_| doubt(runs).is_none())
}

impl Row {
    fn of(run: &Run, number: usize, best: Option<usize>) -> Self {
        let Run { info, curves, .. } = run;
        let per_unit = |s: &Scored| format!("{} per {}", figure(s.perplexity), s.unit);
        let own = run.best();
        let own = own.as_ref();
        let colour = colour(number);
        Self {
            colour: format!("rgb({},{},{})", colour.0, colour.1, colour.2),
            name: run.name.clone(),
            state: info.state.clone(),
            best: best == Some(number),
            cells: vec![
                own.map_or("-".into(), per_unit),
                own.map_or("-".into(), |s| count(s.epoch)),
                own.map_or("-".into(), |s| clock(run.seconds_at(s.step as f64))),
                curves.test.as_ref().map_or("-".into(), per_unit),
                count(info.epochs),
                count(info.step),
                clock(info.seconds),
                count(info.tokens_per_second.round() as u64),
                count(info.parameters as u64),
            ],
        }
    }
}

/// Validation and training perplexity, each by step and by time.
fn charts(runs: &[Run]) -> Vec<Chart> {
    let longest = runs.iter().filter_map(|run| run.timings.last()).map(|t| t.seconds);
    let (unit, seconds) = match longest.fold(0.0, f64::max) {
        up_to if up_to > 3.0 * 3600.0 => ("hours", 3600.0),
        up_to if up_to > 180.0 => ("minutes", 60.0),
        _ => ("seconds", 1.0),
    };
    let plot = |title: &str, points: fn(&Run) -> Vec<(f64, f64)>, by_time: bool, marks: bool| {
        let curve = |(n, run): (usize, &Run)| {
            let mut points = points(run);
            if by_time {
                points.iter_mut().for_each(|point| point.0 = run.seconds_at(point.0) / seconds);
            }
            Line { marks, ..line(&run.name, colour(n), points) }
        };
        let by = if by_time { format!("{unit} of the run") } else { "optimiser step".into() };
        Plot {
            title: title.into(),
            caption: format!("by {by}, logarithmic"),
            lines: runs.iter().enumerate().map(curve).collect(),
            x: Scale::Linear,
            y: Scale::Logarithmic,
            wide: false,
        }
        .draw()
    };
    let (valid, train) = ("Validation perplexity", "Training perplexity");
    [
        plot(valid, Run::valid, false, true),
        plot(valid, Run::valid, true, true),
        plot(train, Run::train, false, false),
        plot(train, Run::train, true, false),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_settings_have_dotted_keys() {
        let table: toml::Table = toml::from_str("seed = 1\n[batches.bptt]\nfixed = 20\n").unwrap();
        let mut flat = BTreeMap::new();
        flatten(&table, "", &mut flat);
        assert_eq!(flat["batches.bptt.fixed"], "20");
        assert_eq!(flat["seed"], "1");
    }
}
