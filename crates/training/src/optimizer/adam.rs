//! Adam (Kingma and Ba 2015, algorithm 1), AMSGrad (Reddi et al. 2018, algorithm 2) and decoupled weight
//! decay (AdamW; Loshchilov and Hutter 2019, algorithm 2). On the host Adam and AdamW pass
//! over each parameter once; AMSGrad, and every rule on other devices, is made of ordinary operations.
//!
//! ```text
//! g <- factor g + l2 p
//! m <- beta1 m + (1 - beta1) g
//! v <- beta2 v + (1 - beta2) g^2
//! p <- (1 - lr decay) p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + epsilon)
//! ```
//!
//! AMSGrad puts the largest `v` so far in the place of `v` in the last line.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::{Bytes, DType};
use burn_pack::{Reader, Scalar, Writer};
use rayon::prelude::*;

use super::OTHER_RULE;
use crate::config::{AdamConfig, AdamWConfig};
use crate::gradients::CHUNK;

/// The rule and the moments of all parameters, by the parameters' ids.
pub(crate) struct Adam {
    betas: [f64; 2],
    epsilon: f64,
    amsgrad: bool,
    /// Added to the gradient, times the parameter.
    l2: f64,
    /// Taken off the parameter, times it and the rate.
    decoupled: f64,
    moments: BTreeMap<u64, Moments>,
}

/// What is remembered of a parameter's gradients.
#[derive(Clone)]
struct Moments {
    /// Steps so far, `t`.
    steps: u64,
    /// The parameter's.
    shape: Shape,
    /// `m`, `v` and AMSGrad's largest `v`, flat.
    tensors: Vec<Tensor<1>>,
}

/// The names in a checkpoint, behind a parameter's id: those of burn-optim, whose files are read too.
const NAMES: [&str; 3] = ["momentum.moment_1", "momentum.moment_2", "momentum.max_moment_2"];
const STEPS: &str = "momentum.time";

/// The numbers of one step.
#[derive(Clone, Copy)]
struct Step {
    factor: f64,
    l2: f64,
    betas: [f64; 2],
    epsilon: f64,
    /// `1 - lr decay`.
    shrink: f64,
    /// `lr / (1 - beta1^t)`.
    rate: f64,
    /// `1 / sqrt(1 - beta2^t)`.
    unbias: f64,
}

impl Adam {
    /// Adam with its weight decay in the gradient.
    pub(super) fn new(config: &AdamConfig, decay: f64) -> Self {
        Self {
            betas: [config.beta1, config.beta2],
            epsilon: config.epsilon,
            amsgrad: config.amsgrad,
            l2: decay,
            decoupled: 0.0,
            moments: BTreeMap::new(),
        }
    }

    /// AdamW.
    pub(super) fn decoupled(config: &AdamWConfig, decay: f64) -> Self {
        let AdamWConfig { beta1, beta2, epsilon, .. } = *config;
        let moments = BTreeMap::new();
        Self { betas: [beta1, beta2], epsilon, amsgrad: false, l2: 0.0, decoupled: decay, moments }
    }

    /// One step; parameters that have no gradient stay as they are.
    pub(super) fn step<M: Module>(
        &mut self,
        model: M,
        gradients: &mut GradientsParams,
        lr: f64,
        factor: f64,
        on_host: bool,
    ) -> M {
        model.map(&mut Update { adam: self, gradients, lr, factor, on_host })
    }

    /// The moments as a file; the same values give the same bytes.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, burn_pack::Error> {
        let mut tensors = Vec::new();
        for (&id, moments) in &self.moments {
            for (name, tensor) in NAMES.iter().zip(&moments.tensors) {
                let (name, data) = (format!("{id}.{name}"), tensor.clone().into_data());
                let (shape, dtype) = (moments.shape.clone(), data.dtype());
                let bytes = data.into_bytes();
                tensors.push(burn_pack::Tensor::new(name, dtype, shape, Some(id), bytes));
            }
        }
        let mut writer = Writer::new(tensors);
        for (id, Moments { steps, .. }) in &self.moments {
            writer = writer.with_scalar(&format!("{id}.{STEPS}"), Scalar::UInt(*steps));
        }
        Ok(writer.into_bytes()?.to_vec())
    }

    /// The rule with the moments of a file.
    pub(super) fn load(mut self, bytes: &[u8], device: &Device) -> Result<Self, String> {
        let wrong = |error: burn_pack::Error| error.to_string();
        let reader = Reader::from_bytes(Bytes::from_bytes_vec(bytes.to_vec())).map_err(wrong)?;
        let steps = reader.scalars().clone();
        let tensors = reader.into_tensors().map_err(wrong)?;
        let mut found: BTreeMap<(u64, usize), (Shape, Tensor<1>)> = BTreeMap::new();
        for tensor in tensors {
            let (name, dtype, shape, id, bytes) = tensor.into_parts().map_err(wrong)?;
            let id = id.ok_or_else(|| format!("{name} belongs to no parameter"))?;
            let which = NAMES.iter().position(|which| name == format!("{id}.{which}"));
            let which = which.ok_or_else(|| OTHER_RULE.to_owned())?;
            let flat = [shape.num_elements()];
            let data = TensorData::try_from_bytes(bytes, flat, dtype).map_err(|e| e.to_string())?;
            found.insert((id, which), (shape, Tensor::from_data(data, (device, dtype))));
        }
        for ((id, which), (shape, tensor)) in found {
            let Some(&Scalar::UInt(steps)) = steps.get(&format!("{id}.{STEPS}")) else {
                return Err(OTHER_RULE.into());
            };
            let moments = self.moments.entry(id);
            let moments = moments.or_insert_with(|| Moments { steps, shape, tensors: Vec::new() });
            if moments.tensors.len() != which {
                return Err(OTHER_RULE.into());
            }
            moments.tensors.push(tensor);
        }
        let tensors = 2 + usize::from(self.amsgrad);
        match self.moments.values().all(|moments| moments.tensors.len() == tensors) {
            true => Ok(self),
            false => Err(OTHER_RULE.into()),
        }
    }
}

/// A step on its way through the parameters.
struct Update<'a> {
    adam: &'a mut Adam,
    gradients: &'a mut GradientsParams,
    lr: f64,
    factor: f64,
    on_host: bool,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return param };
        let (id, tensor, mapper) = param.consume();
        let (require_grad, shape) = (tensor.is_require_grad(), tensor.shape());
        let flat = [shape.num_elements()];
        let (value, gradient) = (tensor.inner().reshape(flat), gradient.reshape(flat));
        let Adam { betas, epsilon, amsgrad, l2, decoupled, ref mut moments } = *self.adam;
        let mut before = moments.remove(&id.val()).unwrap_or_else(|| {
            let zeros = value.zeros_like();
            let tensors = vec![zeros; 2 + usize::from(amsgrad)];
            Moments { steps: 0, shape: shape.clone(), tensors }
        });
        before.steps += 1;
        let unbiased = betas.map(|beta| 1.0 - beta.powf(before.steps as f64));
        let step = Step {
            factor: self.factor,
            l2,
            betas,
            epsilon,
            shrink: 1.0 - self.lr * decoupled,
            rate: self.lr / unbiased[0],
            unbias: unbiased[1].sqrt().recip(),
        };
        let on_host = self.on_host && !amsgrad && value.dtype() == DType::F32;
        let (value, tensors) = match on_host {
            true => step.on_host(value, gradient, before.tensors),
            false => step.on_device(value, gradient, before.tensors),
        };
        moments.insert(id.val(), Moments { tensors, ..before });
        let tensor = Tensor::from_inner(value.reshape(shape)).set_require_grad(require_grad);
        Param::from_mapped_value(id, tensor, mapper)
    }
}

impl Step {
    /// By ordinary operations, on any device.
    fn on_device(
        self,
        value: Tensor<1>,
        gradient: Tensor<1>,
        moments: Vec<Tensor<1>>,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let device = value.device();
        let mut moments = moments.into_iter().map(|moment| moment.to_device(&device));
        let mut next = || moments.next().expect("two moments");
        let [beta1, beta2] = self.betas;
        let mut gradient = gradient * self.factor;
        if self.l2 != 0.0 {
            gradient = gradient + value.clone() * self.l2;
        }
        let first = next() * beta1 + gradient.clone() * (1.0 - beta1);
        let second = next() * beta2 + gradient.square() * (1.0 - beta2);
        let largest = moments.next().map(|largest| largest.max_pair(second.clone()));
        let root = largest.as_ref().unwrap_or(&second).clone().sqrt() * self.unbias + self.epsilon;
        let value = value * self.shrink - first.clone() / root * self.rate;
        (value, [first, second].into_iter().chain(largest).collect())
    }

    /// In one pass over memory, on all threads; every element is computed by itself.
    fn on_host(
        self,
        value: Tensor<1>,
        gradient: Tensor<1>,
        moments: Vec<Tensor<1>>,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let device = value.device();
        // No copies: nobody else holds these.
        let mut value = value.into_data();
        let gradient = gradient.into_data();
        let mut moments: Vec<TensorData> = moments.into_iter().map(Tensor::into_data).collect();
        let [first, second] = &mut moments[..] else { unreachable!("AMSGrad is not done here") };
        let slices = (
            value.as_mut_slice(),
            gradient.as_slice(),
            first.as_mut_slice(),
            second.as_mut_slice(),
        );
        let (Ok(p), Ok(g), Ok(m), Ok(v)) = slices else {
            unreachable!("a parameter, its gradient and its moments are f32 here")
        };
        p.par_chunks_mut(CHUNK)
            .zip(g.par_chunks(CHUNK))
            .zip(m.par_chunks_mut(CHUNK).zip(v.par_chunks_mut(CHUNK)))
            .for_each(|((p, g), (m, v))| self.chunk(p, g, m, v));
        let tensor = |data| Tensor::from_data(data, &device);
        (tensor(value), moments.into_iter().map(tensor).collect())
    }

    fn chunk(self, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        let [beta1, beta2] = self.betas.map(|beta| beta as f32);
        let [rest1, rest2] = self.betas.map(|beta| (1.0 - beta) as f32);
        let (factor, l2, epsilon) = (self.factor as f32, self.l2 as f32, self.epsilon as f32);
        let (shrink, rate, unbias) = (self.shrink as f32, self.rate as f32, self.unbias as f32);
        for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            let g = factor * g + l2 * *p;
            *m = beta1 * *m + rest1 * g;
            *v = beta2 * *v + rest2 * (g * g);
            *p = shrink * *p - rate * *m / (v.sqrt() * unbias + epsilon);
        }
    }
}
