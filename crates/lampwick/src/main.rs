//! The program `lampwick`: a thin layer of commands over the libraries.
//!
//! Reading order: [`arguments`] (what can be typed), [`commands`] (one file each), [`exit`] (how it
//! ends), then what the commands share: [`machine`] (device and threads), [`signals`],
//! [`progress`] and [`dashboard`] (what is shown while a model trains).

use std::process::ExitCode;

use clap::Parser;

mod arguments;
mod commands;
mod dashboard;
mod exit;
mod machine;
mod progress;
mod signals;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    arguments::start_log(arguments.verbose);
    exit::code(commands::run(arguments.command))
}
