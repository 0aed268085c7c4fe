//! Who trains, and how it is told to.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::super::session::Session;
use super::measures::Measured;
use super::{MODELS, Model, SEEDS};
use crate::bench::{GLOVE, PYTHON};
use crate::cargo::root;
use crate::ci::program;

/// What every side is told, by its own names.
pub(super) const PARAMETERS: &str = "100 dimensions, window 5, 5 epochs, words of 5 occurrences; \
    Word2Vec and fastText: 5 negatives, sample 1e-4, rate 0.025; GloVe: x_max 100, alpha 0.75, rate 0.05";

/// Who trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Lampwick,
    Gensim,
    FastText,
    Glove,
}

impl Side {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lampwick => "Lampwick",
            Self::Gensim => "gensim",
            Self::FastText => "fastText",
            Self::Glove => "GloVe C",
        }
    }

    /// In names of files.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Lampwick => "lampwick",
            Self::Gensim => "gensim",
            Self::FastText => "fasttext",
            Self::Glove => "glove",
        }
    }
}

/// The sides that this machine has.
pub(super) struct Sides {
    folder: PathBuf,
    /// A Python with gensim.
    gensim: Option<OsString>,
    /// The same, where it has fastText too.
    fasttext: Option<OsString>,
    /// The folder of GloVe's programs.
    glove: Option<PathBuf>,
}

/// One training: what it writes, and its own figures.
struct Trained {
    vectors: PathBuf,
    words_per_second: Option<f64>,
}

impl Sides {
    pub(super) fn find(folder: &Path) -> Self {
        let python = env::var_os(PYTHON).unwrap_or_else(|| "python3".into());
        let imports = |module: &str| {
            let mut command = Command::new(&python);
            command.args(["-c", &format!("import {module}")]);
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success()).then(|| python.clone())
        };
        let path = env::var_os("PATH").unwrap_or_default();
        let named = env::var_os(GLOVE).map(PathBuf::from);
        let mut folders = named.into_iter().chain(env::split_paths(&path));
        let has_all = |folder: &PathBuf| {
            ["vocab_count", "cooccur", "shuffle", "glove"]
                .iter()
                .all(|it| folder.join(it).is_file())
        };
        Self {
            folder: folder.to_owned(),
            gensim: imports("gensim"),
            fasttext: imports("fasttext"),
            glove: folders.find(has_all),
        }
    }

    fn has(&self, side: Side) -> bool {
        match side {
            Side::Lampwick => true,
            Side::Gensim => self.gensim.is_some(),
            Side::FastText => self.fasttext.is_some(),
            Side::Glove => self.glove.is_some(),
        }
    }

    /// A note for each side that is not there.
    pub(super) fn missing(&self) -> Vec<String> {
        [(Side::Gensim, PYTHON), (Side::FastText, PYTHON), (Side::Glove, GLOVE)]
            .into_iter()
            .filter(|(side, _)| !self.has(*side))
            .map(|(side, name)| format!("{} was not found ({name}, PATH).", side.name()))
            .collect()
    }

    /// Trains and measures what is missing, as far as the budget goes.
    pub(super) fn train(&self, session: &Session) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        let text = self.text()?;
        for seed in SEEDS {
            for model in &MODELS {
                for &side in model.sides.iter().filter(|&&side| self.has(side)) {
                    let name = format!("{}-{}-{seed}", model.key, side.key());
                    if Measured::read(&self.folder, model.key, side, seed)?.is_some() {
                        eprintln!("== {name}: finished");
                        continue;
                    }
                    if session.spent() {
                        eprintln!("== {name}: no time left for it");
                        continue;
                    }
                    eprintln!("== {name}: trains");
                    let start = Instant::now();
                    let Some(trained) = self.train_one(session, model, side, seed, &text)? else {
                        eprintln!("   stopped");
                        continue;
                    };
                    let Trained { vectors, words_per_second } = &trained;
                    Measured::of(vectors, model.key, side, words_per_second)?.write(
                        &self.folder,
                        model.key,
                        side,
                        seed,
                    )?;
                    fs::remove_file(vectors)?;
                    eprintln!("   {:.0} s", start.elapsed().as_secs_f64());
                }
            }
        }
        Ok(())
    }

    /// The text, unpacked: not every side reads gzip.
    fn text(&self) -> Result<PathBuf> {
        let path = self.folder.join("wiki17m.txt");
        if path.is_file() {
            return Ok(path);
        }
        let data = env::var_os("LAMPWICK_DATA").context("LAMPWICK_DATA is not set")?;
        let part = path.with_extension("part");
        let mut unpack = Command::new("gzip");
        unpack.arg("-dc").arg(root().join(data).join("wiki17m.txt.gz"));
        if !unpack.stdout(File::create(&part)?).status().context("cannot start gzip")?.success() {
            bail!("gzip could not unpack wiki17m.txt.gz");
        }
        fs::rename(part, &path)?;
        Ok(path)
    }

    /// Nothing when the budget was spent before the end.
    fn train_one(
        &self,
        session: &Session,
        model: &Model,
        side: Side,
        seed: u32,
        text: &Path,
    ) -> Result<Option<Trained>> {
        match side {
            Side::Lampwick => self.ours(session, model, seed, text),
            Side::Gensim => self.python(session, self.gensim.as_ref(), model, side, seed, text),
            Side::FastText => self.python(session, self.fasttext.as_ref(), model, side, seed, text),
            Side::Glove => self.glove(session, seed, text),
        }
    }

    fn ours(
        &self,
        session: &Session,
        model: &Model,
        seed: u32,
        text: &Path,
    ) -> Result<Option<Trained>> {
        let (vectors, log) = (self.folder.join("ours.lwv"), self.folder.join("ours.log"));
        let checkpoint = self.folder.join(format!("{}-lampwick-{seed}.checkpoint", model.key));
        let mut command = Command::new(program::path()?);
        command.args([
            "embed",
            "train",
            "--json",
            "--threads",
            "1",
            "--dim",
            "100",
            "--window",
            "5",
        ]);
        command.args(["--epochs", "5", "--min-count", "5", "--seed", &seed.to_string()]);
        command.args(model.options);
        if model.key == "glove" {
            command.args(["--lr", "0.05", "--x-max", "100", "--alpha", "0.75"]);
        } else {
            command.args(["--sample", "1e-4", "--lr", "0.025", "--checkpoint"]).arg(&checkpoint);
            command.arg("--resume");
        }
        command.arg(text).arg("-o").arg(&vectors).stderr(File::create(&log)?);
        let finished = session.run_peer(command).with_context(|| said(&log))?;
        if !finished {
            return Ok(None);
        }
        let words_per_second = last_json(&log)?["words_per_second"].as_f64();
        let _ = fs::remove_file(checkpoint);
        Ok(Some(Trained { vectors, words_per_second }))
    }

    fn python(
        &self,
        session: &Session,
        python: Option<&OsString>,
        model: &Model,
        side: Side,
        seed: u32,
        text: &Path,
    ) -> Result<Option<Trained>> {
        let (vectors, log) = (self.folder.join("peer.bin"), self.folder.join("peer.log"));
        let mut command = Command::new(python.context("no Python")?);
        command.arg(root().join("xtask/peers/embeddings.py"));
        command
            .args(["vectors", side.key(), model.key])
            .arg(text)
            .arg(seed.to_string())
            .arg(&vectors);
        command.env("OMP_NUM_THREADS", "1").env("OPENBLAS_NUM_THREADS", "1");
        command.stdout(File::create(&log)?).stderr(Stdio::null());
        if !session.run_peer(command).with_context(|| said(&log))? {
            return Ok(None);
        }
        let words_per_second = last_json(&log)?["words_per_second"].as_f64();
        Ok(Some(Trained { vectors, words_per_second }))
    }

    fn glove(&self, session: &Session, seed: u32, text: &Path) -> Result<Option<Trained>> {
        let programs = self.glove.as_ref().context("no GloVe")?;
        let seed = seed.to_string();
        let log = self.folder.join("peer.log");
        let step =
            |name: &str, options: &[&str], input: Option<&Path>, output: &str| -> Result<bool> {
                let mut command = Command::new(programs.join(name));
                command.args(options).current_dir(&self.folder);
                command.stdin(match input {
                    Some(input) => Stdio::from(File::open(input)?),
                    None => Stdio::null(),
                });
                let output = File::create(self.folder.join(output))?;
                session.run_peer({
                    command.stdout(output).stderr(File::create(&log)?);
                    command
                })
            };
        let counts = ["-window-size", "5", "-vocab-file", "peer.vocab", "-memory", "2"];
        let shuffle = ["-memory", "2", "-seed", &seed];
        let train = [
            "-input-file",
            "peer.shuffled",
            "-vocab-file",
            "peer.vocab",
            "-vector-size",
            "100",
            "-iter",
            "5",
            "-threads",
            "1",
            "-save-file",
            "peer",
            "-seed",
            &seed,
        ];
        let (at, vectors) = (|name: &str| self.folder.join(name), self.folder.join("peer.txt"));
        let finished = step("vocab_count", &["-min-count", "5"], Some(text), "peer.vocab")?
            && step("cooccur", &counts, Some(text), "peer.counts")?
            && step("shuffle", &shuffle, Some(&at("peer.counts")), "peer.shuffled")?
            && step("glove", &train, None, "peer.said")?;
        for name in ["peer.vocab", "peer.counts", "peer.shuffled", "peer.said"] {
            let _ = fs::remove_file(at(name));
        }
        Ok(finished.then_some(Trained { vectors, words_per_second: None }))
    }
}

fn said(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default().trim_end().to_owned()
}

/// The last line that a program wrote.
fn last_json(log: &Path) -> Result<Value> {
    let said = said(log);
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("no JSON at the end of {}", log.display()))
}
