//! Weights in files.
//!
//! - here: any module as a safetensors file, its parameters under their own paths;
//! - [`state_dict`]: PyTorch's `nn.LSTM`, `nn.GRU`, `nn.RNN`, in and out;
//! - `error`: what can be wrong with a file of weights;
//! - `read`: tensors by key, of either format.

mod error;
mod read;
pub mod state_dict;

use std::path::Path;

use burn::prelude::*;
use burn::store::{Applier, ModuleSnapshot, SafetensorsStore};

pub use error::WeightsError;
use read::{Tensors, tensor_data};

/// Writes `module`'s parameters to a safetensors file, each under its path in the module
/// (`recurrent.layers.0.forward.input`) and in the module's own layout. The file appears whole or
/// not at all, and equal parameters give equal bytes.
///
/// # Errors
///
/// When the file cannot be written.
pub fn save(module: &impl Module, path: &Path) -> Result<(), WeightsError> {
    module.save_into(&mut file(path)).map_err(|error| WeightsError::write(path, &error))
}

/// The file to write. Several entries of metadata would be written in an order that changes from
/// run to run; `format: pt` is the one that other readers look for.
fn file(path: &Path) -> SafetensorsStore {
    SafetensorsStore::from_file(path).overwrite(true).clear_metadata().metadata("format", "pt")
}

/// `module` with its parameters taken from a file that [`save`] wrote.
///
/// Types are converted to the module's; parameter identities stay the module's.
///
/// # Errors
///
/// When the file cannot be read, lacks a parameter, has one of another shape, or has one more.
pub fn load<M: Module>(module: M, path: &Path) -> Result<M, WeightsError> {
    let mut tensors = Tensors::open(path, None)?;
    let mut loaded = Vec::new();
    for parameter in module.collect(None, None, false) {
        let data = tensors.take(&parameter.name, &parameter.shape)?;
        loaded.push(tensor_data(path, &parameter.name, data, parameter.dtype)?);
    }
    if let Some(key) = tensors.first_key() {
        return Err(WeightsError::Unexpected { path: path.into(), key });
    }
    let mut applier = Applier::new(loaded, None, None, false);
    let module = module.map(&mut applier);
    match applier.into_result().errors.first() {
        None => Ok(module),
        Some(error) => Err(WeightsError::read(path, error)),
    }
}
