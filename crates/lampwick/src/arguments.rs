//! What can be typed: `lampwick [COMMAND]`.

use std::io::IsTerminal;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::commands::Command;

/// Train and use sequence models, on any device that Burn has.
///
/// Without a command: the quickstart. It trains a small LSTM on a synthetic language of known
/// entropy for about a minute, prints five sentences of its own and writes a report.
#[derive(Parser)]
#[command(
    name = "lampwick",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = AFTER_HELP
)]
pub(crate) struct Arguments {
    /// What to do; nothing = the quickstart
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Say more on stderr (-v: progress of the libraries, -vv: details)
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

const AFTER_HELP: &str = "\
Examples:
  lampwick                                            the quickstart, about a minute
  lampwick train configs/lm/own_text.toml data.train=my.txt
  lampwick generate runs/own-text --prompt 'the' --samples 3
  lampwick evaluate runs/own-text other.txt
  lampwick score runs/own-text < sentences.txt

Exit codes:
  0    done (also when the reader of the output goes away: a broken pipe is no error)
  1    failed; the message on stderr says what, where and what to do
  2    the command line or a config is wrong; nothing was run
  130  interrupted by Ctrl-C, 143 by SIGTERM, 129 by a terminal that was closed (SIGHUP); training
       has written a checkpoint

Environment:
  LAMPWICK_LOG   what to log on stderr, such as `info` or `lampwick_training=debug`
  NO_COLOR       no colours";

/// Sends the libraries' messages to stderr: warnings by default.
pub(crate) fn start_log(verbose: u8) {
    let level = ["warn", "info", "debug"][usize::from(verbose.min(2))];
    let filter = match std::env::var("LAMPWICK_LOG") {
        Err(_) => EnvFilter::new(level),
        Ok(asked) => EnvFilter::try_new(&asked).unwrap_or_else(|error| {
            tell!(
                "warning: LAMPWICK_LOG={asked}: {error}; write `info` or `lampwick_training=debug`"
            );
            EnvFilter::new(level)
        }),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(has_colours())
        .without_time()
        .with_target(false)
        .init();
}

/// Whether stderr is a terminal whose user wants colours (no-color.org).
fn has_colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    /// What is broken by hand is not broken again: no line of an epilogue is wider than the help.
    #[test]
    fn epilogues_fit_their_lines() {
        let mut left = vec![Arguments::command()];
        while let Some(command) = left.pop() {
            left.extend(command.get_subcommands().cloned());
            let shown = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in shown.lines() {
                assert!(line.chars().count() <= 100, "{}: {line}", command.get_name());
            }
        }
    }

    #[test]
    fn every_command_teaches_with_examples() {
        for command in Arguments::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("lampwick"), "`{}` has no examples", command.get_name());
        }
    }
}
