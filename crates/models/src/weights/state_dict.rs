//! PyTorch's `state_dict` of `nn.LSTM`, `nn.GRU` and `nn.RNN`.
//!
//! For layer `k` and direction `d` (nothing, or `_reverse`), under a prefix such as `rnn.`:
//!
//! | key | shape | here |
//! |---|---|---|
//! | `weight_ih_l{k}{d}` | `[G*H, I]` | `input`, transposed |
//! | `weight_hh_l{k}{d}` | `[G*H, H]` | `hidden`, transposed |
//! | `bias_ih_l{k}{d}` | `[G*H]` | `bias_input` |
//! | `bias_hh_l{k}{d}` | `[G*H]` | `bias_hidden` |
//!
//! Gates are packed `i, f, g, o` (LSTM) and `r, z, n` (GRU) on both sides, so numbers go over
//! unchanged. PyTorch's GRU resets after the product ([`lampwick_kernels::Reset::After`]); it has
//! no Cho form, its projection is inside the recurrence, and all its layers have one size: stacks
//! that differ have no `state_dict`.

use std::path::Path;

use burn::module::Param;
use burn::prelude::*;
use burn::store::{KeyRemapper, ModuleSnapshot};
use lampwick_kernels::{Cell, Reset};

use super::error::WeightsError;
use super::read::Tensors;
use crate::recurrent::{Recurrent, RecurrentConfig, RecurrentDirection};

impl Recurrent {
    /// This stack with the parameters of a `state_dict`: of a `*.safetensors` file, or of any other
    /// name as `torch.save` wrote it. `prefix` stands before each key (`""`, `"rnn."`); `top_level`
    /// names the dictionary inside a checkpoint that holds several (`"state_dict"`).
    ///
    /// Keys outside the prefix are left alone; one inside it that looks like a recurrent weight
    /// and has no place here is an error, so that a third layer cannot be lost unnoticed.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, a key is missing or of another shape (both shapes are told),
    /// or the stack is none that PyTorch has.
    pub fn load_state_dict(
        self,
        path: &Path,
        prefix: &str,
        top_level: Option<&str>,
    ) -> Result<Self, WeightsError> {
        check(self.config())?;
        let mut tensors = Tensors::open(path, top_level)?;
        let (config, mut stack) = (self.config().clone(), self);
        for (index, layer) in stack.layers.iter_mut().enumerate() {
            let sizes = [config.input_of(index), config.hidden_of(index)];
            let suffix = format!("l{index}");
            read_direction(&mut layer.forward, &mut tensors, prefix, &suffix, sizes)?;
            if let Some(reverse) = &mut layer.reverse {
                let suffix = format!("{suffix}_reverse");
                read_direction(reverse, &mut tensors, prefix, &suffix, sizes)?;
            }
        }
        let recurrent = |key: &&str| {
            key.strip_prefix(prefix).is_some_and(|name| {
                let kinds = ["weight_ih_l", "weight_hh_l", "weight_hr_l", "bias_ih_l", "bias_hh_l"];
                kinds.iter().any(|kind| name.starts_with(kind))
            })
        };
        match tensors.keys_left().find(recurrent) {
            None => Ok(stack),
            Some(key) => Err(WeightsError::Unexpected { path: path.into(), key: key.into() }),
        }
    }

    /// Writes the stack's `state_dict` as a safetensors file, which
    /// `safetensors.torch.load_file` reads. The file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// When the file cannot be written or the stack is none that PyTorch has.
    pub fn save_state_dict(&self, path: &Path, prefix: &str) -> Result<(), WeightsError> {
        check(self.config())?;
        let (mut names, mut parameters) = (KeyRemapper::new(), StateDict::default());
        for (index, layer) in self.layers.iter().enumerate() {
            let directions = [(Some(&layer.forward), ""), (layer.reverse.as_ref(), "_reverse")];
            for (direction, suffix) in directions {
                let Some(direction) = direction else { continue };
                for (name, parameter) in direction.entries(&format!("l{index}{suffix}")) {
                    let place = parameters.push(parameter);
                    // `$` would name a group of the pattern.
                    let name = format!("{prefix}{name}").replace('$', "$$");
                    names = names
                        .add_pattern(format!("^{place}$"), name)
                        .map_err(|error| WeightsError::write(path, &error))?;
                }
            }
        }
        let mut store = super::file(path).remap(names);
        parameters.save_into(&mut store).map_err(|error| WeightsError::write(path, &error))
    }
}

/// A parameter as PyTorch lays it out.
enum Entry {
    Matrix(Tensor<2>),
    Vector(Tensor<1>),
}

/// A module whose parameters are numbered; the store renames them.
#[derive(Module, Debug, Default)]
struct StateDict {
    matrices: Vec<Param<Tensor<2>>>,
    vectors: Vec<Param<Tensor<1>>>,
}

impl StateDict {
    /// Adds an entry and returns the pattern of its path.
    fn push(&mut self, entry: Entry) -> String {
        match entry {
            Entry::Matrix(matrix) => {
                self.matrices.push(Param::from_tensor(matrix));
                format!(r"matrices\.{}", self.matrices.len() - 1)
            }
            Entry::Vector(vector) => {
                self.vectors.push(Param::from_tensor(vector));
                format!(r"vectors\.{}", self.vectors.len() - 1)
            }
        }
    }
}

impl RecurrentDirection {
    /// Its `state_dict`.
    fn entries(&self, suffix: &str) -> Vec<(String, Entry)> {
        let matrix = |kind: &str, parameter: &Param<Tensor<2>>| {
            let transposed = parameter.val().without_autodiff().transpose(); // [G*H, I or H]
            (format!("weight_{kind}_{suffix}"), Entry::Matrix(transposed))
        };
        let vector = |kind: &str, parameter: &Option<Param<Tensor<1>>>| {
            let bias = parameter.as_ref()?.val().without_autodiff();
            Some((format!("bias_{kind}_{suffix}"), Entry::Vector(bias)))
        };
        let biases = [vector("ih", &self.bias_input), vector("hh", &self.bias_hidden)];
        let weights = [matrix("ih", &self.input), matrix("hh", &self.hidden)];
        weights.into_iter().chain(biases.into_iter().flatten()).collect()
    }
}

fn check(config: &RecurrentConfig) -> Result<(), WeightsError> {
    let feature = if config.cell == (Cell::Gru { reset: Reset::Before }) {
        "GRU that resets before the product"
    } else if config.projection.is_some() {
        "projection outside the recurrence"
    } else if config.layer_norm {
        "layer normalisation"
    } else if config.last_hidden.is_some_and(|last| last != config.hidden) {
        "last layer of another size"
    } else {
        return Ok(());
    };
    Err(WeightsError::NotInPyTorch { feature })
}

/// `sizes`: `[I, H]`.
fn read_direction(
    direction: &mut RecurrentDirection,
    tensors: &mut Tensors,
    prefix: &str,
    suffix: &str,
    [input, hidden]: [usize; 2],
) -> Result<(), WeightsError> {
    let columns = direction.input.val().dims()[1]; // G*H
    for (parameter, kind, rows) in
        [(&mut direction.input, "ih", input), (&mut direction.hidden, "hh", hidden)]
    {
        let key = format!("{prefix}weight_{kind}_{suffix}");
        let values = tensors.take_values(&key, &[columns, rows])?;
        let data = TensorData::new(transpose(&values, columns, rows), [rows, columns]);
        replace(parameter, data);
    }
    for (parameter, kind) in [(&mut direction.bias_input, "ih"), (&mut direction.bias_hidden, "hh")]
    {
        if let Some(parameter) = parameter {
            let key = format!("{prefix}bias_{kind}_{suffix}");
            let values = tensors.take_values(&key, &[columns])?;
            replace(parameter, TensorData::new(values, [columns]));
        }
    }
    Ok(())
}

/// New values, the same identity, device and type.
fn replace<const D: usize>(parameter: &mut Param<Tensor<D>>, data: TensorData) {
    let old = parameter.val();
    let value = Tensor::from_data(data, (&old.device(), old.dtype()));
    let id = parameter.id;
    *parameter = parameter.clone().transform_for_load(value, id);
}

/// `[rows, columns]` to `[columns, rows]`.
fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns).map(|i| values[(i % rows) * columns + i / rows]).collect()
}
