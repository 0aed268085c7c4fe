//! One side of a benchmark: a process that answers one JSON line per JSON line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo::{example as built, root};

/// Names the Python that has torch.
pub(crate) const PYTHON: &str = "LAMPWICK_PYTHON";

/// Names the Python that has JoeyNMT.
const JOEYNMT: &str = "LAMPWICK_JOEYNMT";

/// A running side. It sleeps in a read between two questions.
pub(crate) struct Side {
    name: String,
    child: Child,
    ask: Option<ChildStdin>,
    answer: BufReader<ChildStdout>,
}

impl Side {
    /// Ours: an example of the `lampwick` crate, built here in release.
    pub(crate) fn ours(example: &str, threads: usize) -> Result<Self> {
        Self::start(Command::new(built(example)?), threads)
    }

    /// PyTorch, or why it is not there.
    pub(crate) fn pytorch(
        script: &str,
        threads: usize,
    ) -> Result<std::result::Result<Self, String>> {
        Self::python("PyTorch", PYTHON, "torch", script, threads)
    }

    /// JoeyNMT, or why it is not there.
    pub(crate) fn joeynmt(
        script: &str,
        threads: usize,
    ) -> Result<std::result::Result<Self, String>> {
        Self::python("JoeyNMT", JOEYNMT, "joeynmt", script, threads)
    }

    fn python(
        name: &str,
        variable: &str,
        package: &str,
        script: &str,
        threads: usize,
    ) -> Result<std::result::Result<Self, String>> {
        let Some(python) = std::env::var_os(variable) else {
            return Ok(Err(format!("{name}: not found, set {variable}")));
        };
        let mut command = Command::new(&python);
        command.arg(root().join("xtask").join("peers").join(script));
        let side = Self::start(command, threads).with_context(|| {
            format!("{variable} is {}: a Python that can import {package}?", python.display())
        })?;
        Ok(Ok(side))
    }

    fn start(mut command: Command, threads: usize) -> Result<Self> {
        let threads = threads.to_string();
        let mut child = command
            .env("RAYON_NUM_THREADS", &threads)
            .env("OMP_NUM_THREADS", &threads)
            .env("LAMPWICK_THREADS", &threads)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let ask = child.stdin.take();
        let answer = BufReader::new(child.stdout.take().expect("piped"));
        let mut side = Self { name: String::new(), child, ask, answer };
        // The first line is the side's name, sent once it is ready.
        side.name = side.read()?["name"].as_str().unwrap_or("unnamed").to_owned();
        Ok(side)
    }

    /// The side's own name, with its version.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Puts one question and waits for the answer.
    pub(crate) fn ask(&mut self, question: &Value) -> Result<Value> {
        let ask = self.ask.as_mut().expect("open until dropped");
        writeln!(ask, "{question}").with_context(|| format!("{} has ended", self.name))?;
        ask.flush()?;
        self.read()
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.answer.read_line(&mut line)? == 0 {
            bail!("{} ended without an answer; its message is above", self.name);
        }
        serde_json::from_str(&line).with_context(|| format!("{} answered {line:?}", self.name))
    }
}

impl Drop for Side {
    /// Closes the question pipe, at which a side ends, and waits for it.
    fn drop(&mut self) {
        drop(self.ask.take());
        let _ = self.child.wait();
    }
}
