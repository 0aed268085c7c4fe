//! Bare `lampwick`: a language model trained, evaluated and sampled in about a minute.

use std::path::Path;

use lampwick::training::{self, Config, Outcome, RunConfig};

use super::train;
use crate::exit::Exit;
use crate::machine::Machine;
use crate::progress::Progress;
use crate::signals;

/// The run, inside the program so that it needs no file.
const CONFIG: &str = include_str!("../../../../configs/quickstart.toml");
/// What errors call it.
const NAME: &str = "configs/quickstart.toml";

pub(crate) fn run() -> anyhow::Result<Exit> {
    let mut config = Config::parse(CONFIG, NAME, &[])?.config;
    train::name_device(config.device_mut(), &Machine::default())?;
    let out = train::free_directory(&config.name, Path::new(NAME))?;
    let stop = signals::watch()?;
    let mut progress = Progress::new(true);
    progress.keep(
        "The quickstart: a small LSTM learns a synthetic language whose entropy is known exactly.\n\
         Below the line moves, about a minute. Ctrl-C stops it and keeps a checkpoint.",
    );
    let outcome = training::train(&config, &out, &stop, &mut progress);
    progress.finish();
    let outcome = outcome?;
    let finished = matches!(outcome, Outcome::Finished(_));
    let exit = train::ended(outcome, &out, false, &progress)?;
    if finished {
        progress.keep(&what_next(&out));
    }
    Ok(exit)
}

/// The next steps, with this run's own folder in them.
fn what_next(out: &Path) -> String {
    let (out, report) = (out.display(), out.join("report.html"));
    format!(
        "\nNext, the curves in a browser: {}\n\
         and then:\n  \
         cargo run --release -- generate {out} --samples 3 --temperature 0.7\n  \
         cargo run --release -- train configs/lm/own_text.toml data.train=YOUR_TEXT.txt --out runs/mine\n  \
         cargo run --release -- generate runs/mine --prompt 'A word'\n  \
         cargo run --release -- --help",
        report.display()
    )
}
