//! `lampwick translate RUN`: a target for each source on stdin, one line out for one line in.
//!
//! - this file: the command line, the models, and the stream;
//! - `lines`: what comes in; `asked`: what is asked of each line; `search`: how its targets are found;
//!   `written`: what goes out; `endings`: what is told of how they ended;
//! - `language`: the language model that `--lm` sets beside.

mod asked;
mod endings;
mod language;
mod lines;
mod search;
mod written;

use std::io::Write;
use std::path::PathBuf;

use lampwick::decoding::{Combination, Ensemble, Hypothesis, Sentence, ShallowFusion};
use lampwick::models::{AttentionKind, NextToken, Translator};
use lampwick::training::RunDir;
use lampwick::training::seq2seq::translator::{Reading, TrainedTranslator};

use self::asked::Asked;
use self::endings::Endings;
use self::language::Language;
pub(super) use self::lines::{read_ahead, text};
use super::drawing::Drawing;
use super::opened::Weights;
use crate::exit::{Exit, Usage};
use crate::machine::Machine;

/// What `lampwick translate` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick translate runs/de < test.en > test.de
  lampwick translate runs/de --beam 1 < test.en                  greedy
  lampwick translate runs/de --beam 10 --n-best 3 --json < test.en
  lampwick translate runs/de --sample --top-p 0.9 --n-best 4 < test.en
  lampwick translate runs/de --alignments < test.en              text, a tab, then 0-0 1-2 ...
  lampwick translate runs/de --no-repeat-ngram 3 --forbid 'Mann' < test.en
  lampwick translate runs/de --prefix 'Ein' --require 'Hund' < test.en
  lampwick translate runs/de --average 3 < test.en               the mean of three checkpoints
  lampwick translate runs/de runs/de-2 runs/de-3 < test.en       an ensemble
  lampwick translate runs/de --lm runs/german --lm-weight 0.2 < test.en
  lampwick tokenize runs/de/tokenizer/target < german.txt | lampwick ngram train -o 5 > german.arpa
  lampwick translate runs/de --lm german.arpa < test.en          an n-gram model of the run's tokens
  ls recordings/*.wav | lampwick translate runs/digits   a run that hears: names of WAV files
  ls recordings/*.wav | lampwick translate runs/digits --ctc   by its CTC head, without the decoder
  ls pictures/*.png | lampwick translate runs/caption            a run that sees: names of PNG files

One line comes out for each line in, in order, also for an empty line (it is empty). Lines are
read as they come: what has arrived is translated together, those of like length side by side; a
line's result never depends on the others. A line that is no text (not UTF-8, a NUL), or that
cannot be translated as asked, gives an empty line, is reported on stderr, and the exit code is
1. With --n-best N > 1 there are up to N lines for each, as `number ||| target ||| score`, the
lines numbered from 0.

With --json-lines each line in is an object, {\"text\": ..., \"prefix\": ..., \"require\": [...],
\"forbid\": [...]}: what is asked of this line alone, beside the options; all but text may be left
out.

A score is the natural log-probability of the target, its end included, under the length and
coverage penalties; --json gives both, and \"finished\": false where no target can end as asked
within the longest length (or a sample does not), and \"error\" where a line is left empty.
A score of --ctc is the sum over the ways to read that its prefixes kept: a lower bound, which
more prefixes raise. Recordings of another rate than the run's (8,000 a second) are refused.
With --lm both are sums with the language model's. A search stops early only where its result
could not change. A sample depends on the run, the line and its number, and the options only.")]
pub(crate) struct Arguments {
    /// The run's directory; several of one vocabulary search together, as one model
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// How several runs' distributions become one [default: linear]
    #[arg(long, value_enum)]
    combine: Option<Combine>,
    /// A language model of the target's tokens: a run, or an n-gram model (binary or ARPA)
    #[arg(long, value_name = "RUN|MODEL", conflicts_with = "ctc")]
    lm: Option<PathBuf>,
    /// What its log-probabilities are multiplied by before they are added (shallow fusion)
    #[arg(
        long,
        value_name = "W",
        default_value_t = 0.2,
        requires = "lm",
        allow_negative_numbers = true
    )]
    lm_weight: f32,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    drawing: Drawing,
    /// Each line in is a JSON object
    #[arg(long, conflicts_with = "ctc")]
    json_lines: bool,
    /// Also tell where each target token looked, as `target-source` pairs from 0, after a tab
    #[arg(long, conflicts_with = "ctc")]
    alignments: bool,
    /// One JSON object for each source: targets, tokens, scores, and with --alignments the whole
    /// attention
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    weights: Weights,
    #[command(flatten)]
    machine: Machine,
}

/// Lines that are translated together at most.
const TOGETHER: usize = 1024;

/// What `--combine` takes.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Combine {
    /// The mean of their probabilities
    #[default]
    Linear,
    /// The mean of their log-probabilities, normalised again
    LogLinear,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.machine.threads.start()?;
    let mut runs = Vec::with_capacity(arguments.runs.len());
    for path in &arguments.runs {
        let device = RunDir::open(path)?.seq2seq_config()?.device;
        let device = arguments.machine.device(&device)?;
        let trained = TrainedTranslator::load(path, arguments.weights.which(), &device)?;
        for warning in &trained.warnings {
            tell!("warning: {warning}");
        }
        runs.push(trained);
    }
    let looks = if arguments.alignments { Some("--alignments") } else { arguments.asked.looks() };
    let blind = runs.iter().position(|run| run.config.model.attention == AttentionKind::None);
    if let Some((option, at)) = looks.zip(blind) {
        return Err(Usage(format!(
            "{option} is of where a decoder looks, and that of {} does not (model.attention is none)",
            arguments.runs[at].display()
        ))
        .into());
    }
    let (first, others) = runs.split_first().expect("clap requires a run");
    if arguments.asked.ctc() && !others.is_empty() {
        return Err(Usage("--ctc reads by one run: name one".into()).into());
    }
    if others.is_empty() {
        if arguments.combine.is_some() {
            return Err(Usage(
                "--combine is of several runs: name another, or leave it out".into(),
            )
            .into());
        }
        return with_language(arguments, &runs, &first.model, &|sources| first.state(sources));
    }
    for (other, path) in others.iter().zip(&arguments.runs[1..]) {
        let path = path.display().to_string();
        if other.config.model.reads != first.config.model.reads {
            anyhow::bail!("{path}: reads other sources than the first run; leave it out");
        }
        for (side, own, its) in
            [("source", &first.source, &other.source), ("target", &first.target, &other.target)]
        {
            let (own, its) = (own.vocabulary(), its.vocabulary());
            if own.hash() != its.hash() {
                anyhow::bail!(
                    "{path}: its {side} vocabulary of {} words is another than the first run's, of {}; an \
                     ensemble shares its vocabularies: train both on the same data and tokenizers",
                    its.len(),
                    own.len()
                );
            }
        }
    }
    let combination = match arguments.combine.unwrap_or_default() {
        Combine::Linear => Combination::Linear,
        Combine::LogLinear => Combination::LogLinear,
    };
    let models: Vec<&Translator> = runs.iter().map(|run| &run.model).collect();
    let together = Ensemble::new(models.clone(), vec![1.0; models.len()], combination)?;
    let encode =
        |sources: &[&Reading]| together.state(runs.iter().map(|run| run.state(sources)).collect());
    with_language(arguments, &runs, &together, &encode)
}

/// With the language model beside, where there is one. `model` is that of the runs together.
fn with_language<M: NextToken>(
    arguments: &Arguments,
    runs: &[TrainedTranslator],
    model: &M,
    encode: &dyn Fn(&[&Reading]) -> M::State,
) -> anyhow::Result<Exit> {
    let Some(path) = &arguments.lm else {
        return translate_lines(arguments, runs, model, encode);
    };
    let target = &runs[0].target;
    let weight = arguments.lm_weight;
    if !(weight.is_finite() && weight > 0.0) {
        let problem = format!("--lm-weight is {weight}: give a finite number above 0");
        return Err(Usage(problem).into());
    }
    match Language::open(path, &arguments.machine)? {
        Language::Neural(language, tokenizer) => {
            let tokens = language::tokens(target, tokenizer.vocabulary(), path)?;
            let fused = ShallowFusion::new(model, &*language, weight, tokens)?;
            let encode =
                |sources: &[&Reading]| fused.state(encode(sources), language.start(sources.len()));
            translate_lines(arguments, runs, &fused, &encode)
        }
        Language::Ngram(language) => {
            let tokens = language::ngram_tokens(target, &language, path)?;
            let language = lampwick::decoding::NgramTokens::new(&language);
            let fused = ShallowFusion::new(model, language, weight, tokens)?;
            let encode =
                |sources: &[&Reading]| fused.state(encode(sources), language.start(sources.len()));
            translate_lines(arguments, runs, &fused, &encode)
        }
    }
}

/// Translates stdin.
fn translate_lines<M: NextToken>(
    arguments: &Arguments,
    runs: &[TrainedTranslator],
    model: &M,
    encode: &dyn Fn(&[&Reading]) -> M::State,
) -> anyhow::Result<Exit> {
    let trained = &runs[0];
    let mut rules = arguments.asked.rules(trained)?;
    rules.attention = arguments.alignments;
    let search = arguments.asked.search(trained, &arguments.drawing)?;
    let every = arguments.asked.of_every_line(trained)?;
    let lines = lines::read_ahead();
    let mut out = std::io::stdout().lock();
    let mut exit = Exit::Done;
    let (mut number, mut endings) = (0, Endings::default());
    while let Ok(first) = lines.recv() {
        // What has arrived meanwhile goes along.
        let more = std::iter::from_fn(|| lines.try_recv().ok()).take(TOGETHER - 1);
        let batch: Vec<std::io::Result<Vec<u8>>> = std::iter::once(first).chain(more).collect();
        let mut problems: Vec<Option<String>> = vec![None; batch.len()];
        let mut left_empty = |index: usize, problem: String| {
            tell!("error: standard input:{}: {problem}; left empty", number + index + 1);
            exit = Exit::Partly;
            problems[index] = Some(problem);
        };
        let mut read = Vec::with_capacity(batch.len());
        for (index, line) in batch.into_iter().enumerate() {
            let line = lines::read(&line?, arguments.json_lines);
            let line = line.and_then(|line| every.of(&line, trained, number + index));
            read.push(line.unwrap_or_else(|problem| {
                left_empty(index, problem);
                (Reading::default(), Sentence::default())
            }));
        }
        // An empty line has an empty target: nothing is searched.
        let asked: Vec<usize> =
            (0..read.len()).filter(|&index| !read[index].0.is_empty()).collect();
        let mut found: Vec<Vec<Hypothesis>> = vec![Vec::new(); read.len()];
        let together = |indices: &[usize]| {
            let sources: Vec<(&Reading, &Sentence)> =
                indices.iter().map(|&index| (&read[index].0, &read[index].1)).collect();
            search.translate(model, runs, encode, &sources, &rules)
        };
        // Where one of them cannot be translated as asked, halves give what all give together.
        let mut parts = vec![&asked[..]];
        while let Some(indices) = parts.pop().filter(|indices| !indices.is_empty()) {
            match (together(indices), indices) {
                (Ok(all), _) => {
                    for (&index, one) in indices.iter().zip(all) {
                        found[index] = one;
                    }
                }
                (Err(error), &[index]) => {
                    left_empty(index, asked::of_line(&error, &read[index].1, &trained.target));
                }
                (Err(_), _) => {
                    let (before, after) = indices.split_at(indices.len() / 2);
                    parts.extend([after, before]);
                }
            }
        }
        let start = number;
        for (hypotheses, problem) in found.iter().zip(&problems) {
            let problem = problem.as_deref();
            written::write(arguments, trained, &mut out, number, hypotheses, problem)?;
            let source = read[number - start].0.len();
            endings.count(&search, &rules.lengths, source, hypotheses);
            number += 1;
        }
        out.flush()?;
    }
    endings.tell();
    Ok(exit)
}
