//! `char`: characters of Shakespeare by char-rnn's recipe; bits per character.

use std::f64::consts::LN_2;

use anyhow::Result;

use super::figure::{Figure, Reference};
use super::ptb::run_table;
use super::results::{Axis, Chart, Curve, Results, Table};
use super::session::{Run, Session};

pub(super) fn run(session: &Session) -> Result<Results> {
    session.needs("tinyshakespeare/input.txt")?;
    let run = Run {
        folder: "char/lstm".into(),
        config: "configs/lm/char_rnn.toml".into(),
        overrides: Vec::new(),
    };
    let trained = session.train(std::slice::from_ref(&run))?.pop().flatten();
    let mut results =
        Results::new("char: characters of Shakespeare, 2x256 LSTM, char-rnn's recipe");
    results.notes.push(format!(
        "Bits per character of the validation text; config `{}`. No figure is published for just \
         this size and split: char-rnn's README names none, and nanoGPT's are for Transformers on \
         the last tenth of the text.",
        run.config
    ));
    let best = trained.as_ref().and_then(|run| Some(run.best()?.loss / LN_2));
    let source = "github.com/karpathy/nanoGPT, README, shakespeare_char: 1.8857 nats (4 layers of \
                  128, 2,000 steps on a CPU) and 1.4697 (10.7 M parameters, a GPU)";
    for (what, reference) in [
        ("valid, bits, under a small Transformer's", Reference::AtMost(1.8857 / LN_2)),
        ("valid, bits, beside a large Transformer's", Reference::Beside(1.4697 / LN_2)),
    ] {
        let (what, source) = (what.into(), source.into());
        results.figures.push(Figure { what, measured: best, reference, source });
    }
    let Some(trained) = trained else { return Ok(results) };
    let bits = |line: &super::trained::Line| (line.step as f64, line.loss / LN_2);
    results.charts.push(Chart {
        title: "Bits per character".into(),
        caption: "linear".into(),
        x: Axis::linear("step"),
        y: Axis::linear("bits per character"),
        curves: vec![
            Curve::line("train", trained.train.iter().map(bits).collect()),
            Curve::marked("validation", trained.valid.iter().map(bits).collect()),
        ],
    });
    let mut rows = vec![["epoch", "bits per character", "nats"].map(str::to_owned).to_vec()];
    rows.extend(trained.valid.iter().map(|line| {
        vec![
            line.epoch.to_string(),
            format!("{:.4}", line.loss / LN_2),
            format!("{:.4}", line.loss),
        ]
    }));
    results.tables.push(Table { title: "Validation".into(), rows });
    results.tables.push(run_table(&[("LSTM", &trained)]));
    Ok(results)
}
