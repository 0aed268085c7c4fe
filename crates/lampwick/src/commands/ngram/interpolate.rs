//! `lampwick ngram interpolate`: a linear mixture of models.

use std::io::Write;
use std::path::PathBuf;

use lampwick::ngram::{BOS, EOS, NgramError, Table, UNK, mix, tune, words};
use serde_json::json;

use super::opened;
use super::progress::Stages;
use crate::exit::{Exit, Usage};
use crate::machine::Threads;

/// What `lampwick ngram interpolate` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram interpolate news.arpa talk.arpa --tune dev.txt                 the weights only
  lampwick ngram interpolate news.arpa talk.arpa --tune dev.txt --out both.arpa
  lampwick ngram interpolate news.arpa talk.arpa --weights 0.3,0.7 --out both.arpa

The weights are those that make the development text most likely (expectation maximisation). The
mixture that is written has every n-gram that one of the models has, with the mixture's probability;
what it backs off to is close to the mixture's, and each context sums to 1.")]
pub(crate) struct Arguments {
    /// The models: ARPA, or binary tries
    #[arg(required = true, num_args = 2..)]
    models: Vec<PathBuf>,
    /// The text to find the weights on, which no model was trained on
    #[arg(long, value_name = "FILE", required_unless_present = "weights")]
    tune: Option<PathBuf>,
    /// The weights themselves, one for each model
    #[arg(long, value_name = "W,W,...", value_delimiter = ',', conflicts_with = "tune")]
    weights: Vec<f64>,
    /// Write the mixture as one model, ARPA
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.threads.start()?;
    if arguments.tune.is_none() && arguments.weights.len() != arguments.models.len() {
        return Err(Usage(format!(
            "--weights: {} for {} models",
            arguments.weights.len(),
            arguments.models.len()
        ))
        .into());
    }
    let tables: Vec<Table> =
        arguments.models.iter().map(|path| opened::table(path)).collect::<Result<_, _>>()?;
    let (weights, perplexity) = match &arguments.tune {
        None => (arguments.weights.clone(), None),
        Some(path) => {
            let text = std::fs::read(path)
                .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", path.display()))?;
            let scores = scores(&tables, &text);
            if scores.is_empty() {
                anyhow::bail!("{}: is empty; give a text to find the weights on", path.display());
            }
            let (weights, mean) = tune(&scores, tables.len());
            (weights, Some(10f64.powf(-mean)))
        }
    };
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let object =
            json!({"models": arguments.models, "weights": weights, "perplexity": perplexity});
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
    } else {
        for (path, weight) in arguments.models.iter().zip(&weights) {
            writeln!(out, "{weight:.6}  {}", path.display())?;
        }
        if let Some(perplexity) = perplexity {
            writeln!(out, "perplexity of the mixture on the development text: {perplexity:.4}")?;
        }
    }
    if let Some(path) = &arguments.out {
        let table = mix(&tables, &weights).map_err(|error| match error {
            NgramError::Setting(problem) => Usage(problem).into(),
            other => anyhow::Error::from(other),
        })?;
        super::convert::write_arpa(&table, path, false, &Stages::new())?;
    }
    Ok(Exit::Done)
}

/// What each model gives each word of a text, `</s>` included.
fn scores(tables: &[Table], text: &[u8]) -> Vec<Vec<f32>> {
    let mut scores = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let mut contexts = vec![vec![BOS]; tables.len()];
        for word in words::split(line).chain([&b"</s>"[..]]) {
            let each = tables.iter().zip(&mut contexts).map(|(table, context)| {
                let id = if word == b"</s>" { EOS } else { table.words().get(word).unwrap_or(UNK) };
                let (log10, _) = table.log10(context, id);
                context.push(id);
                log10
            });
            scores.push(each.collect());
        }
    }
    scores
}
