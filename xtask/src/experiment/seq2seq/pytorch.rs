//! The recipe of `multi30k` trained by PyTorch: the same text, subwords, sizes, batches, rate and steps.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::super::results::{Axis, Chart, Curve, Table};
use super::super::session::{Run, Session};
use super::super::trained::Trained;
use super::decoded::{bleu, measured};
use super::multi30k::{test_set, training_set, validation_set, with_attention};
use crate::bench::PYTORCH;
use crate::cargo::root;

/// Epochs that are compared: so long the schedule of `multi30k.toml` has halved nothing, and the rate is
/// the same at every step.
const EPOCHS: usize = 5;

/// What PyTorch makes of the test set at the end, in its folder.
const TEST: &str = "test.txt";

/// Our side: a run of its own, that ends where PyTorch's does.
fn ours() -> Run {
    Run {
        folder: "multi30k/five-epochs".into(),
        overrides: vec![format!("budget.epochs={EPOCHS}")],
        ..with_attention()
    }
}

/// BLEU of both, greedy, after each epoch and at the end on the test set, as a table and a chart; nothing
/// where no Python is named and none has trained before.
pub(super) fn compare(session: &Session) -> Result<Option<(Table, Chart)>> {
    let folder = session.out().join("multi30k/pytorch");
    if env::var_os(PYTORCH).is_none() && !folder.is_dir() {
        return Ok(None);
    }
    let Some(ours) = session.train(&[ours()])?.pop().flatten() else { return Ok(None) };
    if !session.gathers() && !session.spent() {
        train(session, &ours, &folder)?;
    }
    let mut rows = vec![["", "Lampwick", "PyTorch", "difference"].map(str::to_owned).to_vec()];
    let mut row = |what: String, ours: f64, theirs: f64| {
        let difference = format!("{:+.2}", ours - theirs);
        rows.push(vec![what, format!("{ours:.2}"), format!("{theirs:.2}"), difference]);
    };
    let mut curves = [Vec::new(), Vec::new()];
    for line in &ours.valid {
        let written = folder.join(format!("epoch-{}.txt", line.epoch));
        let Some(quality) = line.quality.as_ref().filter(|_| written.is_file()) else { break };
        let theirs = measured(session, &validation_set(), &written)?.score;
        curves[0].push((line.epoch as f64, quality.value));
        curves[1].push((line.epoch as f64, theirs));
        row(format!("validation, epoch {}", line.epoch), quality.value, theirs);
    }
    let written = folder.join(TEST);
    if ours.finished() && written.is_file() {
        let theirs = measured(session, &test_set(), &written)?.score;
        let to = session.out().join("multi30k/five-epochs-greedy.de");
        let greedy = ["--beam".to_owned(), "1".to_owned()];
        if let Some(found) = bleu(session, &ours.path, &test_set(), &greedy, &to)? {
            row(format!("test_2016_flickr, after epoch {EPOCHS}"), found.score, theirs);
        }
    }
    if curves[1].is_empty() {
        return Ok(None);
    }
    let title = "The same recipe in PyTorch for as many steps: BLEU, greedy";
    let [ours, theirs] = curves;
    let chart = Chart {
        title: title.into(),
        caption: "validation; equal text, subwords, sizes, rate and steps; other initial values and batches"
            .into(),
        x: Axis::linear("epoch"),
        y: Axis::linear("BLEU"),
        curves: vec![Curve::marked("Lampwick", ours), Curve::marked("PyTorch", theirs)],
    };
    Ok(Some((Table { title: title.into(), rows }, chart)))
}

/// Trains until [`EPOCHS`] are done or the budget is spent; goes on where it was.
fn train(session: &Session, ours: &Trained, folder: &Path) -> Result<()> {
    let done = folder.join(TEST).is_file();
    let Some(python) = env::var_os(PYTORCH).filter(|_| !done) else { return Ok(()) };
    fs::create_dir_all(folder)?;
    let train = training_set();
    // The values of configs/seq2seq/multi30k.toml.
    let ask = json!({
        "tokenizer": ours.path.join("tokenizer/target/tokenizer.json"),
        "train": [train.source, train.reference],
        "valid": validation_set().source,
        "test": test_set().source,
        "out": folder,
        "epochs": EPOCHS,
        "vocabulary": 8000, "end": 0, "longest": 100, "tokens": 1500,
        "embedding": 256, "hidden": 400, "layers": 1, "dropout": 0.3,
        "label_smoothing": 0.1, "clip_norm": 1.0, "lr": 0.001, "beta2": 0.98,
        "longest_per_source": 2.0,
    });
    let file = folder.join("ask.json");
    fs::write(&file, serde_json::to_vec_pretty(&ask)?)?;
    let mut command = Command::new(python);
    command.arg(root().join("xtask/peers/encoder_decoder.py")).arg("train").arg(file);
    session.run_peer(command)?;
    Ok(())
}
