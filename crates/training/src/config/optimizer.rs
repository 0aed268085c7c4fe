//! `[optimizer]`: one variant per update rule, so that a key that does not apply is an error.
//!
//! Defaults are PyTorch's where Burn's differ (Burn: epsilon 1e-5, SGD dampening 0.1, RMSprop
//! momentum 0.9): published recipes are written against PyTorch's.

use serde::{Deserialize, Serialize};

/// The update rule; `name` picks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum OptimizerConfig {
    /// Stochastic gradient descent, with momentum if asked.
    Sgd(SgdConfig),
    /// Adam (Kingma & Ba 2015).
    Adam(AdamConfig),
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    #[serde(rename = "adamw")]
    AdamW(AdamWConfig),
    /// RMSprop (Tieleman & Hinton 2012).
    #[serde(rename = "rmsprop")]
    RmsProp(RmsPropConfig),
    /// SGD whose evaluated weights are the mean over the steps since `start_epoch`
    /// (Polyak & Juditsky 1992).
    Asgd(AsgdConfig),
    /// ASGD whose averaging starts when validation stops improving (Merity et al. 2017, algorithm 1).
    NtAsgd(NtAsgdConfig),
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::Sgd(SgdConfig::default())
    }
}

impl OptimizerConfig {
    /// The configured learning rate, before the schedule.
    pub fn lr(&self) -> f64 {
        match self {
            Self::Sgd(c) => c.lr,
            Self::Adam(c) => c.lr,
            Self::AdamW(c) => c.lr,
            Self::RmsProp(c) => c.lr,
            Self::Asgd(c) => c.lr,
            Self::NtAsgd(c) => c.lr,
        }
    }

    /// The name as the config file spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sgd(_) => "sgd",
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adamw",
            Self::RmsProp(_) => "rmsprop",
            Self::Asgd(_) => "asgd",
            Self::NtAsgd(_) => "nt_asgd",
        }
    }
}

/// `name = "sgd"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// Learning rate.
    pub lr: f64,
    /// Momentum; 0 = plain SGD.
    pub momentum: f64,
    /// Dampening of the momentum.
    pub dampening: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self { lr: 1.0, momentum: 0.0, dampening: 0.0, nesterov: false }
    }
}

/// `name = "adam"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// AMSGrad (Reddi et al. 2018).
    pub amsgrad: bool,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false }
    }
}

/// `name = "adamw"`; the decay is `regularization.weight_decay`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWConfig {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// `name = "rmsprop"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RmsPropConfig {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the second moment.
    pub alpha: f64,
    /// Momentum; 0 = none.
    pub momentum: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Divide by the standard deviation instead of the root mean square.
    pub centered: bool,
}

impl Default for RmsPropConfig {
    fn default() -> Self {
        Self { lr: 1e-2, alpha: 0.99, momentum: 0.0, epsilon: 1e-8, centered: false }
    }
}

/// `name = "asgd"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AsgdConfig {
    /// Learning rate.
    pub lr: f64,
    /// The first epoch (from 1) whose steps are averaged.
    pub start_epoch: u64,
}

impl Default for AsgdConfig {
    fn default() -> Self {
        Self { lr: 30.0, start_epoch: 1 }
    }
}

/// `name = "nt_asgd"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NtAsgdConfig {
    /// Learning rate.
    pub lr: f64,
    /// The non-monotone interval n: averaging starts after the first validation that is worse than
    /// the best of all but the last n.
    pub nonmonotone: usize,
}

impl Default for NtAsgdConfig {
    fn default() -> Self {
        Self { lr: 30.0, nonmonotone: 5 }
    }
}
