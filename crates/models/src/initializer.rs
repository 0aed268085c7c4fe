//! Named initialisations, drawn on the host from a seed: the same numbers on every device, in an
//! order that only the model's layout decides.

use burn::module::Param;
use burn::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// How the parameters of a recurrent stack start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RecurrentInit {
    /// Weights and biases from `U(-bound, bound)` (Zaremba et al. 2014: 0.1, 0.05, 0.04 for the
    /// small, medium and large model).
    Uniform {
        /// The bound; positive.
        bound: f64,
    },
    /// PyTorch's default: weights and biases from `U(-1/√H, 1/√H)`.
    #[serde(rename = "pytorch")]
    PyTorch,
    /// Hidden-to-hidden weights orthogonal gate by gate (Saxe et al. 2014), the others from
    /// Glorot's uniform distribution (2010, eq. 16), biases 0.
    Orthogonal,
}

/// A stream of initial values. Parameters are drawn in the order in which they are asked for.
#[derive(Debug)]
pub struct InitialValues<'a> {
    rng: ChaCha8Rng,
    device: &'a Device,
}

impl<'a> InitialValues<'a> {
    /// The values of `seed`, for parameters on `device`.
    pub fn new(seed: u64, device: &'a Device) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), device }
    }

    /// A parameter from `U(-bound, bound)`.
    pub fn uniform<const D: usize>(&mut self, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        let len = shape.iter().product();
        let values = (0..len).map(|_| ((2.0 * self.unit() - 1.0) * bound) as f32).collect();
        self.parameter(values, shape)
    }

    /// The weight `[input, output]` of a linear map: from the bound of a uniform initialisation, from
    /// Glorot's, or PyTorch's `U(-1/√input, 1/√input)`.
    pub fn linear(&mut self, input: usize, output: usize, init: RecurrentInit) -> Param<Tensor<2>> {
        match init {
            RecurrentInit::Uniform { bound } => self.uniform([input, output], bound),
            RecurrentInit::PyTorch => self.uniform([input, output], 1.0 / (input as f64).sqrt()),
            RecurrentInit::Orthogonal => self.glorot(input, output, 1),
        }
    }

    /// A parameter of one value; draws nothing.
    pub fn constant<const D: usize>(&self, shape: [usize; D], value: f64) -> Param<Tensor<D>> {
        self.parameter(vec![value as f32; shape.iter().product()], shape)
    }

    /// `gates` matrices side by side, `[rows, gates * columns]`, each from Glorot's
    /// `U(-√(6/(rows+columns)), √(6/(rows+columns)))`.
    pub fn glorot(&mut self, rows: usize, columns: usize, gates: usize) -> Param<Tensor<2>> {
        let bound = (6.0 / (rows + columns) as f64).sqrt();
        self.uniform([rows, gates * columns], bound)
    }

    /// `gates` orthogonal matrices side by side, `[size, gates * size]`.
    pub fn orthogonal(&mut self, size: usize, gates: usize) -> Param<Tensor<2>> {
        let mut values = vec![0.0; size * gates * size];
        for gate in 0..gates {
            let q = self.orthogonal_matrix(size);
            for (row, q_row) in q.chunks_exact(size).enumerate() {
                let start = row * gates * size + gate * size;
                for (value, &q) in values[start..start + size].iter_mut().zip(q_row) {
                    *value = q as f32;
                }
            }
        }
        self.parameter(values, [size, gates * size])
    }

    /// Places values drawn by the caller.
    pub fn parameter<const D: usize>(
        &self,
        values: Vec<f32>,
        shape: [usize; D],
    ) -> Param<Tensor<D>> {
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device))
    }

    /// `U[0, 1)` with 53 bits.
    fn unit(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Two independent standard normal values (Box and Muller 1958).
    fn normal_pair(&mut self) -> [f64; 2] {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.unit()).sin_cos();
        [radius * cos, radius * sin]
    }

    /// Gram-Schmidt over Gaussian rows is uniform over the orthogonal group; each row is swept
    /// twice, which keeps it orthogonal to rounding error (Giraud et al. 2005).
    fn orthogonal_matrix(&mut self, size: usize) -> Vec<f64> {
        let mut q: Vec<f64> = Vec::with_capacity(size * size + 1);
        while q.len() < size * size {
            q.extend(self.normal_pair());
        }
        q.truncate(size * size);
        for row in 0..size {
            let (done, rest) = q.split_at_mut(row * size);
            let current = &mut rest[..size];
            for _ in 0..2 {
                for other in done.chunks_exact(size) {
                    let overlap = dot(current, other);
                    for (value, &o) in current.iter_mut().zip(other) {
                        *value -= overlap * o;
                    }
                }
            }
            let norm = dot(current, current).sqrt();
            for value in current {
                *value /= norm;
            }
        }
        q
    }
}

/// Eight partial sums, in a fixed order, so that it vectorises and stays deterministic.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orthogonal_gates_are_orthogonal() {
        let device = Device::flex();
        let w = InitialValues::new(1, &device).orthogonal(37, 3).val();
        for gate in 0..3 {
            let q = w.clone().slice(s![.., gate * 37..(gate + 1) * 37]);
            let gram: Vec<f32> = q.clone().matmul(q.transpose()).try_into_vec_as().unwrap();
            for (i, value) in gram.iter().enumerate() {
                let expected = if i % 37 == i / 37 { 1.0 } else { 0.0 };
                assert!((value - expected).abs() < 1e-5, "gram[{i}] = {value}");
            }
        }
    }

    #[test]
    fn uniform_stays_inside_its_bound_and_fills_it() {
        let device = Device::flex();
        let param = InitialValues::new(9, &device).uniform([100, 100], 0.1);
        let values: Vec<f32> = param.val().try_into_vec_as().unwrap();
        let mean = values.iter().sum::<f32>() / 1e4;
        let variance = values.iter().map(|v| v * v).sum::<f32>() / 1e4;
        assert!(values.iter().all(|v| v.abs() <= 0.1));
        assert!(mean.abs() < 2e-3);
        assert!((variance - 0.01 / 3.0).abs() < 1e-4, "variance of U(-0.1, 0.1) is 0.01/3");
    }
}
