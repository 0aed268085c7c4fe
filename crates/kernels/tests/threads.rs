//! The same bits whatever the number of threads.

mod common;

use burn::prelude::*;
use common::{Case, all_cells, random, stepped};
use lampwick_kernels::{
    CrossEntropyOptions, Direction, Sequence, Then, linear, linear_cross_entropy, recurrent,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Holds what `run` gives on one thread against what it gives on more.
fn same_bits(run: impl Fn() -> Vec<Vec<f32>> + Sync, what: &str) {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(&run)
    };
    let alone = on(1);
    for threads in [2, 3, 8] {
        assert_eq!(alone, on(threads), "{what}, {threads} threads");
    }
}

#[test]
fn layers_give_the_same_bits_for_any_number_of_threads() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for cell in all_cells() {
        // Weights that exceed a core's cache, so that a step is shared by units; and weights that do
        // not, so that each thread scans sequences of its own.
        for shape in [[6, 24, 40, 300], [6, 48, 20, 130]] {
            let case = Case::random(&mut rng, cell, shape);
            let lengths: Vec<usize> = (0..shape[1]).map(|row| row % 7).collect();
            for direction in [Direction::Forward, Direction::Reverse] {
                for lengths in [None, Some(lengths.as_slice())] {
                    let sequence = Sequence { direction, lengths };
                    let run = || case.values_and_gradients(recurrent, sequence);
                    same_bits(run, &format!("{cell:?} {shape:?} {direction:?}"));
                }
            }
        }
    }
}

#[test]
fn stepped_layers_give_the_same_bits_for_any_number_of_threads() {
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    for cell in all_cells() {
        let case = Case::random(&mut rng, cell, [5, 24, 40, 300]);
        let run = || case.values_and_gradients(stepped, Sequence::default());
        same_bits(run, &format!("{cell:?}"));
    }
}

#[test]
fn the_loss_gives_the_same_bits_for_any_number_of_threads() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let (tokens, features, words) = (50, 40, 700);
    let hidden = random(&mut rng, tokens * features);
    let weight = random(&mut rng, features * words);
    for tied in [false, true] {
        let run = || {
            let device = Device::flex().autodiff();
            let leaf = |data: &[f32], shape: [usize; 2]| {
                let data = TensorData::new(data.to_vec(), shape);
                Tensor::<2>::from_data(data, &device).require_grad()
            };
            let h = leaf(&hidden, [tokens, features]);
            let w = leaf(&weight, if tied { [words, features] } else { [features, words] });
            let targets: Vec<i64> = (0..tokens as i64).map(|i| i * 13 % words as i64).collect();
            let targets =
                Tensor::<1, Int>::from_data(TensorData::from(targets.as_slice()), &device);
            let used = if tied { w.clone().transpose() } else { w.clone() };
            let options = CrossEntropyOptions::default();
            let out = linear_cross_entropy(h.clone(), used, None, targets, &options);
            let mut grads = out.loss.clone().backward();
            let mut all = vec![out.loss.try_into_vec_as(), out.nll.try_into_vec_as()];
            for leaf in [h, w] {
                all.push(leaf.grad_remove(&mut grads).expect("tracked").try_into_vec_as());
            }
            all.into_iter().map(|values| values.expect("floats")).collect()
        };
        same_bits(run, if tied { "tied" } else { "untied" });
    }
}

#[test]
fn linear_layers_give_the_same_bits_for_any_number_of_threads() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let [rows, inputs, columns] = [130, 70, 90];
    let [x, weight] = [rows * inputs, inputs * columns].map(|n| random(&mut rng, n));
    let bias = random(&mut rng, columns);
    let run = || {
        let device = Device::flex().autodiff();
        let tensor = |values: &[f32], shape| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), &device).require_grad()
        };
        let (x, weight) = (tensor(&x, [rows, inputs]), tensor(&weight, [inputs, columns]));
        let bias = tensor(&bias, [1, columns]);
        let y =
            linear(x.clone(), weight.clone(), Some(bias.clone().reshape([columns])), Then::Tanh);
        let gradients = y.clone().square().sum().backward();
        let values = |tensor: Tensor<2>| tensor.into_data().try_into_vec::<f32>().unwrap();
        let gradient = |tensor: &Tensor<2>| values(tensor.grad(&gradients).unwrap());
        vec![values(y.inner()), gradient(&x), gradient(&weight), gradient(&bias)]
    };
    same_bits(run, "linear");
}
