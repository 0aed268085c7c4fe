//! The spawned binary, and a tiny text and config to give it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// What a finished program left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Panics unless it ended with `code`, and shows why.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "a panic:\n{}", self.stderr);
        self
    }

    /// Panics unless stderr holds every part: what is wrong, where, the mend.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in:\n{}", self.stderr);
        }
    }
}

/// A folder of its own for one test.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with the text of lamps, a model of it as ARPA, and binary ones.
    pub(crate) fn with_ngram_models() -> Self {
        let place = Self::new();
        place.write("text.txt", tiny_text());
        place.run(&["ngram", "train", "-o", "3", "--out", "model.arpa", "text.txt"]).expect(0);
        place.run(&["ngram", "build", "model.arpa", "hash.bin"]).expect(0);
        place.run(&["ngram", "build", "--kind", "trie", "model.arpa", "trie.bin"]).expect(0);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The program, in this folder, with nothing of the caller's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lampwick"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("LAMPWICK_LOG")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        finished(self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_with_stdin(&self, arguments: &[&str], stdin: &[u8]) -> Finished {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let bytes = stdin.to_vec();
        let writer = std::thread::spawn(move || {
            let _ = pipe.write_all(&bytes);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        finished(output)
    }

    /// Trains `tiny.toml` without end as the run `run`, and sends a signal once `epochs` epochs are
    /// validated.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self, signal: &str, epochs: usize) -> Finished {
        let mut child = self
            .command(&["train", "tiny.toml", "budget.epochs=100000", "--out", "run"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with(&format!("epoch {epochs}: valid")) {
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "it ended by itself");
        }
        send(signal, &child);
        // Read on, so that it is not stopped by a full pipe.
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        finished(child.wait_with_output().unwrap())
    }

    /// Lets the interrupted run `run` end after `epochs` epochs.
    pub(crate) fn shorten(&self, epochs: usize) {
        let path = self.path("run/config.toml");
        let config = fs::read_to_string(&path).unwrap();
        fs::write(&path, config.replace("epochs = 100000", &format!("epochs = {epochs}"))).unwrap();
    }

    /// A tiny text and a config over it, as `tiny.toml`.
    pub(crate) fn with_tiny_config(self) -> Self {
        self.write("text.txt", tiny_text());
        self.write("tiny.toml", tiny_config());
        self
    }

    /// The same, trained, as the run `run`.
    pub(crate) fn with_tiny_run(self) -> Self {
        self.with_tiny_config().trained()
    }

    /// `tiny.toml` trained as the run `run`.
    pub(crate) fn trained(self) -> Self {
        self.run(&["train", "tiny.toml", "--out", "run"]).expect(0);
        self
    }
}

/// Sends a signal to a program that runs.
#[cfg(unix)]
pub(crate) fn send(signal: &str, child: &Child) {
    let kill = ["-s", signal, &child.id().to_string()];
    assert!(Command::new("kill").args(kill).status().unwrap().success());
}

fn finished(output: std::process::Output) -> Finished {
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Three hundred short sentences over twenty words.
pub(crate) fn tiny_text() -> String {
    let subjects = ["the lamp", "a wick", "the keeper", "every flame", "no shadow"];
    let verbs = ["burns", "waits", "grows", "falls"];
    let places = ["here", "in the dark", "until morning"];
    (0..300).map(|n| format!("{} {} {}\n", subjects[n % 5], verbs[n % 4], places[n % 3])).collect()
}

/// [`TINY`] on the device of LAMPWICK_DEVICE, which `cargo xtask test --device` sets.
pub(crate) fn tiny_config() -> String {
    let device = std::env::var("LAMPWICK_DEVICE").unwrap_or_default();
    format!("device = {device:?}\n{TINY}")
}

/// Whether the tests run on a processor, where equal runs write equal bytes.
pub(crate) fn on_a_cpu() -> bool {
    let device = std::env::var("LAMPWICK_DEVICE").unwrap_or_default();
    matches!(device.as_str(), "" | "flex" | "ndarray" | "cpu")
}

/// A model of a few thousand parameters that trains in a moment.
pub(crate) const TINY: &str = r#"
name = "tiny"
seed = 1

[model]
embedding = 8
hidden = 8
layers = 1

[data]
source = "text"
train = "text.txt"

[batches]
size = 4
bptt = { fixed = 5 }

[optimizer]
name = "adam"
lr = 0.01

[budget]
epochs = 1

[sampling]
count = 2
length = 10
"#;

/// The lines of a text.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// Where a run keeps its checkpoints, oldest first.
pub(crate) fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(run.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// Every file of a run by its path there, but the few that tell the time.
pub(crate) fn contents(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![run.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(run).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !["lock", "run.json", "report.html", "timings.jsonl"].contains(&&*name) {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
