//! One recurrent layer: one or two directions, its optional projection, its optional normalisation.

use burn::module::Param;
use burn::prelude::*;
use lampwick_kernels::composed::product;
use lampwick_kernels::{Direction, RecurrentState, RecurrentWeights, Sequence, recurrent};

use super::config::RecurrentConfig;
use crate::dropout::weight_drop;
use crate::layer_norm::LayerNorm;
use crate::mode::Mode;

/// The parameters of one direction; shapes and gate order as [`RecurrentWeights`].
#[derive(Module, Debug)]
pub struct RecurrentDirection {
    /// Input to gates, `[I, G*H]`.
    pub input: Param<Tensor<2>>,
    /// Hidden to gates, `[H, G*H]`.
    pub hidden: Param<Tensor<2>>,
    /// `[G*H]`.
    pub bias_input: Option<Param<Tensor<1>>>,
    /// `[G*H]`.
    pub bias_hidden: Option<Param<Tensor<1>>>,
}

impl RecurrentDirection {
    /// The parameters as the kernels take them, the hidden weights dropped with probability `p`.
    pub(crate) fn weights(&self, p: f64, mode: &mut Mode) -> RecurrentWeights {
        RecurrentWeights {
            input: self.input.val(),
            hidden: weight_drop(self.hidden.val(), p, mode),
            bias_input: self.bias_input.as_ref().map(Param::val),
            bias_hidden: self.bias_hidden.as_ref().map(Param::val),
        }
    }
}

/// One layer of a stack.
#[derive(Module, Debug)]
pub struct RecurrentLayer {
    /// Reads from the first step to the last.
    pub forward: RecurrentDirection,
    /// Reads from the last step to the first, where the stack is bidirectional.
    pub reverse: Option<RecurrentDirection>,
    /// `[D*H, P]`, applied to the concatenated outputs.
    pub projection: Option<Param<Tensor<2>>>,
    /// Of the layer's output.
    pub norm: Option<LayerNorm>,
}

impl RecurrentLayer {
    /// Runs the layer over `x` `[T, B, I]`; `states` gives one state a direction or none.
    /// Returns `[T, B, D*H]` (or `[T, B, P]`) and the final states.
    pub(super) fn run(
        &self,
        config: &RecurrentConfig,
        x: Tensor<3>,
        states: &mut impl Iterator<Item = RecurrentState>,
        lengths: Option<&[usize]>,
        mode: &mut Mode,
    ) -> (Tensor<3>, Vec<RecurrentState>) {
        let mut read = |x: Tensor<3>, parameters: &RecurrentDirection, direction: Direction| {
            let sequence = Sequence { direction, lengths };
            let mut weights = parameters.weights(config.weight_drop, mode);
            weights.input = config.precision.of_weight(weights.input);
            weights.hidden = config.precision.of_weight(weights.hidden);
            recurrent(config.cell, x, weights, states.next(), sequence)
        };
        let (outputs, finals) = match &self.reverse {
            None => {
                let (y, state) = read(x, &self.forward, Direction::Forward);
                (y, vec![state])
            }
            Some(reverse) => {
                let (y_forward, state_forward) = read(x.clone(), &self.forward, Direction::Forward);
                let (y_reverse, state_reverse) = read(x, reverse, Direction::Reverse);
                let y = Tensor::cat(vec![y_forward, y_reverse], 2); // [T, B, 2H]
                (y, vec![state_forward, state_reverse])
            }
        };
        let outputs = self.projected(config, outputs);
        let Some(norm) = &self.norm else { return (outputs, finals) };
        let normed = norm.forward(outputs);
        // Its bias has moved the zeros past an end.
        let normed = match lengths {
            Some(lengths) => cleared(normed, lengths),
            None => normed,
        };
        (normed, finals)
    }

    /// `[T, B, D*H]` to `[T, B, P]`, where the layer has a projection.
    fn projected(&self, config: &RecurrentConfig, outputs: Tensor<3>) -> Tensor<3> {
        let Some(projection) = &self.projection else { return outputs };
        let [steps, batch, width] = outputs.dims();
        let projection = config.precision.of_weight(projection.val()); // [D*H, P]
        let size = projection.dims()[1];
        let rows = outputs.reshape([steps * batch, width]);
        product(rows, projection).reshape([steps, batch, size])
    }
}

/// `x` `[T, B, F]` with zeros past each sequence's end.
pub(crate) fn cleared(x: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
    let [steps, batch, _] = x.dims();
    let ended = |step: usize| lengths.iter().map(move |&length| step >= length);
    let ended: Vec<bool> = (0..steps).flat_map(ended).collect();
    if !ended.contains(&true) {
        return x;
    }
    // Not a product: what stands there may be no number.
    let data = TensorData::new(ended, [steps, batch, 1]);
    let ended = Tensor::<3, Bool>::from_data(data, &x.device());
    let shape = x.dims();
    x.mask_fill(ended.expand(shape), 0.0)
}
