//! Training what a suite needs: new runs are started, interrupted ones resumed, finished ones left.

use std::cell::RefCell;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use toml::{Table, Value};

use super::trained::Trained;
use crate::cargo::{root, show};
use crate::ci::program;

/// What one call of `cargo xtask experiment` may do, and where.
pub(crate) struct Session {
    out: PathBuf,
    /// `None`: the release binary, built when it is first needed.
    program: Option<PathBuf>,
    device: Option<String>,
    deadline: Option<Instant>,
    gather: bool,
    /// What asks the session to end: passed on to the training, which then writes its checkpoint.
    signals: RefCell<Signals>,
}

/// The session was asked to end by a signal.
#[derive(Debug, thiserror::Error)]
#[error("stopped; what was reached is kept: run the experiment again to go on")]
pub(crate) struct Stopped {
    /// Its number.
    pub(crate) signal: i32,
}

/// One run of a suite.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    /// Its directory below OUT: `ptb-small/lstm`. Two experiments may share one.
    pub(crate) folder: String,
    /// Its config, below the repository.
    pub(crate) config: String,
    /// `key=value`.
    pub(crate) overrides: Vec<String>,
}

/// Keys that do not change what is learnt, or that the run itself fills in.
const INDIFFERENT: [&str; 8] = [
    "name",
    "device",
    "model.vocabulary",
    "model.source_vocabulary",
    "model.target_vocabulary",
    "report",
    "sampling",
    "checkpoint",
];

impl Session {
    pub(crate) fn new(
        out: &Path,
        device: Option<&str>,
        budget_minutes: Option<f64>,
        gather: bool,
    ) -> Result<Self> {
        let deadline = match budget_minutes {
            None => None,
            Some(minutes) => {
                let budget = Duration::try_from_secs_f64(60.0 * minutes).ok();
                let deadline = budget.filter(|budget| !budget.is_zero());
                let deadline = deadline.and_then(|budget| Instant::now().checked_add(budget));
                ensure!(
                    deadline.is_some(),
                    "--budget-minutes {minutes}: give a number above 0, of minutes that there are"
                );
                deadline
            }
        };
        let device = device.map(str::to_owned);
        let signals = RefCell::new(Signals::new([SIGHUP, SIGINT, SIGTERM])?);
        Ok(Self { out: out.into(), program: None, device, deadline, gather, signals })
    }

    /// Trains each of `runs` as far as the budget goes and reads them; the order is kept.
    ///
    /// What is left of the budget is shared evenly among the runs that are not finished.
    pub(crate) fn train(&self, runs: &[Run]) -> Result<Vec<Option<Trained>>> {
        for (index, run) in runs.iter().enumerate() {
            let unfinished = |run: &Run| -> Result<bool> {
                Ok(!Trained::read(&self.path(run))?.is_some_and(|trained| trained.finished()))
            };
            if self.gather {
                let path = self.path(run);
                if path.join("config.toml").is_file() {
                    self.expect_same_config(run, &path)?;
                }
                continue;
            }
            let mut left = 0;
            for run in &runs[index..] {
                left += u32::from(unfinished(run)?);
            }
            let until = self.deadline.map(|deadline| {
                let now = Instant::now();
                now + deadline.saturating_duration_since(now) / left.max(1)
            });
            self.train_until(run, || until.is_some_and(|until| Instant::now() >= until))?;
        }
        runs.iter().map(|run| Trained::read(&self.path(run))).collect()
    }

    /// Starts, resumes or skips one run, and stops it with a checkpoint when `stop` says so.
    fn train_until(&self, run: &Run, stop: impl Fn() -> bool) -> Result<()> {
        let path = self.path(run);
        let mut command = Command::new(self.program()?);
        command.arg("train").current_dir(root());
        match Trained::read(&path)? {
            Some(trained) => {
                self.expect_same_config(run, &path)?;
                if trained.finished() {
                    eprintln!("== {}: finished", run.folder);
                    return Ok(());
                }
                eprintln!("== {}: resumed after epoch {}", run.folder, trained.info.epochs);
                command.arg("--resume").arg(&path);
            }
            None => {
                eprintln!("== {}: new", run.folder);
                command.arg(&run.config).args(&run.overrides).arg("--out").arg(&path);
                if let Some(device) = &self.device {
                    command.args(["--device", device]);
                }
            }
        }
        if stop() {
            eprintln!("   no time left for it");
            return Ok(());
        }
        let shown = show(&command);
        let (status, stopped) = self.attend(command.stdin(Stdio::null()), stop)?;
        // 143: the run has written its checkpoint and ended as it was told to.
        if status.success() || (stopped && status.code() == Some(143)) {
            return Ok(());
        }
        bail!("`{shown}` ended with {status}; what it reached is kept: run the experiment again")
    }

    /// Refuses a directory that holds another run than the one asked for.
    fn expect_same_config(&self, run: &Run, path: &Path) -> Result<()> {
        let mut found = self.resolved(&path.join("config.toml"), &[])?;
        let mut expected = self.resolved(&root().join(&run.config), &run.overrides)?;
        make_absolute(&mut expected);
        make_absolute(&mut found);
        let differences = differences(&expected, &found, "");
        if differences.is_empty() {
            return Ok(());
        }
        bail!(
            "{} was trained with other values than {} now has ({}): remove it, or give another --out",
            path.display(),
            run.config,
            differences.join("; ")
        )
    }

    /// Every value of a config, as the program resolves it.
    fn resolved(&self, config: &Path, overrides: &[String]) -> Result<Table> {
        let mut command = Command::new(self.program()?);
        command.arg("train").arg(config).args(overrides).arg("--print-config");
        let output = command.current_dir(root()).output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        Ok(toml::from_str(&String::from_utf8(output.stdout)?)?)
    }

    /// Test perplexity of a run that is not finished, with its best weights so far.
    pub(crate) fn test_so_far(&self, trained: &Trained) -> Result<Option<f64>> {
        if let Some(test) = &trained.test {
            return Ok(Some(test.perplexity));
        }
        if trained.valid.is_empty() {
            return Ok(None);
        }
        let mut command = Command::new(self.program()?);
        command.arg("evaluate").arg(&trained.path).args(["--split", "test", "--json"]);
        let output = command.output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        let figures: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        Ok(figures["perplexity"].as_f64())
    }

    /// Refuses to train without a file of LAMPWICK_DATA.
    pub(crate) fn needs(&self, file: &str) -> Result<()> {
        let data = std::env::var_os("LAMPWICK_DATA").map(PathBuf::from);
        let there = data.is_some_and(|data| root().join(data).join(file).is_file());
        ensure!(self.gather || there, "set LAMPWICK_DATA to a folder that holds {file}");
        Ok(())
    }

    /// Runs the program to its end, or ends it when the budget is spent: `false`. It computes where the
    /// session does.
    pub(crate) fn run(&self, mut command: Command) -> Result<bool> {
        if let Some(device) = &self.device {
            command.args(["--device", device]);
        }
        self.run_peer(command)
    }

    /// The same with another program.
    pub(crate) fn run_peer(&self, mut command: Command) -> Result<bool> {
        let shown = show(&command);
        let (status, stopped) = self.attend(&mut command, || self.spent())?;
        ensure!(status.success() || stopped, "`{shown}` ended with {status}");
        Ok(status.success())
    }

    /// Runs a command to its end, or ends it by SIGTERM when `stop` says so: `true`. A signal to this
    /// process is passed on, once for each time that it comes.
    ///
    /// The command is a process group of its own: else a terminal's Ctrl-C would reach it twice, and
    /// the second ends a training without a checkpoint.
    fn attend(&self, command: &mut Command, stop: impl Fn() -> bool) -> Result<(ExitStatus, bool)> {
        let shown = show(command);
        let child = command.process_group(0).spawn();
        let mut child = child.with_context(|| format!("cannot start `{shown}`"))?;
        let (mut stopped, mut came) = (false, None);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            for signal in self.signals.borrow_mut().pending() {
                send(&mut child, "TERM")?;
                came = Some(signal);
            }
            if !stopped && came.is_none() && stop() {
                send(&mut child, "TERM")?;
                stopped = true;
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        match came {
            Some(signal) if !status.success() => Err(Stopped { signal }.into()),
            _ => Ok((status, stopped)),
        }
    }

    /// The program that trains.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        self.program.clone().map_or_else(program::path, Ok)
    }

    /// Where runs and results lie.
    pub(crate) fn out(&self) -> &Path {
        &self.out
    }

    /// Whether nothing may be trained.
    pub(crate) fn gathers(&self) -> bool {
        self.gather
    }

    /// Whether the budget is.
    pub(crate) fn spent(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn path(&self, run: &Run) -> PathBuf {
        self.out.join(&run.folder)
    }
}

/// Sends a signal to a child that may have ended.
fn send(child: &mut Child, signal: &str) -> Result<()> {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", signal, &id]).status();
    if !sent.context("cannot start `kill`")?.success() && child.try_wait()?.is_none() {
        bail!("cannot stop process {id}");
    }
    Ok(())
}

/// Makes the paths of texts absolute, as a run's own config keeps them.
fn make_absolute(config: &mut Table) {
    let Some(data) = config.get_mut("data").and_then(Value::as_table_mut) else { return };
    let text = |key: &str| data.get(key).and_then(Value::as_str);
    let keys: &[&str] = match (text("source"), text("format")) {
        (Some("text"), _) => &["train", "valid", "test"],
        (Some("tokens"), _) => &["dir"],
        (_, Some("lines")) => &[
            "train_source",
            "train_target",
            "valid_source",
            "valid_target",
            "test_source",
            "test_target",
        ],
        _ => &[],
    };
    for &key in keys {
        if let Some(Value::String(path)) = data.get_mut(key)
            && !path.is_empty()
        {
            *path = plain(path);
        }
    }
}

/// One spelling of a path, however it is written.
fn plain(path: &str) -> String {
    let path = root().join(path);
    path.canonicalize().unwrap_or(path).to_string_lossy().into_owned()
}

/// What `found` says otherwise than `expected`, key by key.
fn differences(expected: &Table, found: &Table, prefix: &str) -> Vec<String> {
    let mut keys: Vec<&String> = expected.keys().chain(found.keys()).collect();
    keys.sort();
    keys.dedup();
    let mut different = Vec::new();
    for key in keys {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if INDIFFERENT.contains(&path.as_str()) {
            continue;
        }
        match (expected.get(key), found.get(key)) {
            (Some(Value::Table(expected)), Some(Value::Table(found))) => {
                different.extend(differences(expected, found, &path));
            }
            (expected, found) if expected != found => {
                let shown = |value: Option<&Value>| {
                    value.map_or_else(|| "unset".to_owned(), ToString::to_string)
                };
                different.push(format!("{path}: {} there, {} here", shown(found), shown(expected)));
            }
            _ => {}
        }
    }
    different
}

#[cfg(test)]
mod tests;
