//! A trained run, opened for use.

use std::path::Path;

use lampwick::models::LanguageModel;
use lampwick::training::{RunDir, TrainedModel, Which};

use crate::machine::Machine;

/// Opens a run on the device asked for, or on the run's own. A damaged checkpoint is passed by for
/// another one, with a warning.
pub(super) fn open(run: &Path, machine: &Machine) -> anyhow::Result<TrainedModel> {
    machine.start_threads()?;
    let device = machine.device(&RunDir::open(run)?.config()?.device)?;
    let trained = TrainedModel::load(run, Which::Best, &device)?;
    for warning in &trained.warnings {
        eprintln!("warning: {warning}");
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
