//! The project's own tasks: `cargo xtask test`, `ci`, `bench` and `experiment`.
//!
//! Reading order: [`mod@test`] (the tests), [`ci`] (every check, one file each), [`mod@bench`] (the
//! comparisons with Burn's own layers and with PyTorch), [`experiment`] (runs beside what is
//! published, one file each), [`torture`] (trainings killed a thousand times). [`cargo`] is how all
//! of them call cargo.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod cargo;
mod ci;
mod experiment;
mod numbers;
mod test;
mod torture;

/// Tasks of the Lampwick workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test of the workspace and end with one line of counts
    Test(test::Arguments),
    /// Run every check: format, layering, sizes, licences, lints, docs, tests, README, configs
    Ci(ci::Arguments),
    /// Compare speed with Burn's own layers and with PyTorch, interleaved in one run
    Bench(bench::Arguments),
    /// Run a suite of trainings and set its figures beside the published ones
    Experiment(experiment::Arguments),
    /// Kill small trainings at random instants, resume them, and compare the last byte
    Torture(torture::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Test(arguments) => test::run(&arguments),
        Task::Ci(arguments) => ci::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Experiment(arguments) => experiment::run(&arguments),
        Task::Torture(arguments) => torture::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.downcast_ref::<experiment::Stopped>() {
                Some(stopped) => ExitCode::from(128 + stopped.signal as u8),
                None => ExitCode::FAILURE,
            }
        }
    }
}
