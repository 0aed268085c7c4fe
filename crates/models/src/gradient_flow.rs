//! How much of a loss reaches the states before it: `|dL_T / dh_(T-k)|` against `k`.
//!
//! Bengio et al. (1994) and Pascanu et al. (2013, eq. 5): the gradient is the loss's own times a
//! product of k Jacobians, `prod_(t=T-k+1..T) dh_t / dh_(t-1)`. In a simple recurrent network these
//! are `diag(phi') W_h`, whose product shrinks (or grows) geometrically; an LSTM's memory cell has
//! the factor `f`, its forget gate, which can stay near 1 (Hochreiter and Schmidhuber 1997; Gers et
//! al. 2000), and a GRU's hidden vector the factor `z`.

use burn::prelude::*;
use lampwick_kernels::{
    CrossEntropyOptions, RecurrentState, Reduction, embedding, linear_cross_entropy,
};

use crate::language_model::LanguageModel;
use crate::recurrent::StackState;

/// Gradient norms of one layer; index `k` is the number of steps before the loss.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GradientFlow {
    /// `|dL_T / dh_(T-k)|`, the L2 norm over the units, meaned over the sequences; `k` from 0. It is
    /// the total derivative: what `h_(T-k)` does to its own layer's next step and to the layer above.
    pub hidden: Vec<f64>,
    /// The same of an LSTM's memory cell, `|dL_T / dc_(T-k)|`; empty for other cells. 0 at `k = 0`:
    /// the loss reads `h_T`.
    pub cell: Vec<f64>,
}

/// A state's values on the tape, and the leaf whose gradient is the state's.
struct Tapped {
    hidden: Tensor<2>,
    cell: Option<Tensor<2>>,
}

impl LanguageModel {
    /// Reads `tokens` `[T, B]` from zero states, takes the loss `L_T = -ln p(target_T)` of each
    /// sequence's last step alone (`targets`: `[B]`) and gives its gradient at every earlier state,
    /// layer by layer. Nothing is dropped.
    ///
    /// The model is unrolled by [`Recurrent::step_each`](crate::Recurrent::step_each): at each state
    /// a zero is added that is a leaf of the tape, so that its gradient is the state's own. The
    /// kernels' own backward pass, T steps long, is what is differentiated through.
    ///
    /// # Panics
    ///
    /// As [`LanguageModel::hidden`], and where the model's device knows no autodiff.
    pub fn gradient_flow(
        &self,
        tokens: Tensor<2, Int>,
        targets: Tensor<1, Int>,
    ) -> Vec<GradientFlow> {
        // Gradients of the states only: without those of the weights, a pass costs half.
        let model = self.valid().train().no_grad();
        let device = model.device();
        let [steps, batch] = tokens.dims();
        let tokens: Tensor<2, Int> = Tensor::from_data(tokens.into_data(), &device);
        let x = embedding(model.embedding.val(), tokens.flatten(0, 1)); // [T*B, E]
        let x = x.reshape([steps, batch, self.config.embedding]); // [T, B, E]

        let layers = model.recurrent.layers.len();
        let mut taps: Vec<Vec<Tapped>> = (0..layers).map(|_| Vec::with_capacity(steps)).collect();
        let mut state: Option<StackState> = None;
        let mut output = Tensor::zeros([batch, 1], &device);
        for step in 0..steps {
            let x = x.clone().slice(s![step..step + 1]).squeeze_dim(0); // [B, E]
            let mut tap = |layer: usize, state: RecurrentState| {
                let (hidden, hidden_leaf) = tapped(state.hidden);
                let (cell, cell_leaf) = state.cell.map(tapped).unzip();
                taps[layer].push(Tapped { hidden: hidden_leaf, cell: cell_leaf });
                RecurrentState { hidden, cell }
            };
            let (y, next) = model.recurrent.step_each(x, state, &mut tap);
            (output, state) = (y, Some(next));
        }
        let targets = Tensor::from_data(targets.into_data(), &device);
        let bias = model.output_bias.as_ref().map(burn::module::Param::val);
        // A sum: each sequence's gradient is that of its own loss, whatever the batch.
        let options = CrossEntropyOptions { reduction: Reduction::Sum, ..Default::default() };
        let loss = linear_cross_entropy(output, model.output_weight(), bias, targets, &options);
        let gradients = loss.loss.backward();

        let norm = |leaf: &Tensor<2>| -> f64 {
            let Some(gradient) = leaf.grad(&gradients) else { return 0.0 };
            let gradient = gradient.try_into_vec_as::<f32>().unwrap_or_else(|_| vec![f32::NAN]);
            let length =
                |row: &[f32]| row.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            gradient.chunks(gradient.len() / batch).map(length).sum::<f64>() / batch as f64
        };
        taps.iter()
            .map(|taps| GradientFlow {
                hidden: taps.iter().rev().map(|tap| norm(&tap.hidden)).collect(),
                cell: taps.iter().rev().filter_map(|tap| tap.cell.as_ref()).map(norm).collect(),
            })
            .collect()
    }
}

/// `value + 0` and that 0: the gradient of the one is the gradient of the other.
fn tapped(value: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let zero = Tensor::zeros(value.dims(), &value.device()).require_grad();
    (value + zero.clone(), zero)
}
