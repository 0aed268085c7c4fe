//! A stack read one step at a time, differentiably.

use burn::prelude::*;
use lampwick_kernels::SteppedRecurrent;
use lampwick_kernels::composed::product;

use super::config::RecurrentConfig;
use super::stack::Recurrent;
use super::state::StackState;
use crate::dropout::element_dropout;
use crate::mode::Mode;

/// A [`Recurrent`] whose steps hang on something outside it; its weights, and what is dropped of them, are
/// the same at all of its steps. What [`Recurrent::forward`] gives for a sequence, step by step.
#[derive(Clone, Debug)]
pub struct RecurrentStepper<'a> {
    config: &'a RecurrentConfig,
    /// First layer first, with its projection `[H, P]`.
    layers: Vec<(SteppedRecurrent, Option<Tensor<2>>)>,
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
            (SteppedRecurrent::new(config.cell, weights), projection)
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
        for (index, ((layer, projection), state)) in self.layers.iter().zip(state.0).enumerate() {
            if index > 0 {
                let dropped = element_dropout(x.unsqueeze_dim(0), self.config.dropout, mode);
                x = dropped.squeeze_dim(0);
            }
            let added = self.config.adds_input(index).then(|| x.clone());
            let state = layer.step(x, state);
            let output = match projection {
                Some(projection) => product(state.hidden.clone(), projection.clone()),
                None => state.hidden.clone(),
            };
            x = match added {
                Some(added) => output + added,
                None => output,
            };
            states.push(state);
        }
        (x, StackState(states))
    }
}
