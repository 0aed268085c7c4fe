//! `cargo xtask test`: every test of the workspace, then one plain line of counts.

use std::env::var_os;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::cargo::{cargo, installed, root, show, watch};
use crate::ci::rust_files;

/// How the names of tests end that want more than the repository holds, and what is missing, of
/// those for which it is.
fn missing() -> Vec<(&'static str, &'static str)> {
    let ptb = var_os("LAMPWICK_DATA").map(|data| PathBuf::from(data).join("ptb"));
    let has_data = ptb.is_some_and(|ptb| ptb.join("ptb.train.txt").exists());
    let data = var_os("LAMPWICK_DATA").map(PathBuf::from);
    let has_pairs = data.is_some_and(|data| data.join("multi30k").is_dir());
    let has_tensorboard = var_os("LAMPWICK_TENSORBOARD_PYTHON").is_some();
    let wanting = [
        ("_on_tmpfs", "no right to mount a file system", can_mount()),
        ("_on_ptb", "no data (LAMPWICK_DATA)", has_data),
        ("_on_pairs", "no pairs (LAMPWICK_DATA)", has_pairs),
        ("_by_tensorboard", "no TensorBoard (LAMPWICK_TENSORBOARD_PYTHON)", has_tensorboard),
    ];
    wanting.into_iter().filter(|want| !want.2).map(|want| (want.0, want.1)).collect()
}

fn can_mount() -> bool {
    let mut namespace = Command::new("unshare");
    namespace.args(["--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs none /tmp"]);
    namespace.output().is_ok_and(|output| output.status.success())
}

/// What `cargo xtask test` takes.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// The tests that take a device, on this one (`wgpu`, `cuda`, ...; repeat for several)
    ///
    /// Agreement with Flex (tests/devices) and the whole program, built with the feature of the
    /// device's name; they read the name from LAMPWICK_DEVICE.
    #[arg(long, value_name = "NAME[:N]")]
    pub(crate) device: Vec<String>,
    /// Of these only agreement with Flex, not the whole program: minutes on a GPU made of software
    #[arg(long, requires = "device")]
    pub(crate) agreement: bool,
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
    let missing = missing();
    let skipped = skipped_tests(&missing, arguments.filter.as_deref())?;

    let nextest = installed("nextest");
    let mut commands = if arguments.device.is_empty() {
        // `--tests` keeps the examples' compilation and leaves the documentation for below.
        let tests = runner(nextest, &["--workspace"], &["--tests", "--examples"]);
        vec![tests, cargo(&["test", "--release", "--workspace", "--doc", "--no-fail-fast"])]
    } else {
        on_devices(arguments, nextest)?
    };
    for command in &mut commands {
        if let Some(filter) = &arguments.filter {
            command.arg(filter);
        }
        if !missing.is_empty() {
            command.arg("--").args(missing.iter().flat_map(|(end, _)| ["--skip", end]));
        }
        let status = watch(command, |line| counts.read(line))?;
        // nextest: 4 means that the filter matched nothing here, which the count line shows.
        sound &= status.success() || (nextest && status.code() == Some(4));
    }

    for (name, missing) in &skipped {
        println!("skipped: {missing}: {name}");
    }
    // nextest counts what a filter leaves out as skipped, cargo's own runner does not.
    if !nextest {
        counts.skipped += skipped.len() as u64;
    }
    let Counts { passed, failed, skipped } = counts;
    let seconds = start.elapsed().as_secs();
    let on = if arguments.device.is_empty() {
        String::new()
    } else {
        format!(" on {}", arguments.device.join(" and "))
    };
    println!("\ntests{on}: {passed} passed, {failed} failed, {skipped} skipped in {seconds} s");
    if failed > 0 || !sound {
        bail!("the tests failed");
    }
    Ok(())
}

/// The runner that is installed, over `packages`; `targets` are for cargo's own.
fn runner(nextest: bool, packages: &[&str], targets: &[&str]) -> Command {
    let mut command = if nextest { cargo(&["nextest", "run"]) } else { cargo(&["test"]) };
    command.args(["--release", "--no-fail-fast"]).args(packages);
    if !nextest {
        command.args(targets);
    }
    command
}

/// A run of the program's package for each device, all of one build.
fn on_devices(arguments: &Arguments, nextest: bool) -> Result<Vec<Command>> {
    let devices = &arguments.device;
    let backend = |device: &String| device.split(':').next().unwrap_or_default().to_owned();
    let features = devices.iter().map(backend).collect::<Vec<_>>().join(",");
    let packages = ["--package", "lampwick", "--features", &features];
    let mut list = cargo(&["run", "--release"]);
    let output = list.args(packages).args(["--", "devices", "--json"]).stderr(Stdio::inherit());
    let output = output.output()?;
    if !output.status.success() {
        bail!("`{}` failed", show(&list));
    }
    let known: Vec<Known> = serde_json::from_slice(&output.stdout)?;
    let mut commands = Vec::new();
    for device in devices {
        let entry = known.iter().find(|known| known.name == backend(device));
        let Some(entry) = entry.filter(|entry| !entry.devices.is_empty()) else {
            bail!("there is no {device} on this machine");
        };
        let hardware: Vec<&str> = entry.hardware.iter().flatten().map(String::as_str).collect();
        println!("device {device}: {}", hardware.join(", "));
        let mut tests = if arguments.agreement {
            runner(nextest, &[&packages[..], &["--test", "devices"]].concat(), &[])
        } else {
            runner(nextest, &packages, &["--tests"])
        };
        tests.env("LAMPWICK_DEVICE", device);
        commands.push(tests);
    }
    Ok(commands)
}

/// What `lampwick devices --json` says of a backend.
#[derive(serde::Deserialize)]
struct Known {
    name: String,
    devices: Vec<String>,
    hardware: Vec<Option<String>>,
}

/// The names of the tests whose end is among `missing`, and what each lacks.
fn skipped_tests<'a>(
    missing: &[(&str, &'a str)],
    filter: Option<&str>,
) -> Result<Vec<(String, &'a str)>> {
    let mut skipped = Vec::new();
    let folders = ["crates", "tests"].map(|folder| rust_files(&root().join(folder)));
    for path in folders.into_iter().collect::<Result<Vec<_>>>()?.concat() {
        for line in std::fs::read_to_string(path)?.lines() {
            let name = line.trim().strip_prefix("fn ").and_then(|rest| rest.split_once("()"));
            let Some((name, _)) = name else { continue };
            let lacks = missing.iter().find(|(end, _)| name.ends_with(end));
            if let Some((_, what)) = lacks
                && filter.is_none_or(|filter| name.contains(filter))
            {
                skipped.push((name.to_owned(), *what));
            }
        }
    }
    Ok(skipped)
}

impl Counts {
    /// Adds one line of a runner's output, where it is a line of counts.
    fn read(&mut self, line: &str) {
        // nextest: `Summary [ 1.2s] 9 tests run: 8 passed (1 slow), 1 failed, 2 skipped`
        // cargo: `test result: ok. 8 passed; 1 failed; 2 ignored; 0 measured; ...`, indented where
        // nextest repeats what a failed test printed.
        let counts = if let Some(rest) = line.trim().strip_prefix("Summary [") {
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
        counts.read("    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured");
        assert_eq!(counts, Counts { passed: 8, failed: 1, skipped: 2 });
        counts.read("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out");
        assert_eq!(counts, Counts { passed: 11, failed: 1, skipped: 3 });
        counts.read("running 3 tests");
        assert_eq!(counts, Counts { passed: 11, failed: 1, skipped: 3 });
    }
}
