//! Layers one over the other.

use burn::prelude::*;
use lampwick_kernels::RecurrentState;

use super::config::RecurrentConfig;
use super::layer::RecurrentLayer;
use super::state::StackState;
use crate::dropout::dropout;
use crate::mode::Mode;

/// A stack of recurrent layers; made by [`RecurrentConfig::init`].
#[derive(Module, Debug)]
pub struct Recurrent {
    /// First layer first.
    pub layers: Vec<RecurrentLayer>,
    #[module(skip)]
    pub(super) config: RecurrentConfig,
}

/// What [`Recurrent::forward`] gives.
#[derive(Clone, Debug)]
pub struct RecurrentOutput {
    /// The last layer's output of every step, `[T, B, O]` with `O` =
    /// [`RecurrentConfig::output`]; not dropped.
    pub output: Tensor<3>,
    /// The state after each sequence's last step, still on the tape.
    pub state: StackState,
}

impl Recurrent {
    /// The configuration that the stack was made with.
    pub fn config(&self) -> &RecurrentConfig {
        &self.config
    }

    /// Reads `x` `[T, B, I]`, from `state` or from zeros. `lengths`: true length of each of the `B`
    /// sequences; a step past its end outputs zero and leaves the state unchanged.
    ///
    /// Layer `l` reads `dropout(h_(l-1))` (Zaremba et al. 2014, section 3.2).
    ///
    /// # Panics
    ///
    /// When shapes disagree with the configuration or `state` has another number of layers.
    pub fn forward(
        &self,
        x: Tensor<3>,
        state: Option<StackState>,
        lengths: Option<&[usize]>,
        mode: &mut Mode,
    ) -> RecurrentOutput {
        let expected = self.layers.len() * self.config.directions();
        if let Some(state) = &state {
            assert_eq!(state.0.len(), expected, "one state for each layer and direction");
        }
        let mut states = state.into_iter().flat_map(|state| state.0);
        let mut finals = Vec::with_capacity(expected);
        let mut x = x;
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                x = dropout(x, self.config.dropout, self.config.locked, mode);
            }
            let added = self.config.adds_input(index).then(|| x.clone());
            let (y, state) = layer.run(&self.config, x, &mut states, lengths, mode);
            x = match added {
                Some(added) => y + added,
                None => y,
            };
            finals.extend(state);
        }
        RecurrentOutput { output: x, state: StackState(finals) }
    }

    /// Reads one step `x` `[B, I]` and gives `[B, O]`: the numbers that [`Recurrent::forward`]
    /// gives for a sequence, one step at a time. Nothing is dropped.
    ///
    /// # Panics
    ///
    /// For a bidirectional stack, which needs the whole sequence; and as [`Recurrent::forward`].
    pub fn step(&self, x: Tensor<2>, state: Option<StackState>) -> (Tensor<2>, StackState) {
        assert!(!self.config.bidirectional, "a bidirectional stack has no single step");
        let [batch, features] = x.dims();
        let x = x.reshape([1, batch, features]);
        let RecurrentOutput { output, state } = self.forward(x, state, None, &mut Mode::Evaluate);
        (output.reshape([batch, self.config.output()]), state)
    }

    /// [`Recurrent::step`] with each layer's new state given to `each` (layer from 0), whose answer
    /// is what the layer above and the next step read: to put a leaf of the tape at every state, or
    /// to change one.
    ///
    /// # Panics
    ///
    /// As [`Recurrent::step`].
    pub fn step_each(
        &self,
        x: Tensor<2>,
        state: Option<StackState>,
        each: &mut dyn FnMut(usize, RecurrentState) -> RecurrentState,
    ) -> (Tensor<2>, StackState) {
        assert!(!self.config.bidirectional, "a bidirectional stack has no single step");
        let mut states = state.into_iter().flat_map(|state| state.0);
        let mut finals = Vec::with_capacity(self.layers.len());
        let mut x = x;
        for (index, layer) in self.layers.iter().enumerate() {
            let mode = &mut Mode::Evaluate;
            let (_, state) = layer.run(&self.config, x.unsqueeze(), &mut states, None, mode);
            let state = each(index, state.into_iter().next().expect("one direction, one state"));
            // The output of a step is its hidden vector.
            x = match &layer.projection {
                Some(projection) => state.hidden.clone().matmul(projection.val()),
                None => state.hidden.clone(),
            };
            if let Some(norm) = &layer.norm {
                x = norm.forward(x);
            }
            finals.push(state);
        }
        (x, StackState(finals))
    }
}
