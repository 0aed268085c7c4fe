//! The learning rate at a step, as a function of what a checkpoint holds: nothing hides in an object.

use serde::{Deserialize, Serialize};

use crate::config::ScheduleConfig;
use crate::exact;

/// The part of a schedule that depends on what validation said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// What the plateau schedule has divided the rate by so far.
    #[serde(with = "exact")]
    pub divisor: f64,
}

impl Default for ScheduleState {
    fn default() -> Self {
        Self { divisor: 1.0 }
    }
}

/// Where in the run a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Epoch, from 1.
    pub epoch: u64,
    /// Steps already taken.
    pub step: u64,
    /// Steps of the whole run, as far as known (0: not known).
    pub total_steps: u64,
}

impl ScheduleState {
    /// The rate for the next step, from the configured one.
    pub fn lr(&self, base: f64, schedule: &ScheduleConfig, at: Progress) -> f64 {
        // Warm-up counts the step about to be taken, so the first rate is not 0.
        let next = at.step.saturating_add(1) as f64;
        match schedule {
            ScheduleConfig::Constant => base,
            ScheduleConfig::EpochDecay(c) => {
                let decays = at.epoch.saturating_sub(c.keep).min(i32::MAX as u64);
                base / c.factor.powi(decays as i32)
            }
            ScheduleConfig::Plateau(c) => (base / self.divisor).max(c.min_lr),
            ScheduleConfig::Cosine(c) => {
                let warmup = c.warmup_steps as f64;
                if next <= warmup {
                    return base * next / warmup;
                }
                let total = if c.total_steps > 0 { c.total_steps } else { at.total_steps } as f64;
                let done = ((next - warmup) / (total - warmup).max(1.0)).clamp(0.0, 1.0);
                let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
                base * (c.final_fraction + (1.0 - c.final_fraction) * cosine)
            }
            ScheduleConfig::InverseSquareRoot(c) => {
                // Vaswani et al. 2017, equation 3, scaled to peak at `base`.
                let warmup = c.warmup_steps as f64;
                base * (next / warmup).min((warmup / next).sqrt())
            }
        }
    }

    /// Takes note of an epoch's validation: `improved` = better than every one before.
    pub fn validated(&mut self, schedule: &ScheduleConfig, improved: bool) {
        if let ScheduleConfig::Plateau(c) = schedule
            && !improved
        {
            self.divisor *= c.factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CosineConfig, EpochDecayConfig, InverseSquareRootConfig, PlateauConfig};

    fn at(epoch: u64, step: u64, total_steps: u64) -> Progress {
        Progress { epoch, step, total_steps }
    }

    #[test]
    fn zaremba_small_keeps_four_epochs_then_halves() {
        // The printed rates of the published log: 1.0 x4, 0.5, 0.25, ... 0.00195 at epoch 13.
        let schedule = ScheduleConfig::EpochDecay(EpochDecayConfig { keep: 4, factor: 2.0 });
        let rates: Vec<f64> =
            (1..=13).map(|e| ScheduleState::default().lr(1.0, &schedule, at(e, 0, 0))).collect();
        assert_eq!(&rates[..6], [1.0, 1.0, 1.0, 1.0, 0.5, 0.25]);
        assert_eq!(rates[12], 1.0 / 512.0);
    }

    #[test]
    fn plateau_divides_only_after_no_improvement() {
        let schedule = ScheduleConfig::Plateau(PlateauConfig { factor: 4.0, min_lr: 1.0 });
        let mut state = ScheduleState::default();
        let mut rates = Vec::new();
        for improved in [true, false, true, false, false] {
            state.validated(&schedule, improved);
            rates.push(state.lr(20.0, &schedule, at(1, 0, 0)));
        }
        assert_eq!(rates, [20.0, 5.0, 5.0, 1.25, 1.0]);
    }

    #[test]
    fn cosine_warms_up_peaks_and_ends_at_its_fraction() {
        let c = CosineConfig { warmup_steps: 10, total_steps: 110, final_fraction: 0.1 };
        let lr = |step| {
            ScheduleState::default().lr(2.0, &ScheduleConfig::Cosine(c.clone()), at(1, step, 0))
        };
        assert_eq!(lr(0), 0.2);
        assert_eq!(lr(9), 2.0);
        assert!((lr(59) - (0.2 + 0.9)).abs() < 1e-12);
        assert!((lr(109) - 0.2).abs() < 1e-12);
        assert_eq!(lr(500), lr(109));
    }

    #[test]
    fn inverse_square_root_peaks_at_the_end_of_warm_up() {
        let schedule =
            ScheduleConfig::InverseSquareRoot(InverseSquareRootConfig { warmup_steps: 100 });
        let lr = |step| ScheduleState::default().lr(1.0, &schedule, at(1, step, 0));
        assert_eq!(lr(49), 0.5);
        assert_eq!(lr(99), 1.0);
        assert_eq!(lr(399), 0.5);
    }
}
