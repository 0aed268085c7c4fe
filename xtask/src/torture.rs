//! `cargo xtask torture`: the test of `tests/torture.rs` at scale.

use anyhow::Result;

use crate::cargo::{cargo, run as call};

/// What `cargo xtask torture` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How often a training is killed by SIGKILL
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    kills: u64,
    /// Which instants
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
}

/// Kills small trainings at random instants, resumes them, and holds what they end with against a
/// training that nobody touched. Tells every fifty kills.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut test = cargo(&["test", "--release", "--workspace", "--test", "torture"]);
    test.args(["--", "--nocapture"])
        .env("LAMPWICK_KILLS", arguments.kills.to_string())
        .env("LAMPWICK_SEED", arguments.seed.to_string());
    call(&mut test)
}
