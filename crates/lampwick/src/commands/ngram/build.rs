//! `lampwick ngram build`: ARPA to a binary model.

use std::path::PathBuf;

use lampwick::data::atomic;
use lampwick::ngram::{BuildKind, NgramError, build};

use super::opened;
use super::places::check_out;
use super::progress::Stages;
use crate::commands::memory;
use crate::exit::{Exit, Usage};
use crate::machine::Threads;

/// What `lampwick ngram build` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram build model.arpa model.bin                        hash tables: fastest
  lampwick ngram build --kind trie model.arpa model.bin            under half the size
  lampwick ngram build --kind compact model.arpa model.bin         two thirds of that, slower
  lampwick ngram build --kind compact --quantize 8 model.arpa.gz model.bin     smallest
  lampwick ngram train text.txt | lampwick ngram build - model.bin   no ARPA file in between

The file is mapped into memory when it is opened, so that takes milliseconds; several processes
share it. It is for machines of this byte order, and for this version of the format.")]
pub(crate) struct Arguments {
    /// The ARPA file, plain, gzip or zstd, - for stdin; or a binary trie
    model: PathBuf,
    /// Where the binary model goes
    out: PathBuf,
    /// How it is searched
    #[arg(long, value_enum, default_value_t = Kind::Probing)]
    kind: Kind,
    /// Round probabilities and backoffs to one of 2^BITS values for each order (trie, compact; 8)
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(8..=8))]
    quantize: Option<u8>,
    #[command(flatten)]
    threads: Threads,
}

/// What `--kind` can be.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Kind {
    /// Hash tables: fastest
    Probing,
    /// A trie: under half the size, and about half as fast
    Trie,
    /// A trie in the fewest bits: two thirds of a trie's size, and slower again
    Compact,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.threads.start()?;
    let kind = match (arguments.kind, arguments.quantize) {
        (Kind::Probing, Some(_)) => {
            let problem =
                "--quantize goes with --kind trie or compact; hash tables keep exact values";
            return Err(Usage(problem.into()).into());
        }
        (Kind::Probing, None) => BuildKind::Probing,
        (Kind::Trie, quantize) => BuildKind::Trie { quantize: quantize.is_some() },
        (Kind::Compact, quantize) => BuildKind::Compact { quantize: quantize.is_some() },
    };
    if arguments.out.as_os_str() == "-" {
        let problem =
            "a binary model is mapped from a file, so it cannot go to stdout: name a file";
        return Err(Usage(problem.into()).into());
    }
    check_out(&arguments.out, [&arguments.model])?;
    let table = opened::table(&arguments.model)?;
    let stages = Stages::new();
    let mut refused = None;
    let written = atomic::write(&arguments.out, |file| {
        build(&table, kind, file, &stages).map_err(|error| match error {
            NgramError::Write { source, .. } => source,
            other => {
                refused = Some(other);
                std::io::ErrorKind::Other.into()
            }
        })
    });
    stages.finish();
    if let Some(error) = refused {
        return Err(error.into());
    }
    written?;
    let bytes = std::fs::metadata(&arguments.out)?.len();
    let ngrams: u64 = table.counts().iter().sum();
    tell!(
        "{}: {}, {:.2} bytes an n-gram",
        arguments.out.display(),
        memory::shown(bytes),
        bytes as f64 / ngrams as f64
    );
    Ok(Exit::Done)
}
