//! `lampwick score RUN`: one line out for each line in, as it comes.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

use lampwick::data::Tokenizer;
use lampwick::decoding;
use lampwick::models::{Generator, NextToken};
use lampwick::training::seq2seq::translator::TrainedTranslator;
use lampwick::training::{AnyConfig, RunDir};
use serde_json::json;

use super::opened::{Weights, on_host, open};
use super::sentences::{Sentence, Sentences};
use super::translate::text;
use crate::exit::Exit;
use crate::machine::Machine;

/// What `lampwick score` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick score runs/mine < sentences.txt
  echo 'the lamp burns' | lampwick score runs/mine --tokens
  paste <(lampwick score runs/mine < candidates.txt) candidates.txt | sort -gr | head

Each line of stdin is a sentence of its own; its natural log-probability, the end of the line
included, comes out as one line, also for an empty line, and before the next line is read. With
--tokens: `token log-probability` pairs, separated by tabs. An unknown word is scored as <unk>;
with --pieces, which takes tokens as they are, it is an error.

Of an encoder-decoder's run: each line is a source, a tab and a target, and what comes out is
the natural log-probability of the target, its end included, given the source. A search over
subwords may write a word in other pieces than the tokenizer splits it into, which has another
probability: with --pieces the target is its tokens, as `translate --json` lists them, and has
that of `translate`.

A line that is no text (not UTF-8, a NUL, a word of more than 64 KiB) also gives one line, such as
`error: not UTF-8 at byte 5`, or with --json an object with \"error\"; bytes count from the line's
start, from 0. It is reported on stderr, the lines after it are scored, and the exit code is 1.")]
pub(crate) struct Arguments {
    /// The run's directory
    run: PathBuf,
    /// An encoder-decoder's target is its tokens with spaces between, not text
    #[arg(long)]
    pieces: bool,
    /// Give each token's log-probability instead of the line's
    #[arg(long)]
    tokens: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: Weights,
    #[command(flatten)]
    machine: Machine,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if let AnyConfig::Seq2Seq(config) = RunDir::open(&arguments.run)?.any_config()? {
        return score_pairs(arguments, &config.device);
    }
    let trained = open(&arguments.run, &arguments.weights, &arguments.machine)?;
    let (tokenizer, model) = (&trained.tokenizer, &trained.model);
    if on_host(model) {
        score_lines(arguments, tokenizer, &Generator::new(model))
    } else {
        score_lines(arguments, tokenizer, model)
    }
}

fn score_lines(
    arguments: &Arguments,
    tokenizer: &Tokenizer,
    model: &impl NextToken,
) -> anyhow::Result<Exit> {
    let mut sentences = Sentences::new(BufReader::new(std::io::stdin()), tokenizer);
    let mut out = crate::output::stdout();
    let mut exit = Exit::Done;
    // The token before a sentence is the end of the one before.
    let start = tokenizer.vocabulary().eos_id().unwrap_or(0);
    while let Some(sentence) = sentences.next()? {
        let ids = match sentence {
            Sentence::Tokens(ids) => ids,
            Sentence::NoText { line, problem } => {
                tell!("error: standard input:{line}: {problem} of the line; not scored");
                exit = Exit::Partly;
                if arguments.json {
                    writeln!(out, "{}", json!({ "error": problem }))?;
                } else {
                    writeln!(out, "error: {problem}")?;
                }
                out.flush()?;
                continue;
            }
        };
        let scores = decoding::score(model, std::slice::from_ref(&ids), start)?.remove(0);
        let total: f64 = scores.iter().map(|&score| f64::from(score)).sum();
        let words = ids.iter().map(|&id| shown(tokenizer, id));
        if arguments.json {
            let mut object = json!({
                "log_prob": total,
                "tokens": ids.len(),
                "oov": ids.iter().filter(|&&id| tokenizer.is_oov(id)).count(),
            });
            if arguments.tokens {
                object["scores"] =
                    words.zip(&scores).map(|(word, score)| json!([word, score])).collect();
            }
            writeln!(out, "{object}")?;
        } else if arguments.tokens {
            let pairs: Vec<String> =
                words.zip(&scores).map(|(word, score)| format!("{word} {score:.4}")).collect();
            writeln!(out, "{}", pairs.join("\t"))?;
        } else {
            writeln!(out, "{total:.4}")?;
        }
        out.flush()?;
    }
    Ok(exit)
}

/// Scores `source<TAB>target` lines by an encoder-decoder.
fn score_pairs(arguments: &Arguments, device: &str) -> anyhow::Result<Exit> {
    arguments.machine.threads.start()?;
    let device = arguments.machine.device(device)?;
    let trained = TrainedTranslator::load(&arguments.run, arguments.weights.which(), &device)?;
    for warning in &trained.warnings {
        tell!("warning: {warning}");
    }
    let rules = trained.rules();
    let mut out = std::io::stdout().lock();
    let mut exit = Exit::Done;
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let line = line?;
        let pair = text(line.strip_suffix(b"\r").unwrap_or(&line)).and_then(|line| {
            let (source, target) =
                line.split_once('\t').ok_or("no tab between source and target")?;
            if target.contains('\t') {
                return Err("a second tab: give a source, one tab and a target".into());
            }
            let source = trained.read(source).map_err(|error| error.to_string())?;
            Ok((source, ids_of(target, &trained.target, arguments.pieces)?))
        });
        let (source, ids) = match pair {
            Ok(pair) => pair,
            Err(problem) => {
                tell!("error: standard input:{}: {problem}; not scored", number + 1);
                exit = Exit::Partly;
                writeln!(out, "error: {problem}")?;
                out.flush()?;
                continue;
            }
        };
        let sentences = [decoding::Sentence::of(source.len().max(1))];
        let state = trained.state(&[&source]);
        let scoring = decoding::Scoring::default();
        let targets = std::slice::from_ref(&ids);
        let scored =
            decoding::score_targets(&trained.model, state, &sentences, targets, &rules, &scoring)?;
        let scored = &scored[0];
        let words = ids.iter().chain([&trained.end]).map(|&id| shown(&trained.target, id));
        if arguments.json {
            let mut object = json!({ "log_prob": scored.log_prob, "tokens": ids.len() + 1 });
            if arguments.tokens {
                let pairs = words.zip(&scored.log_probs);
                object["scores"] = pairs.map(|(word, score)| json!([word, score])).collect();
            }
            writeln!(out, "{object}")?;
        } else if arguments.tokens {
            let pairs = words.zip(&scored.log_probs);
            let pairs: Vec<String> =
                pairs.map(|(word, score)| format!("{word} {score:.4}")).collect();
            writeln!(out, "{}", pairs.join("\t"))?;
        } else {
            writeln!(out, "{:.4}", scored.log_prob)?;
        }
        out.flush()?;
    }
    Ok(exit)
}

/// A target as its tokens: split here, or given.
fn ids_of(target: &str, tokenizer: &Tokenizer, pieces: bool) -> Result<Vec<u32>, String> {
    let mut ids = Vec::new();
    if !pieces {
        tokenizer.encode(target, &mut ids).map_err(|error| error.to_string())?;
        return Ok(ids);
    }
    for piece in target.split(' ').filter(|piece| !piece.is_empty()) {
        let id = tokenizer.vocabulary().id(piece);
        ids.push(id.ok_or_else(|| format!("{piece:?} is no token of the target's vocabulary"))?);
    }
    Ok(ids)
}

/// A token as one word of the output: a newline or a tab of a character model would break its lines.
fn shown(tokenizer: &Tokenizer, id: u32) -> String {
    let word = tokenizer.vocabulary().word(id);
    if word.chars().any(|c| c.is_whitespace() || c.is_control()) {
        word.escape_default().to_string()
    } else {
        word.to_owned()
    }
}
