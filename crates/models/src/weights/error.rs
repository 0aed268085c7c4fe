//! What can be wrong with a file of weights.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// A file of weights that cannot be read, written, or made to fit the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// The file cannot be read, or is not what its name says.
    #[error("cannot read weights from {}: {message}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The file cannot be written.
    #[error("cannot write weights to {}: {message}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// A key that the model needs is not there.
    #[error(
        "{} has no tensor `{key}`; it has {found}: check the prefix and the model's configuration",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The first keys that the file has.
        found: String,
    },
    /// A tensor of another shape.
    #[error(
        "{}: tensor `{key}` is {found:?} but the model needs {expected:?}: make the model's sizes \
         those of the file",
        path.display()
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Shape that the model needs.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// A tensor for which the model has no place: more layers, a direction or a bias more.
    #[error(
        "{} has a tensor `{key}` for which the model has no place: add the layer, direction or \
         bias that it belongs to",
        path.display()
    )]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A stack that PyTorch's modules cannot express.
    #[error("PyTorch's recurrent modules have no {feature}: such a stack has no `state_dict`")]
    NotInPyTorch {
        /// What they lack.
        feature: &'static str,
    },
}

impl WeightsError {
    pub(super) fn read(path: &Path, message: &impl Display) -> Self {
        Self::Read { path: path.into(), message: message.to_string() }
    }

    pub(super) fn write(path: &Path, message: &impl Display) -> Self {
        Self::Write { path: path.into(), message: message.to_string() }
    }
}
