//! `lampwick completions SHELL`.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::exit::Exit;

/// What `lampwick completions` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick completions bash > ~/.local/share/bash-completion/completions/lampwick
  lampwick completions zsh > ~/.zfunc/_lampwick
  lampwick completions fish > ~/.config/fish/completions/lampwick.fish")]
pub(crate) struct Arguments {
    /// The shell that will read it
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    // Into memory first: the generator panics where a write fails, and a pipe may close.
    let mut script = Vec::new();
    let mut command = crate::arguments::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "lampwick", &mut script);
    crate::output::stdout().write_all(&script)?;
    Ok(Exit::Done)
}
