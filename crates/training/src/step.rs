//! One optimiser step: forward, backward, clip, update.

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::prelude::*;
use lampwick_data::BpttBatch;
use lampwick_models::{CrossEntropyOptions, LanguageModel, LanguageModelLoss, Mode, StackState};

use crate::config::{LossConfig, OverTime, RegularizationConfig};
use crate::gradients;
use crate::optimizer::Rule;
use crate::parallel;

/// What of a config a step needs.
pub(crate) struct Objective {
    pub(crate) loss: LossConfig,
    pub(crate) regularization: RegularizationConfig,
    pub(crate) on_host: bool,
    /// What the loss is multiplied by for the backward pass, and the gradients divided by after it.
    pub(crate) scale: f64,
    /// The token after which a window starts from zeros, if any does.
    pub(crate) line_end: Option<u32>,
    /// Who runs the streams, on the tape.
    pub(crate) devices: Vec<Device>,
}

/// Forward and backward over one window of some streams.
pub(crate) struct Window {
    pub(crate) gradients: GradientsParams,
    /// Each token's negative log-likelihood, nats.
    pub(crate) nll: Vec<f32>,
    /// The state that the next window starts from, off the tape (truncated BPTT).
    pub(crate) carry: StackState,
}

/// Gradients of some windows, and what was seen on the way.
pub(crate) struct Gradients {
    sum: GradientsAccumulator<LanguageModel>,
    /// The first of them: a single one needs no addition, and most runs never accumulate.
    only: Option<GradientsParams>,
    added: usize,
    /// Windows so far.
    pub(crate) windows: usize,
    /// Time steps of all windows.
    pub(crate) steps: usize,
    /// Sum of the losses (plain negative log-likelihood, nats) and the number of tokens.
    pub(crate) loss: (f64, u64),
}

impl Gradients {
    pub(crate) fn none() -> Self {
        let sum = GradientsAccumulator::new();
        Self { sum, only: None, added: 0, windows: 0, steps: 0, loss: (0.0, 0) }
    }

    fn add(&mut self, model: &LanguageModel, gradients: GradientsParams) {
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

    /// Mean loss of the windows, nats per token.
    pub(crate) fn mean_loss(&self) -> f64 {
        self.loss.0 / self.loss.1 as f64
    }
}

impl Objective {
    /// Forward and backward over one window of all streams; the gradients join `gradients`. `carry`
    /// is a state for each device, or empty; so is what is returned.
    pub(crate) fn backward(
        &self,
        model: &LanguageModel,
        batch: &BpttBatch,
        mut carry: Vec<StackState>,
        mode: &mut Mode,
        gradients: &mut Gradients,
    ) -> Vec<StackState> {
        let windows = match self.devices[..] {
            [_] => vec![self.window(model, batch, carry.pop(), 1.0, mode)],
            _ => parallel::windows(self, model, batch, carry, mode),
        };
        let mut carry = Vec::with_capacity(windows.len());
        for window in windows {
            gradients.add(model, window.gradients);
            gradients.loss.0 += window.nll.iter().map(|&v| f64::from(v)).sum::<f64>();
            gradients.loss.1 += window.nll.len() as u64;
            carry.push(window.carry);
        }
        gradients.windows += 1;
        gradients.steps += batch.steps;
        carry
    }

    /// The same over streams that are `share` of all, on the device of `model`.
    pub(crate) fn window(
        &self,
        model: &LanguageModel,
        batch: &BpttBatch,
        carry: Option<StackState>,
        share: f64,
        mode: &mut Mode,
    ) -> Window {
        let (inputs, targets) = batch.to_tensors(&model.device()); // [T, B] each
        let options = CrossEntropyOptions {
            label_smoothing: self.loss.label_smoothing,
            ..CrossEntropyOptions::default()
        };
        let carry = carry.map(|carry| self.restarted(carry, batch));
        let output = model.loss(inputs, targets, carry, &options, mode);
        let mut objective = self.total(&output, batch.steps);
        if share * self.scale != 1.0 {
            objective = objective * (share * self.scale);
        }
        let LanguageModelLoss { nll, state, .. } = output;
        let carry = state.detach();
        let gradients = GradientsParams::from_grads(objective.backward(), model);
        Window { gradients, nll: crate::evaluate::read(nll), carry }
    }

    /// The carried state, at zero where the window begins after a line's end.
    fn restarted(&self, carry: StackState, batch: &BpttBatch) -> StackState {
        let first = batch.inputs[..batch.batch].iter();
        let restart: Vec<bool> = first.map(|&token| Some(token) == self.line_end).collect();
        if restart.contains(&true) { carry.restart(&restart) } else { carry }
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
        // Mean over the windows, at the loss's own size.
        let share = 1.0 / (gradients.windows.max(1) as f64 * self.scale);
        let norm = share * gradients::norm(&model, &mut grads, self.on_host);
        if !norm.is_finite() {
            return (model, norm);
        }
        let factor = share * gradients::clip_factor(norm, self.regularization.clip_norm);
        (rule.step(model, grads, lr, factor, self.on_host), norm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lampwick_models::{RecurrentConfig, StackState};

    #[test]
    fn a_window_after_a_lines_end_starts_from_zeros() {
        let device = Device::flex();
        let config = RecurrentConfig::new(lampwick_models::CellKind::Lstm.into(), 3, 4);
        let tensors = StackState::zeros(&config, 3, &device).into_tensors();
        let ones = tensors.into_iter().map(|t| t.ones_like()).collect();
        let carry = StackState::from_tensors(config.cell, ones).unwrap();
        let batch =
            BpttBatch { inputs: vec![0, 5, 0, 5, 0, 0], targets: vec![1; 6], steps: 2, batch: 3 };
        let sums = |line_end| {
            let objective = Objective {
                loss: LossConfig::default(),
                regularization: RegularizationConfig::default(),
                on_host: true,
                scale: 1.0,
                line_end,
                devices: vec![device.clone()],
            };
            let tensors = objective.restarted(carry.clone(), &batch).into_tensors();
            let rows = tensors.into_iter().map(|t| t.sum_dim(1).try_into_vec_as::<f32>().unwrap());
            rows.collect::<Vec<_>>()
        };
        assert_eq!(sums(Some(0)), [[0.0, 4.0, 0.0]; 2]);
        assert_eq!(sums(None), [[4.0; 3]; 2]);
    }
}
