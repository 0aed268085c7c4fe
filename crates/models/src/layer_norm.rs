//! Layer normalisation (Ba et al. 2016, eq. 4).

use burn::module::Param;
use burn::prelude::*;

use crate::generator::floats;
use crate::initializer::InitialValues;

/// Added to the variance: a row of equal numbers has none.
const EPSILON: f64 = 1e-5;

/// Each row's features made to have mean 0 and variance 1, then scaled and moved: `g (x - mean) /
/// sqrt(variance + 1e-5) + b`.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `g`, `[F]`, from 1.
    pub gain: Param<Tensor<1>>,
    /// `b`, `[F]`, from 0.
    pub bias: Param<Tensor<1>>,
}

impl LayerNorm {
    pub(crate) fn init(features: usize, values: &InitialValues<'_>) -> Self {
        Self { gain: values.constant([features], 1.0), bias: values.constant([features], 0.0) }
    }

    /// Of the last dimension, `[.., F]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let centred = x.clone() - x.mean_dim(D - 1);
        let variance = centred.clone().square().mean_dim(D - 1);
        let normed = centred / (variance + EPSILON).sqrt();
        normed * self.gain.val().unsqueeze() + self.bias.val().unsqueeze()
    }
}

/// A copy of a [`LayerNorm`]'s parameters in the host's memory.
#[derive(Debug)]
pub(crate) struct PackedLayerNorm {
    gain: Vec<f32>,
    bias: Vec<f32>,
}

impl From<&LayerNorm> for PackedLayerNorm {
    fn from(norm: &LayerNorm) -> Self {
        Self { gain: floats(&norm.gain), bias: floats(&norm.bias) }
    }
}

impl PackedLayerNorm {
    /// Of each row of `[.., F]`, in place.
    pub(crate) fn apply(&self, rows: &mut [f32]) {
        let features = self.gain.len();
        for row in rows.chunks_exact_mut(features) {
            let mean = row.iter().sum::<f32>() / features as f32;
            row.iter_mut().for_each(|x| *x -= mean);
            let variance = row.iter().map(|x| x * x).sum::<f32>() / features as f32;
            let scale = 1.0 / (variance + EPSILON as f32).sqrt();
            for ((x, gain), bias) in row.iter_mut().zip(&self.gain).zip(&self.bias) {
                *x = *x * scale * gain + bias;
            }
        }
    }
}
