//! `lampwick embed info`: what is in a file of vectors.

use std::io::Write;

use lampwick::embeddings::formats::native;
use lampwick::embeddings::{Check, NGrams};
use serde_json::json;

use super::opened::Input;
use super::train::as_options;
use crate::exit::Exit;
use lampwick::metrics::figures::count;

/// What `lampwick embed info` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed info vectors.vec
  lampwick embed info vectors.lwv --verify
  lampwick embed info model.bin --json | jq .dim")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Compare all of a .lwv file with its checksums
    #[arg(long)]
    verify: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let path = arguments.input.path();
    if arguments.verify {
        native::verify(path)?;
    }
    let loaded = arguments.input.open(Check::Nothing)?;
    let vectors = &loaded.vectors;
    let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let not_finite = vectors.not_finite().len();
    let trained = loaded.trained.as_ref();
    let input_not_finite = vectors.subwords().map_or(0, |it| it.not_finite().len());
    let output_not_finite = trained.map_or(0, |it| it.not_finite().len());
    let norms = vectors.norms().iter().map(|&norm| f64::from(norm)).filter(|norm| norm.is_finite());
    let mean = norms.sum::<f64>() / vectors.len().saturating_sub(not_finite).max(1) as f64;
    let ngrams = vectors.subwords().map(|subwords| {
        let NGrams { min, max, buckets } = subwords.ngrams();
        (min, max, buckets, subwords.is_quantized())
    });
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let object = json!({
            "words": vectors.len(),
            "dim": vectors.dim(),
            "mean_norm": mean,
            "ngrams": ngrams.map(|(min, max, buckets, quantized)| {
                json!({"min": min, "max": max, "buckets": buckets, "quantized": quantized})
            }),
            "index": vectors.index().map(|it| json!({"layers": it.layers(), "links": it.links()})),
            "trainable": loaded.trained.is_some(),
            "trained_by": trained.map(as_options),
            "duplicates": loaded.duplicates,
            "not_finite": loaded.not_finite + not_finite as u64,
            "input_not_finite": input_not_finite,
            "output_not_finite": output_not_finite,
            "bytes": bytes,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
        return Ok(Exit::Done);
    }
    writeln!(out, "words       {}", count(vectors.len() as u64))?;
    writeln!(out, "dimensions  {}", vectors.dim())?;
    writeln!(out, "mean norm   {mean:.4}")?;
    if not_finite + input_not_finite + output_not_finite > 0 {
        writeln!(
            out,
            "not finite  rows with a NaN or an infinity: {} of words, {} of the input matrix (of words and \
             n-grams), {} of the output matrix; `embed convert --skip-not-finite` leaves them out",
            count(not_finite as u64),
            count(input_not_finite as u64),
            count(output_not_finite as u64)
        )?;
    }
    if let Some((min, max, buckets, quantized)) = ngrams {
        let buckets = count(buckets.into());
        let codes = if quantized { ", as codes" } else { "" };
        writeln!(out, "n-grams     {min} to {max} characters, {buckets} buckets{codes}")?;
    }
    if let Some(index) = vectors.index() {
        let links = count(index.links() as u64);
        writeln!(out, "graph       {} layers, {links} links; for --approximate", index.layers())?;
    }
    if let Some(trained) = trained {
        // A finished training goes on with more text, another where it was interrupted.
        let (state, option) = match trained.state.is_finished() {
            true => ("finished", "--from"),
            false => ("a checkpoint", "--resume"),
        };
        let goes_on = match not_finite + input_not_finite + output_not_finite {
            0 => format!("goes on with {option}"),
            _ => "cannot go on from rows that are not finite".into(),
        };
        writeln!(out, "training    {state}; {goes_on}")?;
        writeln!(out, "trained by  {}", as_options(trained))?;
    }
    if arguments.verify {
        writeln!(out, "checksums   all right")?;
    }
    let first: Vec<_> =
        vectors.words().iter().take(8).map(|word| String::from_utf8_lossy(word)).collect();
    writeln!(out, "first       {}", first.join(" "))?;
    Ok(Exit::Done)
}
