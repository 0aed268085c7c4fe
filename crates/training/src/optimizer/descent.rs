//! Plain gradient descent in one pass.

use burn::module::{ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;

use crate::gradients;

/// `p <- p - rate g - decay p`.
pub(super) struct Descent<'a> {
    pub(super) gradients: &'a mut GradientsParams,
    pub(super) rate: f64,
    pub(super) decay: f64,
    pub(super) on_host: bool,
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
