//! `lampwick embed index`: a graph by which neighbours are found without looking at every row.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use lampwick::embeddings::index::Recall;
use lampwick::embeddings::{Check, Format, Index, IndexSettings};
use lampwick::metrics::figures::{count, counted};
use serde_json::json;

use super::opened::{self, Input};
use super::progress::Stages;
use crate::exit::{Exit, Usage};
use crate::machine::Threads;

/// Candidates that `embed nn --approximate` keeps unless told otherwise.
pub(super) const EF: usize = 100;

/// Neighbours whose recall is told, and words that are asked for them.
const K: usize = 10;
const ASKED: usize = 1000;

/// What `lampwick embed index` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed index vectors.lwv indexed.lwv
  lampwick embed nn indexed.lwv --approximate lamp
  lampwick embed index GoogleNews-vectors-negative300.bin.gz news.lwv --m 24

The graph is HNSW (Malkov and Yashunin 2020); OUT holds it beside the vectors, so that the two
cannot part. It pays where vocabularies are large: what is found of the ten nearest is measured
on 1,000 words and told, with queries a second beside those of looking at every row. Building
takes a second copy of the vectors in memory. Several threads build in an order of chance:
--threads 1 gives the same bytes each time.", mut_arg("threads", |threads| {
    threads.help("Threads that link rows; 1 gives the same bytes each time [default: all processors]")
}))]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Where vectors and graph go: a .lwv file
    out: PathBuf,
    /// Links of a word in each layer, twice as many in the lowest: more find more and take more room
    #[arg(long, value_name = "N", default_value_t = IndexSettings::default().m)]
    m: usize,
    /// Candidates that are kept while a word is linked: more take longer and find more
    #[arg(long, value_name = "N", default_value_t = IndexSettings::default().ef_construction)]
    ef_construction: usize,
    /// Candidates of the searches whose recall is told
    #[arg(long, value_name = "N", default_value_t = EF, value_parser = opened::at_least_one)]
    ef: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.threads.start()?;
    let Arguments { m, ef_construction, ef, .. } = *arguments;
    if Format::of_name(&arguments.out) != Some(Format::Native) {
        let problem = "a graph is held by a .lwv file only; end the name so";
        return Err(Usage(problem.into()).into());
    }
    opened::expect_place(&arguments.out, arguments.input.files())?;
    let loaded = arguments.input.open(Check::Everything)?;
    let stages = Stages::new();
    let start = Instant::now();
    let index = Index::build(&loaded.vectors, &IndexSettings { m, ef_construction }, &stages)?;
    let seconds = start.elapsed().as_secs_f64();
    stages.finish();
    let vectors = loaded.vectors.with_index(index);
    opened::write(&arguments.out, |out| {
        lampwick::embeddings::formats::write(&vectors, loaded.trained.as_ref(), Format::Native, out)
    })?;
    let index = vectors.index().expect("built above");
    let recall = index.recall(&vectors, K, ef, ASKED);
    if arguments.json {
        let object = json!({
            "words": vectors.len(),
            "layers": index.layers(),
            "links": index.links(),
            "seconds": seconds,
            "ef": ef,
            "recall": recall.map(|it| it.found),
            "queries": recall.map(|it| it.queries),
            "queries_per_second": recall.map(|it| it.walked_per_second),
            "exact_queries_per_second": recall.map(|it| it.exact_per_second),
        });
        writeln!(std::io::stdout().lock(), "{}", serde_json::to_string_pretty(&object)?)?;
        return Ok(Exit::Done);
    }
    let words = counted(vectors.len() as u64, "word");
    let links = counted(index.links() as u64, "link");
    tell!("{}: {words}, {links}, {seconds:.1} s", arguments.out.display());
    if let Some(Recall { found, queries, walked_per_second, exact_per_second }) = recall {
        let (walked, exact) = (count(walked_per_second as u64), count(exact_per_second as u64));
        tell!(
            "of the {K} nearest of {} {:.2} % are found at --ef {ef}; {walked} queries/s, {exact} by \
             looking at every row",
            counted(queries as u64, "word"),
            100.0 * found
        );
    }
    Ok(Exit::Done)
}
