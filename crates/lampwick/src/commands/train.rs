//! `lampwick train`: one config, one run.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI32;

use clap::ArgGroup;
use lampwick::metrics::figures::{clock, count, figure};
use lampwick::training::{self, AnyConfig, Observer, Outcome, Override, Resolved, RunConfig};
use serde_json::json;

use crate::dashboard::{self, Watched};
use crate::exit::{Exit, Usage};
use crate::machine::Machine;
use crate::progress::Progress;
use crate::signals;

/// What `lampwick train` takes.
#[derive(clap::Args)]
#[command(
    group = ArgGroup::new("what").required(true).args(["config", "resume"]),
    after_help = "\
Examples:
  lampwick train configs/quickstart.toml
  lampwick train configs/lm/own_text.toml data.train=my.txt --out runs/mine
  lampwick train configs/lm/zaremba_small.toml optimizer.lr=0.5 budget.epochs=3 --dry-run
  lampwick train configs/quickstart.toml --probe gradients --out runs/probed
  lampwick train --resume runs/mine
  lampwick train configs/quickstart.toml --tensorboard && tensorboard --logdir runs

While it trains, one line says epoch, step, loss, perplexity, tokens per second, time left,
learning rate and gradient norm; --tui draws them (there, q and then s end the run). Ctrl-C or
SIGTERM ends the run after the step under way with a checkpoint (exit code 130 or 143); a second
one ends it at once.

A run that was killed, at whatever instant, or stopped by a full disk goes on with --resume and
ends with the same bytes as one that was not: weights, metrics, samples. One process at a time
writes to a run; a second one is refused. The run's config keeps absolute paths of its texts, so
that it is evaluated and resumed from any folder. To train on past its budget, raise
budget.epochs or budget.minutes in RUN/config.toml and resume it." )]
pub(crate) struct Arguments {
    /// The config: a TOML file
    config: Option<PathBuf>,
    /// Values to change, such as `optimizer.lr=10`; each is echoed old -> new
    #[arg(value_name = "KEY=VALUE", conflicts_with = "resume")]
    overrides: Vec<Override>,
    /// Continue this run from its newest whole checkpoint
    #[arg(long, value_name = "RUN", conflicts_with_all = ["out", "print_config", "dry_run"])]
    resume: Option<PathBuf>,
    /// The run's directory [default: runs/NAME, numbered when it is taken]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the whole config, defaults and overrides included, and stop
    #[arg(long)]
    print_config: bool,
    /// Check files, shapes, memory and speed, and stop; trains nothing
    #[arg(long, conflicts_with = "print_config")]
    dry_run: bool,
    /// Look at more than the loss, at the start and after each epoch: `gradients` = how much of a
    /// loss reaches the states k steps before it, the norm of dL_T/dh_(T-k) for each layer, into
    /// gradients.json and report.html (the key `report.probes`)
    #[arg(long, value_name = "WHAT", conflicts_with = "resume")]
    probe: Option<Probe>,
    /// Draw the run on burn-train's dashboard (needs a terminal)
    #[arg(long, conflicts_with = "json")]
    tui: bool,
    /// Also write TensorBoard event files into the run's directory (the config's report.tensorboard)
    #[arg(long, conflicts_with = "resume")]
    tensorboard: bool,
    /// At the end, also one by a signal, print one JSON object on stdout (the progress stays on
    /// stderr)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    machine: Machine,
}

/// What `--probe` takes.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Probe {
    /// How far gradients reach back
    Gradients,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.machine.threads.start()?;
    if arguments.tui && !std::io::stdout().is_terminal() {
        return Err(Usage("--tui needs a terminal on stdout; leave it out".into()).into());
    }
    if let Some(run) = &arguments.resume {
        if arguments.machine.device.is_some() {
            let problem = "--device: a run is resumed on its own device; leave it out";
            return Err(Usage(problem.into()).into());
        }
        return watched(arguments, run, |stop, observer| training::resume(run, stop, observer));
    }
    let path = arguments.config.as_deref().expect("clap requires a config or a run");
    let mut overrides = arguments.overrides.clone();
    if arguments.tensorboard {
        overrides.push("report.tensorboard=true".parse()?);
    }
    if let Some(Probe::Gradients) = arguments.probe {
        overrides.push("report.probes=[\"gradients\"]".parse()?);
    }
    let config = resolve(path, &overrides, &arguments.machine)?;
    if arguments.print_config {
        crate::output::stdout().write_all(config.to_toml().as_bytes())?;
        return Ok(Exit::Done);
    }
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => free_directory(config.shared().name, path)?,
    };
    match &config {
        AnyConfig::LanguageModel(config) => start(arguments, &**config, &out),
        AnyConfig::Seq2Seq(config) => start(arguments, &**config, &out),
    }
}

/// Trains, or tries, a new run of one task.
fn start(arguments: &Arguments, config: &impl RunConfig, out: &Path) -> anyhow::Result<Exit> {
    if arguments.dry_run {
        return super::dry_run::say(&training::dry_run(config, out)?, arguments.json);
    }
    watched(arguments, out, |stop, observer| training::train(config, out, stop, observer))
}

/// Reads the config; every override is echoed on stderr.
fn resolve(path: &Path, overrides: &[Override], machine: &Machine) -> anyhow::Result<AnyConfig> {
    let Resolved { mut config, changes } = AnyConfig::load(path, overrides)?;
    for change in &changes {
        tell!("{change}");
    }
    name_device(config.device_mut(), machine)?;
    Ok(config)
}

/// Writes down where the run computes, so that it is resumed there also by another build.
pub(super) fn name_device(name: &mut String, machine: &Machine) -> anyhow::Result<()> {
    if let Some(device) = &machine.device {
        name.clone_from(device);
    }
    training::device::parse(name)?;
    if name.is_empty() {
        *name = training::device::compiled().first().copied().unwrap_or_default().into();
    }
    Ok(())
}

/// `runs/NAME`, or `runs/NAME-2` and so on: a run is never overwritten.
pub(super) fn free_directory(name: &str, config: &Path) -> anyhow::Result<PathBuf> {
    let stem = config.file_stem().unwrap_or_default().to_string_lossy();
    let name = if name.is_empty() { stem.as_ref() } else { name };
    // A config from elsewhere must not choose where on the disk is written.
    if name.contains(['/', '\\', '\0']) || matches!(name, "." | "..") {
        let problem = format!(
            "name = {name:?}: a run's name is that of one folder in runs/, without / or \\; to \
             write elsewhere, give --out DIR"
        );
        return Err(Usage(problem).into());
    }
    let taken =
        |path: &Path| std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    let runs = Path::new("runs");
    let numbered = (2..).map(|n| runs.join(format!("{name}-{n}")));
    Ok(std::iter::once(runs.join(name))
        .chain(numbered)
        .find(|path| !taken(path))
        .expect("there are more numbers than runs"))
}

/// Trains under the progress line or the dashboard, and says how it ended.
fn watched(
    arguments: &Arguments,
    run: &Path,
    train: impl FnOnce(&AtomicI32, &mut dyn Observer) -> training::Result<Outcome>,
) -> anyhow::Result<Exit> {
    let stop = signals::watch()?;
    if arguments.tui {
        let watched = dashboard::watch(Arc::clone(&stop), |observer| train(&stop, observer));
        let Watched::Ended(outcome, kept) = watched else {
            let run = run.display();
            tell!(
                "killed in the middle of a step, without a checkpoint of it; continue from \
                       the last with: lampwick train --resume {run}"
            );
            return Ok(Exit::Signal(signal_hook::consts::SIGINT));
        };
        let progress = Progress::new(true);
        for line in kept {
            progress.keep(&line);
        }
        return ended(outcome?, run, arguments.json, &progress);
    }
    let mut progress = Progress::new(!arguments.json);
    let outcome = train(&stop, &mut progress);
    progress.finish();
    ended(outcome?, run, arguments.json, &progress)
}

/// The last words of a run.
pub(super) fn ended(
    outcome: Outcome,
    run: &Path,
    as_json: bool,
    progress: &Progress,
) -> anyhow::Result<Exit> {
    let summary = match outcome {
        Outcome::Finished(summary) => summary,
        Outcome::Interrupted { signal, step } => {
            if as_json {
                print(
                    &json!({"run": run, "state": "interrupted", "signal": signal, "steps": step}),
                )?;
            }
            tell!(
                "interrupted after step {}; continue with: lampwick train --resume {}",
                count(step),
                run.display()
            );
            return Ok(Exit::Signal(signal));
        }
    };
    if as_json {
        print(&json!({
            "run": run,
            "state": "finished",
            "steps": summary.steps,
            "epochs": summary.epochs,
            "seconds": summary.seconds,
            "tokens_per_second": summary.tokens_per_second,
            "best_valid_perplexity": summary.valid.as_ref().map(|scored| scored.perplexity),
            "test_perplexity": summary.test.as_ref().map(|scored| scored.perplexity),
            "best_valid_quality": summary.valid.as_ref().and_then(|scored| scored.quality.as_ref()),
            "test_quality": summary.test.as_ref().and_then(|scored| scored.quality.as_ref()),
        }))?;
        return Ok(Exit::Done);
    }
    let mut line = format!(
        "done: {} steps in {}, {} tokens/s",
        count(summary.steps),
        clock(summary.seconds),
        count(summary.tokens_per_second as u64)
    );
    if let Some(valid) = &summary.valid {
        line += &match &valid.quality {
            Some(quality) => format!(", best validation {quality}"),
            None => format!(", best validation perplexity {}", figure(valid.perplexity)),
        };
    }
    progress.keep(&line);
    Ok(Exit::Done)
}

fn print(object: &serde_json::Value) -> anyhow::Result<()> {
    Ok(writeln!(crate::output::stdout(), "{}", serde_json::to_string_pretty(object)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_name_is_called_after_its_config() {
        let path = free_directory("", Path::new("configs/lm/no_such_config_is_here.toml")).unwrap();
        assert_eq!(path, Path::new("runs/no_such_config_is_here"));
        assert_eq!(
            free_directory("no_such_run", Path::new("x.toml")).unwrap(),
            Path::new("runs/no_such_run")
        );
        for name in ["../evil", "/tmp/evil", "..", "a\\b"] {
            assert!(free_directory(name, Path::new("x.toml")).is_err(), "{name}");
        }
    }
}
