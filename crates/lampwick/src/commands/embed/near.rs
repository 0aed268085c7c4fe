//! `lampwick embed nn`, `embed analogy` and `embed similarity`: what is like what.

use std::io::Write;

use lampwick::embeddings::neighbours::{Neighbour, Query, cosine, nearest};
use lampwick::embeddings::{Check, Vectors};

use super::index;
use super::opened::{self, Input};
use crate::exit::Exit;

/// How many neighbours, and among which words.
#[derive(clap::Args)]
struct Among {
    /// How many words to give
    #[arg(short, long, default_value_t = 10, value_parser = opened::at_least_one)]
    k: usize,
    /// Look at the first N words only
    #[arg(long, value_name = "N", value_parser = opened::at_least_one)]
    restrict: Option<usize>,
    /// Walk over the graph that `embed index` added, instead of looking at every row: faster, and nearly
    /// all of the nearest are found
    #[arg(long, conflicts_with = "restrict")]
    approximate: bool,
    /// Candidates that the walk keeps: more find more and take longer
    #[arg(long, value_name = "N", default_value_t = index::EF, requires = "approximate",
          value_parser = opened::at_least_one)]
    ef: usize,
}

impl Among {
    /// A walk looks at few rows, a search at all.
    fn open(&self, input: &Input) -> anyhow::Result<Vectors> {
        let check = if self.approximate { Check::Nothing } else { Check::Words };
        Ok(input.open(check)?.vectors)
    }

    fn nearest(
        &self,
        input: &Input,
        vectors: &Vectors,
        queries: &[Query],
    ) -> anyhow::Result<Vec<Vec<Neighbour>>> {
        let Self { k, restrict, approximate, ef } = *self;
        if !approximate {
            return Ok(nearest(vectors, queries, k, restrict.unwrap_or(usize::MAX)));
        }
        let index = vectors.index().ok_or_else(|| {
            let path = input.path().display();
            anyhow::anyhow!(
                "{path} has no graph to walk over; add one: lampwick embed index {path} indexed.lwv"
            )
        })?;
        Ok(index.nearest(vectors, queries, k, ef))
    }
}

/// What `lampwick embed nn` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed nn vectors.lwv lamp
  lampwick embed nn vectors.lwv -k 3 < words.txt > neighbours.tsv
  lampwick embed nn model.bin lampwicks      by its n-grams, where a fastText model does not hold it
  lampwick embed nn indexed.lwv --approximate lamp      where `embed index` wrote indexed.lwv

Each line is the word, a neighbour and their cosine, apart by tabs; all rows are looked at,
unless --approximate asks for a walk. The words come from stdin where none is named. Exit code 1
when a word has no vector.")]
pub(crate) struct NearestArguments {
    #[command(flatten)]
    input: Input,
    /// The words; none: those of stdin, separated by white space
    list: Vec<String>,
    #[command(flatten)]
    among: Among,
}

/// What `lampwick embed analogy` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed analogy vectors.lwv man king woman       man is to king as woman is to ...
  lampwick embed analogy vectors.lwv paris france rome -k 3

Each line is a word and its cosine with B - A + C, all of length 1 (3CosAdd); A, B and C are no
answers.")]
pub(crate) struct AnalogyArguments {
    #[command(flatten)]
    input: Input,
    /// A is to
    a: String,
    /// B as
    b: String,
    /// C is to ...
    c: String,
    #[command(flatten)]
    among: Among,
}

/// What `lampwick embed similarity` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed similarity vectors.lwv lamp candle")]
pub(crate) struct SimilarityArguments {
    #[command(flatten)]
    input: Input,
    /// A word
    a: String,
    /// Another
    b: String,
}

pub(crate) fn run_nearest(arguments: &NearestArguments) -> anyhow::Result<Exit> {
    let vectors = arguments.among.open(&arguments.input)?;
    let words = opened::asked(&arguments.list)?;
    let mut exit = Exit::Done;
    let (mut known, mut queries) = (Vec::new(), Vec::new());
    for word in &words {
        match Query::word(&vectors, word) {
            Ok(query) => {
                known.push(word);
                queries.push(query);
            }
            Err(error) => {
                tell!("{error}");
                exit = Exit::Partly;
            }
        }
    }
    let found = arguments.among.nearest(&arguments.input, &vectors, &queries)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (word, found) in known.into_iter().zip(found) {
        for neighbour in found {
            out.write_all(word)?;
            out.write_all(b"\t")?;
            write(&vectors, neighbour, &mut out)?;
        }
    }
    out.flush()?;
    Ok(exit)
}

pub(crate) fn run_analogy(arguments: &AnalogyArguments) -> anyhow::Result<Exit> {
    let vectors = arguments.among.open(&arguments.input)?;
    let words = [&arguments.a, &arguments.b, &arguments.c].map(String::as_bytes);
    let query = Query::analogy(&vectors, words)?;
    let found = arguments.among.nearest(&arguments.input, &vectors, &[query])?;
    let mut out = std::io::stdout().lock();
    for neighbour in found.concat() {
        write(&vectors, neighbour, &mut out)?;
    }
    Ok(Exit::Done)
}

pub(crate) fn run_similarity(arguments: &SimilarityArguments) -> anyhow::Result<Exit> {
    let vectors = arguments.input.open(Check::Nothing)?.vectors;
    let [a, b] = [&arguments.a, &arguments.b].map(|word| vectors.finite_vector(word.as_bytes()));
    let cosine = cosine(&a?, &b?);
    writeln!(std::io::stdout().lock(), "{cosine:.6}")?;
    Ok(Exit::Done)
}

fn write(vectors: &Vectors, neighbour: Neighbour, out: &mut impl Write) -> std::io::Result<()> {
    out.write_all(vectors.word(neighbour.row))?;
    writeln!(out, "\t{:.6}", neighbour.similarity)
}
