//! Random layers and comparisons.
#![allow(dead_code, missing_docs, unreachable_pub)]

use burn::prelude::*;
use burn::tensor::DType;
use lampwick_kernels::{
    Activation, Cell, RecurrentState, RecurrentWeights, Reset, Sequence, SteppedRecurrent,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub fn all_cells() -> [Cell; 5] {
    [
        Cell::Lstm,
        Cell::Gru { reset: Reset::After },
        Cell::Gru { reset: Reset::Before },
        Cell::Rnn { activation: Activation::Tanh },
        Cell::Rnn { activation: Activation::Relu },
    ]
}

pub fn random(rng: &mut ChaCha8Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Operands of one layer on the host.
pub struct Case {
    pub cell: Cell,
    pub shape: [usize; 4],
    pub input: Vec<f32>,
    pub weight_input: Vec<f32>,
    pub weight_hidden: Vec<f32>,
    pub bias_input: Vec<f32>,
    pub bias_hidden: Vec<f32>,
    pub hidden: Vec<f32>,
    pub memory: Vec<f32>,
    /// Gradients of the outputs and the final state.
    pub pull: [Vec<f32>; 3],
}

pub type Layer = fn(
    Cell,
    Tensor<3>,
    RecurrentWeights,
    Option<RecurrentState>,
    Sequence<'_>,
) -> (Tensor<3>, RecurrentState);

impl Case {
    /// What [`Case::values_and_gradients`] returns, in order.
    pub const NAMES: [&'static str; 10] = [
        "outputs",
        "final hidden",
        "final cell",
        "d input",
        "d weight_input",
        "d weight_hidden",
        "d bias_input",
        "d bias_hidden",
        "d hidden",
        "d cell",
    ];

    pub fn random(rng: &mut ChaCha8Rng, cell: Cell, shape: [usize; 4]) -> Self {
        let [steps, batch, inputs, hidden] = shape;
        let columns = cell.gates() * hidden;
        // Small weights keep long random recurrences tame.
        let scaled = |v: Vec<f32>, n: usize| {
            let bound = 1.0 / (n as f32).sqrt();
            v.into_iter().map(|x| x * bound).collect()
        };
        Case {
            cell,
            shape,
            input: random(rng, steps * batch * inputs),
            weight_input: scaled(random(rng, inputs * columns), inputs),
            weight_hidden: scaled(random(rng, hidden * columns), hidden),
            bias_input: random(rng, columns),
            bias_hidden: random(rng, columns),
            hidden: random(rng, batch * hidden),
            memory: random(rng, batch * hidden),
            pull: [
                random(rng, steps * batch * hidden),
                random(rng, batch * hidden),
                random(rng, batch * hidden),
            ],
        }
    }

    pub fn values(&self, device: &Device, sequence: Sequence<'_>) -> Vec<Vec<f32>> {
        let [steps, batch, inputs, hidden] = self.shape;
        let columns = self.cell.gates() * hidden;
        let plain = |t: &[f32], shape: Vec<usize>| TensorData::new(t.to_vec(), shape);
        let tracked = |t: Tensor<2>| if device.is_autodiff() { t.require_grad() } else { t };
        let weights = RecurrentWeights {
            input: tracked(Tensor::from_data(
                plain(&self.weight_input, vec![inputs, columns]),
                device,
            )),
            hidden: Tensor::from_data(plain(&self.weight_hidden, vec![hidden, columns]), device),
            bias_input: Some(Tensor::from_data(plain(&self.bias_input, vec![columns]), device)),
            bias_hidden: Some(Tensor::from_data(plain(&self.bias_hidden, vec![columns]), device)),
        };
        let input = Tensor::from_data(plain(&self.input, vec![steps, batch, inputs]), device);
        let state = |v: &[f32]| Tensor::from_data(plain(v, vec![batch, hidden]), device);
        let state = RecurrentState {
            hidden: state(&self.hidden),
            cell: self.cell.has_cell_state().then(|| state(&self.memory)),
        };
        let (outputs, last) =
            lampwick_kernels::recurrent(self.cell, input, weights, Some(state), sequence);
        let mut all = vec![
            outputs.try_into_vec_as::<f32>().expect("floats"),
            last.hidden.try_into_vec_as::<f32>().expect("floats"),
        ];
        all.extend(last.cell.map(|c| c.try_into_vec_as::<f32>().expect("floats")));
        all
    }

    pub fn values_and_gradients(&self, layer: Layer, sequence: Sequence<'_>) -> Vec<Vec<f32>> {
        self.values_and_gradients_in(layer, sequence, &Device::flex().autodiff(), DType::F32)
    }

    /// The same on another device and in another float type.
    pub fn values_and_gradients_in(
        &self,
        layer: Layer,
        sequence: Sequence<'_>,
        device: &Device,
        dtype: DType,
    ) -> Vec<Vec<f32>> {
        fn tensor<const D: usize>(
            data: &[f32],
            shape: [usize; D],
            options: (&Device, DType),
        ) -> Tensor<D> {
            Tensor::from_data(TensorData::new(data.to_vec(), shape), options)
        }
        let on = (device, dtype);
        let [steps, batch, inputs, hidden] = self.shape;
        let columns = self.cell.gates() * hidden;
        let input = tensor(&self.input, [steps, batch, inputs], on).require_grad();
        let weight_input = tensor(&self.weight_input, [inputs, columns], on).require_grad();
        let weight_hidden = tensor(&self.weight_hidden, [hidden, columns], on).require_grad();
        let bias_input = tensor(&self.bias_input, [columns], on).require_grad();
        let bias_hidden = tensor(&self.bias_hidden, [columns], on).require_grad();
        let h = tensor(&self.hidden, [batch, hidden], on).require_grad();
        let c = tensor(&self.memory, [batch, hidden], on).require_grad();
        let lstm = self.cell.has_cell_state();
        let (outputs, last) = layer(
            self.cell,
            input.clone(),
            RecurrentWeights {
                input: weight_input.clone(),
                hidden: weight_hidden.clone(),
                bias_input: Some(bias_input.clone()),
                bias_hidden: Some(bias_hidden.clone()),
            },
            Some(RecurrentState { hidden: h.clone(), cell: lstm.then(|| c.clone()) }),
            sequence,
        );
        let mut loss = (outputs.clone() * tensor(&self.pull[0], [steps, batch, hidden], on)).sum()
            + (last.hidden.clone() * tensor(&self.pull[1], [batch, hidden], on)).sum();
        if let Some(cell) = &last.cell {
            loss = loss + (cell.clone() * tensor(&self.pull[2], [batch, hidden], on)).sum();
        }
        let mut grads = loss.backward();
        fn floats<const D: usize>(t: Tensor<D>) -> Vec<f32> {
            t.try_into_vec_as::<f32>().expect("floats")
        }
        let mut all = vec![floats(outputs), floats(last.hidden)];
        all.push(last.cell.map_or(Vec::new(), floats));
        all.push(floats(input.grad_remove(&mut grads).expect("tracked")));
        all.push(floats(weight_input.grad_remove(&mut grads).expect("tracked")));
        all.push(floats(weight_hidden.grad_remove(&mut grads).expect("tracked")));
        all.push(floats(bias_input.grad_remove(&mut grads).expect("tracked")));
        all.push(floats(bias_hidden.grad_remove(&mut grads).expect("tracked")));
        all.push(floats(h.grad_remove(&mut grads).expect("tracked")));
        all.push(if lstm {
            floats(c.grad_remove(&mut grads).expect("tracked"))
        } else {
            Vec::new()
        });
        all
    }
}

/// Elements within `tolerance` of each other, relative to the largest.
pub fn close(a: &[f32], b: &[f32], tolerance: f32, what: &str) {
    assert_eq!(a.len(), b.len(), "lengths of {what}");
    let scale = b.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what}: element {i}: {a} against {b}");
    }
}

/// A layer read step by step, with the signature of the whole.
#[allow(clippy::needless_pass_by_value)] // the signature of the whole
pub fn stepped(
    cell: Cell,
    input: Tensor<3>,
    weights: RecurrentWeights,
    state: Option<RecurrentState>,
    _: Sequence<'_>,
) -> (Tensor<3>, RecurrentState) {
    let layer = SteppedRecurrent::new(cell, weights);
    let mut state = state.expect("cases have a state");
    let mut outputs = Vec::new();
    for t in 0..input.dims()[0] {
        state = layer.step(input.clone().slice(s![t..=t, .., ..]).squeeze_dim(0), state);
        outputs.push(state.hidden.clone().unsqueeze_dim(0));
    }
    (Tensor::cat(outputs, 0), state)
}
