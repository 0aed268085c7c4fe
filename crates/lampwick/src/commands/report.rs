//! `lampwick report RUN`.

use std::io::Write;
use std::path::PathBuf;

use lampwick::training;

use crate::exit::Exit;

/// What `lampwick report` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick report runs/quickstart
  lampwick report runs/quickstart && open runs/quickstart/report.html")]
pub(crate) struct Arguments {
    /// The run's directory
    run: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let path = training::report::write(&arguments.run)?;
    writeln!(std::io::stdout().lock(), "{}", path.display())?;
    Ok(Exit::Done)
}
