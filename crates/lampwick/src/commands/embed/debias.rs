//! `lampwick embed debias`: a direction taken out of vectors, and what that changes.

use std::io::Write;
use std::path::PathBuf;

use lampwick::embeddings::Check;
use lampwick::embeddings::bias::debias::debias;
use lampwick::embeddings::bias::direction::{self, direction};
use lampwick::metrics::figures::counted;
use serde_json::json;

use super::bias::{Wanted, direction_json, measured_json, print, read, tell_lost, tell_missing};
use super::convert::write;
use super::evaluate::{Evaluation, Rules, pairs, questions};
use super::opened::{Input, Output};
use crate::exit::{Exit, Usage};

/// What `lampwick embed debias` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed debias vectors.lwv fair.lwv --pairs definitional_pairs.json \\
      --specific gender_specific_seed.json --equalize equalize_pairs.json
  lampwick embed debias vectors.lwv fair.lwv --pairs definitional_pairs.json \\
      --sets WEAT.json --analogies questions-words.txt --similarities EN-SIMLEX-999.txt

Hard debiasing (Bolukbasi et al. 2016): the direction of --pairs is taken out of every word but
those of --specific, --pairs and --equalize, and the pairs of --equalize (else those of --pairs)
are put at equal distances along it, from where they were. OUT holds vectors of length 1, and no
n-grams: they would bring the direction back. With --sets, --analogies or --similarities what
this changes is told, before and after.

What is taken out is one direction. Words that were near each other for their bias stay so
(Gonen and Goldberg 2019): the measures below fall, and a classifier still finds which words
were which.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
    /// A JSON list of pairs of words that give the direction
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    /// A JSON list of words that keep it, beside those of --pairs and --equalize
    #[arg(long, value_name = "FILE")]
    specific: Option<PathBuf>,
    /// A JSON list of pairs to be made equal
    #[arg(long, value_name = "FILE")]
    equalize: Option<PathBuf>,
    #[command(flatten)]
    wanted: Wanted,
    /// A file of analogies
    #[arg(long, value_name = "FILE")]
    analogies: Option<PathBuf>,
    /// Files of pairs of words with their similarity
    #[arg(long, value_name = "FILE", num_args = 1..)]
    similarities: Vec<PathBuf>,
    #[command(flatten)]
    rules: Rules,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let Arguments { input, pairs: definitional, specific, equalize, analogies, .. } = arguments;
    if let Some(option) = arguments.rules.asked()
        && analogies.is_none()
        && arguments.similarities.is_empty()
    {
        let problem = format!("{option} goes with --analogies and --similarities");
        return Err(Usage(problem).into());
    }
    let mut inputs = input.files();
    let named = [specific, equalize, analogies, &arguments.wanted.sets].into_iter().flatten();
    inputs.extend(named.chain([definitional]).chain(&arguments.similarities).cloned());
    let format = arguments.output.format(&inputs)?;
    let definitional = read(&arguments.pairs, direction::read_pairs)?;
    let specific = arguments.specific.as_deref().map(|path| read(path, direction::read_words));
    let specific = specific.transpose()?.unwrap_or_default();
    let equalize = arguments.equalize.as_deref().map(|path| read(path, direction::read_pairs));
    let equalize = equalize.transpose()?.unwrap_or_else(|| definitional.clone());
    // Words that say a gender by themselves keep it, those of pairs among them.
    let specific: Vec<String> = specific
        .into_iter()
        .chain(definitional.iter().chain(&equalize).flatten().cloned())
        .collect();
    let tests = arguments.wanted.tests()?;
    let questions = arguments.analogies.as_deref().map(questions).transpose()?;
    let lists =
        arguments.similarities.iter().map(|path| pairs(path)).collect::<Result<Vec<_>, _>>()?;
    let (lookup, rules) = (arguments.wanted.lookup(), arguments.rules.settings());

    let before = arguments.input.open(Check::Words)?.vectors;
    let along = direction(&before, &definitional, &lookup)?;
    let result = debias(&before, &along, &specific, &equalize)?;
    write(&result.vectors, None, format, &arguments.output.out)?;

    let mut out = std::io::stdout().lock();
    let mut states = Vec::new();
    for (name, vectors) in [("before", &before), ("after", &result.vectors)] {
        let made = tests.as_ref().map(|tests| tests.of(vectors, &lookup)).transpose()?;
        let made = made.unwrap_or_default();
        let evaluation = Evaluation::of(vectors, questions.as_ref(), &lists, &rules)?;
        states.push((name, made, evaluation));
    }
    if arguments.json {
        let mut object = json!({
            "direction": direction_json(&along),
            "neutralised": result.neutralised,
            "equalised": result.equalised,
        });
        for (name, made, evaluation) in &states {
            object[name] = evaluation.json();
            object[name]["tests"] = made.iter().map(measured_json).collect();
        }
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
        return Ok(Exit::Done);
    }
    tell_lost(&along);
    if before.subwords().is_some() {
        tell!(
            "notice: the n-grams of the model were left out; they would bring the direction back"
        );
    }
    tell_missing(&states[0].1);
    writeln!(
        out,
        "{}: {} neutralised, {} made equal; the direction held {:.1} % of the differences of {}",
        arguments.output.out.display(),
        counted(result.neutralised as u64, "word"),
        counted(result.equalised as u64, "pair"),
        100.0 * along.share,
        counted(along.pairs as u64, "pair")
    )?;
    for (name, made, evaluation) in &states {
        if !made.is_empty() || questions.is_some() || !lists.is_empty() {
            writeln!(out, "\n{name}")?;
        }
        print(made, &mut out)?;
        evaluation.print(&mut out)?;
    }
    Ok(Exit::Done)
}
