//! A stack read one step at a time, differentiably.

use burn::prelude::*;
use lampwick_kernels::SteppedRecurrent;
use lampwick_kernels::composed::product;

use super::config::RecurrentConfig;
use super::stack::Recurrent;
use super::state::StackState;
use crate::dropout::element_dropout;
use crate::layer_norm::LayerNorm;
use crate::mode::Mode;

/// A [`Recurrent`] whose steps hang on something outside it; its weights, and what is dropped of them, are
/// the same at all of its steps. What [`Recurrent::forward`] gives for a sequence, step by step.
#[derive(Clone, Debug)]
pub struct RecurrentStepper<'a> {
    config: &'a RecurrentConfig,
    /// First layer first.
    layers: Vec<SteppedLayer<'a>>,
}

#[derive(Clone, Debug)]
struct SteppedLayer<'a> {
    recurrent: SteppedRecurrent,
    /// `[H, P]`.
    projection: Option<Tensor<2>>,
    norm: Option<&'a LayerNorm>,
}

impl SteppedLayer<'_> {
    /// What a layer gives for its hidden vectors `[B, H]`.
    fn output(&self, hidden: Tensor<2>) -> Tensor<2> {
        let output = match &self.projection {
            Some(projection) => product(hidden, projection.clone()),
            None => hidden,
        };
        match self.norm {
            Some(norm) => norm.forward(output),
            None => output,
        }
    }
}

impl Recurrent {
    /// The stack for reading step by step.
    ///
    /// # Panics
    ///
    /// For a bidirectional stack, which needs the whole sequence.
    pub fn stepper(&self, mode: &mut Mode) -> RecurrentStepper<'_> {
        let config = &self.config;
        assert!(!config.bidirectional, "a bidirectional stack has no single step");
        let layers = self.layers.iter().map(|layer| {
            let mut weights = layer.forward.weights(config.weight_drop, mode);
            weights.input = config.precision.of_weight(weights.input);
            weights.hidden = config.precision.of_weight(weights.hidden);
            let projection = layer.projection.as_ref();
            let projection = projection.map(|weight| config.precision.of_weight(weight.val()));
            let recurrent = SteppedRecurrent::new(config.cell, weights);
            SteppedLayer { recurrent, projection, norm: layer.norm.as_ref() }
        });
        RecurrentStepper { config, layers: layers.collect() }
    }
}

impl RecurrentStepper<'_> {
    /// Reads `x` `[B, I]`: the output `[B, O]` and the state after it. Between layers elements are dropped
    /// (a locked mask would have to hold over the steps, and is not kept here).
    ///
    /// # Panics
    ///
    /// When shapes disagree with the configuration.
    pub fn step(
        &self,
        x: Tensor<2>,
        state: StackState,
        mode: &mut Mode,
    ) -> (Tensor<2>, StackState) {
        assert_eq!(state.0.len(), self.layers.len(), "one state for each layer");
        let mut x = x;
        let mut states = Vec::with_capacity(self.layers.len());
        for (index, (layer, state)) in self.layers.iter().zip(state.0).enumerate() {
            if index > 0 {
                let dropped = element_dropout(x.unsqueeze_dim(0), self.config.dropout, mode);
                x = dropped.squeeze_dim(0);
            }
            let added = self.config.adds_input(index).then(|| x.clone());
            let state = layer.recurrent.step(x, state);
            let output = layer.output(state.hidden.clone());
            x = match added {
                Some(added) => output + added,
                None => output,
            };
            states.push(state);
        }
        (x, StackState(states))
    }
}
