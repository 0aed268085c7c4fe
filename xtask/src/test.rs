//! `cargo xtask test`: every test of the workspace, then one plain line of counts.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::cargo::{cargo, installed, watch};

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run on this device, built with the feature of the same name (`wgpu`, `cuda`, ...)
    ///
    /// The tests read it from LAMPWICK_DEVICE.
    #[arg(long, value_name = "NAME[:N]")]
    pub(crate) device: Option<String>,
    /// Only tests whose name contains this
    pub(crate) filter: Option<String>,
}

/// What a runner said at its end.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// Runs the tests with cargo-nextest where it is installed, else with cargo's own runner, and
/// then the documentation's examples.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    let mut counts = Counts::default();
    let mut sound = true;

    let nextest = installed("nextest");
    let mut tests = if nextest {
        cargo(&["nextest", "run", "--release", "--workspace", "--no-fail-fast"])
    } else {
        // `--tests` keeps the examples' compilation and leaves the documentation for below.
        cargo(&["test", "--release", "--workspace", "--tests", "--examples", "--no-fail-fast"])
    };
    let mut documentation = cargo(&["test", "--release", "--workspace", "--doc", "--no-fail-fast"]);
    for command in [&mut tests, &mut documentation] {
        if let Some(device) = &arguments.device {
            let feature = device.split(':').next().unwrap_or(device);
            command.args(["--features", feature]).env("LAMPWICK_DEVICE", device);
        }
        if let Some(filter) = &arguments.filter {
            command.arg(filter);
        }
        let status = watch(command, |line| counts.read(line))?;
        // nextest: 4 means that the filter matched nothing here, which the count line shows.
        sound &= status.success() || (nextest && status.code() == Some(4));
    }

    let Counts { passed, failed, skipped } = counts;
    let seconds = start.elapsed().as_secs();
    println!("\ntests: {passed} passed, {failed} failed, {skipped} skipped in {seconds} s");
    if failed > 0 || !sound {
        bail!("the tests failed");
    }
    Ok(())
}

impl Counts {
    /// Adds one line of a runner's output, where it is a line of counts.
    fn read(&mut self, line: &str) {
        let line = line.trim();
        // nextest: `Summary [ 1.2s] 9 tests run: 8 passed (1 slow), 1 failed, 2 skipped`
        // cargo: `test result: ok. 8 passed; 1 failed; 2 ignored; 0 measured; ...`
        let counts = if let Some(rest) = line.strip_prefix("Summary [") {
            rest.split_once(" run: ").map(|(_, counts)| counts)
        } else {
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")).map(|x| x.1)
        };
        for part in counts.unwrap_or_default().split([',', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(kind)) = (words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match kind {
                "passed" => self.passed += number,
                "failed" | "timed" => self.failed += number,
                "skipped" | "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_both_runners_are_read() {
        let mut counts = Counts::default();
        counts.read("     Summary [   0.012s] 9 tests run: 8 passed (1 slow), 1 failed, 2 skipped");
        assert_eq!(counts, Counts { passed: 8, failed: 1, skipped: 2 });
        counts.read("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out");
        assert_eq!(counts, Counts { passed: 11, failed: 1, skipped: 3 });
        counts.read("running 3 tests");
        assert_eq!(counts, Counts { passed: 11, failed: 1, skipped: 3 });
    }
}
