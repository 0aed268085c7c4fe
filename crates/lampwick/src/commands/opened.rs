//! A trained run, opened for use.

use std::path::Path;

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
