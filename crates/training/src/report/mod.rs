//! `report.html`: one self-contained page of a run. No script, nothing from the net.
//!
//! - [`write()`]: reads a run directory, writes the page
//! - [`compare()`]: reads several, writes one page that holds them against each other
//! - [`results`]: the page of an experiment, its figures beside the published ones
//! - `charts`: which plots a run's page has; `plot`: one plot as SVG; `attention`: its heat maps
//! - `template.html`, `comparison.html`, `results.html`, `style.css`: the pages

mod attention;
mod charts;
mod comparison;
mod plot;
pub mod results;

pub use comparison::compare;

use std::io::Write;
use std::path::{Path, PathBuf};

use lampwick_data::atomic;
use lampwick_metrics::figures::{clock, count};
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use crate::config::ReferenceFigure;
use crate::error::{Error, Result};
use crate::logs::{self, Metric, SampleLine, Scored, Timing};
use crate::probe;
use crate::run_dir::{RunDir, RunInfo};
use crate::seq2seq::looks;

/// Reads `dir`'s logs and writes its `report.html`, also while the run is under way.
///
/// # Errors
/// [`Error::NotARun`], [`Error::Read`], [`Error::Write`], [`Error::Report`].
pub fn write(dir: &Path) -> Result<PathBuf> {
    let run = RunDir::open(dir)?;
    let page = page(&run)?;
    let path = dir.join("report.html");
    atomic::write(&path, |w| w.write_all(page.as_bytes()))?;
    Ok(path)
}

/// A run's logs, sorted by kind.
#[derive(Default)]
struct Curves {
    /// (tokens seen in epochs, loss, lr, norm) of the training lines.
    train: Vec<TrainPoint>,
    valid: Vec<Scored>,
    test: Option<Scored>,
}

struct TrainPoint {
    step: f64,
    perplexity: f64,
    lr: f64,
    gradient_norm: f64,
}

#[derive(Serialize)]
struct Comparison {
    name: String,
    source: String,
    what: String,
    published: String,
    ours: String,
    difference: String,
    within: Option<bool>,
}

fn page(run: &RunDir) -> Result<String> {
    let config = run.any_config()?;
    let shared = config.shared();
    let info = run.info()?;
    let curves = curves(logs::read(&run.path().join(logs::METRICS))?);
    let samples: Vec<SampleLine> = logs::read(&run.path().join(logs::SAMPLES))?;
    let timings: Vec<Timing> = logs::read(&run.path().join(logs::TIMINGS))?;
    let probe = probe::gradients(run.path())?;
    let looks = looks::read(run.path())?;
    let best = logs::best_of(curves.valid.iter());
    let best = best.as_ref();
    let last = samples.last().map_or(0, |sample| sample.step);
    // The texts of the last step, each once: the epoch's own sample may be drawn again at the end.
    let mut newest: Vec<&SampleLine> = Vec::new();
    let mut earlier: Vec<&SampleLine> = Vec::new();
    for sample in &samples {
        let list = if sample.step == last { &mut newest } else { &mut earlier };
        if !list.contains(&sample) {
            list.push(sample);
        }
    }
    let source_perplexity = best.and_then(source_perplexity);
    let title =
        if shared.name.is_empty() { "lampwick run".to_string() } else { shared.name.to_string() };
    let page = Page {
        title,
        charts: charts::all(
            &curves,
            &shared.report.reference,
            source_perplexity,
            &timings,
            probe.as_ref(),
        ),
        comparisons: comparisons(&shared.report.reference, &curves),
        epochs: curves.valid.iter().map(Row::of).collect(),
        source_perplexity: source_perplexity.map(|p| format!("{p:.2}")),
        config: config.to_toml(),
        duration: clock(info.seconds),
        tokens_per_second: count(info.tokens_per_second.round() as u64),
        parameters: count(info.parameters as u64),
        data: data_rows(&info),
        test: curves.test.as_ref(),
        best,
        info: &info,
        newest,
        earlier,
        attention: looks.as_ref().and_then(attention::maps),
    };
    render("report.html", include_str!("template.html"), &page)
}

/// A page from its template; every page wears the same style.
fn render(name: &str, template: &str, page: &impl Serialize) -> Result<String> {
    let mut environment = Environment::new();
    environment
        .add_template("style.css", include_str!("style.css"))
        .and_then(|()| environment.add_template(name, template))
        .and_then(|()| environment.get_template(name)?.render(Serde(page)))
        .map_err(|e| Error::Report(format!("{e:#}")))
}

/// What the template shows.
#[derive(Serialize)]
struct Page<'a> {
    title: String,
    info: &'a RunInfo,
    best: Option<&'a Scored>,
    test: Option<&'a Scored>,
    epochs: Vec<Row>,
    source_perplexity: Option<String>,
    charts: Vec<plot::Chart>,
    newest: Vec<&'a SampleLine>,
    earlier: Vec<&'a SampleLine>,
    attention: Option<attention::Maps>,
    comparisons: Vec<Comparison>,
    config: String,
    duration: String,
    tokens_per_second: String,
    parameters: String,
    data: Vec<DataRow>,
}

/// A row of the table of texts.
#[derive(Serialize)]
struct DataRow {
    name: &'static str,
    tokens: String,
    oov: String,
    sha256: String,
}

/// A row of the table of epochs.
#[derive(Serialize)]
struct Row {
    epoch: u64,
    step: u64,
    train_perplexity: String,
    perplexity: String,
    quality: String,
    loss: String,
    bits_above_source: String,
    unit: String,
}

impl Row {
    fn of(scored: &Scored) -> Self {
        let shown = |value: Option<f64>, digits: usize| {
            value.map_or(String::new(), |value| format!("{value:.digits$}"))
        };
        Self {
            epoch: scored.epoch,
            step: scored.step,
            train_perplexity: shown(scored.train_loss.map(f64::exp), 2),
            perplexity: shown(Some(scored.perplexity), 2),
            quality: shown(scored.quality.as_ref().map(|quality| quality.value), 2),
            loss: shown(Some(scored.loss), 4),
            bits_above_source: shown(scored.bits_above_source, 3),
            unit: scored.unit.clone(),
        }
    }
}

/// The perplexity that the source itself has on the validation text.
fn source_perplexity(scored: &Scored) -> Option<f64> {
    let above = scored.bits_above_source?;
    Some((scored.loss - above * std::f64::consts::LN_2).exp())
}

fn curves(metrics: Vec<Metric>) -> Curves {
    let mut curves = Curves::default();
    for metric in metrics {
        match metric {
            Metric::Train { step, perplexity, lr, gradient_norm, .. } => {
                curves.train.push(TrainPoint { step: step as f64, perplexity, lr, gradient_norm });
            }
            Metric::Valid(scored) => curves.valid.push(scored),
            Metric::Test(scored) => curves.test = Some(scored),
        }
    }
    curves
}

/// Ours beside the published figures.
fn comparisons(references: &[ReferenceFigure], curves: &Curves) -> Vec<Comparison> {
    let mut rows = Vec::new();
    for reference in references {
        for (index, (&published, ours)) in
            reference.valid_per_epoch.iter().zip(&curves.valid).enumerate()
        {
            rows.extend(beside(
                reference,
                format!("valid, epoch {}", index + 1),
                published,
                Some(ours),
            ));
        }
        let best = curves.valid.iter().min_by(|a, b| a.loss.total_cmp(&b.loss));
        rows.extend(beside(reference, "valid, end".into(), reference.valid_perplexity, best));
        rows.extend(beside(
            reference,
            "test".into(),
            reference.test_perplexity,
            curves.test.as_ref(),
        ));
    }
    rows
}

fn beside(
    reference: &ReferenceFigure,
    what: String,
    published: f64,
    ours: Option<&Scored>,
) -> Option<Comparison> {
    if published <= 0.0 {
        return None;
    }
    let difference = ours.map(|ours| ours.perplexity / published - 1.0);
    Some(Comparison {
        name: reference.name.clone(),
        source: reference.source.clone(),
        what,
        published: format!("{published:.2}"),
        ours: ours.map_or("not yet".into(), |ours| format!("{:.2}", ours.perplexity)),
        difference: difference.map_or(String::new(), |d| format!("{:+.1} %", 100.0 * d)),
        // Far better than published is another recipe than the published one.
        within: difference
            .filter(|_| reference.tolerance > 0.0)
            .map(|d| d.abs() <= reference.tolerance),
    })
}

fn data_rows(info: &RunInfo) -> Vec<DataRow> {
    let rows = ["train", "valid", "test"]
        .into_iter()
        .filter_map(|name| Some((name, info.data.get(name)?)));
    rows.map(|(name, text)| DataRow {
        name,
        tokens: count(text.tokens),
        oov: count(text.oov),
        sha256: text.sha256.chars().take(16).collect(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_compared_epoch_by_epoch_within_its_tolerance() {
        let scored = |perplexity: f64| Scored {
            epoch: 1,
            step: 1,
            tokens: 1,
            loss: perplexity.ln(),
            perplexity,
            scored: 1,
            oov: 0,
            unit: "word".into(),
            train_loss: None,
            bits_above_source: None,
            quality: None,
            also: Vec::new(),
            best: None,
        };
        let references = [ReferenceFigure {
            name: "Zaremba small".into(),
            valid_per_epoch: vec![180.0, 0.0, 131.0, 128.0],
            test_perplexity: 115.0,
            tolerance: 0.05,
            ..ReferenceFigure::default()
        }];
        let curves = Curves {
            valid: vec![scored(185.0), scored(150.0), scored(140.0), scored(118.0)],
            ..Curves::default()
        };
        let rows = comparisons(&references, &curves);
        let whats: Vec<&str> = rows.iter().map(|r| r.what.as_str()).collect();
        assert_eq!(whats, ["valid, epoch 1", "valid, epoch 3", "valid, epoch 4", "test"]);
        assert_eq!(
            rows.iter().map(|r| r.within).collect::<Vec<_>>(),
            [Some(true), Some(false), Some(false), None]
        );
    }
}
