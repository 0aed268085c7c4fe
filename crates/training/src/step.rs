//! One optimiser step: forward, backward, clip, update.

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::prelude::*;
use lampwick_data::BpttBatch;
use lampwick_models::{CrossEntropyOptions, LanguageModel, LanguageModelLoss, Mode, StackState};

use crate::config::{LossConfig, OverTime, RegularizationConfig};
use crate::gradients;
use crate::optimizer::Rule;

/// What of a config a step needs.
pub(crate) struct Objective {
    loss: LossConfig,
    regularization: RegularizationConfig,
    on_host: bool,
}

/// Gradients of some windows, and what was seen on the way.
pub(crate) struct Gradients {
    sum: GradientsAccumulator<LanguageModel>,
    only: Option<GradientsParams>,
    /// Windows so far.
    pub(crate) windows: usize,
    /// Time steps of all windows.
    pub(crate) steps: usize,
    /// Sum of the losses (plain negative log-likelihood, nats) and the number of tokens.
    pub(crate) loss: (f64, u64),
}

impl Gradients {
    pub(crate) fn none() -> Self {
        Self { sum: GradientsAccumulator::new(), only: None, windows: 0, steps: 0, loss: (0.0, 0) }
    }

    /// Mean loss of the windows, nats per token.
    pub(crate) fn mean_loss(&self) -> f64 {
        self.loss.0 / self.loss.1 as f64
    }
}

impl Objective {
    pub(crate) fn new(
        loss: &LossConfig,
        regularization: &RegularizationConfig,
        on_host: bool,
    ) -> Self {
        Self { loss: loss.clone(), regularization: regularization.clone(), on_host }
    }

    /// Forward and backward over one window; the gradients join `gradients`. Returns the state that
    /// the next window starts from, off the tape (truncated BPTT).
    pub(crate) fn backward(
        &self,
        model: &LanguageModel,
        batch: &BpttBatch,
        carry: Option<StackState>,
        mode: &mut Mode,
        gradients: &mut Gradients,
    ) -> StackState {
        let (inputs, targets) = batch.to_tensors(&model.device()); // [T, B] each
        let options = CrossEntropyOptions {
            label_smoothing: self.loss.label_smoothing,
            ..CrossEntropyOptions::default()
        };
        let output = model.loss(inputs, targets, carry, &options, mode);
        let objective = self.total(&output, batch.steps);
        let LanguageModelLoss { nll, state, .. } = output;
        let carry = state.detach();

        let grads = GradientsParams::from_grads(objective.backward(), model);
        // A single window needs no addition: most runs never accumulate.
        match (gradients.windows, gradients.only.take()) {
            (0, _) => gradients.only = Some(grads),
            (_, first) => {
                if let Some(first) = first {
                    gradients.sum.accumulate(model, first);
                }
                gradients.sum.accumulate(model, grads);
            }
        }
        let nll = crate::evaluate::read(nll);
        gradients.loss.0 += nll.iter().map(|&v| f64::from(v)).sum::<f64>();
        gradients.loss.1 += nll.len() as u64;
        gradients.windows += 1;
        gradients.steps += batch.steps;
        carry
    }

    /// Cross entropy, plus Merity et al. 2017, arXiv:1708.02182, section 4.6:
    /// `alpha mean(h^2)` on the dropped output, `beta mean((h_(t+1) - h_t)^2)` on the raw one.
    fn total(&self, output: &LanguageModelLoss, steps: usize) -> Tensor<1> {
        let mut total = output.loss.clone();
        if self.loss.over_time == OverTime::Sum {
            total = total * steps as f64;
        }
        if self.regularization.ar > 0.0 {
            total = total + output.output.clone().square().mean() * self.regularization.ar;
        }
        if self.regularization.tar > 0.0 && steps > 1 {
            let later = output.raw.clone().slice(s![1..]); // [T-1, B, H]
            let earlier = output.raw.clone().slice(s![..-1]);
            total = total + (later - earlier).square().mean() * self.regularization.tar;
        }
        total
    }

    /// Clips and applies. Returns the updated model and the gradient's norm, or gives the model back
    /// as it was when the norm is not finite.
    pub(crate) fn apply(
        &self,
        model: LanguageModel,
        rule: &mut Rule,
        mut gradients: Gradients,
        lr: f64,
    ) -> (LanguageModel, f64) {
        let mut grads = gradients.only.take().unwrap_or_else(|| gradients.sum.grads());
        let share = 1.0 / gradients.windows.max(1) as f64; // mean over the windows
        let norm = share * gradients::norm(&model, &mut grads, self.on_host);
        if !norm.is_finite() {
            return (model, norm);
        }
        let factor = share * gradients::clip_factor(norm, self.regularization.clip_norm);
        (rule.step(model, grads, lr, factor, self.on_host), norm)
    }
}
