//! A recurrent language model: word vectors, a recurrent stack, a softmax over the vocabulary.

use burn::module::Param;
use burn::prelude::*;
use burn::tensor::activation::log_softmax;
use lampwick_kernels::composed::product;
use lampwick_kernels::{CrossEntropy, CrossEntropyOptions, embedding, linear_cross_entropy};

use crate::config::LanguageModelConfig;
use crate::dropout::{dropout, embedding_dropout};
use crate::mode::Mode;
use crate::recurrent::{Recurrent, RecurrentOutput, StackState};

/// `p(w_(t+1) | w_1 .. w_t) = softmax(W_o h_t + b_o)` with `h = stack(E[w])` (Mikolov et al. 2010;
/// Zaremba et al. 2014). Made by [`LanguageModelConfig::init`].
#[derive(Module, Debug)]
pub struct LanguageModel {
    /// Word vectors, `[V, E]`; with tied weights also the output's, transposed.
    pub embedding: Param<Tensor<2>>,
    /// The layers between.
    pub recurrent: Recurrent,
    /// Output weights, `[O, V]`; absent when tied.
    pub output_weight: Option<Param<Tensor<2>>>,
    /// Output bias, `[V]`.
    pub output_bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    pub(crate) config: LanguageModelConfig,
}

/// What [`LanguageModel::hidden`] gives.
#[derive(Clone, Debug)]
pub struct LanguageModelHidden {
    /// The last layer's output after the output dropout, `[T, B, O]`.
    pub output: Tensor<3>,
    /// The same before that dropout, `[T, B, O]`.
    pub raw: Tensor<3>,
    /// State after the last step, on the tape.
    pub state: StackState,
}

/// What [`LanguageModel::loss`] gives.
#[derive(Clone, Debug)]
pub struct LanguageModelLoss {
    /// The loss in nats, `[1]`, differentiable.
    pub loss: Tensor<1>,
    /// `-ln p(target)` in nats, `[T*B]`, time-major; 0 where ignored. Not on the tape.
    pub nll: Tensor<1>,
    /// As [`LanguageModelHidden::output`]: activation regularisation penalises its size (Merity et
    /// al. 2017, section 4.6).
    pub output: Tensor<3>,
    /// As [`LanguageModelHidden::raw`]: temporal activation regularisation penalises its changes.
    pub raw: Tensor<3>,
    /// State after the last step, on the tape: detach it before the next batch.
    pub state: StackState,
}

impl LanguageModel {
    /// The configuration that the model was made with.
    pub fn config(&self) -> &LanguageModelConfig {
        &self.config
    }

    /// The device of its parameters.
    pub fn device(&self) -> Device {
        self.embedding.val().device()
    }

    /// The output's weights, `[O, V]`; a transposed view of the table when tied.
    pub fn output_weight(&self) -> Tensor<2> {
        match &self.output_weight {
            Some(weight) => weight.val(),
            None => self.embedding.val().transpose(),
        }
    }

    /// Everything but the output layer. `tokens`: `[T, B]`, each in `0..V`.
    ///
    /// # Panics
    ///
    /// When a token is outside the vocabulary or `state` does not fit the model and the batch.
    pub fn hidden(
        &self,
        tokens: Tensor<2, Int>,
        state: Option<StackState>,
        mode: &mut Mode,
    ) -> LanguageModelHidden {
        let config = &self.config;
        let [steps, batch] = tokens.dims();
        let x = embedding(self.embedding.val(), tokens.clone().flatten(0, 1)); // [T*B, E]
        let x = x.reshape([steps, batch, config.embedding]); // [T, B, E]
        let x = embedding_dropout(x, tokens, config.vocabulary, config.dropout_embedding, mode);
        let x = dropout(x, config.dropout_input, config.locked_dropout, mode);
        let RecurrentOutput { output: raw, state } = self.recurrent.forward(x, state, None, mode);
        let output = dropout(raw.clone(), config.dropout_output, config.locked_dropout, mode);
        LanguageModelHidden { output, raw, state }
    }

    /// Cross entropy of `targets` `[T, B]` after `tokens` `[T, B]`.
    ///
    /// # Panics
    ///
    /// As [`LanguageModel::hidden`], and when a target is outside the vocabulary.
    pub fn loss(
        &self,
        tokens: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: Option<StackState>,
        options: &CrossEntropyOptions,
        mode: &mut Mode,
    ) -> LanguageModelLoss {
        let LanguageModelHidden { output, raw, state } = self.hidden(tokens, state, mode);
        let [steps, batch, features] = output.dims();
        let rows = output.clone().reshape([steps * batch, features]);
        let bias = self.output_bias.as_ref().map(Param::val);
        let targets = targets.reshape([steps * batch]);
        let weight = self.config.precision.of_weight(self.output_weight());
        let CrossEntropy { loss, nll } = linear_cross_entropy(rows, weight, bias, targets, options);
        LanguageModelLoss { loss, nll, output, raw, state }
    }

    /// Unnormalised log-probabilities of the word after each position, `[T, B, V]`.
    ///
    /// # Panics
    ///
    /// As [`LanguageModel::hidden`].
    pub fn forward(
        &self,
        tokens: Tensor<2, Int>,
        state: Option<StackState>,
        mode: &mut Mode,
    ) -> (Tensor<3>, StackState) {
        let LanguageModelHidden { output, state, .. } = self.hidden(tokens, state, mode);
        let [steps, batch, features] = output.dims();
        let logits = self.logits(output.reshape([steps * batch, features])); // [T*B, V]
        (logits.reshape([steps, batch, self.config.vocabulary]), state)
    }

    /// Reads one token of each sequence, `[B]`, and gives the log-probabilities (natural) of the
    /// next, `[B, V]`. Nothing is dropped.
    ///
    /// # Panics
    ///
    /// As [`LanguageModel::hidden`].
    pub fn step(
        &self,
        tokens: Tensor<1, Int>,
        state: Option<StackState>,
    ) -> (Tensor<2>, StackState) {
        let x = self.embedding.val().select(0, tokens); // [B, E]
        let (output, state) = self.recurrent.step(x, state);
        (log_softmax(self.logits(output), 1), state)
    }

    /// `W_o h + b_o`: `[N, O]` to `[N, V]`.
    pub(crate) fn logits(&self, rows: Tensor<2>) -> Tensor<2> {
        let logits = product(rows, self.config.precision.of_weight(self.output_weight()));
        match &self.output_bias {
            Some(bias) => logits + bias.val().unsqueeze(),
            None => logits,
        }
    }
}
