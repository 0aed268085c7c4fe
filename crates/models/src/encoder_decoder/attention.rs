//! Where the decoder looks: scores of the source's positions, their softmax, and the context.

use burn::module::Param;
use burn::prelude::*;
use lampwick_kernels::{Attended, Coverage, Score, Then, attention, linear};

use super::config::{AttentionKind, EncoderDecoderConfig};
use crate::initializer::InitialValues;
use crate::precision::Precision;

/// The score of a position under a state, see [`AttentionKind`].
#[derive(Module, Debug)]
pub struct GlobalAttention {
    /// `general`: `W`, `[M, D]`; additive: `U`, `[M, D]`.
    pub keys: Option<Param<Tensor<2>>>,
    /// Additive: the bias of `tanh`, `[D]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// Additive: `W`, `[D, D]`.
    pub query: Option<Param<Tensor<2>>>,
    /// Additive: `v`, `[D]`.
    pub energy: Option<Param<Tensor<1>>>,
    /// Coverage: `w_c`, `[D]`.
    pub coverage: Option<Param<Tensor<1>>>,
    #[module(skip)]
    precision: Precision,
}

/// What the encoder leaves of a batch of sources, with all that does not hang on the decoder.
#[derive(Clone, Debug)]
pub struct Memory {
    /// The source's positions, `[S, B, M]`, zero past a source's end.
    pub values: Tensor<3>,
    /// What a state is held against, `[S, B, D]`: computed once for all steps.
    pub keys: Tensor<3>,
    /// Positions of each source, `[B]`. A source of no tokens has one, whose memory is zero, so that
    /// there is something to look at.
    pub lengths: Vec<usize>,
}

impl Memory {
    /// The memory of sequences `indices` of the batch; an index may repeat.
    pub fn select(self, indices: &[usize]) -> Self {
        let ids: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
        let ids = TensorData::new(ids, [indices.len()]);
        let ids = Tensor::<1, Int>::from_data(ids, &self.values.device());
        let pick = |tensor: Tensor<3>| tensor.select(1, ids.clone());
        let lengths = indices.iter().map(|&index| self.lengths[index]).collect();
        Self { values: pick(self.values), keys: pick(self.keys), lengths }
    }
}

impl GlobalAttention {
    pub(super) fn init(config: &EncoderDecoderConfig, values: &mut InitialValues<'_>) -> Self {
        let (memory, hidden) = (config.memory(), config.decoder.hidden);
        let (kind, init) = (config.attention, config.initializer);
        let additive = kind.is_additive();
        let keys = (kind != AttentionKind::LuongDot).then(|| values.linear(memory, hidden, init));
        let bias = additive.then(|| values.constant([hidden], 0.0));
        let query = additive.then(|| values.linear(hidden, hidden, init));
        let mut vector = || values.uniform([hidden], 1.0 / (hidden as f64).sqrt());
        let energy = additive.then(&mut vector);
        let coverage = (config.coverage > 0.0).then(&mut vector);
        Self { keys, bias, query, energy, coverage, precision: config.precision }
    }

    /// `[S, B, M]` to what states are held against, `[S, B, D]`.
    pub(super) fn keys(&self, values: &Tensor<3>) -> Tensor<3> {
        let Some(weight) = &self.keys else { return values.clone() };
        let keys = self.mapped(values.clone(), weight);
        match &self.bias {
            Some(bias) => keys + bias.val().unsqueeze(),
            None => keys,
        }
    }

    /// For states `[T, B, D]`: contexts `[T, B, M]` and weights `[T, B, S]`. `covered` `[B, S]`: the
    /// sum of the weights of the steps before, for one step of the coverage model.
    pub fn forward(
        &self,
        states: Tensor<3>,
        memory: &Memory,
        covered: Option<&Tensor<2>>,
    ) -> Attended {
        let (queries, score) = match (&self.query, &self.energy) {
            // v·tanh(W h_t + U m_s + b [+ w_c cov_s]); U m_s + b are the keys
            (Some(query), Some(energy)) => {
                let coverage = self.coverage.as_ref().zip(covered).map(|(weight, covered)| {
                    Coverage { covered: covered.clone().unsqueeze_dim(0), weight: weight.val() }
                });
                (self.mapped(states, query), Score::Additive { energy: energy.val(), coverage })
            }
            _ => (states, Score::Dot),
        };
        let Memory { values, keys, lengths } = memory;
        attention(queries, keys.clone(), values.clone(), score, lengths)
    }

    /// `x W`: `[T, B, I]` by `[I, O]`.
    fn mapped(&self, x: Tensor<3>, weight: &Param<Tensor<2>>) -> Tensor<3> {
        let [steps, batch, features] = x.dims();
        let weight = self.precision.of_weight(weight.val());
        let size = weight.dims()[1];
        let rows = x.reshape([steps * batch, features]);
        linear(rows, weight, None, Then::Nothing).reshape([steps, batch, size])
    }
}
