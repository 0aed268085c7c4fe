//! The gradient of all parameters as one vector: its norm, its scale.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use rayon::prelude::*;

/// Elements that one thread sums at a time. Fixed, so that the sum does not depend on how many
/// threads there are.
pub(crate) const CHUNK: usize = 1 << 15;

/// L2 norm of the gradient of all parameters together (Pascanu et al. 2013, algorithm 1).
///
/// `on_host`: the gradients lie in this process's memory (Flex): they are read where they are, in
/// one pass; elsewhere the device sums and one number a parameter is read.
pub(crate) fn norm<M: Module>(model: &M, gradients: &mut GradientsParams, on_host: bool) -> f64 {
    let mut sum = SumOfSquares { gradients, on_host, host: 0.0, device: Vec::new() };
    model.visit(&mut sum);
    let SumOfSquares { host, device, .. } = sum;
    // One read for all parameters: each read waits for the device.
    let device: f64 = if device.is_empty() {
        0.0
    } else {
        let sums =
            Tensor::cat(device, 0).try_into_vec_as::<f32>().unwrap_or_else(|_| vec![f32::NAN]);
        sums.iter().map(|&v| f64::from(v)).sum()
    };
    (host + device).sqrt()
}

struct SumOfSquares<'a> {
    gradients: &'a mut GradientsParams,
    on_host: bool,
    host: f64,
    device: Vec<Tensor<1>>,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.on_host {
            if let Some(gradient) = self.gradients.get::<D>(param.id) {
                self.device.push(gradient.square().sum());
            }
        } else if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let device = gradient.device();
            let dtype = gradient.dtype();
            let data = gradient.into_data(); // no copy: nobody else holds a gradient
            match data.as_slice::<f32>() {
                Ok(values) => self.host += sum_of_squares(values),
                Err(_) => self.host += data.iter::<f64>().map(|v| v * v).sum::<f64>(),
            }
            self.gradients.register(param.id, Tensor::<D>::from_data(data, (&device, dtype)));
        }
    }
}

fn sum_of_squares(values: &[f32]) -> f64 {
    let chunk = |chunk: &[f32]| -> f64 {
        // Sixteen sums, so that the compiler can keep them in vector registers.
        let mut lanes = [0f64; 16];
        let (body, tail) = chunk.as_chunks::<16>();
        for values in body {
            for (lane, &v) in lanes.iter_mut().zip(values) {
                *lane += f64::from(v) * f64::from(v);
            }
        }
        lanes.iter().sum::<f64>() + tail.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>()
    };
    if values.len() <= CHUNK {
        return chunk(values);
    }
    values.par_chunks(CHUNK).map(chunk).collect::<Vec<f64>>().iter().sum()
}

/// `p - rate * g`, in one pass over both.
pub(crate) fn descend(parameter: &mut [f32], gradient: &[f32], rate: f32, decay: f32) {
    parameter.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).for_each(|(p, g)| {
        if decay == 0.0 {
            for (p, g) in p.iter_mut().zip(g) {
                *p -= rate * g;
            }
        } else {
            for (p, g) in p.iter_mut().zip(g) {
                *p -= rate * g + decay * *p;
            }
        }
    });
}

/// Multiplies every gradient by `factor`.
pub(crate) fn scale<M: Module>(model: &M, gradients: &mut GradientsParams, factor: f64) {
    struct Scale<'a>(&'a mut GradientsParams, f64);
    impl ModuleVisitor for Scale<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.remove::<D>(param.id) {
                self.0.register(param.id, gradient * self.1);
            }
        }
    }
    model.visit(&mut Scale(gradients, factor));
}

/// What clipping multiplies the gradient by: `min(1, max / norm)` (algorithm 1 there); `max = 0` is
/// no clipping.
pub(crate) fn clip_factor(norm: f64, max: f64) -> f64 {
    if max > 0.0 && norm > max { max / norm } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};

    fn gradients(model: &Linear, scale: f64) -> GradientsParams {
        let x = Tensor::<2>::ones([5, 300], &model.weight.val().device());
        GradientsParams::from_grads((model.forward(x).square().sum() * scale).backward(), model)
    }

    #[test]
    fn the_global_norm_is_that_of_all_parameters_together() {
        let device = Device::flex().autodiff();
        let model = LinearConfig::new(300, 200).init(&device);
        let mut g = gradients(&model, 1.0);
        let on_device = norm(&model, &mut g, false);
        let on_host = norm(&model, &mut g, true);
        assert!((on_device / on_host - 1.0).abs() < 1e-5, "{on_device} {on_host}");
        let weight = g.get::<2>(model.weight.id).unwrap().square().sum().into_scalar::<f32>();
        let bias = g
            .get::<1>(model.bias.as_ref().unwrap().id)
            .unwrap()
            .square()
            .sum()
            .into_scalar::<f32>();
        let by_hand = (f64::from(weight) + f64::from(bias)).sqrt();
        assert!((on_host / by_hand - 1.0).abs() < 1e-5);

        let factor = clip_factor(on_host, 0.25);
        scale(&model, &mut g, factor);
        assert!((norm(&model, &mut g, true) - 0.25).abs() < 1e-6);
        assert_eq!(clip_factor(0.2, 0.25), 1.0);
        assert_eq!(clip_factor(10.0, 0.0), 1.0);
    }

    #[test]
    fn the_sum_does_not_depend_on_the_number_of_threads() {
        let values: Vec<f32> = (0..200_000).map(|i| ((i * 37) % 1009) as f32 * 1e-3).collect();
        let wide = sum_of_squares(&values);
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(one.install(|| sum_of_squares(&values)).to_bits(), wide.to_bits());
    }
}
