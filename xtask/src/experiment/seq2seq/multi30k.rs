//! `multi30k`: English to German, with attention and without, and beside PyTorch.

use std::path::PathBuf;

use anyhow::Result;

use super::super::figure::{Figure, Reference};
use super::super::results::{Axis, Chart, Curve, Results, Table};
use super::super::session::{Run, Session};
use super::super::trained::Trained;
use super::decoded::{Bleu, TestSet, bleu};
use super::pytorch::compare;
use super::{run_table, validation_chart};

/// The training sources, below LAMPWICK_DATA.
pub(super) const NEEDS: &str = "multi30k/train.en";

/// The run with attention.
pub(super) fn with_attention() -> Run {
    Run {
        folder: "multi30k/attention".into(),
        config: "configs/seq2seq/multi30k.toml".into(),
        overrides: Vec::new(),
    }
}

/// The test set, below LAMPWICK_DATA.
pub(super) fn test_set() -> TestSet {
    set("test_2016_flickr")
}

/// The training set.
pub(super) fn training_set() -> TestSet {
    set("train")
}

/// The validation set.
pub(super) fn validation_set() -> TestSet {
    set("val")
}

fn set(name: &str) -> TestSet {
    let data = PathBuf::from(std::env::var_os("LAMPWICK_DATA").unwrap_or_default());
    let of = |language: &str| data.join(format!("multi30k/{name}.{language}"));
    TestSet { source: of("en"), reference: of("de") }
}

pub(in super::super) fn run(session: &Session) -> Result<Results> {
    session.needs(NEEDS)?;
    let without = Run {
        folder: "multi30k/no-attention".into(),
        overrides: vec!["model.attention=none".into(), "model.context_every_step=true".into()],
        ..with_attention()
    };
    let runs = [("attention", with_attention()), ("no attention", without)];
    let trained = session.train(&runs.clone().map(|(_, run)| run))?;
    let mut results = Results::new("multi30k: English to German, BLEU on test_2016_flickr");
    let named: Vec<(&str, &Trained)> = runs
        .iter()
        .zip(&trained)
        .filter_map(|((name, _), run)| Some((*name, run.as_ref()?)))
        .collect();
    let (mut lengths, mut signature) = (Vec::new(), String::new());
    let mut rows = vec![["run", "source words", "sentences", "BLEU"].map(str::to_owned).to_vec()];
    for (name, run) in &named {
        for (search, beam) in [("beam 5", "5"), ("greedy", "1")] {
            let options = ["--beam".to_owned(), beam.to_owned()];
            // Of an unfinished run the best so far is shown, under the step that it has reached.
            let to = format!("{}-beam{beam}-epoch{}.de", name.replace(' ', "-"), run.info.epochs);
            let to = session.out().join("multi30k").join(to);
            let found = match run.valid.is_empty() {
                true => None,
                false => bleu(session, &run.path, &test_set(), &options, &to)?,
            };
            results.figures.push(Figure {
                what: format!("{name}, {search}, after {} epochs", run.info.epochs),
                measured: found.as_ref().map(|bleu| bleu.score),
                reference: match (*name, beam) {
                    ("attention", "5") => Reference::AtLeast(33.0),
                    _ => Reference::None,
                },
                source: "the aim that is set here: published scores use other tokenisations".into(),
            });
            let Some(found) = found else { continue };
            signature.clone_from(&found.signature);
            if beam == "5" {
                let points = by_length(&found);
                rows.extend(found.by_source_length.iter().map(|bucket| {
                    let [from, to] =
                        bucket.source_words.map(|n| n.map_or("-".into(), |n| n.to_string()));
                    let score = format!("{:.2}", bucket.score);
                    vec![(*name).into(), format!("{from}-{to}"), bucket.segments.to_string(), score]
                }));
                lengths.push(Curve::marked(name, points));
            }
        }
    }
    results.notes.push(format!(
        "Joint BPE of 8,000, LSTM; config `configs/seq2seq/multi30k.toml`. sacreBLEU's figures: {signature}."
    ));
    results.charts.push(Chart {
        title: "BLEU by the length of the source".into(),
        caption: "beam 5; without attention one vector holds the sentence (Cho et al. 2014)".into(),
        x: Axis::linear("words of the source"),
        y: Axis::linear("BLEU"),
        curves: lengths,
    });
    results.charts.extend(validation_chart(&named));
    if let Some((table, chart)) = compare(session)? {
        results.tables.push(table);
        results.charts.push(chart);
    }
    results.tables.push(Table { title: "BLEU by the length of the source".into(), rows });
    results.tables.push(run_table(&named));
    Ok(results)
}

/// (Middle of the bucket, BLEU) of buckets with some sentences.
fn by_length(bleu: &Bleu) -> Vec<(f64, f64)> {
    let buckets = bleu.by_source_length.iter().filter(|bucket| bucket.segments >= 10);
    let middle = |[from, to]: [Option<usize>; 2]| match (from, to) {
        (Some(from), Some(to)) => (from + to) as f64 / 2.0,
        (from, to) => from.or(to).unwrap_or(0) as f64,
    };
    buckets.map(|bucket| (middle(bucket.source_words), bucket.score)).collect()
}
