//! One optimiser step: the gradients of its batches, clipped and applied.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};

use crate::gradients;
use crate::optimizer::Rule;

/// Gradients of some batches, and what was seen on the way.
pub struct Gradients<M> {
    sum: GradientsAccumulator<M>,
    /// The first of them: a single one needs no addition, and most runs never accumulate.
    only: Option<GradientsParams>,
    added: usize,
    /// Batches so far.
    pub(crate) windows: usize,
    /// Time steps of all batches.
    pub(crate) steps: usize,
    /// Sum of the losses (plain negative log-likelihood, nats) and the number of tokens.
    pub(crate) loss: (f64, u64),
}

impl<M: Module> Gradients<M> {
    pub(crate) fn none() -> Self {
        let sum = GradientsAccumulator::new();
        Self { sum, only: None, added: 0, windows: 0, steps: 0, loss: (0.0, 0) }
    }

    pub(crate) fn add(&mut self, model: &M, gradients: GradientsParams) {
        if self.added == 0 {
            self.only = Some(gradients);
        } else {
            if let Some(first) = self.only.take() {
                self.sum.accumulate(model, first);
            }
            self.sum.accumulate(model, gradients);
        }
        self.added += 1;
    }

    /// Counts the tokens of a batch, by each token's negative log-likelihood.
    pub(crate) fn count(&mut self, nll: &[f32]) {
        self.count_of(nll, nll.len());
    }

    /// The same of `tokens` tokens, where the others are padding, at 0.
    pub(crate) fn count_of(&mut self, nll: &[f32], tokens: usize) {
        self.loss.0 += nll.iter().map(|&v| f64::from(v)).sum::<f64>();
        self.loss.1 += tokens as u64;
    }

    /// Mean loss of the batches, nats per token.
    pub(crate) fn mean_loss(&self) -> f64 {
        self.loss.0 / self.loss.1 as f64
    }

    /// Clips to `clip_norm` and applies. Returns the updated model and the gradient's norm, or gives
    /// the model back as it was when the norm is not finite. `loss_scale`: what the losses were
    /// multiplied by; `on_host`: as for [`gradients::norm`].
    pub(crate) fn apply(
        mut self,
        model: M,
        rule: &mut Rule,
        lr: f64,
        clip_norm: f64,
        loss_scale: f64,
        on_host: bool,
    ) -> (M, f64) {
        let mut grads = self.only.take().unwrap_or_else(|| self.sum.grads());
        // Mean over the batches, at the loss's own size.
        let share = 1.0 / (self.windows.max(1) as f64 * loss_scale);
        let norm = share * gradients::norm(&model, &mut grads, on_host);
        if !norm.is_finite() {
            return (model, norm);
        }
        let factor = share * gradients::clip_factor(norm, clip_norm);
        (rule.step(model, grads, lr, factor, on_host), norm)
    }
}
