//! `cargo xtask bench lm`: training and generation of word language models, tokens per second.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::side::Side;
use crate::numbers::{figure, median, ratio, table};

/// What `cargo xtask bench lm` takes.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    common: super::Common,
    /// Only cases whose name contains this, such as `medium` or `generate`
    filter: Option<String>,
}

/// One row, tokens per second (medians).
#[derive(Serialize)]
struct Row {
    case: &'static str,
    lampwick: Option<f64>,
    pytorch: Option<f64>,
    /// How many times as fast as PyTorch.
    over_pytorch: Option<f64>,
}

/// The models of Zaremba et al. (2014), section 4.1, and generation from the small one.
fn cases() -> [(&'static str, Value); 4] {
    [
        (
            "train small, 2x200, 20x20",
            json!({"ask": "train", "size": 200, "batch": 20, "steps": 20, "dropout": 0.0}),
        ),
        (
            "train medium, 2x650, 20x35",
            json!({"ask": "train", "size": 650, "batch": 20, "steps": 35, "dropout": 0.5}),
        ),
        (
            "generate, 1 stream",
            json!({"ask": "generate", "size": 200, "streams": 1, "length": 100, "temperature": 1.0}),
        ),
        (
            "generate, 64 streams",
            json!({"ask": "generate", "size": 200, "streams": 64, "length": 20, "temperature": 1.0}),
        ),
    ]
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let super::Common { json: as_json, rounds, seconds, threads } = arguments.common;
    let mut ours = Side::ours("bench_language_model", threads)?;
    let (mut pytorch, other) = match Side::pytorch("language_model.py", threads)? {
        Ok(side) => {
            let name = side.name().to_owned();
            (Some(side), name)
        }
        Err(why) => (None, why),
    };
    let mut rows = Vec::new();
    for (case, mut question) in cases() {
        if arguments.filter.as_ref().is_some_and(|filter| !case.contains(filter.as_str())) {
            continue;
        }
        // A step of the medium model takes half a second: give each turn several of them.
        question["seconds"] = json!(seconds * 5.0);
        let (mut lampwick, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            lampwick.push(rate(&ours.ask(&question)?)?);
            if let Some(pytorch) = &mut pytorch {
                theirs.push(rate(&pytorch.ask(&question)?)?);
            }
        }
        let (lampwick, pytorch) = (median(&lampwick), median(&theirs));
        let over_pytorch = lampwick.zip(pytorch).map(|(ours, theirs)| ours / theirs);
        eprintln!("{case}");
        rows.push(Row { case, lampwick, pytorch, over_pytorch });
    }
    if as_json {
        let all = json!({"sides": [ours.name(), other], "threads": threads, "rows": rows});
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    println!("{} beside {other}; {threads} threads each, medians in tokens/s\n", ours.name());
    let head = ["V = 10,000", "Lampwick", "PyTorch", "over PyTorch"].map(str::to_owned).to_vec();
    let lines = rows.iter().map(|row| {
        let case = row.case.to_owned();
        vec![case, figure(row.lampwick), figure(row.pytorch), ratio(row.over_pytorch)]
    });
    print!("{}", table(&std::iter::once(head).chain(lines).collect::<Vec<_>>()));
    Ok(())
}

fn rate(answer: &Value) -> Result<f64> {
    answer["tokens_per_second"].as_f64().with_context(|| format!("no rate in {answer}"))
}
