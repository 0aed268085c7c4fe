//! `rnnlm`: tanh RNN, GRU and LSTM at the size and, but for the rate, the recipe of `ptb-small`.

use anyhow::Result;

use super::figure::{Figure, Reference};
use super::ptb;
use super::results::{Axis, Chart, Curve, Results};
use super::session::{Run, Session};
use super::trained::Trained;

pub(super) fn run(session: &Session) -> Result<Results> {
    session.needs(ptb::TRAIN)?;
    let lstm = ptb::small_run();
    let with = |folder: &str, overrides: &[&str]| Run {
        folder: format!("rnnlm/{folder}"),
        config: lstm.config.clone(),
        overrides: overrides.iter().map(ToString::to_string).collect(),
    };
    // At the LSTM's rate of 1 the other two diverge within 100 steps; of 1, 0.3 and 0.1 these are
    // the ones with the lowest training loss after 700.
    let runs = [
        lstm.clone(),
        with("gru", &["model.cell=gru", "optimizer.lr=0.3"]),
        with("rnn", &["model.cell=rnn_tanh", "optimizer.lr=0.1"]),
    ];
    let trained = session.train(&runs)?;
    let named: Vec<(&str, &Trained)> = ["LSTM", "GRU", "tanh RNN"]
        .into_iter()
        .zip(&trained)
        .filter_map(|(name, trained)| Some((name, trained.as_ref()?)))
        .collect();

    let mut results = Results::new("rnnlm: tanh RNN, GRU and LSTM, 2x200, Penn Treebank");
    results.notes.push(format!(
        "Perplexity per word; config `{}` with `model.cell`. The recipe is the LSTM's own but for \
         the learning rate: 1 for the LSTM, 0.3 for the GRU, 0.1 for the tanh RNN, which both \
         diverge at 1.",
        lstm.config
    ));
    for (name, run) in &named {
        let told = |what: &str, measured| Figure {
            what: format!("{name}, {what}"),
            measured,
            reference: Reference::None,
            source: String::new(),
        };
        let epochs = run.info.epochs;
        let best = run.best().map(|best| best.perplexity);
        results.figures.push(told(&format!("best valid of {epochs} epochs"), best));
        results.figures.push(told("test", session.test_so_far(run)?));
    }
    // Simple recurrent networks are behind gated ones at equal size on every published table.
    let at = |name: &str| named.iter().find(|(n, _)| *n == name).map(|(_, run)| *run);
    if let (Some(lstm), Some(rnn)) = (at("LSTM"), at("tanh RNN")) {
        let common = lstm.info.epochs.min(rnn.info.epochs);
        results.figures.push(Figure {
            what: format!("tanh RNN over LSTM, valid after {common} epochs"),
            measured: rnn.valid_after(common).zip(lstm.valid_after(common)).map(|(r, l)| r / l),
            reference: Reference::AtLeast(1.0),
            source: "Mikolov's thesis and Zaremba et al. 2014: 124.7 and 114.5 on the test set"
                .into(),
        });
    }
    results.charts.push(Chart {
        title: "Validation perplexity".into(),
        caption: "by epoch, logarithmic".into(),
        x: Axis::linear("epoch"),
        y: Axis::logarithmic("perplexity per word"),
        curves: named
            .iter()
            .map(|(name, run)| Curve::marked(name, ptb::valid_curve(run)))
            .collect(),
    });
    results.tables.push(ptb::run_table(&named));
    results.tables.push(ptb::epoch_table(&named));
    Ok(results)
}
