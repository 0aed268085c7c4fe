//! `cargo xtask ci`: every check of the project, in the order in which they fail fastest.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::cargo::{cargo, installed, run as call};

mod configs;
mod layering;
pub(crate) mod program;
mod readme;
mod sizes;

pub(crate) use sizes::rust_files;

/// What `cargo xtask ci` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave the tests out, where `cargo xtask test` has just run them
    #[arg(long)]
    skip_tests: bool,
    /// Only these checks (repeat, or separate by commas)
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Check>,
}

/// The checks by name.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Check {
    /// rustfmt
    Fmt,
    /// Who may import whom
    Layering,
    /// Files that grew too long (a warning)
    Sizes,
    /// Licences and advisories of the dependencies, where cargo-deny is installed
    Deny,
    /// clippy, warnings are errors
    Clippy,
    /// rustdoc, warnings are errors
    Docs,
    /// `cargo xtask test`
    Tests,
    /// The README's marked commands, on toy data
    Readme,
    /// Every file under configs/ loads and takes two steps
    Configs,
}

const ALL: [Check; 9] = [
    Check::Fmt,
    Check::Layering,
    Check::Sizes,
    Check::Deny,
    Check::Clippy,
    Check::Docs,
    Check::Tests,
    Check::Readme,
    Check::Configs,
];

/// Runs every check, also after one has failed, and ends with a table.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.skip_tests
        && !arguments.only.is_empty()
        && arguments.only.iter().all(|&c| c == Check::Tests)
    {
        bail!("--only tests and --skip-tests leave nothing to check: leave one of them out");
    }
    let mut rows: Vec<(Check, Duration, Result<String>)> = Vec::new();
    for check in ALL {
        let asked = arguments.only.is_empty() || arguments.only.contains(&check);
        if !asked || (check == Check::Tests && arguments.skip_tests) {
            continue;
        }
        println!("== {check:?}");
        let start = Instant::now();
        let outcome = check.run();
        if let Err(error) = &outcome {
            eprintln!("{error:#}");
        }
        rows.push((check, start.elapsed(), outcome));
    }

    println!();
    let mut failed = Vec::new();
    for (check, time, outcome) in &rows {
        let name = format!("{check:?}").to_lowercase();
        let (mark, note) = match outcome {
            Ok(note) => ("ok    ", note.clone()),
            Err(error) => {
                failed.push(name.clone());
                ("FAILED", error.to_string().lines().next().unwrap_or_default().to_owned())
            }
        };
        println!("{mark} {name:<9} {:>5} s  {note}", time.as_secs());
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

impl Check {
    /// Runs one check; the text says what was looked at.
    fn run(self) -> Result<String> {
        // One profile and one selection of packages throughout: Burn is built once.
        const WORKSPACE: [&str; 2] = ["--release", "--workspace"];
        match self {
            Check::Fmt => call(&mut cargo(&["fmt", "--all", "--check"])).map(|()| String::new()),
            Check::Layering => layering::check(),
            Check::Sizes => sizes::check(),
            Check::Deny if !installed("deny") => Ok("skipped: cargo-deny is not installed".into()),
            Check::Deny => call(&mut cargo(&["deny", "check"])).map(|()| String::new()),
            Check::Clippy => {
                let mut clippy = cargo(&["clippy"]);
                clippy.args(WORKSPACE).args(["--all-targets", "--", "-D", "warnings"]);
                call(&mut clippy).map(|()| String::new())
            }
            Check::Docs => {
                let mut docs = cargo(&["doc", "--no-deps"]);
                docs.args(WORKSPACE).env("RUSTDOCFLAGS", "-D warnings");
                call(&mut docs).map(|()| String::new())
            }
            Check::Tests => {
                let all = crate::test::Arguments::default();
                crate::test::run(&all).map(|()| String::new())
            }
            Check::Readme => readme::check(),
            Check::Configs => configs::check(),
        }
    }
}
