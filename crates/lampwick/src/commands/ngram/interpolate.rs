//! `lampwick ngram interpolate`: a linear mixture of models.

use std::io::Write;
use std::path::PathBuf;

use lampwick::ngram::{BOS, EOS, Source, Table, UNK, check_weights, mix, tune};
use serde_json::json;

use super::places::check_out;
use super::progress::Stages;
use super::{BOS_WORD, EOS_WORD, opened, sentence};
use crate::commands::places::stdin_once;
use crate::exit::{Exit, Usage};
use crate::machine::Threads;
use lampwick::metrics::figures;

/// What `lampwick ngram interpolate` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram interpolate news.arpa talk.arpa --tune dev.txt                 the weights only
  lampwick ngram interpolate news.arpa talk.arpa --tune dev.txt --out both.arpa
  lampwick ngram interpolate news.arpa talk.arpa --weights 0.3,0.7 --out both.arpa

The weights are those that make the development text most likely (expectation maximisation). The
mixture that is written has every n-gram that one of the models has, with the mixture's
probability; what it backs off to is close to the mixture's, and each context sums to 1. A word
that a model lacks has no probability in that model: the others' share, by their weights, is all
that it gets.")]
pub(crate) struct Arguments {
    /// The models: ARPA, or binary tries
    #[arg(required = true, num_args = 2..)]
    models: Vec<PathBuf>,
    /// The text to find the weights on, which no model was trained on
    #[arg(long, value_name = "FILE", required_unless_present = "weights")]
    tune: Option<PathBuf>,
    /// The weights themselves, one for each model
    #[arg(
        long,
        value_name = "W,W,...",
        value_delimiter = ',',
        conflicts_with = "tune",
        requires = "out"
    )]
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
    let inputs = || arguments.models.iter().chain(&arguments.tune);
    stdin_once(inputs())?;
    if let Some(out) = &arguments.out {
        if out.as_os_str() == "-" {
            let problem = "--out -: stdout has the weights; name a file for the mixture";
            return Err(Usage(problem.into()).into());
        }
        check_out(out, inputs())?;
    }
    if arguments.tune.is_none() {
        let checked = check_weights(&arguments.weights, arguments.models.len());
        checked.map_err(|error| Usage(error.to_string()))?;
    }
    let tables: Vec<Table> =
        arguments.models.iter().map(|path| opened::table(path)).collect::<Result<_, _>>()?;
    let (weights, perplexity) = match &arguments.tune {
        None => (arguments.weights.clone(), None),
        Some(path) => {
            let text = Source::named(path)?.read_all()?;
            let scores = scores(&tables, &text);
            if scores.is_empty() {
                anyhow::bail!("{}: is empty; give a text to find the weights on", path.display());
            }
            let (weights, mean) = tune(&scores, tables.len());
            (weights, Some(10f64.powf(-mean)))
        }
    };
    let mut out = crate::output::stdout();
    if arguments.json {
        let object =
            json!({"models": arguments.models, "weights": weights, "perplexity": perplexity});
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
    } else {
        for (path, weight) in arguments.models.iter().zip(&weights) {
            writeln!(out, "{weight:.6}  {}", path.display())?;
        }
        if let Some(perplexity) = perplexity {
            let perplexity = figures::perplexity(perplexity);
            writeln!(out, "perplexity of the mixture on the development text: {perplexity}")?;
        }
    }
    if let Some(path) = &arguments.out {
        super::convert::write_arpa(&mix(&tables, &weights)?, path, &Stages::new())?;
    }
    Ok(Exit::Done)
}

/// What each model gives each word of a text, `</s>` included: as in the mixture, a word that others
/// know has no probability in a model that does not, and one that none knows is `<unk>` to all.
fn scores(tables: &[Table], text: &[u8]) -> Vec<Vec<f32>> {
    let mut scores = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let mut contexts = vec![vec![BOS]; tables.len()];
        for word in sentence(line) {
            if word == BOS_WORD {
                contexts = vec![vec![BOS]; tables.len()];
                continue;
            }
            let id = |table: &Table| {
                if word == EOS_WORD { Some(EOS) } else { table.words().get(word) }
            };
            let known = tables.iter().any(|table| id(table).is_some());
            let each = tables.iter().zip(&mut contexts).map(|(table, context)| {
                let own = id(table);
                let (log10, _) = table.log10(context, own.unwrap_or(UNK));
                context.push(own.unwrap_or(UNK));
                if own.is_none() && known { f32::NEG_INFINITY } else { log10 }
            });
            scores.push(each.collect());
        }
    }
    scores
}
