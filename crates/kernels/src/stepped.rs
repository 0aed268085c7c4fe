//! A recurrent layer read one step at a time, differentiably.

use burn::prelude::*;

use crate::cell::{Cell, RecurrentState, RecurrentWeights, Sequence};
use crate::composed;
#[cfg(feature = "flex")]
use crate::extension;

/// A recurrent layer whose steps hang on something outside it: attention that is fed back, the model's
/// own words. Where all inputs are known, [`crate::recurrent()`] reads them at once, and faster.
///
/// On Flex in `f32` the weights are packed once for all steps, and their gradients are one product over
/// all steps, when the backward pass has gone through the last of them; elsewhere each step is
/// [`composed::recurrent`].
#[derive(Clone, Debug)]
pub struct SteppedRecurrent {
    cell: Cell,
    weights: Weights,
}

#[derive(Clone, Debug)]
enum Weights {
    #[cfg(feature = "flex")]
    Packed(Box<extension::SteppedLayer>),
    Plain(Box<RecurrentWeights>),
}

impl SteppedRecurrent {
    /// The layer of `weights`, see [`RecurrentWeights`].
    ///
    /// # Panics
    ///
    /// When their shapes disagree or have a zero.
    pub fn new(cell: Cell, weights: RecurrentWeights) -> Self {
        let ([features, columns], [hidden, hidden_columns]) =
            (weights.input.dims(), weights.hidden.dims());
        assert!(features > 0 && hidden > 0, "stepped recurrent: sizes {features} and {hidden}");
        assert_eq!(
            [columns, hidden_columns],
            [cell.gates() * hidden; 2],
            "weights [I, G*H], [H, G*H]"
        );
        for bias in [&weights.bias_input, &weights.bias_hidden].into_iter().flatten() {
            assert_eq!(bias.dims(), [columns], "stepped recurrent: a bias must be [G*H]");
        }
        #[cfg(feature = "flex")]
        if extension::fused(weights.input.device(), [weights.input.dtype(), weights.hidden.dtype()])
        {
            let weights = Weights::Packed(Box::new(extension::SteppedLayer::new(cell, weights)));
            return Self { cell, weights };
        }
        Self { cell, weights: Weights::Plain(Box::new(weights)) }
    }

    /// The state after `input` `[B, I]`; its hidden vector is the step's output.
    ///
    /// # Panics
    ///
    /// When shapes disagree with the weights.
    pub fn step(&self, input: Tensor<2>, state: RecurrentState) -> RecurrentState {
        assert_eq!(
            state.cell.is_some(),
            self.cell.has_cell_state(),
            "stepped recurrent: an LSTM, and only it, has a cell"
        );
        match &self.weights {
            #[cfg(feature = "flex")]
            Weights::Packed(layer) => layer.step(input, state),
            Weights::Plain(weights) => {
                let sequence = Sequence::default();
                let input = input.unsqueeze_dim(0);
                composed::recurrent(self.cell, input, (**weights).clone(), Some(state), sequence).1
            }
        }
    }
}
