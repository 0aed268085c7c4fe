//! `lampwick evaluate RUN [FILE]`: perplexity with its unit.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use lampwick::data::{Tokenizer, Tokens};
use lampwick::metrics::Perplexity;
use lampwick::metrics::figures::{count, figure};
use lampwick::training::{self, Config, EvaluationOptions, Part, Text, TrainedModel};
use serde_json::json;

use super::opened::{Weights, open};
use crate::exit::{Exit, Usage};
use crate::machine::Machine;

/// What `lampwick evaluate` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick evaluate runs/mine                     its own test set
  lampwick evaluate runs/mine --split valid
  lampwick evaluate runs/mine other.txt
  lampwick evaluate model.arpa test.txt           an n-gram model, ARPA or binary
  lampwick evaluate runs/mine other.txt --json | jq .perplexity

The weights are those of the best validation, or of the newest checkpoint with --newest. Every
token of the text is scored, the end of each line included where the run's tokens have one;
unknown words are scored as <unk> and counted as OOV. Two perplexities compare only with the
same unit and vocabulary; bits per character compare whenever few words are unknown.")]
pub(crate) struct Arguments {
    /// The run's directory, or an n-gram model: binary or ARPA, ARPA also through a pipe
    run: PathBuf,
    /// The text, `-` for stdin; without it, the test set (or validation set) that the run's config
    /// names
    file: Option<PathBuf>,
    /// Which of the run's own texts
    #[arg(long, value_enum, conflicts_with = "file")]
    split: Option<Split>,
    /// Streams that the text is cut into, each begun without a context: more are faster, and a
    /// little worse; 1 reads the text as one [default: the config's batches.evaluation_size]
    #[arg(long, value_name = "B", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: Weights,
    #[command(flatten)]
    machine: Machine,
}

/// The texts of a run.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Split {
    Train,
    Valid,
    Test,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if super::ngram::is_model(&arguments.run) {
        let Some(file) = &arguments.file else {
            let model = arguments.run.display();
            let problem =
                format!("{model} is an n-gram model, which has no text of its own: name one");
            return Err(Usage(problem).into());
        };
        let perplexity = super::ngram::evaluate(&arguments.run, file)?;
        say(arguments, &file.display().to_string(), &perplexity, None)?;
        return Ok(Exit::Done);
    }
    let TrainedModel { config, tokenizer, model, .. } =
        open(&arguments.run, &arguments.weights, &arguments.machine)?;
    let (name, text) = match &arguments.file {
        Some(file) => {
            let (name, (tokens, counts)) = if file.as_os_str() == "-" {
                ("stdin".into(), Tokens::from_text(&tokenizer, std::io::stdin().lock(), "stdin")?)
            } else {
                (file.display().to_string(), Tokens::from_text_file(&tokenizer, file)?)
            };
            (name, Text { tokens, counts, source_nats: None })
        }
        None => own_text(&config, &tokenizer, arguments)?,
    };
    let options = EvaluationOptions {
        batch: arguments.batch.map_or(config.batches.evaluation_size, |batch| batch as usize),
        steps: config.batches.evaluation_bptt,
    };
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:20} {percent} %  {eta} left")?);
    let mut watch = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        true
    };
    let perplexity = training::evaluate(&model, &text, &tokenizer, options, &mut watch)?
        .expect("the watch never ends it");
    bar.finish_and_clear();
    say(arguments, &name, &perplexity, text.source_nats)?;
    Ok(Exit::Done)
}

/// The text that was asked for; by default the test set, or the validation set of a run without.
fn own_text(
    config: &Config,
    tokenizer: &Tokenizer,
    arguments: &Arguments,
) -> anyhow::Result<(String, Text)> {
    let read = |part| Text::of_run(config, tokenizer, part);
    let (name, text) = match arguments.split {
        Some(Split::Train) => ("training", read(Part::Train)?),
        Some(Split::Valid) => ("validation", read(Part::Valid)?),
        Some(Split::Test) => ("test", read(Part::Test)?),
        None => match read(Part::Test)? {
            Some(text) => ("test", Some(text)),
            None => ("validation", read(Part::Valid)?),
        },
    };
    let text = text.with_context(|| {
        format!(
            "{run}: the run has no {name} set; name a text (lampwick evaluate {run} FILE), use \
             --split {other}, or set data.{key} in {config}",
            run = arguments.run.display(),
            other = if name == "test" { "valid" } else { "train" },
            key = if name == "test" { "test" } else { "valid" },
            config = arguments.run.join("config.toml").display()
        )
    })?;
    Ok((format!("the run's {name} set"), text))
}

fn say(
    arguments: &Arguments,
    name: &str,
    perplexity: &Perplexity,
    source_nats: Option<f64>,
) -> anyhow::Result<()> {
    let mut out = crate::output::stdout();
    let source_bits = source_nats.map(|nats| nats / std::f64::consts::LN_2);
    if arguments.json {
        let object = json!({
            "run": arguments.run,
            "text": name,
            "perplexity": perplexity.value(),
            "unit": perplexity.unit(),
            "tokens": perplexity.tokens(),
            "counts_eos": perplexity.counts_eos(),
            "oov": perplexity.oov(),
            "nats_per_token": perplexity.nats_per_token(),
            "bits_per_token": perplexity.bits_per_token(),
            "bits_per_character": perplexity.bits_per_character(),
            "source_bits_per_token": source_bits,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
        return Ok(());
    }
    let end = if perplexity.counts_eos() { "with" } else { "without" };
    writeln!(out, "{name}")?;
    writeln!(out, "perplexity         {} per {}", figure(perplexity.value()), perplexity.unit())?;
    writeln!(out, "tokens scored      {} ({end} </s>)", count(perplexity.tokens()))?;
    let share = 100.0 * perplexity.oov() as f64 / perplexity.tokens() as f64;
    writeln!(out, "out of vocabulary  {} ({share:.2} %)", count(perplexity.oov()))?;
    writeln!(out, "bits per token     {:.4}", perplexity.bits_per_token())?;
    if let Some(bits) = perplexity.bits_per_character() {
        writeln!(out, "bits per character {bits:.4}")?;
    }
    if let Some(source) = source_bits {
        let above = perplexity.bits_per_token() - source;
        writeln!(out, "above the source   {above:.4} bits per token (its own: {source:.4})")?;
    }
    Ok(())
}
