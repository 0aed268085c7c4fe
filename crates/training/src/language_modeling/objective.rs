//! Forward and backward over one window of a text.

use burn::optim::GradientsParams;
use burn::prelude::*;
use lampwick_data::BpttBatch;
use lampwick_models::{CrossEntropyOptions, LanguageModel, LanguageModelLoss, Mode, StackState};

use super::parallel;
use crate::config::{LossConfig, OverTime, RegularizationConfig};
use crate::step::Gradients;

/// What of a config a window needs.
pub(crate) struct Objective {
    pub(crate) loss: LossConfig,
    pub(crate) regularization: RegularizationConfig,
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

impl Objective {
    /// Forward and backward over one window of all streams; the gradients join `gradients`. `carry`
    /// is a state for each device, or empty; so is what is returned.
    pub(crate) fn backward(
        &self,
        model: &LanguageModel,
        batch: &BpttBatch,
        mut carry: Vec<StackState>,
        mode: &mut Mode,
        gradients: &mut Gradients<LanguageModel>,
    ) -> Vec<StackState> {
        let windows = match self.devices[..] {
            [_] => vec![self.window(model, batch, carry.pop(), 1.0, mode)],
            _ => parallel::windows(self, model, batch, carry, mode),
        };
        let mut carry = Vec::with_capacity(windows.len());
        for window in windows {
            gradients.add(model, window.gradients);
            gradients.count(&window.nll);
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
