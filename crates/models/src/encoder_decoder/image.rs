//! Images to memory: convolutions down to a grid whose cells are looked at.

use burn::module::Param;
use burn::prelude::*;
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use super::config::EncoderDecoderConfig;
use crate::initializer::InitialValues;

/// `x ← relu(W * x + b)`, each halving the grid; the cells of the last are the positions that Xu et al.
/// (2015, section 3.1.1) call annotation vectors. A learnt vector is added to each, that says where it
/// is.
#[derive(Module, Debug)]
pub struct ImageEncoder {
    /// The first reads the image.
    pub convolutions: Vec<Convolution>,
    /// `[P, M]`.
    pub position: Param<Tensor<2>>,
}

/// 3 x 3, stride 2.
#[derive(Module, Debug)]
pub struct Convolution {
    /// `[out, in, 3, 3]`.
    pub weight: Param<Tensor<4>>,
    /// `[out]`.
    pub bias: Param<Tensor<1>>,
}

impl ImageEncoder {
    pub(super) fn init(config: &EncoderDecoderConfig, values: &mut InitialValues<'_>) -> Self {
        // He et al. (2015, eq. 10): the variance of what a rectifier passes on stays.
        let convolution = |[from, to]: [usize; 2]| Convolution {
            weight: values.uniform([to, from, 3, 3], (6.0 / (9 * from) as f64).sqrt()),
            bias: values.constant([to], 0.0),
        };
        let convolutions = config.reads.convolutions().into_iter().map(convolution).collect();
        let [rows, columns] = config.reads.grid();
        let position = values.uniform([rows * columns, config.memory()], config.embedding_bound);
        Self { convolutions, position }
    }

    /// `[B, 3, height, width]` to `[P, B, M]`.
    pub(super) fn forward(&self, pixels: Tensor<4>) -> Tensor<3> {
        let options = || ConvOptions::new([2, 2], [1, 1], [1, 1], 1);
        let grid = self.convolutions.iter().fold(pixels, |x, layer| {
            relu(conv2d(x, layer.weight.val(), Some(layer.bias.val()), options()))
        });
        let [batch, memory, rows, columns] = grid.dims();
        let cells = grid.reshape([batch, memory, rows * columns]).permute([2, 0, 1]);
        cells + self.position.val().unsqueeze_dim(1)
    }
}
