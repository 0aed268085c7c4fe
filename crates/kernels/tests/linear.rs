//! A linear layer: fused against composed, and threads that change no bit.

mod common;

use burn::prelude::*;
use common::{close, random};
use lampwick_kernels::{Then, composed, linear};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

type Function = fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>, Then) -> Tensor<2>;

/// N, I, O: single rows and columns, widths off every vector's, more than one block.
const SHAPES: [[usize; 3]; 7] = [
    [1, 1, 1],
    [1, 300, 5],
    [7, 3, 1],
    [33, 17, 31],
    [100, 400, 256],
    [600, 50, 70],
    [3, 512, 513],
];

/// `y`, and the gradients of x, weight and bias for a random pull on `y`.
fn values_and_gradients(
    function: Function,
    [rows, inputs, columns]: [usize; 3],
    has_bias: bool,
    then: Then,
) -> Vec<Vec<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64((rows * inputs + columns) as u64);
    let device = Device::flex().autodiff();
    let mut matrix = |rows, columns| {
        let data = TensorData::new(random(&mut rng, rows * columns), [rows, columns]);
        Tensor::<2>::from_data(data, &device)
    };
    let scale = 1.0 / (inputs as f64).sqrt();
    let x = matrix(rows, inputs).require_grad();
    let weight = (matrix(inputs, columns) * scale).detach().require_grad();
    let bias = matrix(1, columns).reshape([columns]).detach().require_grad();
    let pull = matrix(rows, columns);
    let y = function(x.clone(), weight.clone(), has_bias.then(|| bias.clone()), then);
    let gradients = (y.clone() * pull).sum().backward();
    let values = |tensor: Tensor<2>| tensor.into_data().try_into_vec::<f32>().unwrap();
    let mut all = vec![values(y.inner())];
    all.push(values(x.grad(&gradients).unwrap()));
    all.push(values(weight.grad(&gradients).unwrap()));
    all.extend(bias.grad(&gradients).map(|bias| values(bias.unsqueeze())));
    all
}

#[test]
fn the_fused_layer_is_the_composed_one() {
    for shape in SHAPES {
        for (has_bias, then) in [(true, Then::Tanh), (true, Then::Nothing), (false, Then::Tanh)] {
            let fused = values_and_gradients(linear, shape, has_bias, then);
            let composed = values_and_gradients(composed::linear, shape, has_bias, then);
            assert_eq!(fused.len(), 3 + usize::from(has_bias));
            for (name, (fused, composed)) in
                ["y", "d x", "d weight", "d bias"].iter().zip(fused.iter().zip(&composed))
            {
                close(fused, composed, 2e-5, &format!("{shape:?} {then:?}: {name}"));
            }
        }
    }
}

/// A weight that is a transposed view is read as it lies.
#[test]
fn a_transposed_weight_gives_the_same() {
    let device = Device::flex();
    let numbers = |n: usize| (0..n).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>();
    let x = Tensor::<2>::from_data(TensorData::new(numbers(20 * 40), [20, 40]), &device);
    let turned = Tensor::<2>::from_data(TensorData::new(numbers(50 * 40), [50, 40]), &device);
    let view = turned.clone().transpose();
    let dense = view.clone() + 0.0;
    let [view, dense] = [view, dense].map(|weight| {
        linear(x.clone(), weight, None, Then::Tanh).into_data().try_into_vec::<f32>().unwrap()
    });
    assert_eq!(view, dense);
}
