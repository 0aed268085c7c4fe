//! `lampwick report RUN...`.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use lampwick::training;

use crate::exit::{Exit, Usage};

/// What `lampwick report` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick report runs/quickstart
  lampwick report runs/quickstart && open runs/quickstart/report.html
  lampwick report runs/lstm runs/gru                         runs/comparison.html
  lampwick report runs/ptb-* --out ptb.html

Of one run, its report.html is written again. Several are held against each other on one page:
curves overlaid, the settings in which they differ, best figures and speeds.")]
pub(crate) struct Arguments {
    /// The run's directory, or those of several
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The page that compares several runs [default: comparison.html beside the first run]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    expect_different(&arguments.runs)?;
    let path = match (arguments.runs.as_slice(), &arguments.out) {
        ([run], None) => training::report::write(run)?,
        ([_], Some(_)) => {
            let problem = "--out is for several runs; the report of one is its report.html";
            return Err(Usage(problem.into()).into());
        }
        (runs, out) => {
            let beside = || runs[0].parent().unwrap_or(Path::new("")).join("comparison.html");
            let path = out.clone().unwrap_or_else(beside);
            training::report::compare(runs, &path)?;
            path
        }
    };
    writeln!(crate::output::stdout(), "{}", path.display())?;
    Ok(Exit::Done)
}

/// Refuses a run that is named twice, however it is spelled: it would be held against itself.
fn expect_different(runs: &[PathBuf]) -> Result<(), Usage> {
    let mut seen = HashSet::new();
    let twice = runs.iter().find(|run| !seen.insert(run.canonicalize().unwrap_or((*run).clone())));
    twice.map_or(Ok(()), |run| {
        Err(Usage(format!("{} is named twice; give each run once", run.display())))
    })
}
