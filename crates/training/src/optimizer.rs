//! The update rules: plain SGD in one pass of its own, the others burn-optim's.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{self, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use burn_pack::{Reader, Writer};

use crate::config::OptimizerConfig;
use crate::gradients;

/// An update rule and its state.
pub(crate) enum Rule {
    /// `p <- p - lr (g + decay p)`; nothing to remember. ASGD's walk is this too: its average is
    /// kept by [`crate::averaging`].
    Descent {
        /// Weight decay.
        decay: f64,
    },
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
            OptimizerConfig::Adam(c) => optim::AdamConfig::new()
                .with_beta_1(c.beta1 as f32)
                .with_beta_2(c.beta2 as f32)
                .with_epsilon(c.epsilon as f32)
                .with_amsgrad(c.amsgrad)
                .with_weight_decay(l2)
                .init(),
            OptimizerConfig::AdamW(c) => optim::AdamWConfig::new()
                .with_beta_1(c.beta1 as f32)
                .with_beta_2(c.beta2 as f32)
                .with_epsilon(c.epsilon as f32)
                .with_weight_decay(decay as f32)
                .init(),
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
        matches!(self, Self::Burn(_))
    }

    /// The state for a checkpoint; `None` where there is none. The same values give the same bytes.
    pub(crate) fn to_bytes(&self) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::Descent { .. } => Ok(None),
            Self::Burn(rule) => {
                let bytes = rule.into_bytes().map_err(|e| e.to_string())?;
                by_name(bytes).map(Some).map_err(|e| e.to_string())
            }
        }
    }

    /// The rule with a checkpoint's state.
    pub(crate) fn load(self, bytes: &[u8]) -> Result<Self, String> {
        match self {
            Self::Descent { .. } => {
                Err("plain SGD has no state, but the checkpoint has one".into())
            }
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
                    return Err("it holds the state of another optimiser".into());
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

struct Descent<'a> {
    gradients: &'a mut GradientsParams,
    rate: f64,
    decay: f64,
    on_host: bool,
}

impl ModuleMapper for Descent<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return param };
        let (id, tensor, mapper) = param.consume();
        let require_grad = tensor.is_require_grad();
        let value = tensor.inner();
        let (rate, decay) = (self.rate as f32, self.decay as f32);
        let value = if self.on_host && value.dtype() == burn::tensor::DType::F32 {
            let device = value.device();
            let mut data = value.into_data(); // no copy: the model was moved here
            let gradient = gradient.into_data();
            match (data.as_mut_slice::<f32>(), gradient.as_slice::<f32>()) {
                (Ok(p), Ok(g)) => gradients::descend(p, g, rate, decay),
                _ => unreachable!("a parameter and its gradient are both f32 here"),
            }
            Tensor::from_data(data, &device)
        } else if decay == 0.0 {
            value - gradient * rate
        } else {
            let delta = gradient * rate + value.clone() * decay;
            value - delta
        };
        let tensor = Tensor::from_inner(value).set_require_grad(require_grad);
        Param::from_mapped_value(id, tensor, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AdamConfig, SgdConfig};
    use crate::parameters;
    use burn::nn::{Linear, LinearConfig};

    fn model(seed: f32) -> Linear {
        let device = Device::flex().autodiff();
        let mut linear = parameters::name_by_path(LinearConfig::new(7, 5).init(&device));
        let weight = Tensor::<1, Int>::arange(0..35, &device).float().reshape([7, 5]) * 0.01 + seed;
        linear.weight = linear.weight.map(|_| weight.detach().require_grad());
        linear.bias = linear.bias.map(|b| b.map(|b| (b * 0.0).detach().require_grad()));
        linear
    }

    fn loss_step(rule: &mut Rule, model: Linear, lr: f64, factor: f64, on_host: bool) -> Linear {
        let x = Tensor::<2>::ones([3, 7], &model.weight.val().device());
        let grads =
            GradientsParams::from_grads(model.forward(x).square().mean().backward(), &model);
        rule.step(model, grads, lr, factor, on_host)
    }

    fn weights(model: &Linear) -> Vec<f32> {
        model.weight.val().into_data().try_into_vec().unwrap()
    }

    #[test]
    fn our_descent_is_burns_sgd_with_weight_decay_to_the_last_places() {
        for decay in [0.0, 0.01] {
            let mut ours = Rule::new(&OptimizerConfig::Sgd(SgdConfig::default()), decay);
            let l2 = (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32));
            let mut burns =
                Rule::Burn(Box::new(optim::SgdConfig::new().with_weight_decay(l2).init()));
            let (mut a, mut b, mut c) = (model(0.1), model(0.1), model(0.1));
            for _ in 0..5 {
                a = loss_step(&mut ours, a, 0.05, 1.0, true);
                b = loss_step(&mut ours, b, 0.05, 1.0, false);
                c = loss_step(&mut burns, c, 0.05, 1.0, false);
            }
            assert_eq!(weights(&a), weights(&b), "host and device passes agree");
            for (ours, burns) in weights(&a).iter().zip(weights(&c)) {
                assert!((ours - burns).abs() < 1e-6, "{ours} {burns}");
            }
            assert!(a.weight.val().is_require_grad());
        }
    }

    #[test]
    fn the_factor_scales_the_gradient_for_every_rule() {
        for config in [
            OptimizerConfig::Sgd(SgdConfig::default()),
            OptimizerConfig::Sgd(SgdConfig { momentum: 0.9, ..SgdConfig::default() }),
        ] {
            let before = weights(&model(0.2));
            let full =
                weights(&loss_step(&mut Rule::new(&config, 0.0), model(0.2), 0.1, 1.0, true));
            let half =
                weights(&loss_step(&mut Rule::new(&config, 0.0), model(0.2), 0.1, 0.5, true));
            for ((b, f), h) in before.iter().zip(full).zip(half) {
                assert!(((b - h) * 2.0 - (b - f)).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn adams_first_step_is_the_learning_rate_whatever_the_gradient() {
        // Kingma & Ba 2015, section 2.1: |step| is about lr when epsilon is small.
        let config = OptimizerConfig::Adam(AdamConfig::default());
        let before = weights(&model(0.3));
        let after = weights(&loss_step(&mut Rule::new(&config, 0.0), model(0.3), 1e-3, 1.0, true));
        for (b, a) in before.iter().zip(after) {
            assert!(((b - a) - 1e-3).abs() < 1e-6, "{}", b - a);
        }
    }

    #[test]
    fn a_reloaded_state_continues_bit_by_bit() {
        let config = OptimizerConfig::Adam(AdamConfig::default());
        let mut whole = Rule::new(&config, 0.0);
        let mut a = model(0.1);
        for _ in 0..3 {
            a = loss_step(&mut whole, a, 0.01, 1.0, true);
        }
        let mut resumed =
            Rule::new(&config, 0.0).load(&whole.to_bytes().unwrap().unwrap()).unwrap();
        let mut b = model(0.1);
        parameters::from_bytes(&mut b, parameters::to_bytes(&a).unwrap()).unwrap();
        b = parameters::name_by_path(b);
        for _ in 0..3 {
            a = loss_step(&mut whole, a, 0.01, 1.0, true);
            b = loss_step(&mut resumed, b, 0.01, 1.0, true);
        }
        assert_eq!(weights(&a), weights(&b));
        assert!(Rule::new(&OptimizerConfig::default(), 0.0).load(&[0; 8]).is_err());
        assert!(Rule::new(&config, 0.0).load(&[1; 100]).is_err());
    }
}
