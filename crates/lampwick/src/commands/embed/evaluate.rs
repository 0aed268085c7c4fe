//! `lampwick embed evaluate`: analogies, and similarities beside those that people gave.

use std::io::Write;
use std::path::{Path, PathBuf};

use lampwick::embeddings::evaluation::Settings;
use lampwick::embeddings::evaluation::analogies::{self, Questions, Score};
use lampwick::embeddings::evaluation::similarity::{self, Agreement, Pairs};
use lampwick::embeddings::{Check, Source, Vectors};
use serde_json::{Value, json};

use super::opened::Input;
use crate::exit::{Exit, Usage};
use lampwick::metrics::figures::count;

/// What `lampwick embed evaluate` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed evaluate vectors.lwv --analogies questions-words.txt
  lampwick embed evaluate vectors.lwv --pairs EN-WS-353-ALL.txt EN-SIMLEX-999.txt
  lampwick embed evaluate model.bin --pairs EN-RW-STANFORD.txt --subwords --json

Analogies are Google's file: `: section` lines and four words a line; sections that begin with
`gram` are syntactic. Pairs are two words and a number, apart by tabs. Questions and pairs with
a word that the first 300,000 do not hold are skipped and told; upper and lower case are one,
and the first word of a file stands for its other cases. These are gensim's rules, and the
numbers are gensim's.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// A file of analogies
    #[arg(long, value_name = "FILE")]
    analogies: Option<PathBuf>,
    /// Files of pairs of words with their similarity
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pairs: Vec<PathBuf>,
    #[command(flatten)]
    rules: Rules,
    /// Words of pairs that a fastText model does not hold get a vector from their n-grams
    #[arg(long)]
    subwords: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which words take part.
#[derive(clap::Args)]
pub(super) struct Rules {
    /// Only the first N words take part [default: 300000]
    #[arg(long, value_name = "N", value_parser = super::opened::at_least_one)]
    restrict: Option<usize>,
    /// Lamp and lamp are different words
    #[arg(long)]
    case_sensitive: bool,
}

impl Rules {
    pub(super) fn settings(&self) -> Settings {
        let default = Settings::default();
        Settings {
            vocabulary: self.restrict.unwrap_or(default.vocabulary),
            case_sensitive: self.case_sensitive,
            ..default
        }
    }

    /// The one that was asked for first, where one was.
    pub(super) fn asked(&self) -> Option<&'static str> {
        let restrict = self.restrict.map(|_| "--restrict");
        restrict.or(self.case_sensitive.then_some("--case-sensitive"))
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.analogies.is_none() && arguments.pairs.is_empty() {
        let problem = "nothing to evaluate by: give --analogies FILE, --pairs FILE..., or both";
        return Err(Usage(problem.into()).into());
    }
    if arguments.subwords && arguments.pairs.is_empty() {
        return Err(Usage("--subwords goes with --pairs".into()).into());
    }
    let questions = arguments.analogies.as_deref().map(questions).transpose()?;
    let lists = arguments.pairs.iter().map(|path| pairs(path)).collect::<Result<Vec<_>, _>>()?;
    let vectors = arguments.input.open(Check::Words)?.vectors;
    if arguments.subwords && vectors.subwords().is_none() {
        let path = arguments.input.path().display();
        let problem = format!("{path}: has no vectors of n-grams: leave --subwords out");
        return Err(Usage(problem).into());
    }
    let settings = Settings { subwords: arguments.subwords, ..arguments.rules.settings() };
    let result = Evaluation::of(&vectors, questions.as_ref(), &lists, &settings)?;
    let mut out = std::io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&result.json())?)?,
        false => result.print(&mut out)?,
    }
    Ok(Exit::Done)
}

/// Reads a file of analogies; lines that are none are told.
pub(super) fn questions(path: &Path) -> anyhow::Result<Questions> {
    let name = path.display().to_string();
    let questions = Questions::read(&name, &Source::named(path)?.read_all()?)?;
    tell_invalid(&name, &questions.invalid, "four words");
    Ok(questions)
}

/// Reads a file of pairs, with its name; lines that are none are told.
pub(super) fn pairs(path: &Path) -> anyhow::Result<(String, Pairs)> {
    let name = path.display().to_string();
    let pairs = Pairs::read(&name, &Source::named(path)?.read_all()?)?;
    tell_invalid(&name, &pairs.invalid, "two words and a number");
    let short = path.file_stem().map(|name| name.to_string_lossy().into_owned());
    Ok((short.unwrap_or(name), pairs))
}

fn tell_invalid(name: &str, lines: &[u64], wanted: &str) {
    if let Some(first) = lines.first() {
        let n = count(lines.len() as u64);
        tell!("notice: {name}:{first}: not {wanted}; {n} such lines were left out");
    }
}

/// All that was asked of some vectors.
pub(super) struct Evaluation {
    /// Name and score of each section.
    sections: Vec<(String, bool, Score)>,
    lists: Vec<(String, Agreement)>,
}

impl Evaluation {
    pub(super) fn of(
        vectors: &Vectors,
        questions: Option<&Questions>,
        lists: &[(String, Pairs)],
        settings: &Settings,
    ) -> lampwick::embeddings::Result<Self> {
        let sections = questions.map_or_else(Vec::new, |questions| {
            let scores = analogies::evaluate(vectors, questions, settings);
            let named = questions.sections.iter().zip(scores);
            named.map(|(it, score)| (it.name.clone(), it.is_syntactic(), score)).collect()
        });
        let agreement = |(name, pairs): &(String, Pairs)| {
            Ok((name.clone(), similarity::evaluate(vectors, pairs, settings)?))
        };
        let lists = lists.iter().map(agreement).collect::<lampwick::embeddings::Result<_>>()?;
        Ok(Self { sections, lists })
    }

    /// The sections of a kind together; of all, where none is named.
    fn total(&self, syntactic: Option<bool>) -> Score {
        let chosen = self.sections.iter().filter(|it| syntactic.is_none_or(|kind| it.1 == kind));
        chosen.fold(Score::default(), |sum, (.., score)| sum.plus(score))
    }

    fn totals(&self) -> [(&'static str, Score); 3] {
        [
            ("semantic", self.total(Some(false))),
            ("syntactic", self.total(Some(true))),
            ("all", self.total(None)),
        ]
    }

    pub(super) fn json(&self) -> Value {
        let score = |score: &Score| {
            json!({"asked": score.asked, "skipped": score.skipped, "add": score.add,
                   "mul": score.mul, "add_accuracy": share(score.add, score.asked),
                   "mul_accuracy": share(score.mul, score.asked)})
        };
        let named = |name: &str, it: &Score| {
            let mut object = score(it);
            object["name"] = json!(name);
            object
        };
        let mut object = json!({});
        if !self.sections.is_empty() {
            let sections: Vec<Value> =
                self.sections.iter().map(|(name, _, it)| named(name, it)).collect();
            object["analogies"] = json!({"sections": sections});
            for (name, total) in self.totals() {
                object["analogies"][name] = score(&total);
            }
        }
        if !self.lists.is_empty() {
            let list = |(name, it): &(String, Agreement)| {
                json!({"name": name, "spearman": it.spearman, "pearson": it.pearson,
                       "known": it.known, "unknown": it.unknown})
            };
            object["pairs"] = self.lists.iter().map(list).collect();
        }
        object
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        if !self.sections.is_empty() {
            writeln!(
                out,
                "{:30} {:>7} {:>7} {:>8} {:>8}",
                "analogies", "add %", "mul %", "asked", "skipped"
            )?;
            let sections =
                self.sections.iter().map(|(name, _, score)| (name.as_str(), score.clone()));
            for (name, it) in sections.chain(self.totals()) {
                writeln!(
                    out,
                    "{name:30} {:>7} {:>7} {:>8} {:>8}",
                    percent(share(it.add, it.asked)),
                    percent(share(it.mul, it.asked)),
                    count(it.asked as u64),
                    count(it.skipped as u64)
                )?;
            }
        }
        if !self.lists.is_empty() {
            writeln!(
                out,
                "{:30} {:>8} {:>8} {:>7} {:>8}",
                "pairs", "spearman", "pearson", "known", "unknown"
            )?;
            for (name, it) in &self.lists {
                let number = |x: Option<f64>| x.map_or("-".into(), |x| format!("{:.2}", 100.0 * x));
                writeln!(
                    out,
                    "{name:30} {:>8} {:>8} {:>7} {:>8}",
                    number(it.spearman),
                    number(it.pearson),
                    count(it.known as u64),
                    count(it.unknown as u64)
                )?;
            }
            if self.lists.iter().any(|(_, it)| it.known > 1 && it.spearman.is_none()) {
                writeln!(out, "(-: all known pairs are equally similar, as one-hot vectors are)")?;
            }
        }
        Ok(())
    }
}

/// The share of right answers; nothing when nothing was asked.
fn share(right: usize, asked: usize) -> Option<f64> {
    (asked > 0).then(|| right as f64 / asked as f64)
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".into(), |share| format!("{:.2}", 100.0 * share))
}
