//! What is read: words, an image, frames of speech. The decoder sees a memory of each.

use burn::prelude::*;
use serde::{Deserialize, Serialize};

use crate::config::ModelConfigError;

/// What a model reads, `model.reads`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SourceKind {
    /// Ids of words.
    #[default]
    Words,
    /// Images of one size, by a convolutional network whose last grid is the memory (Xu et al. 2015).
    Image {
        /// Pixels from top to bottom.
        height: usize,
        /// Pixels from left to right.
        width: usize,
        /// Features of each convolution, 3 x 3, the first of the image's three; each halves the grid.
        channels: Vec<usize>,
    },
    /// Frames of features, by the encoder's recurrent layers in a pyramid (Chan et al. 2016).
    Frames {
        /// Features of a frame.
        features: usize,
        /// How many steps are joined into one before each layer; 1 where it says no more.
        joined: Vec<usize>,
    },
}

/// A batch of sources.
#[derive(Clone, Debug)]
pub enum Source {
    /// Ids, `[S, B]`.
    Words(Tensor<2, Int>),
    /// `[B, 3, height, width]`, of about 0 to 1; they have no length: any is ignored.
    Image(Tensor<4>),
    /// `[S, B, F]`.
    Frames(Tensor<3>),
}

impl Source {
    /// `B`.
    pub fn batch(&self) -> usize {
        match self {
            Source::Words(ids) => ids.dims()[1],
            Source::Image(pixels) => pixels.dims()[0],
            Source::Frames(frames) => frames.dims()[1],
        }
    }

    /// Steps of the longest, before any are joined; an image has one.
    pub fn steps(&self) -> usize {
        match self {
            Source::Words(ids) => ids.dims()[0],
            Source::Image(_) => 1,
            Source::Frames(frames) => frames.dims()[0],
        }
    }
}

impl From<Tensor<2, Int>> for Source {
    fn from(ids: Tensor<2, Int>) -> Self {
        Source::Words(ids)
    }
}

impl SourceKind {
    /// Checks every size.
    ///
    /// # Errors
    ///
    /// The first that is 0, or an image without convolutions, by its key.
    pub fn validate(&self) -> Result<(), ModelConfigError> {
        if let SourceKind::Image { channels, .. } = self
            && channels.is_empty()
        {
            let (key, problem) = ("reads.image.channels", "is empty".to_string());
            let mend = "give the features of each convolution, at least one";
            return Err(ModelConfigError::Clash { key, problem, mend });
        }
        match self.sizes().into_iter().find(|(_, size)| *size == 0) {
            Some((key, _)) => Err(ModelConfigError::Zero { key }),
            None => Ok(()),
        }
    }

    /// Every size and its key.
    pub(crate) fn sizes(&self) -> Vec<(&'static str, usize)> {
        let each = |key: &'static str, sizes: &[usize]| -> Vec<_> {
            sizes.iter().map(|&size| (key, size)).collect()
        };
        match self {
            SourceKind::Words => Vec::new(),
            SourceKind::Image { height, width, channels } => {
                let sides = [("reads.image.height", *height), ("reads.image.width", *width)];
                [&sides[..], &each("reads.image.channels", channels)[..]].concat()
            }
            SourceKind::Frames { features, joined } => {
                let read = [("reads.frames.features", *features)];
                [&read[..], &each("reads.frames.joined", joined)[..]].concat()
            }
        }
    }

    /// Rows and columns of an image's memory; of anything else none.
    pub fn grid(&self) -> [usize; 2] {
        match self {
            SourceKind::Image { height, width, channels } => {
                channels.iter().fold([*height, *width], |grid, _| grid.map(|n| n.div_ceil(2)))
            }
            SourceKind::Words | SourceKind::Frames { .. } => [0, 0],
        }
    }

    /// Input and output features of an image's convolutions.
    pub(crate) fn convolutions(&self) -> Vec<[usize; 2]> {
        match self {
            SourceKind::Image { channels, .. } => {
                let before = std::iter::once(&3).chain(channels);
                before.zip(channels).map(|(&from, &to)| [from, to]).collect()
            }
            SourceKind::Words | SourceKind::Frames { .. } => Vec::new(),
        }
    }

    /// Positions of the memory that a source of so many steps (words, frames) becomes; an image has the
    /// cells of its grid.
    pub fn positions(&self, steps: usize) -> usize {
        match self {
            SourceKind::Words => steps.max(1),
            SourceKind::Image { .. } => self.grid().into_iter().product(),
            SourceKind::Frames { joined, .. } => {
                joined.iter().fold(steps, |steps, &by| steps.div_ceil(by)).max(1)
            }
        }
    }

    /// How many steps are joined before layer `layer`.
    pub(crate) fn joined(&self, layer: usize) -> usize {
        match self {
            SourceKind::Frames { joined, .. } => joined.get(layer).copied().unwrap_or(1),
            SourceKind::Words | SourceKind::Image { .. } => 1,
        }
    }
}
