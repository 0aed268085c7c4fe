//! A trained run, opened for use.

use std::path::Path;

use lampwick::models::LanguageModel;
use lampwick::training::{RunDir, TrainedModel, Which};

use crate::machine::Machine;

/// `--newest`, as every command that uses a trained run takes it.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Weights {
    /// Take the weights of the newest checkpoint instead of those of the best validation
    #[arg(long)]
    newest: bool,
    /// Take the arithmetic mean of the weights of the newest N checkpoints
    #[arg(long, value_name = "N", conflicts_with = "newest",
        value_parser = clap::value_parser!(u16).range(1..))]
    average: Option<u16>,
}

impl Weights {
    /// Which of a run's checkpoints.
    pub(crate) fn which(&self) -> Which {
        match self.average {
            Some(count) => Which::Mean(count.into()),
            None if self.newest => Which::Newest,
            None => Which::Best,
        }
    }
}

/// Opens a run on the device asked for, or on the run's own. A damaged checkpoint is passed by for
/// another one, with a warning.
pub(super) fn open(
    run: &Path,
    weights: &Weights,
    machine: &Machine,
) -> anyhow::Result<TrainedModel> {
    machine.threads.start()?;
    open_beside(run, weights, machine)
}

/// Opens a run beside another, whose threads it shares.
pub(super) fn open_beside(
    run: &Path,
    weights: &Weights,
    machine: &Machine,
) -> anyhow::Result<TrainedModel> {
    let device = machine.device(RunDir::open(run)?.any_config()?.shared().device)?;
    let trained = TrainedModel::load(run, weights.which(), &device)?;
    for warning in &trained.warnings {
        tell!("warning: {warning}");
    }
    tracing::info!("weights of {}", trained.checkpoint.display());
    Ok(trained)
}

/// Whether the weights lie in this process's memory, so that a packed copy of them
/// ([`lampwick::models::Generator`]) reads tokens fastest.
pub(super) fn on_host(model: &LanguageModel) -> bool {
    #[cfg(feature = "flex")]
    let on_host = model.device() == burn::prelude::Device::flex();
    #[cfg(not(feature = "flex"))]
    let on_host = false;
    on_host
}
