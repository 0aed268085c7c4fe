//! `lampwick translate RUN`: a target for each source on stdin, one line out for one line in.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, SyncSender};

use lampwick::decoding::{
    BeamOptions, Combination, CoveragePenalty, Ensemble, Hypothesis, LengthPenalty, Rules, Scoring,
};
use lampwick::models::{NextToken, Translator};
use lampwick::training::RunDir;
use lampwick::training::seq2seq::translator::{TrainedTranslator, translate};
use serde_json::json;

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
  lampwick translate runs/de --alignments < test.en              text, a tab, then 0-0 1-2 ...
  lampwick translate runs/de --no-repeat-ngram 3 --forbid 'Mann' < test.en
  lampwick translate runs/de runs/de-2 runs/de-3 < test.en       an ensemble

One line comes out for each line in, in order, also for an empty line (it is empty). Lines are read
as they come: what has arrived is translated together, those of like length side by side; a line's
result never depends on the others. A line that is no text (not UTF-8, a NUL) gives an empty line, is
reported on stderr, and the exit code is 1. With --n-best N > 1 there are up to N lines for each, as
`number ||| target ||| score`, the lines numbered from 0.

A score is the natural log-probability of the target, its end included, under the length and coverage
penalties; --json gives both. A search stops early only where its result could not change.")]
pub(crate) struct Arguments {
    /// The run's directory; several of one vocabulary search together, as one model
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// How several runs' distributions become one
    #[arg(long, value_enum, default_value_t = Combine::Linear)]
    combine: Combine,
    /// How many hypotheses are kept at each step; 1 is greedy [default: the run's
    /// validation.test_beam]
    #[arg(long, value_name = "N")]
    beam: Option<usize>,
    /// How many targets each source gets, at most as many as beams
    #[arg(long, value_name = "N", default_value_t = 1)]
    n_best: usize,
    /// GNMT's length penalty, ((5 + length) / 6)^A; 0 is none [default: the run's
    /// validation.length_penalty]
    #[arg(long, value_name = "A", group = "length")]
    length_penalty: Option<f64>,
    /// Divide a log-probability by length^P instead; 1 is the mean
    #[arg(long, value_name = "P", group = "length")]
    length_power: Option<f64>,
    /// Add R nats for each token instead
    #[arg(long, value_name = "R", group = "length", allow_negative_numbers = true)]
    word_reward: Option<f64>,
    /// GNMT's coverage penalty, B times the sum of ln min(attention on a source token, 1)
    #[arg(long, value_name = "B")]
    coverage_penalty: Option<f64>,
    /// Against looking at a source token twice, B times the attention beyond 1 (summaries)
    #[arg(long, value_name = "B", conflicts_with = "coverage_penalty")]
    repeat_penalty: Option<f64>,
    /// The fewest tokens of a target
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_length: usize,
    /// The most tokens of a target [default: 1000, and R times the source's plus 10]
    #[arg(long, value_name = "N")]
    max_length: Option<usize>,
    /// The most tokens of a target for each of the source's, and 10 more [default: the run's
    /// validation.longest_per_source]
    #[arg(long, value_name = "R")]
    max_ratio: Option<f64>,
    /// No N tokens in a row stand twice in a target
    #[arg(long, value_name = "N")]
    no_repeat_ngram: Option<usize>,
    /// Words that no target contains; may be given several times
    #[arg(long, value_name = "WORDS")]
    forbid: Vec<String>,
    /// Also tell where each target token looked, as `target-source` pairs from 0, after a tab
    #[arg(long)]
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
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Combine {
    /// The mean of their probabilities
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
    let (first, others) = runs.split_first().expect("clap requires a run");
    if others.is_empty() {
        let model = &first.model;
        return translate_lines(arguments, first, model, &|sources| model.encode(sources));
    }
    for (other, path) in others.iter().zip(&arguments.runs[1..]) {
        let path = path.display().to_string();
        first.source.vocabulary().expect_same(other.source.vocabulary(), &path)?;
        first.target.vocabulary().expect_same(other.target.vocabulary(), &path)?;
    }
    let combination = match arguments.combine {
        Combine::Linear => Combination::Linear,
        Combine::LogLinear => Combination::LogLinear,
    };
    let models: Vec<&Translator> = runs.iter().map(|run| &run.model).collect();
    let together = Ensemble::new(models.clone(), vec![1.0; models.len()], combination)?;
    let encode = |sources: &[&[u32]]| {
        together.state(models.iter().map(|model| model.encode(sources)).collect())
    };
    translate_lines(arguments, first, &together, &encode)
}

/// Translates stdin.
fn translate_lines<M: NextToken>(
    arguments: &Arguments,
    trained: &TrainedTranslator,
    model: &M,
    encode: &dyn Fn(&[&[u32]]) -> M::State,
) -> anyhow::Result<Exit> {
    let (rules, options) = asked(arguments, trained)?;
    let lines = read_ahead();
    let mut out = std::io::stdout().lock();
    let mut exit = Exit::Done;
    let mut number = 0;
    while let Ok(first) = lines.recv() {
        // What has arrived meanwhile goes along.
        let more = std::iter::from_fn(|| lines.try_recv().ok()).take(TOGETHER - 1);
        let batch: Vec<std::io::Result<Vec<u8>>> = std::iter::once(first).chain(more).collect();
        let mut sources = Vec::with_capacity(batch.len());
        for (index, line) in batch.into_iter().enumerate() {
            let ids = match text(&line?) {
                Ok(text) => trained.encode(&text)?,
                Err(problem) => {
                    let line = number + index + 1;
                    tell!("error: standard input:{line}: {problem} of the line; left empty");
                    exit = Exit::Partly;
                    Vec::new()
                }
            };
            sources.push(ids);
        }
        // An empty line has an empty target: nothing is searched.
        let asked: Vec<&[u32]> =
            sources.iter().filter(|source| !source.is_empty()).map(Vec::as_slice).collect();
        let found = translate(model, encode, &asked, &rules, &options, &mut |_, _| true)?;
        let mut found = found.unwrap_or_default().into_iter();
        for source in &sources {
            let hypotheses = if source.is_empty() { None } else { found.next() };
            write(arguments, trained, &mut out, number, &hypotheses.unwrap_or_default())?;
            number += 1;
        }
        out.flush()?;
    }
    Ok(exit)
}

/// The options of the command line over those of the run.
fn asked(
    arguments: &Arguments,
    trained: &TrainedTranslator,
) -> anyhow::Result<(Rules, BeamOptions)> {
    let mut rules = trained.rules();
    rules.lengths.min = arguments.min_length;
    rules.attention = arguments.alignments;
    rules.no_repeat_ngram = arguments.no_repeat_ngram;
    rules.suppress.extend(trained.target.vocabulary().unk_id());
    if let Some(ratio) = arguments.max_ratio {
        rules.lengths.max_ratio = Some(ratio);
    }
    if let Some(max) = arguments.max_length {
        rules.lengths.max = max;
        if arguments.max_ratio.is_none() {
            rules.lengths.max_ratio = None;
        }
    }
    for words in &arguments.forbid {
        let mut phrase = Vec::new();
        trained.target.encode(words, &mut phrase)?;
        if phrase.is_empty() || phrase.iter().any(|&id| trained.target.is_oov(id)) {
            let problem = format!("--forbid {words:?}: the target's vocabulary has no such words");
            return Err(Usage(problem).into());
        }
        rules.forbidden.push(phrase);
    }
    let mut options = trained.options();
    if let Some(beam) = arguments.beam {
        options.width = beam;
    }
    options.n_best = arguments.n_best;
    let length = [
        arguments.length_penalty.map(|alpha| LengthPenalty::Gnmt { alpha }),
        arguments.length_power.map(|exponent| LengthPenalty::Power { exponent }),
        arguments.word_reward.map(|reward| LengthPenalty::Reward { reward }),
    ];
    let coverage = [
        arguments.coverage_penalty.map(|beta| CoveragePenalty::Gnmt { beta }),
        arguments.repeat_penalty.map(|beta| CoveragePenalty::Summary { beta }),
    ];
    options.scoring = Scoring {
        length: length.into_iter().flatten().next().unwrap_or(options.scoring.length),
        coverage: coverage.into_iter().flatten().next().unwrap_or_default(),
    };
    options.validate().map_err(|error| Usage(error.to_string()))?;
    rules.lengths.validate().map_err(|error| Usage(error.to_string()))?;
    Ok((rules, options))
}

/// The lines of stdin without their ends, read by a thread of their own.
fn read_ahead() -> Receiver<std::io::Result<Vec<u8>>> {
    let (sender, lines): (SyncSender<_>, _) = mpsc::sync_channel(TOGETHER);
    std::thread::spawn(move || {
        let mut stdin = BufReader::new(std::io::stdin());
        loop {
            let mut line = Vec::new();
            let read = stdin.read_until(b'\n', &mut line);
            if line.ends_with(b"\n") {
                line.pop();
            }
            if line.ends_with(b"\r") {
                line.pop();
            }
            match read {
                Ok(0) => break,
                Ok(_) if sender.send(Ok(line)).is_err() => break,
                Ok(_) => {}
                Err(error) => {
                    let _ = sender.send(Err(error));
                    break;
                }
            }
        }
    });
    lines
}

/// A line as text, or what is wrong with it.
pub(super) fn text(line: &[u8]) -> Result<String, String> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    if let Some(at) = line.iter().position(|&byte| byte == 0) {
        return Err(format!("NUL at byte {at}"));
    }
    match std::str::from_utf8(line) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(format!("not UTF-8 at byte {}", error.valid_up_to())),
    }
}

/// One source's line, or its lines.
fn write(
    arguments: &Arguments,
    trained: &TrainedTranslator,
    out: &mut impl Write,
    number: usize,
    hypotheses: &[Hypothesis],
) -> anyhow::Result<()> {
    let text = |hypothesis: &Hypothesis| {
        // A target of several lines would break the lines' count.
        trained.target.decode(&hypothesis.tokens).trim().replace(['\n', '\r'], " ")
    };
    if arguments.json {
        let targets = hypotheses.iter().map(|one| {
            let mut object = json!({
                "text": text(one),
                "tokens": one.tokens.iter().map(|&id| trained.target.vocabulary().word(id)).collect::<Vec<_>>(),
                "log_prob": one.log_prob,
                "score": one.score,
                "finished": one.finished,
            });
            if let Some(attention) = &one.attention {
                object["attention"] = attention.rows().map(|row| json!(row)).collect();
            }
            object
        });
        writeln!(out, "{}", json!({"line": number, "targets": targets.collect::<Vec<_>>()}))?;
        return Ok(());
    }
    let aligned = |one: &Hypothesis| match &one.attention {
        Some(attention) if arguments.alignments => {
            // The end of the target has a place to look at, but is no token.
            let pairs = attention.alignment().into_iter().take(one.tokens.len()).enumerate();
            let pairs: Vec<String> = pairs.map(|(t, s)| format!("{t}-{s}")).collect();
            format!("\t{}", pairs.join(" "))
        }
        _ => String::new(),
    };
    if arguments.n_best == 1 {
        let best = hypotheses.first();
        let line = best.map_or(String::new(), |best| text(best) + &aligned(best));
        writeln!(out, "{line}")?;
        return Ok(());
    }
    if hypotheses.is_empty() {
        writeln!(out, "{number} |||  ||| 0")?;
    }
    for one in hypotheses {
        writeln!(out, "{number} ||| {} ||| {:.4}{}", text(one), one.score, aligned(one))?;
    }
    Ok(())
}
