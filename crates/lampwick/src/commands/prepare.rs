//! `lampwick prepare TEXT`: token files for corpora too large to read each time.

use std::path::PathBuf;

use crate::exit::Exit;

/// What `lampwick prepare` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick prepare my.txt --out data/mine")]
pub(crate) struct Arguments {
    /// The text to train on, UTF-8, one sentence or paragraph a line
    text: PathBuf,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let _ = (&arguments.text, &arguments.out);
    anyhow::bail!("not written yet")
}
