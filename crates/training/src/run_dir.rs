//! The run directory: its files, and who may create it. The tree is in the crate's documentation.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use lampwick_data::files::{
    UnfinishedFolder, create_folder, remove_empty_folder, remove_unfinished,
};
use lampwick_data::{Tokenizer, atomic};
use serde::{Deserialize, Serialize};

use crate::checkpoint::sha256;
use crate::config::{AnyConfig, Config, RunConfig, Seq2SeqConfig, Shared};
use crate::error::{Error, Result};
use crate::lock::{self, Lock};
use crate::logs::{METRICS, Quality, SAMPLES, Scored, TIMINGS};
use crate::task::Facts;
use crate::tensorboard;

/// What a run may have trained, as errors name it.
const LANGUAGE_MODEL: &str = "a language model";
const ENCODER_DECODER: &str = "an encoder-decoder";

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
}

/// `run.json`: what produced the run, besides its config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Version of this program.
    pub version: String,
    /// The config's seed.
    pub seed: u64,
    /// SHA-256 of the config as the run began, without what may change on the way (name, device, budget,
    /// checkpoint, report, sampling); empty in runs of versions that kept none.
    #[serde(default)]
    pub recipe_hash: String,
    /// The device.
    pub device: String,
    /// Operating system and processor architecture.
    pub platform: String,
    /// Threads that the machine offers.
    pub threads: usize,
    /// Trainable numbers.
    pub parameters: usize,
    /// Words in the vocabulary.
    pub vocabulary: usize,
    /// SHA-256 of the vocabulary.
    pub vocabulary_hash: String,
    /// SHA-256 and tokens of each text.
    pub data: BTreeMap<String, DataInfo>,
    /// What one token of the perplexities is: `word`, `character`, `byte` or `token`.
    #[serde(default)]
    pub unit: String,
    /// When the run began, in seconds since 1970; 0: not known.
    #[serde(default)]
    pub started: u64,
    /// `running`, `interrupted`, `finished`, or `failed: why`.
    pub state: String,
    /// Steps taken when the state was last written.
    pub step: u64,
    /// Epochs validated.
    pub epochs: u64,
    /// Seconds of all sessions.
    pub seconds: f64,
    /// Training tokens per second over the whole run.
    pub tokens_per_second: f64,
    /// Best validation perplexity.
    pub best_valid_perplexity: Option<f64>,
    /// The quality of the best validation, where one is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_valid_quality: Option<Quality>,
    /// Test perplexity.
    pub test_perplexity: Option<f64>,
    /// The test's quality, where one is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_quality: Option<Quality>,
}

/// One text in `run.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataInfo {
    /// SHA-256 of the token ids.
    pub sha256: String,
    /// Tokens.
    pub tokens: u64,
    /// Of these, unknown words.
    pub oov: u64,
}

impl RunDir {
    /// Makes a new run directory and takes its lock; an empty folder may be there already, and so
    /// may what a run left that was killed before its first step could be taken.
    ///
    /// # Errors
    /// [`Error::RunDirectoryTaken`] when it holds anything else, [`Error::Locked`],
    /// [`Error::Write`] when it cannot be made.
    pub(crate) fn create(path: &Path) -> Result<(Self, Lock)> {
        let run = Self { path: path.into() };
        run.expect_unused()?;
        create_folder(path).map_err(|e| Error::write(path, e))?;
        let lock = Lock::acquire(path)?;
        run.expect_unused()?; // nobody has come in between
        run.remove_unfinished()?;
        Ok((run, lock))
    }

    /// Says what would keep a run from being made there; leaves nothing behind.
    pub(crate) fn expect_possible(path: &Path) -> Result<()> {
        Self { path: path.into() }.expect_unused()?;
        let new: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
        let made = create_folder(path).and_then(|()| UnfinishedFolder::create_in(path)?.remove());
        let made = made.map_err(|error| Error::write(path, error));
        // The deepest first; what could not be made is not there to be removed.
        for folder in new {
            let _ = remove_empty_folder(folder);
        }
        made
    }

    /// Refuses a folder that holds more than the beginning of a run. A run has begun when its
    /// config is there, which is written last.
    fn expect_unused(&self) -> Result<()> {
        const BEGINNING: [&str; 6] =
            [lock::FILE, "tokenizer", "run.json", METRICS, TIMINGS, SAMPLES];
        let Ok(entries) = fs::read_dir(&self.path) else { return Ok(()) };
        let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        let is_beginning = names.iter().all(|name| {
            let name = name.to_string_lossy();
            BEGINNING.contains(&name.as_ref())
                || name.starts_with(".writing-")
                || name.starts_with(tensorboard::PREFIX)
        });
        let is_ours = names.iter().any(|name| name == lock::FILE);
        if names.is_empty() || (is_ours && is_beginning) {
            return Ok(());
        }
        Err(Error::RunDirectoryTaken { path: self.path.clone() })
    }

    /// An existing run, to be continued: with its lock, and without what a killed process left half
    /// written.
    ///
    /// # Errors
    /// [`Error::NotARun`], [`Error::Locked`], [`Error::Write`].
    pub(crate) fn open_to_write(path: &Path) -> Result<(Self, Lock)> {
        let run = Self::open(path)?;
        let lock = Lock::acquire(path)?;
        run.remove_unfinished()?;
        Ok((run, lock))
    }

    /// Removes what was not finished. Only for who holds the lock.
    pub(crate) fn remove_unfinished(&self) -> Result<()> {
        let tokenizer = self.tokenizer_folder();
        let sides = ["source", "target"].map(|side| tokenizer.join(side));
        let folders = [self.path.clone(), tokenizer, self.checkpoints()];
        for folder in folders.into_iter().chain(sides) {
            remove_unfinished(&folder).map_err(|(path, e)| Error::write(&path, e))?;
        }
        Ok(())
    }

    /// An existing run.
    ///
    /// # Errors
    /// [`Error::NotARun`].
    pub fn open(path: &Path) -> Result<Self> {
        let run = Self { path: path.into() };
        if run.config_path().is_file() {
            return Ok(run);
        }
        let problem = if path.exists() { "it has no config.toml" } else { "it does not exist" };
        Err(Error::NotARun { path: path.into(), problem: problem.into() })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `config.toml`.
    pub fn config_path(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// `checkpoints/`.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// Its config, of whatever task it is.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn any_config(&self) -> Result<AnyConfig> {
        Ok(AnyConfig::load(&self.config_path(), &[])?.config)
    }

    /// The config of a run that trains a language model.
    ///
    /// # Errors
    /// [`Error::Config`]; [`Error::OtherTask`].
    pub fn language_model_config(&self) -> Result<Config> {
        match self.any_config()? {
            AnyConfig::LanguageModel(config) => Ok(*config),
            AnyConfig::Seq2Seq(_) => Err(Error::OtherTask {
                path: self.path.clone(),
                found: ENCODER_DECODER,
                wanted: LANGUAGE_MODEL,
                see: "`lampwick translate`, and `lampwick metric` for what that writes",
            }),
        }
    }

    /// The config of a run that trains an encoder-decoder.
    ///
    /// # Errors
    /// As [`RunDir::language_model_config`].
    pub fn seq2seq_config(&self) -> Result<Seq2SeqConfig> {
        match self.any_config()? {
            AnyConfig::Seq2Seq(config) => Ok(*config),
            AnyConfig::LanguageModel(_) => Err(Error::OtherTask {
                path: self.path.clone(),
                found: LANGUAGE_MODEL,
                wanted: ENCODER_DECODER,
                see: "`lampwick generate` and `lampwick evaluate`",
            }),
        }
    }

    /// `tokenizer/`.
    pub(crate) fn tokenizer_folder(&self) -> PathBuf {
        self.path.join("tokenizer")
    }

    /// The tokenizer that the run was trained with.
    ///
    /// # Errors
    /// [`Error::Data`] when its files are missing or damaged.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        Ok(Tokenizer::load(self.tokenizer_folder())?)
    }

    /// `run.json`.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Damaged`] when it is not what this program writes.
    pub fn info(&self) -> Result<RunInfo> {
        let path = self.path.join("run.json");
        let text = fs::read(&path).map_err(|e| Error::read(&path, e))?;
        let mend = "it holds the hashes of the run's data: restore it, or begin another run";
        serde_json::from_slice(&text).map_err(|e| Error::Damaged {
            path,
            problem: e.to_string(),
            mend,
        })
    }

    /// Refuses vocabularies that are not those that the run was trained with, where `run.json` tells which
    /// they were: its model would take one word for another.
    pub(crate) fn expect_vocabulary(&self, hash: &str) -> Result<()> {
        match self.info() {
            Ok(info) if info.vocabulary_hash != hash => Err(Error::Damaged {
                path: self.tokenizer_folder(),
                problem: "holds other words than the run was trained with".into(),
                mend: "restore the folder from the run's own copy",
            }),
            _ => Ok(()),
        }
    }

    pub(crate) fn write_config(&self, config: &impl RunConfig) -> Result<()> {
        Ok(atomic::write(self.config_path(), |w| w.write_all(config.to_toml().as_bytes()))?)
    }

    pub(crate) fn write_tokenizer(&self, tokenizer: &Tokenizer) -> Result<()> {
        Ok(tokenizer.save(self.tokenizer_folder())?)
    }

    pub(crate) fn write_info(&self, info: &RunInfo) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(info).expect("run.json is plain data");
        text.push(b'\n');
        Ok(atomic::write(self.path.join("run.json"), |w| w.write_all(&text))?)
    }
}

impl RunInfo {
    pub(crate) fn new(config: Shared<'_>, facts: Facts, parameters: usize) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            seed: config.seed,
            recipe_hash: String::new(),
            device: crate::device::resolved(config.device).to_string(),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            threads: std::thread::available_parallelism().map_or(1, Into::into),
            parameters,
            vocabulary: facts.vocabulary,
            vocabulary_hash: facts.vocabulary_hash,
            data: facts.data,
            unit: facts.unit,
            started: UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
            state: "running".into(),
            step: 0,
            epochs: 0,
            seconds: 0.0,
            tokens_per_second: 0.0,
            best_valid_perplexity: None,
            best_valid_quality: None,
            test_perplexity: None,
            test_quality: None,
        }
    }

    /// Notes what the test said.
    pub(crate) fn tested(&mut self, scored: &Scored) {
        self.test_perplexity = Some(scored.perplexity);
        self.test_quality = scored.quality.clone();
    }

    /// Tokens of a text.
    pub(crate) fn tokens(&self, text: &str) -> usize {
        self.data.get(text).map_or(0, |data| data.tokens as usize)
    }

    /// Refuses data that is not what the run began with: resuming on another text would be another
    /// run under the same name.
    pub(crate) fn expect_same_data(&self, now: &Self) -> Result<()> {
        let changed = |what: &str, expected: &str, found: &str| Error::DataChanged {
            what: what.into(),
            expected: expected.chars().take(12).collect(),
            found: found.chars().take(12).collect(),
        };
        if self.vocabulary_hash != now.vocabulary_hash {
            return Err(changed("vocabulary", &self.vocabulary_hash, &now.vocabulary_hash));
        }
        for (name, info) in &self.data {
            let found = now.data.get(name).map_or("none", |info| &info.sha256);
            if found != info.sha256 {
                return Err(changed(&format!("{name} text"), &info.sha256, found));
            }
        }
        Ok(())
    }
}

/// SHA-256 of what a config says of learning: not how long, where, and what is kept and shown of it.
pub(crate) fn recipe_hash(config: &impl RunConfig) -> String {
    let mut recipe: toml::Table = config.to_toml().parse().expect("what is written is TOML");
    for key in ["name", "device", "budget", "checkpoint", "report", "sampling"] {
        recipe.remove(key);
    }
    sha256(recipe.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_folder_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (_, lock) = RunDir::create(dir.path()).unwrap(); // an empty folder may be used
        let second = RunDir::create(dir.path()).unwrap_err();
        assert!(matches!(second, Error::Locked { .. }), "{second}");
        drop(lock);
        fs::create_dir(dir.path().join("tokenizer")).unwrap();
        assert!(RunDir::create(dir.path()).is_ok(), "and one that a run died in before it began");
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        let error = RunDir::create(dir.path()).unwrap_err().to_string();
        assert!(error.contains("--resume"), "{error}");
        assert!(RunDir::open(dir.path()).unwrap_err().to_string().contains("config.toml"));
        assert!(
            RunDir::open(&dir.path().join("no")).unwrap_err().to_string().contains("not exist")
        );
        let below_file = dir.path().join("notes.txt/run");
        assert!(RunDir::create(&below_file).unwrap_err().to_string().contains("cannot write"));
    }
}
