//! The program `lampwick`: a thin layer of commands over the libraries.
//!
//! Reading order: [`arguments`] (what can be typed), [`commands`] (one file each), [`exit`] (how it
//! ends), then what the commands share: [`machine`] (device and threads), [`signals`], [`output`]
//! (stdout), `tell` (words on stderr), [`progress`] and [`dashboard`] (what is shown while a model trains).

// Both panic when the reader has gone: results are written and their errors handled, the rest is told.
#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use clap::Parser;

#[macro_use]
mod tell;

mod arguments;
mod commands;
mod dashboard;
mod exit;
mod machine;
mod output;
mod progress;
mod signals;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    arguments::start_log(arguments.verbose);
    exit::code(commands::run(arguments.command))
}
