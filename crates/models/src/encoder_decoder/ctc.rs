//! A second head on the encoder: connectionist temporal classification.

use burn::module::Param;
use burn::prelude::*;
use burn::tensor::activation::log_softmax;
use lampwick_kernels::composed::product;
use lampwick_kernels::{CrossEntropyOptions, Reduction, ctc};

use super::EncoderDecoder;
use super::config::EncoderDecoderConfig;
use super::encoder::Encoded;
use super::loss::EncoderDecoderBatch;
use crate::initializer::InitialValues;

/// Memory to labels, position by position; the class behind the words is the blank.
#[derive(Module, Debug)]
pub struct CtcHead {
    /// `[M, V_t + 1]`.
    pub weight: Param<Tensor<2>>,
    /// `[V_t + 1]`.
    pub bias: Param<Tensor<1>>,
}

impl CtcHead {
    pub(super) fn init(config: &EncoderDecoderConfig, values: &mut InitialValues<'_>) -> Self {
        let classes = config.target_vocabulary + 1;
        let weight = values.linear(config.memory(), classes, config.initializer);
        Self { weight, bias: values.constant([classes], 0.0) }
    }
}

impl EncoderDecoder {
    /// `[S, B, V_t + 1]`; `None` for a model without this head.
    fn ctc_logits(&self, encoded: &Encoded) -> Option<Tensor<3>> {
        let head = self.ctc.as_ref()?;
        let [steps, batch, memory] = encoded.memory.values.dims();
        let rows = encoded.memory.values.clone().reshape([steps * batch, memory]);
        let logits = product(rows, self.config.precision.of_weight(head.weight.val()));
        let logits = logits + head.bias.val().unsqueeze();
        Some(logits.reshape([steps, batch, self.config.target_vocabulary + 1]))
    }

    /// Log-probabilities of the words and, last, of the blank at each position of the memory,
    /// `[S, B, V_t + 1]`, for [`crate::ctc`]; `None` for a model without this head.
    pub fn ctc_log_probs(&self, encoded: &Encoded) -> Option<Tensor<3>> {
        Some(log_softmax(self.ctc_logits(encoded)?, 2))
    }

    /// The head's loss of the targets, without their ends; reduced as the decoder's.
    pub(super) fn ctc_loss(
        &self,
        encoded: &Encoded,
        batch: &EncoderDecoderBatch<'_>,
        options: &CrossEntropyOptions,
    ) -> Option<Tensor<1>> {
        let logits = self.ctc_logits(encoded)?;
        let size = batch.target_lengths.len();
        let targets: Vec<i64> = batch.targets.clone().into_data().iter::<i64>().collect();
        let labels: Vec<Vec<usize>> = batch
            .target_lengths
            .iter()
            .enumerate()
            .map(|(column, &length)| {
                let words = targets.iter().skip(column).step_by(size);
                words.take(length.saturating_sub(1)).map(|&word| word as usize).collect()
            })
            .collect();
        let blank = self.config.target_vocabulary;
        let losses = ctc(logits, &labels, &encoded.memory.lengths, blank).sum();
        Some(match options.reduction {
            Reduction::Sum => losses,
            Reduction::Mean => losses / batch.target_lengths.iter().sum::<usize>().max(1) as f64,
        })
    }
}
