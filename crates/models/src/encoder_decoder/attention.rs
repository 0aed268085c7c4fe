//! Where the decoder looks: scores of the source's positions, their softmax, and the context.

use burn::module::Param;
use burn::prelude::*;
use burn::tensor::activation::softmax;
use lampwick_kernels::composed::product;

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
    kind: AttentionKind,
    #[module(skip)]
    precision: Precision,
}

/// What the encoder leaves of a batch of sources, with all that does not hang on the decoder.
#[derive(Clone, Debug)]
pub struct Memory {
    /// The source's positions, `[B, S, M]`, zero past a source's end.
    pub values: Tensor<3>,
    /// What a state is held against, `[B, S, D]`: computed once for all steps.
    pub keys: Tensor<3>,
    /// Added to the scores, `[B, 1, S]`: 0, and -1e30 past a source's end.
    pub mask: Tensor<3>,
}

impl Memory {
    /// The memory of sequences `indices` `[N]` of the batch; an index may repeat.
    pub fn select(self, indices: &Tensor<1, Int>) -> Self {
        let pick = |tensor: Tensor<3>| tensor.select(0, indices.clone());
        Self { values: pick(self.values), keys: pick(self.keys), mask: pick(self.mask) }
    }
}

/// 0 up to each source's length and -1e30 beyond: `[B, 1, S]`. A source of no tokens has one position,
/// whose memory is zero, so that there is something to look at.
pub(super) fn mask(lengths: &[usize], steps: usize, like: &Tensor<3>) -> Tensor<3> {
    let beyond = |length: usize| {
        (0..steps).map(move |step| if step < length.max(1) { 0.0f32 } else { -1e30 })
    };
    let values: Vec<f32> = lengths.iter().flat_map(|&length| beyond(length)).collect();
    let data = TensorData::new(values, [lengths.len(), 1, steps]);
    Tensor::from_data(data, (&like.device(), like.dtype()))
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
        Self { keys, bias, query, energy, coverage, kind, precision: config.precision }
    }

    /// `[B, S, M]` to what states are held against, `[B, S, D]`.
    pub(super) fn keys(&self, values: &Tensor<3>) -> Tensor<3> {
        let Some(weight) = &self.keys else { return values.clone() };
        let [batch, steps, memory] = values.dims();
        let weight = self.precision.of_weight(weight.val());
        let hidden = weight.dims()[1];
        let keys = product(values.clone().reshape([batch * steps, memory]), weight);
        let keys = match &self.bias {
            Some(bias) => keys + bias.val().unsqueeze(),
            None => keys,
        };
        keys.reshape([batch, steps, hidden])
    }

    /// For states `[B, T, D]`: contexts `[B, T, M]` and weights `[B, T, S]`. `covered` `[B, S]`: the
    /// sum of the weights of the steps before, for one step of the coverage model.
    pub fn forward(
        &self,
        states: Tensor<3>,
        memory: &Memory,
        covered: Option<&Tensor<2>>,
    ) -> (Tensor<3>, Tensor<3>) {
        let scores = if self.kind.is_additive() {
            self.additive(states, memory, covered)
        } else {
            states.matmul(memory.keys.clone().swap_dims(1, 2)) // [B, T, S]
        };
        let weights = softmax(scores + memory.mask.clone(), 2);
        (weights.clone().matmul(memory.values.clone()), weights)
    }

    /// `v^T tanh(W h_t + U m_s + b [+ w_c cov_s])`, `[B, T, S]`.
    fn additive(
        &self,
        states: Tensor<3>,
        memory: &Memory,
        covered: Option<&Tensor<2>>,
    ) -> Tensor<3> {
        let [batch, steps, hidden] = states.dims();
        let source = memory.keys.dims()[1];
        let query = self.query.as_ref().expect("additive attention maps its query").val();
        let energy = self.energy.as_ref().expect("additive attention has an energy").val();
        let rows = states.reshape([batch * steps, hidden]);
        let rows = product(rows, self.precision.of_weight(query));
        let mut sum = rows.reshape([batch, steps, 1, hidden])
            + memory.keys.clone().reshape([batch, 1, source, hidden]); // [B, T, S, D]
        if let (Some(weight), Some(covered)) = (&self.coverage, covered) {
            sum = sum
                + covered.clone().reshape([batch, 1, source, 1])
                    * weight.val().reshape([1, 1, 1, hidden]);
        }
        let rows = sum.tanh().reshape([batch * steps * source, hidden]);
        rows.matmul(energy.reshape([hidden, 1])).reshape([batch, steps, source])
    }
}
