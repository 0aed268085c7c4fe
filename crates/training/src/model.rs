//! A finished (or running) run as a model to evaluate, score and generate with.

use std::path::{Path, PathBuf};

use burn::prelude::*;
use lampwick_data::Tokenizer;
use lampwick_metrics::Unit;
use lampwick_models::LanguageModel;

use crate::checkpoint::{self, Files};
use crate::config::Config;
use crate::corpus::unit_of;
use crate::error::{Error, Result};
use crate::language_modeling::LanguageModeling;
use crate::parameters;
use crate::run_dir::RunDir;
use crate::snapshot;
use crate::task::Task;

/// Which of a run's checkpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The best validation; the newest where none was validated.
    #[default]
    Best,
    /// The newest.
    Newest,
    /// The arithmetic mean of the weights of the newest so many, which must all be there and whole.
    Mean(usize),
}

/// A trained model with all it needs to read and write text.
#[derive(Debug)]
pub struct TrainedModel {
    /// The weights (ASGD: the average), not on a tape.
    pub model: LanguageModel,
    /// Text to ids and back.
    pub tokenizer: Tokenizer,
    /// What one token is.
    pub unit: Unit,
    /// The run's config.
    pub config: Config,
    /// The checkpoint that the weights come from.
    pub checkpoint: PathBuf,
    /// What was wrong with checkpoints that had to be passed by.
    pub warnings: Vec<String>,
}

impl TrainedModel {
    /// Loads a run's model onto a device.
    ///
    /// A damaged checkpoint is passed by with a warning, as long as there is another.
    ///
    /// # Errors
    /// [`Error::NotARun`], [`Error::Checkpoint`], [`Error::Data`] for a tokenizer that is damaged.
    pub fn load(dir: &Path, which: Which, device: &Device) -> Result<Self> {
        let run = RunDir::open(dir)?;
        let config: Config = run.language_model_config()?;
        let tokenizer = run.tokenizer()?;
        let words = tokenizer.vocabulary().len();
        if config.model.vocabulary != words {
            return Err(Error::NotARun {
                path: dir.into(),
                problem: format!(
                    "its vocabulary has {words} words but its model {}",
                    config.model.vocabulary
                ),
            });
        }
        run.expect_vocabulary(&tokenizer.vocabulary().hash())?;
        let Loaded { model, checkpoint, warnings } =
            load::<LanguageModeling>(&run, &config, which, device)?;
        Ok(Self { model, unit: unit_of(&tokenizer), tokenizer, config, checkpoint, warnings })
    }
}

/// Weights of a run, of any task.
pub(crate) struct Loaded<M> {
    pub(crate) model: M,
    pub(crate) checkpoint: PathBuf,
    pub(crate) warnings: Vec<String>,
}

/// Loads a run's weights onto a device.
pub(crate) fn load<T: Task>(
    run: &RunDir,
    config: &T::Config,
    which: Which,
    device: &Device,
) -> Result<Loaded<T::Model>> {
    let mut warnings = Vec::new();
    let mut files = match which {
        Which::Best => best(run, &mut warnings)?,
        Which::Newest => newest(run, &mut warnings)?,
        Which::Mean(count) => return mean::<T>(run, config, count, device),
    };
    let model = snapshot::weights::<T>(&mut files, config, device)?;
    let checkpoint = files.path().to_path_buf();
    Ok(Loaded { model, checkpoint, warnings })
}

/// The mean of the newest `count`; the newest of them is what is named.
fn mean<T: Task>(
    run: &RunDir,
    config: &T::Config,
    count: usize,
    device: &Device,
) -> Result<Loaded<T::Model>> {
    let all = checkpoint::list(&run.checkpoints());
    if count == 0 || count > all.len() {
        let (path, kept) = (run.checkpoints(), all.len());
        return Err(Error::TooFewCheckpoints { path, asked: count, kept });
    }
    let newest = &all[all.len() - count..];
    let load = |path: &PathBuf| snapshot::weights::<T>(&mut Files::read(path)?, config, device);
    let models = newest.iter().map(load).collect::<Result<Vec<_>>>()?;
    let checkpoint = newest[count - 1].clone();
    Ok(Loaded { model: parameters::mean(models), checkpoint, warnings: Vec::new() })
}

fn newest(run: &RunDir, warnings: &mut Vec<String>) -> Result<Files> {
    let (files, refused) = checkpoint::newest_valid(&run.checkpoints())?;
    warnings.extend(refused.iter().map(ToString::to_string));
    Ok(files)
}

fn best(run: &RunDir, warnings: &mut Vec<String>) -> Result<Files> {
    let mut files = newest(run, warnings)?;
    // Reading the state uses the files up; what was refused on the way has been told already.
    let again = || newest(run, &mut Vec::new());
    let Some(best) = snapshot::best(&mut files)? else { return again() };
    let path = run.checkpoints().join(&best.checkpoint);
    match Files::read(&path) {
        Ok(files) => Ok(files),
        Err(error) => {
            warnings.push(format!("{error}; using the newest instead of the best"));
            again()
        }
    }
}
