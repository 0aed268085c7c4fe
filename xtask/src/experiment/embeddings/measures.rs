//! What the vectors of one training are worth, kept as a file.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::figure::{Figure, Reference};
use super::super::results::Table;
use super::mean;
use super::sides::{PARAMETERS, Side};
use crate::cargo::root;
use crate::ci::program;

/// The columns: analogies, all and by kind, and four lists of pairs.
pub(super) const MEASURES: [&str; 7] =
    ["analogies", "semantic", "syntactic", "WordSim-353", "SimLex-999", "RareWords", "MEN"];

/// Files of pairs, in the order of the columns.
const PAIRS: [&str; 4] = ["EN-WS-353-ALL", "EN-SIMLEX-999", "EN-RW-STANFORD", "EN-MEN-TR-3k"];

/// Inflected forms that the text does not hold five times, so that no model has a vector for them, and
/// what all words of their family begin with.
const UNSEEN: [(&str, &str); 5] = [
    ("gardened", "garden"),
    ("tightens", "tight"),
    ("sharpens", "sharp"),
    ("bakes", "bak"),
    ("philosophize", "philosoph"),
];

/// A family of words whose vectors should lie near each other.
const FAMILY: [&str; 3] = ["running", "runner", "runs"];

/// What one training came to.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Measured {
    /// What it was told: another experiment's figures are refused.
    parameters: String,
    pub(super) words_per_second: Option<f64>,
    /// In the order of [`MEASURES`], in hundredths.
    values: Vec<Option<f64>>,
    /// Words of the vocabulary.
    words: usize,
    examples: Examples,
}

/// The examples that everybody tries first.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Examples {
    /// The answers to king - man + woman.
    king: Vec<String>,
    /// Of each two words of the family: the rank of the second among the neighbours of the first.
    family: Vec<(String, String, Option<usize>)>,
    /// Of each unseen form: its nearest words, and the rank of the first of its family.
    unseen: Vec<(String, Vec<String>, Option<usize>)>,
}

impl Measured {
    fn path(folder: &Path, model: &str, side: Side, seed: u32) -> PathBuf {
        folder.join(format!("{model}-{}-{seed}.json", side.key()))
    }

    /// What an earlier call measured.
    pub(super) fn read(folder: &Path, model: &str, side: Side, seed: u32) -> Result<Option<Self>> {
        let path = Self::path(folder, model, side, seed);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let read: Self = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        if read.parameters != PARAMETERS || read.values.len() != MEASURES.len() {
            bail!(
                "{} was trained with other values ({}): remove it, or give another --out",
                path.display(),
                read.parameters
            );
        }
        Ok(Some(read))
    }

    pub(super) fn write(&self, folder: &Path, model: &str, side: Side, seed: u32) -> Result<()> {
        let path = Self::path(folder, model, side, seed);
        let part = path.with_extension("part");
        fs::write(&part, serde_json::to_string_pretty(self)?)?;
        Ok(fs::rename(part, path)?)
    }

    /// Measures vectors.
    pub(super) fn of(vectors: &Path, model: &str, side: Side, speed: &Option<f64>) -> Result<Self> {
        let data = env::var_os("LAMPWICK_DATA").context("LAMPWICK_DATA is not set")?;
        let lists = root().join(data).join("wordsets");
        let mut command = embed("evaluate", vectors)?;
        command
            .arg("--json")
            .arg("--analogies")
            .arg(lists.join("questions-words.txt"))
            .arg("--pairs");
        command.args(PAIRS.map(|name| lists.join(format!("{name}.txt"))));
        let said: Value = serde_json::from_str(&output(&mut command)?)?;
        let percent = |value: &Value| value.as_f64().map(|x| 100.0 * x);
        let analogies = ["all", "semantic", "syntactic"];
        let analogies = analogies.map(|kind| percent(&said["analogies"][kind]["add_accuracy"]));
        let pairs = (0..PAIRS.len()).map(|n| percent(&said["pairs"][n]["spearman"]));
        let info: Value = serde_json::from_str(&output(embed("info", vectors)?.arg("--json"))?)?;
        let words = info["words"].as_u64().context("no number of words")? as usize;
        Ok(Self {
            parameters: PARAMETERS.into(),
            words_per_second: *speed,
            values: analogies.into_iter().chain(pairs).collect(),
            words,
            examples: Examples::of(vectors, words, model == "fasttext" && side == Side::Lampwick)?,
        })
    }

    pub(super) fn value(&self, measure: usize) -> Option<f64> {
        self.values[measure]
    }
}

impl Examples {
    fn of(vectors: &Path, words: usize, with_ngrams: bool) -> Result<Self> {
        let said = output(embed("analogy", vectors)?.args(["man", "king", "woman", "-k", "10"]))?;
        let king = said.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned);
        let mut examples = Self { king: king.collect(), ..Self::default() };
        for word in FAMILY {
            let near = neighbours(vectors, word, words)?;
            for other in FAMILY.into_iter().filter(|&other| other != word) {
                let rank = near.iter().position(|it| it == other).map(|at| at + 1);
                examples.family.push((word.into(), other.into(), rank));
            }
        }
        for (form, stem) in UNSEEN.into_iter().filter(|_| with_ngrams) {
            let mut near = neighbours(vectors, form, 1000)?;
            let rank = near.iter().position(|it| it.starts_with(stem)).map(|at| at + 1);
            near.truncate(5);
            examples.unseen.push((form.into(), near, rank));
        }
        Ok(examples)
    }
}

/// The words nearest to one, the nearest first.
fn neighbours(vectors: &Path, word: &str, k: usize) -> Result<Vec<String>> {
    let said = output(embed("nn", vectors)?.args([word, "-k", &k.to_string()]))?;
    Ok(said.lines().filter_map(|line| line.split('\t').nth(1)).map(str::to_owned).collect())
}

fn embed(what: &str, vectors: &Path) -> Result<Command> {
    let mut command = Command::new(program::path()?);
    command.args(["embed", what]).arg(vectors);
    Ok(command)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    // Words are bytes; those that are asked for here are ASCII.
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What the examples are judged by: means over our seeds.
pub(super) fn example_figures(model: &str, name: &str, ours: &[Measured]) -> Vec<Figure> {
    let over_seeds =
        |value: &dyn Fn(&Measured) -> f64| mean(&ours.iter().map(value).collect::<Vec<_>>());
    let figure = |what: &str, measured, reference| Figure {
        what: format!("{name}, {what}"),
        measured,
        reference,
        source: String::new(),
    };
    match model {
        "sg" => {
            let rank = over_seeds(&|it| {
                let at = it.examples.king.iter().position(|word| word == "queen");
                at.map_or(f64::INFINITY, |at| at as f64 + 1.0)
            });
            vec![figure("king - man + woman: rank of queen", rank, Reference::AtMost(3.0))]
        }
        "fasttext" => {
            let family = over_seeds(&|it| {
                let worst = it.examples.family.iter().map(|(.., rank)| rank.unwrap_or(usize::MAX));
                100.0 * worst.max().unwrap_or(usize::MAX) as f64 / it.words as f64
            });
            let unseen = over_seeds(&|it| {
                let near = |rank: Option<usize>| rank.is_some_and(|rank| rank <= 10);
                it.examples.unseen.iter().filter(|(.., rank)| near(*rank)).count() as f64
            });
            let what =
                "running, runner, runs: worst rank as each other's neighbours, % of all words";
            let forms =
                "of 5 unseen forms, those with a word of their family among the ten nearest";
            vec![
                figure(what, family, Reference::AtMost(1.0)),
                figure(forms, unseen, Reference::AtLeast(4.0)),
            ]
        }
        _ => Vec::new(),
    }
}

/// The examples of our first seed, in words.
pub(super) fn example_table(model: &str, name: &str, ours: &[Measured]) -> Option<Table> {
    let Examples { king, family, unseen } = &ours.first()?.examples;
    if !matches!(model, "sg" | "fasttext") {
        return None;
    }
    let rank = |rank: &Option<usize>| rank.map_or("-".into(), |rank| rank.to_string());
    let head = ["example", "answer"].map(str::to_owned).to_vec();
    let first = king.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let mut rows = vec![head, vec!["king - man + woman".into(), first]];
    rows.extend(family.iter().map(|(word, other, at)| {
        vec![format!("rank of {other} among the neighbours of {word}"), rank(at)]
    }));
    rows.extend(unseen.iter().map(|(form, near, at)| {
        let near = format!("{}; first of its family: rank {}", near.join(", "), rank(at));
        vec![format!("{form}, never trained"), near]
    }));
    Some(Table { title: format!("Examples: {name}, our first seed"), rows })
}
