//! Tensors by key, of safetensors and of PyTorch files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::prelude::*;
use burn::store::burn_pack::Tensor as Entry;
use burn::store::{ModuleStore, PytorchStore, SafetensorsStore, bridge};
use burn::tensor::DType;

use super::error::WeightsError;

/// The tensors of a file that nobody has taken yet.
pub(super) struct Tensors {
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
    keys: String,
}

impl Tensors {
    /// Opens `*.safetensors`, or else a file of `torch.save`; of the latter only the dictionary
    /// under `top_level` where one is named.
    pub(super) fn open(path: &Path, top_level: Option<&str>) -> Result<Self, WeightsError> {
        let entries = if path.extension().is_some_and(|extension| extension == "safetensors") {
            let mut store = SafetensorsStore::from_file(path);
            store.get_all_tensors().map_err(|error| WeightsError::read(path, &error))?.clone()
        } else {
            let mut store = PytorchStore::from_file(path).map_indices_contiguous(false);
            if let Some(key) = top_level {
                store = store.with_top_level_key(key);
            }
            store.get_all_tensors().map_err(|error| WeightsError::read(path, &error))?.clone()
        };
        let keys = match entries.len() {
            0 => "none".to_owned(),
            count => {
                let first: Vec<_> = entries.keys().take(8).map(String::as_str).collect();
                format!("{}{}", first.join(", "), if count > 8 { ", ..." } else { "" })
            }
        };
        Ok(Self { path: path.into(), entries, keys })
    }

    /// The tensor of `key`, which must have this shape.
    pub(super) fn take(&mut self, key: &str, shape: &[usize]) -> Result<Entry, WeightsError> {
        let entry = self.entries.remove(key).ok_or_else(|| WeightsError::Missing {
            path: self.path.clone(),
            key: key.into(),
            found: self.keys.clone(),
        })?;
        let found: Vec<usize> = entry.shape.iter().copied().collect();
        if found != shape {
            return Err(WeightsError::Shape {
                path: self.path.clone(),
                key: key.into(),
                expected: shape.to_vec(),
                found,
            });
        }
        Ok(entry)
    }

    /// The same as plain numbers in `f32`, row-major.
    pub(super) fn take_values(
        &mut self,
        key: &str,
        shape: &[usize],
    ) -> Result<Vec<f32>, WeightsError> {
        let entry = self.take(key, shape)?;
        let data = cast(&self.path, entry, DType::F32)?;
        data.try_into_vec::<f32>().map_err(|error| WeightsError::read(&self.path, &error))
    }

    /// The first key left.
    pub(super) fn first_key(&self) -> Option<String> {
        self.keys_left().next().map(str::to_owned)
    }

    /// The keys left.
    pub(super) fn keys_left(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }
}

/// `entry` under `name` with elements of `dtype`.
pub(super) fn tensor_data(
    path: &Path,
    name: &str,
    entry: Entry,
    dtype: DType,
) -> Result<Entry, WeightsError> {
    Ok(bridge::from_data(cast(path, entry, dtype)?, name.to_owned(), None))
}

fn cast(path: &Path, entry: Entry, dtype: DType) -> Result<TensorData, WeightsError> {
    let data = bridge::into_data(entry).map_err(|error| WeightsError::read(path, &error))?;
    data.try_cast(dtype).map_err(|error| WeightsError::read(path, &error))
}
