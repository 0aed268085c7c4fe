//! `lampwick ngram convert`: any model as ARPA.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use lampwick::data::atomic;
use lampwick::ngram::{NgramError, Progress, Table, arpa};

use super::opened;
use super::places::check_out;
use super::progress::Stages;
use crate::exit::Exit;
use crate::machine::Threads;

/// What `lampwick ngram convert` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram convert model.bin model.arpa             a binary trie back to ARPA
  lampwick ngram convert model.arpa model.arpa.gz         packed, by the name's end
  lampwick ngram convert srilm.arpa.gz clean.arpa         checked, and completed where n-grams lack

Hash tables (--kind probing) keep no words to list: convert the ARPA file that they were built from.
To make a binary model, use `lampwick ngram build`.")]
pub(crate) struct Arguments {
    /// The model: ARPA, plain, gzip or zstd, - for stdin; or a binary trie
    model: PathBuf,
    /// Where the ARPA file goes; .gz packs it, - is stdout
    out: PathBuf,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.threads.start()?;
    let out = Some(&arguments.out).filter(|out| out.as_os_str() != "-");
    out.map_or(Ok(()), |out| check_out(out, [&arguments.model]))?;
    let table = opened::table(&arguments.model)?;
    match out {
        Some(out) => write_arpa(&table, out, &Stages::new())?,
        None => print_arpa(&table, &Stages::new())?,
    }
    Ok(Exit::Done)
}

/// Writes an ARPA file to stdout.
pub(super) fn print_arpa(table: &Table, progress: &Stages) -> anyhow::Result<()> {
    let mut out = crate::output::stdout();
    write(table, &mut out, progress)?;
    out.flush()?;
    progress.finish();
    Ok(())
}

/// Writes an ARPA file, packed where its name ends in `.gz`, all at once.
pub(super) fn write_arpa(table: &Table, path: &Path, progress: &Stages) -> anyhow::Result<()> {
    let pack = path.extension().is_some_and(|extension| extension == "gz");
    let written = atomic::write(path, |file| {
        if !pack {
            return write(table, file, progress);
        }
        let mut packed = GzEncoder::new(file, Compression::default());
        write(table, &mut packed, progress)?;
        packed.finish().map(|_| ())
    });
    progress.finish();
    Ok(written?)
}

/// An ARPA file, with the writer's own errors.
fn write(table: &Table, out: &mut impl Write, progress: &dyn Progress) -> std::io::Result<()> {
    arpa::write(table, out, progress).map_err(|error| match error {
        NgramError::Write { source, .. } => source,
        other => std::io::Error::other(other.to_string()),
    })
}
