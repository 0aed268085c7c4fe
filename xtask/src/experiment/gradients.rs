//! `gradients`: how much of a loss reaches the states k steps before it, at initialisation and after
//! training: the vanishing gradient of a simple recurrent network, and the gates' highway.

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::figure::{Figure, Reference};
use super::results::{Axis, Chart, Curve, Results, Table};
use super::session::{Run, Session};
use super::trained::Trained;

const CONFIG: &str = "configs/lm/gradients.toml";

const CELLS: [(&str, &str); 3] = [("rnn_tanh", "tanh RNN"), ("gru", "GRU"), ("lstm", "LSTM")];

/// Steps back at which the table reads the curves.
const BACK: [usize; 5] = [1, 10, 25, 50, 99];

/// `gradients.json` of a run, as `lampwick train --probe gradients` writes it.
#[derive(Deserialize)]
struct Probe {
    looks: Vec<Look>,
}

#[derive(Deserialize)]
struct Look {
    epoch: u64,
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    hidden: Vec<f64>,
    #[serde(default)]
    cell: Vec<f64>,
}

pub(super) fn run(session: &Session) -> Result<Results> {
    session.needs("tinyshakespeare/input.txt")?;
    let runs = CELLS.map(|(cell, _)| Run {
        folder: format!("gradients/{cell}"),
        config: CONFIG.into(),
        overrides: vec![format!("model.cell={cell}")],
    });
    let trained = session.train(&runs)?;
    let mut curves: Vec<(String, Vec<f64>)> = Vec::new();
    let mut named: Vec<(&str, &Trained)> = Vec::new();
    for ((_, name), trained) in CELLS.iter().zip(&trained) {
        let Some(trained) = trained else { continue };
        named.push((name, trained));
        let path = trained.path.join("gradients.json");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let probe: Probe = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no gradient probe", path.display()))?;
        // The first look is at the initial weights; the last is after what was trained.
        let after = probe.looks.last().filter(|look| look.epoch > 0);
        for (when, look) in [("initial", probe.looks.first()), ("trained", after)] {
            let Some(layer) = look.and_then(|look| look.layers.first()) else { continue };
            curves.push((format!("{name}, {when}"), layer.hidden.clone()));
            if !layer.cell.is_empty() {
                curves.push((format!("{name}'s memory cell, {when}"), layer.cell.clone()));
            }
        }
    }
    Ok(results(&curves, &named))
}

fn results(curves: &[(String, Vec<f64>)], named: &[(&str, &Trained)]) -> Results {
    let mut results = Results::new("gradients: what of a loss reaches the state k steps before");
    results.notes.push(format!(
        "Norm of dL_T/dh_(T-k) of one layer of 128 units over the characters of tinyshakespeare, \
         mean of 32 sequences of the validation text; config `{CONFIG}`. A curve that is straight \
         on this scale shrinks by the same factor at each step."
    ));
    let points = |norms: &[f64]| (0..).map(f64::from).zip(norms.iter().copied()).collect();
    for (when, title) in [("initial", "At initialisation"), ("trained", "After training")] {
        results.charts.push(Chart {
            title: title.into(),
            caption: "logarithmic".into(),
            x: Axis::linear("k, steps before the loss"),
            y: Axis::logarithmic("norm of the gradient"),
            curves: curves
                .iter()
                .filter(|(name, _)| name.ends_with(when))
                .map(|(name, norms)| Curve::line(name, points(norms)))
                .collect(),
        });
    }
    let head = std::iter::once("norm over the curve's first".to_owned());
    let mut rows = vec![head.chain(BACK.map(|k| format!("k = {k}"))).collect::<Vec<_>>()];
    for (name, norms) in curves {
        let cell = |k: usize| left(norms, k).map_or("-".into(), |left| format!("{left:.1e}"));
        rows.push(std::iter::once(name.clone()).chain(BACK.map(cell)).collect());
    }
    results.tables.push(Table { title: "What is left".into(), rows });
    results.tables.push(super::ptb::run_table(named));

    let left_of = |name: &str, k: usize| -> Option<f64> {
        left(&curves.iter().find(|(curve, _)| curve == name)?.1, k)
    };
    let source = "Bengio et al. 1994 and Pascanu et al. 2013: the product of Jacobians shrinks \
                  geometrically; Hochreiter & Schmidhuber 1997: the memory cell's does not";
    results.figures.push(Figure {
        what: "tanh RNN, initial: left after 50 steps".into(),
        measured: left_of("tanh RNN, initial", 50),
        reference: Reference::AtMost(1e-3),
        source: source.into(),
    });
    for (name, when) in [
        ("LSTM's memory cell", "initial"),
        ("LSTM's memory cell", "trained"),
        ("GRU", "initial"),
        ("GRU", "trained"),
    ] {
        let rnn = left_of(&format!("tanh RNN, {when}"), 50);
        results.figures.push(Figure {
            what: format!("{name}, {when}: left after 50 steps, over the tanh RNN's"),
            measured: left_of(&format!("{name}, {when}"), 50)
                .zip(rnn)
                .map(|(gated, rnn)| gated / rnn),
            reference: Reference::AtLeast(1.0),
            source: source.into(),
        });
    }
    results
}

/// A norm over the first of its curve. A memory cell's is that at k = 1: the loss reads the hidden
/// vector, so the last cell has no gradient.
fn left(norms: &[f64], k: usize) -> Option<f64> {
    Some(norms.get(k)? / norms.iter().find(|norm| **norm > 0.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::figure::Verdict;

    #[test]
    fn what_is_left_is_read_relative_to_the_loss_itself() {
        let law = |factor: f64| (0..100).map(|k| 5.0 * factor.powi(k)).collect::<Vec<f64>>();
        let curves = [
            ("tanh RNN, initial".to_owned(), law(0.6)),
            ("LSTM's memory cell, initial".to_owned(), law(0.95)),
            ("GRU, initial".to_owned(), law(0.5)),
        ];
        let results = results(&curves, &[]);
        let verdicts: Vec<Verdict> = results.figures.iter().map(Figure::verdict).collect();
        use Verdict::{NotMeasured, Outside, Within};
        assert_eq!(verdicts, [Within, Within, NotMeasured, Outside, NotMeasured]);
        assert!((results.figures[0].measured.unwrap() / 0.6f64.powi(50) - 1.0).abs() < 1e-9);
        assert!(results.markdown().contains("k = 99"));
    }
}
