//! `lampwick embed bias`: what vectors associate with groups of people.

use std::io::Write;
use std::path::{Path, PathBuf};

use lampwick::embeddings::bias::direction::{self, Direction, Rated};
use lampwick::embeddings::bias::sets::{Lookup, Sets};
use lampwick::embeddings::bias::{Draws, Measured, Test, measure};
use lampwick::embeddings::evaluation::correlation::pearson;
use lampwick::embeddings::map::Map;
use lampwick::embeddings::{Check, Source, Vectors};
use lampwick::metrics::figures::counted;
use serde_json::{Value, json};

use super::opened::{self, Input};
use crate::exit::{Exit, Usage};

/// What `lampwick embed bias` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed bias vectors.lwv --sets WEAT.json
  lampwick embed bias vectors.lwv --sets WEAT.json --test math,arts,male_terms,female_terms --json
  lampwick embed bias vectors.lwv --pairs definitional_pairs.json --professions professions.json \\
      --plot professions.html

--sets is an object of lists of words; --test names two sets of targets, then two of attributes.
With no --test, those of the ten tests of Caliskan et al. (2017) are made whose sets the file
has. WEAT is given as effect size and as the part of all splits of the targets that reach its
statistic; RND, RIPA, ECT for either set of attributes; MAC. Missing words are named; where more
than --may-lack of a set are missing, the result is withheld (exit code 1 when all are). --pairs
is a list of pairs: their direction is that in which she and he, woman and man differ;
--professions are placed along it, and their places compared with what people said.

These numbers say how words stand to each other in these vectors. They do not say what a system
built on them does to people, and a small number does not show that there is no bias.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    wanted: Wanted,
    /// A JSON list of pairs of words that give a direction
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// A JSON list of words, each with two numbers that people gave it
    #[arg(long, value_name = "FILE", requires = "pairs")]
    professions: Option<PathBuf>,
    /// A page to show them on: along the direction, and up by the stereotype that people named
    #[arg(long, value_name = "FILE", requires = "professions", value_parser = super::plot::page)]
    plot: Option<PathBuf>,
    /// How many professions to print from either end; with --json all are given
    #[arg(long, value_name = "N", requires = "professions", default_value_t = 10)]
    ends: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which tests are made, and how.
#[derive(clap::Args)]
pub(super) struct Wanted {
    /// A JSON object of lists of words
    #[arg(long, value_name = "FILE")]
    pub(super) sets: Option<PathBuf>,
    /// Four names of sets: two of targets, two of attributes; may be given again
    #[arg(long, value_name = "X,Y,A,B", requires = "sets", value_parser = test)]
    test: Vec<Test>,
    /// How many splits are drawn; up to so many, all are looked at
    #[arg(long, value_name = "N", requires = "sets", default_value_t = Draws::default().permutations)]
    permutations: u64,
    /// What the draws begin from
    #[arg(long, value_name = "N", requires = "sets", default_value_t = Draws::default().seed)]
    seed: u64,
    /// Divide vectors by their length first
    #[arg(long, requires = "sets")]
    unit: bool,
    /// Words are looked up as they are written only, not in lower case too
    #[arg(long)]
    exact_case: bool,
    /// Withhold a result when more than this share of a set is missing
    #[arg(long, value_name = "SHARE", requires = "sets", default_value_t = Lookup::default().may_lack,
          value_parser = share)]
    may_lack: f64,
}

fn test(names: &str) -> Result<Test, String> {
    let names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    let four = names.try_into().map_err(|names: Vec<String>| {
        format!("{} names; give four: two sets of targets, two of attributes", names.len())
    });
    four.map(Test::new)
}

/// Tests that can be made.
pub(super) struct Tests {
    sets: Sets,
    tests: Vec<Test>,
    draws: Draws,
}

impl Wanted {
    pub(super) fn lookup(&self) -> Lookup {
        Lookup { lowercase: !self.exact_case, unit: self.unit, may_lack: self.may_lack }
    }

    /// Nothing when no sets are given.
    pub(super) fn tests(&self) -> anyhow::Result<Option<Tests>> {
        let Some(path) = &self.sets else { return Ok(None) };
        let sets = read(path, Sets::read)?;
        let has = |test: &Test| test.names().iter().all(|name| sets.0.contains_key(*name));
        let tests = match self.test.is_empty() {
            true => Test::published().into_iter().filter(has).collect(),
            false => self.test.clone(),
        };
        if tests.is_empty() {
            let problem = format!(
                "{} has the sets of no published test; name some with --test",
                path.display()
            );
            return Err(Usage(problem).into());
        }
        let draws = Draws { permutations: self.permutations, seed: self.seed };
        Ok(Some(Tests { sets, tests, draws }))
    }
}

impl Tests {
    pub(super) fn of(&self, vectors: &Vectors, lookup: &Lookup) -> anyhow::Result<Vec<Measured>> {
        let made = self.tests.iter();
        let made = made.map(|test| measure(vectors, &self.sets, test, lookup, &self.draws));
        Ok(made.collect::<Result<_, _>>()?)
    }
}

/// A share, 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share is a number from 0 to 1".into())
}

/// Reads a file of lists.
pub(super) fn read<T>(
    path: &Path,
    parse: impl Fn(&str, &[u8]) -> lampwick::embeddings::Result<T>,
) -> anyhow::Result<T> {
    Ok(parse(&path.display().to_string(), &Source::named(path)?.read_all()?)?)
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.wanted.sets.is_none() && arguments.pairs.is_none() {
        let problem = "nothing to measure by: give --sets FILE, --pairs FILE, or both";
        return Err(Usage(problem.into()).into());
    }
    if let Some(page) = &arguments.plot {
        opened::expect_place(page, arguments.input.files())?;
    }
    let tests = arguments.wanted.tests()?;
    let pairs =
        arguments.pairs.as_deref().map(|path| read(path, direction::read_pairs)).transpose()?;
    let professions = arguments.professions.as_deref();
    let professions = professions.map(|path| read(path, direction::read_rated)).transpose()?;
    let lookup = arguments.wanted.lookup();
    let vectors = arguments.input.open(Check::Words)?.vectors;
    let made = tests.map(|tests| tests.of(&vectors, &lookup)).transpose()?;
    let along = pairs.map(|pairs| direction::direction(&vectors, &pairs, &lookup)).transpose()?;
    let placed = along.as_ref().zip(professions);
    let placed = placed.map(|(along, list)| Placed::new(&vectors, along, &list, &lookup));
    if let Some((page, placed)) = arguments.plot.as_deref().zip(placed.as_ref()) {
        let title = arguments.input.path().display().to_string();
        opened::write(page, |out| placed.map().write(&title, out))?;
    }
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let mut object = json!({});
        if let Some(made) = &made {
            object["tests"] = made.iter().map(measured_json).collect();
        }
        if let Some(along) = &along {
            object["direction"] = direction_json(along);
        }
        if let Some(placed) = &placed {
            object["professions"] = placed.json();
        }
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
    } else {
        if let Some(made) = &made {
            tell_missing(made);
            print(made, &mut out)?;
        }
        if let Some(along) = &along {
            tell_lost(along);
            let (pairs, share) = (along.pairs, 100.0 * along.share);
            writeln!(out, "direction of {pairs} pairs: holds {share:.1} % of their differences")?;
        }
        if let Some(placed) = &placed {
            placed.print(arguments.ends, &mut out)?;
        }
    }
    let withheld = made.is_some_and(|made| made.iter().all(|test| test.measures.is_none()));
    Ok(if withheld { Exit::Partly } else { Exit::Done })
}

pub(super) fn tell_lost(along: &Direction) {
    if !along.missing.is_empty() {
        tell!("notice: pairs with these words were not used: {}", along.missing.join(", "));
    }
}

pub(super) fn tell_missing(made: &[Measured]) {
    let mut told = Vec::new();
    for (name, size, missing) in made.iter().flat_map(|test| &test.sets) {
        if !missing.is_empty() && !told.contains(&name) {
            told.push(name);
            tell!(
                "notice: {name}: missing {} of {}: {}",
                missing.len(),
                counted(*size as u64, "word"),
                missing.join(", ")
            );
        }
    }
}

pub(super) fn print(made: &[Measured], out: &mut dyn Write) -> std::io::Result<()> {
    for test in made {
        let [x, y, a, b] = test.sets.each_ref().map(|(name, ..)| name);
        writeln!(out, "{x} and {y} by {a} and {b}")?;
        let Some(it) = &test.measures else {
            writeln!(out, "  withheld: too many words are missing")?;
            continue;
        };
        let number = |x: Option<f64>| x.map_or("-".into(), |x| format!("{x:.4}"));
        let two = |[a, b]: [Option<f64>; 2]| format!("{} {}", number(a), number(b));
        let how = if it.weat.exact { "all splits" } else { "drawn" };
        writeln!(
            out,
            "  WEAT effect {}, statistic {:.4}, p {:.5} ({how})",
            number(it.weat.effect_size),
            it.weat.statistic,
            it.weat.p_value
        )?;
        let (rnd, ripa, ect) = (two(it.rnd), two(it.ripa), two(it.ect));
        writeln!(out, "  RND {rnd}, RIPA {ripa}, ECT {ect}, MAC {}", number(it.mac))?;
    }
    Ok(())
}

pub(super) fn measured_json(test: &Measured) -> Value {
    let sets = test.sets.iter();
    let sets =
        sets.map(|(name, size, missing)| json!({"name": name, "words": size, "missing": missing}));
    let sets: Vec<Value> = sets.collect();
    let measures = test.measures.as_ref().map(|it| {
        json!({
            "weat": {"statistic": it.weat.statistic, "effect_size": it.weat.effect_size,
                     "p_value": it.weat.p_value, "exact": it.weat.exact},
            "rnd": it.rnd, "ripa": it.ripa, "ect": it.ect, "mac": it.mac,
        })
    });
    json!({"sets": sets, "measures": measures})
}

pub(super) fn direction_json(along: &Direction) -> Value {
    json!({"pairs": along.pairs, "share": along.share, "missing": along.missing})
}

/// Words along a direction, lowest first.
struct Placed {
    words: Vec<(String, f64)>,
    /// What people said of each, in the order of the list.
    said: Vec<(String, [f64; 2])>,
    missing: usize,
    /// Correlation with what people said.
    agreement: Option<f64>,
}

impl Placed {
    fn new(vectors: &Vectors, along: &Direction, list: &[Rated], lookup: &Lookup) -> Self {
        let said: Vec<(String, [f64; 2])> = list
            .iter()
            .filter_map(|Rated(word, _, stereotype)| {
                let at = along.projection(vectors, word, lookup)?;
                Some((word.clone(), [at, *stereotype]))
            })
            .collect();
        let [places, stereotypes] =
            [0, 1].map(|i| said.iter().map(|it| it.1[i]).collect::<Vec<_>>());
        let agreement = pearson(&places, &stereotypes);
        let mut words: Vec<(String, f64)> =
            said.iter().map(|(word, [at, _])| (word.clone(), *at)).collect();
        words.sort_by(|a, b| a.1.total_cmp(&b.1));
        Self { missing: list.len() - words.len(), words, said, agreement }
    }

    fn map(&self) -> Map {
        let words = self.said.iter().map(|(word, place)| (word.clone().into_bytes(), *place));
        let about = "across: along the direction; up: the stereotype that people named, male above";
        Map { words: words.collect(), missing: Vec::new(), about: about.into() }
    }

    fn json(&self) -> Value {
        let words = self.words.iter().map(|(word, at)| json!([word, at]));
        let words: Vec<Value> = words.collect();
        json!({"words": words, "missing": self.missing, "correlation": self.agreement})
    }

    fn print(&self, ends: usize, out: &mut dyn Write) -> std::io::Result<()> {
        let agreement = self.agreement.map_or("-".into(), |x| format!("{x:.3}"));
        let (held, missing) = (self.words.len(), self.missing);
        writeln!(
            out,
            "{held} professions, {missing} missing; correlation with the stereotypes that people named \
             (female -1, male 1): {agreement}"
        )?;
        writeln!(
            out,
            "{:24} {:>8}   {:24} {:>8}",
            "second of pairs", "cosine", "first of pairs", "cosine"
        )?;
        let last = self.words.iter().rev();
        for ((low, x), (high, y)) in self.words.iter().zip(last).take(ends) {
            writeln!(out, "{low:24} {x:>8.4}   {high:24} {y:>8.4}")?;
        }
        Ok(())
    }
}
