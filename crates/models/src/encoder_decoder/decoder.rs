//! Memory to target: one step, or all steps of known inputs at once.

use burn::module::Param;
use burn::prelude::*;
use burn::tensor::activation::sigmoid;
use lampwick_kernels::{Attended, Then, linear};

use super::EncoderDecoder;
use super::attention::GlobalAttention;
use super::config::{AttentionKind, EncoderDecoderConfig};
use super::encoder::Encoded;
use crate::dropout::element_dropout;
use crate::initializer::InitialValues;
use crate::mode::Mode;
use crate::recurrent::{Recurrent, RecurrentOutput, RecurrentStepper, StackState};

/// The recurrence that writes, where it looks, and what the output layer reads.
#[derive(Module, Debug)]
pub struct Decoder {
    /// Reads the word before, and what [`EncoderDecoderConfig`] adds to it.
    pub recurrent: Recurrent,
    /// Absent for [`AttentionKind::None`].
    pub attention: Option<GlobalAttention>,
    /// `W_c` of `tanh(W_c [h; c; e] + b)` (Luong et al. 2015, eq. 5), `[D + .., A]`.
    pub readout: Option<Param<Tensor<2>>>,
    /// Its bias, `[A]`.
    pub readout_bias: Option<Param<Tensor<1>>>,
    /// Pointer-generator: what `p_gen` is made of (See et al. 2017, eq. 8), `[M + D + E, 1]`.
    pub generate: Option<Param<Tensor<2>>>,
    /// Its bias, `[1]`.
    pub generate_bias: Option<Param<Tensor<1>>>,
}

/// What a decoder remembers of `B` sequences.
#[derive(Clone, Debug)]
pub struct DecoderState {
    /// Of the recurrence.
    pub stack: StackState,
    /// The last attentional vector, `[B, A]`, where it is fed.
    pub feed: Option<Tensor<2>>,
    /// The sum of the attention weights so far, `[B, S]`, where they are remembered.
    pub covered: Option<Tensor<2>>,
}

/// What the recurrence and attention give of a step, or of all; `[T, B, ..]`.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    pub(super) words: Tensor<3>,
    pub(super) hidden: Tensor<3>,
    pub(super) context: Option<Tensor<3>>,
    pub(super) weights: Option<Tensor<3>>,
    /// What the output layer reads, where it was needed already.
    pub(super) output: Option<Tensor<3>>,
}

impl Looked {
    /// Steps one behind the other.
    pub(super) fn cat(steps: &[Self]) -> Self {
        let join = |part: fn(&Self) -> Option<Tensor<3>>| {
            let parts: Option<Vec<_>> = steps.iter().map(part).collect();
            parts.map(|parts| Tensor::cat(parts, 0))
        };
        Self {
            words: join(|step| Some(step.words.clone())).expect("a batch has a step"),
            hidden: join(|step| Some(step.hidden.clone())).expect("a batch has a step"),
            context: join(|step| step.context.clone()),
            weights: join(|step| step.weights.clone()),
            output: join(|step| step.output.clone()),
        }
    }
}

/// What a step, or all steps, give.
#[derive(Clone, Debug)]
pub struct DecoderOutput {
    /// What the output layer reads, not dropped, `[T, B, A]`.
    pub output: Tensor<3>,
    /// Attention weights, `[T, B, S]`.
    pub weights: Option<Tensor<3>>,
    /// Probability of generating rather than copying, `[T, B, 1]`.
    pub generate: Option<Tensor<3>>,
}

impl Decoder {
    pub(super) fn init(
        config: &EncoderDecoderConfig,
        attention: Option<GlobalAttention>,
        values: &mut InitialValues<'_>,
    ) -> Self {
        let recurrent = config.decoder_stack().init_from(values);
        let (input, output) = (config.readout_input(), config.readout());
        let readout =
            config.has_readout().then(|| values.linear(input, output, config.initializer));
        let readout_bias = readout.as_ref().map(|_| values.constant([output], 0.0));
        let size = config.memory() + config.decoder.hidden + config.embedding;
        let generate = config.copying.then(|| values.linear(size, 1, config.initializer));
        let generate_bias = generate.as_ref().map(|_| values.constant([1], 0.0));
        Self { recurrent, attention, readout, readout_bias, generate, generate_bias }
    }
}

impl EncoderDecoder {
    /// The state before the first word.
    pub fn start(&self, encoded: &Encoded) -> DecoderState {
        let [source, batch, _] = encoded.memory.values.dims();
        let device = self.device();
        let config = &self.config;
        DecoderState {
            stack: encoded.state.clone(),
            feed: config.input_feeding.then(|| Tensor::zeros([batch, config.readout()], &device)),
            covered: (config.coverage > 0.0).then(|| Tensor::zeros([batch, source], &device)),
        }
    }

    /// All steps of the word vectors `words` `[T, B, E]` at once: possible where a step hangs on the
    /// one before by the recurrence's state alone.
    pub(super) fn decode_at_once(
        &self,
        words: Tensor<3>,
        encoded: &Encoded,
        lengths: &[usize],
        mode: &mut Mode,
    ) -> DecoderOutput {
        let [steps, _, _] = words.dims();
        let config = &self.config;
        let summary = |tensor: Tensor<2>| tensor.unsqueeze_dim::<3>(0).repeat_dim(0, steps);
        let input = if config.context_every_step {
            Tensor::cat(vec![words.clone(), summary(encoded.summary.clone())], 2)
        } else {
            words.clone()
        };
        let state = Some(encoded.state.clone());
        let RecurrentOutput { output: hidden, .. } =
            self.decoder.recurrent.forward(input, state, Some(lengths), mode);
        match &self.decoder.attention {
            Some(attention) => {
                let Attended { context, weights } =
                    attention.forward(hidden.clone(), &encoded.memory, None);
                let (context, weights) = (Some(context), Some(weights));
                self.read_out(Looked { words, hidden, context, weights, output: None })
            }
            None => {
                let context = config.context_every_step.then(|| summary(encoded.summary.clone()));
                self.read_out(Looked { words, hidden, context, weights: None, output: None })
            }
        }
    }

    /// One step of `stepper`, the decoder's, after the word vectors `words` `[1, B, E]`. The output layer's
    /// input is computed only where it is fed: else [`EncoderDecoder::read_out`] does it for all steps.
    pub(super) fn decode_step(
        &self,
        stepper: &RecurrentStepper<'_>,
        words: Tensor<3>,
        encoded: &Encoded,
        state: DecoderState,
        mode: &mut Mode,
    ) -> (Looked, DecoderState) {
        let config = &self.config;
        let DecoderState { stack, feed, covered } = state;
        let attention = self.decoder.attention.as_ref();
        let mut input = vec![words.clone()];
        // Bahdanau looks before the recurrence, by the state before it.
        let before = match (config.attention, attention) {
            (AttentionKind::Bahdanau, Some(attention)) => {
                let top = stack.0.last().expect("a decoder has a layer").hidden.clone();
                Some(attention.forward(top.unsqueeze_dim(0), &encoded.memory, covered.as_ref()))
            }
            _ => None,
        };
        if let Some(Attended { context, .. }) = &before {
            input.push(context.clone());
        }
        if config.context_every_step {
            input.push(encoded.summary.clone().unsqueeze_dim(0));
        }
        input.extend(feed.map(|feed| feed.unsqueeze_dim(0)));
        let input = Tensor::cat(input, 2);
        let (hidden, stack) = stepper.step(input.squeeze_dim(0), stack, mode);
        let hidden: Tensor<3> = hidden.unsqueeze_dim(0);
        let looked = match (before, attention) {
            (Some(before), _) => Some(before),
            (None, Some(attention)) => {
                Some(attention.forward(hidden.clone(), &encoded.memory, covered.as_ref()))
            }
            (None, None) => None,
        };
        let (context, weights) = match looked {
            Some(Attended { context, weights }) => (Some(context), Some(weights)),
            None => {
                let summary = || encoded.summary.clone().unsqueeze_dim(0);
                (config.context_every_step.then(summary), None)
            }
        };
        let now = weights.clone().map(|weights| weights.squeeze_dim::<2>(0)); // [B, S]
        let covered = covered.zip(now).map(|(covered, now)| covered + now);
        let mut looked = Looked { words, hidden, context, weights, output: None };
        looked.output = config.input_feeding.then(|| self.attentional(&looked));
        let feed = looked.output.clone().map(|output| output.squeeze_dim(0));
        (looked, DecoderState { stack, feed, covered })
    }

    /// What the output layer reads, and the probability of generating.
    pub(super) fn read_out(&self, looked: Looked) -> DecoderOutput {
        let output = self.attentional(&looked);
        let generate = self.decoder.generate.as_ref().zip(self.decoder.generate_bias.as_ref());
        let Looked { words, hidden, context, weights, .. } = looked;
        let generate = generate.zip(context).map(|((weight, bias), context)| {
            sigmoid(self.linear(vec![context, hidden, words], weight, bias, Then::Nothing))
        });
        DecoderOutput { output, weights, generate }
    }

    /// `tanh(W_c [h; c; e] + b)`, `[T, B, A]`.
    pub(super) fn attentional(&self, looked: &Looked) -> Tensor<3> {
        let Looked { words, hidden, context, output, .. } = looked;
        if let Some(output) = output {
            return output.clone();
        }
        let readout = self.decoder.readout.as_ref().zip(self.decoder.readout_bias.as_ref());
        let Some((weight, bias)) = readout else { return hidden.clone() };
        let mut parts = vec![hidden.clone()];
        parts.extend(context.clone());
        if self.config.reads_context() {
            parts.push(words.clone());
        }
        self.linear(parts, weight, bias, Then::Tanh)
    }

    /// `W x + b` of parts side by side, and what follows, `[T, B, ..]`.
    fn linear(
        &self,
        parts: Vec<Tensor<3>>,
        weight: &Param<Tensor<2>>,
        bias: &Param<Tensor<1>>,
        then: Then,
    ) -> Tensor<3> {
        let all = Tensor::cat(parts, 2);
        let [steps, batch, features] = all.dims();
        let weight = self.config.precision.of_weight(weight.val());
        let size = weight.dims()[1];
        let rows = all.reshape([steps * batch, features]);
        linear(rows, weight, Some(bias.val()), then).reshape([steps, batch, size])
    }

    /// What the output layer reads, dropped.
    pub(super) fn dropped(&self, output: Tensor<3>, mode: &mut Mode) -> Tensor<3> {
        element_dropout(output, self.config.dropout_output, mode)
    }
}
