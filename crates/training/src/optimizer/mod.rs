//! The update rules: SGD and Adam in one pass each over the parameters, the others burn-optim's.
//!
//! - [`descent`]: plain SGD;
//! - [`adam`]: Adam, AMSGrad, AdamW.

mod adam;
mod descent;

use burn::module::Module;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{self, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use burn_pack::{Reader, Writer};

use crate::config::OptimizerConfig;
use crate::gradients;
use adam::Adam;
use descent::Descent;

/// What is wrong with a checkpoint's state that this rule did not write.
const OTHER_RULE: &str = "it holds the state of another optimiser";

/// An update rule and its state.
pub(crate) enum Rule {
    /// `p <- p - lr (g + decay p)`; nothing to remember. ASGD's walk is this too: its average is
    /// kept by [`crate::averaging`].
    Descent {
        /// Weight decay.
        decay: f64,
    },
    /// Adam or one of its kin, with its moments.
    Adam(Adam),
    /// A rule of burn-optim, with its moments.
    Burn(Box<ModuleOptimizer>),
}

impl Rule {
    /// From the config's `[optimizer]` and `regularization.weight_decay`.
    pub(crate) fn new(config: &OptimizerConfig, decay: f64) -> Self {
        let l2 = (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32));
        let rule: ModuleOptimizer = match config {
            OptimizerConfig::Sgd(c) if c.momentum > 0.0 => {
                let momentum = MomentumConfig::new()
                    .with_momentum(c.momentum)
                    .with_dampening(c.dampening)
                    .with_nesterov(c.nesterov);
                optim::SgdConfig::new().with_momentum(Some(momentum)).with_weight_decay(l2).init()
            }
            OptimizerConfig::Sgd(_) | OptimizerConfig::Asgd(_) | OptimizerConfig::NtAsgd(_) => {
                return Self::Descent { decay };
            }
            OptimizerConfig::Adam(c) => return Self::Adam(Adam::new(c, decay)),
            OptimizerConfig::AdamW(c) => return Self::Adam(Adam::decoupled(c, decay)),
            OptimizerConfig::RmsProp(c) => optim::RmsPropConfig::new()
                .with_alpha(c.alpha as f32)
                .with_momentum(c.momentum as f32)
                .with_epsilon(c.epsilon as f32)
                .with_centered(c.centered)
                .with_weight_decay(l2)
                .init(),
        };
        Self::Burn(Box::new(rule))
    }

    /// One step at rate `lr` with the gradients times `factor` (clipping, accumulation).
    ///
    /// `on_host`: as for [`gradients::norm`].
    pub(crate) fn step<M: Module>(
        &mut self,
        model: M,
        mut grads: GradientsParams,
        lr: f64,
        factor: f64,
        on_host: bool,
    ) -> M {
        match self {
            // The factor joins the rate: no pass over the parameters for clipping.
            Self::Descent { decay } => model.map(&mut Descent {
                gradients: &mut grads,
                rate: lr * factor,
                decay: lr * *decay,
                on_host,
            }),
            Self::Adam(adam) => adam.step(model, &mut grads, lr, factor, on_host),
            Self::Burn(rule) => {
                if factor != 1.0 {
                    gradients::scale(&model, &mut grads, factor);
                }
                rule.step(lr, model, grads)
            }
        }
    }

    /// Whether there is something to remember between two steps.
    pub(crate) fn has_state(&self) -> bool {
        !matches!(self, Self::Descent { .. })
    }

    /// The state for a checkpoint; `None` where there is none. The same values give the same bytes.
    pub(crate) fn to_bytes(&self) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::Descent { .. } => Ok(None),
            Self::Adam(adam) => adam.to_bytes().map(Some).map_err(|e| e.to_string()),
            Self::Burn(rule) => {
                let bytes = rule.into_bytes().map_err(|e| e.to_string())?;
                by_name(bytes).map(Some).map_err(|e| e.to_string())
            }
        }
    }

    /// The rule with a checkpoint's state, for parameters on `device`.
    pub(crate) fn load(self, bytes: &[u8], device: &Device) -> Result<Self, String> {
        match self {
            Self::Descent { .. } => {
                Err("plain SGD has no state, but the checkpoint has one".into())
            }
            Self::Adam(adam) => Ok(Self::Adam(adam.load(bytes, device)?)),
            Self::Burn(rule) => {
                let record = burn::tensor::Bytes::from_bytes_vec(bytes.to_vec());
                let tensors = Reader::from_bytes(record.clone()).and_then(Reader::into_tensors);
                // Burn panics at a tensor of no parameter.
                let tensors = tensors.map_err(|e| e.to_string())?;
                if let Some(tensor) = tensors.iter().find(|tensor| tensor.param_id.is_none()) {
                    return Err(format!("{} belongs to no parameter", tensor.name));
                }
                let loaded =
                    Self::Burn(Box::new(rule.from_bytes(record).map_err(|e| e.to_string())?));
                // And it leaves out in silence what it cannot use.
                if loaded.to_bytes()?.as_deref() != Some(bytes) {
                    return Err(OTHER_RULE.into());
                }
                Ok(loaded)
            }
        }
    }
}

/// Burn's record with its tensors in the order of their names: it writes them in that of a hash map,
/// which is another in each process.
fn by_name(record: burn::tensor::Bytes) -> Result<Vec<u8>, burn_pack::Error> {
    let reader = Reader::from_bytes(record)?;
    let (scalars, metadata) = (reader.scalars().clone(), reader.metadata().clone());
    let mut tensors = reader.into_tensors()?;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut writer = Writer::new(tensors);
    for (key, value) in &scalars {
        writer = writer.with_scalar(key, *value);
    }
    for (key, value) in &metadata {
        writer = writer.with_metadata(key, value);
    }
    Ok(writer.into_bytes()?.to_vec())
}

#[cfg(test)]
mod tests;
