//! What a training knows beyond the vectors: enough to write all of a fastText model, to resume, or to go
//! on with more text.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::section::Section;
use crate::training::Settings;
use crate::vectors::rows_not_finite;

/// The rows that are trained, and how far.
#[derive(Clone, Debug)]
pub struct Trained {
    /// What the training was asked for.
    pub settings: Settings,
    /// How far it is.
    pub state: State,
    /// Rows of what is predicted: one a word, or one an inner node of the Huffman tree.
    pub(crate) output: Arc<Section<f32>>,
}

/// How far a training is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Units of work that are done, over all epochs.
    pub done: u64,
    /// All units.
    pub all: u64,
    /// A hash of the text as ids.
    pub text: u64,
    /// Words of the vocabulary in the text.
    pub words: u64,
}

impl Trained {
    /// Whether all of the settings are those of the training. A model of fastText does not hold the rate, the
    /// power of negative sampling and the seed: these are the defaults then.
    pub fn has_all_settings(&self) -> bool {
        self.state.all > 0
    }

    /// The output rows that hold a NaN or an infinity.
    pub fn not_finite(&self) -> Vec<usize> {
        rows_not_finite(&self.output, self.settings.dim)
    }
}

impl State {
    /// Whether the last epoch was reached.
    pub fn is_finished(&self) -> bool {
        self.done >= self.all
    }
}
