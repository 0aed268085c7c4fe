//! The fused kernels against the composed reference: values and all gradients, on random shapes.

mod common;

use burn::prelude::*;
use common::{Case, all_cells, close, random, stepped};
use lampwick_kernels::{
    CrossEntropyOptions, Direction, RecurrentState, RecurrentWeights, Reduction, Sequence,
    SteppedRecurrent, composed, embedding, linear_cross_entropy, recurrent,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// T, B, I, H: single steps and sequences, widths around and off every vector's, more than one block.
const SHAPES: [[usize; 4]; 10] = [
    [1, 1, 1, 1],
    [3, 1, 5, 17],
    [1, 4, 8, 16],
    [5, 2, 3, 33],
    [7, 13, 20, 31],
    [4, 12, 64, 64],
    [2, 25, 10, 300],
    [3, 3, 270, 40],
    [6, 20, 50, 200],
    [2, 3, 4, 128],
];

#[test]
fn fused_layers_equal_the_composed_ones() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for cell in all_cells() {
        for [steps, batch, inputs, hidden] in SHAPES {
            for direction in [Direction::Forward, Direction::Reverse] {
                for mixed in [false, true] {
                    let case = Case::random(&mut rng, cell, [steps, batch, inputs, hidden]);
                    let lengths: Vec<usize> =
                        (0..batch).map(|_| rng.random_range(0..=steps)).collect();
                    let lengths = mixed.then_some(lengths.as_slice());
                    let sequence = Sequence { direction, lengths };
                    let what = format!("{cell:?} {steps}x{batch}x{inputs}x{hidden} {sequence:?}");
                    let fused = case.values_and_gradients(recurrent, sequence);
                    let reference = case.values_and_gradients(composed::recurrent, sequence);
                    for (name, (a, b)) in Case::NAMES.iter().zip(fused.iter().zip(&reference)) {
                        close(a, b, 2e-4, &format!("{name} of {what}"));
                    }
                }
            }
        }
    }
}

#[test]
fn without_gradients_the_values_are_the_same_bits() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for cell in all_cells() {
        for shape in SHAPES {
            let case = Case::random(&mut rng, cell, shape);
            for direction in [Direction::Forward, Direction::Reverse] {
                let sequence = Sequence { direction, lengths: None };
                let taped = case.values(&Device::flex().autodiff(), sequence);
                let free = case.values(&Device::flex(), sequence);
                assert_eq!(taped, free, "{cell:?} {shape:?}");
            }
        }
    }
}

#[test]
fn long_sequences_at_inference_equal_the_taped_ones() {
    // More steps than inference computes at a time.
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for cell in all_cells() {
        let case = Case::random(&mut rng, cell, [1200, 20, 4, 48]);
        for direction in [Direction::Forward, Direction::Reverse] {
            let sequence = Sequence { direction, lengths: None };
            let taped = case.values(&Device::flex().autodiff(), sequence);
            assert_eq!(taped, case.values(&Device::flex(), sequence), "{cell:?}");
        }
    }
}

#[test]
fn the_fused_loss_equals_the_composed_one() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let device = Device::flex().autodiff();
    for (tokens, features, words) in
        [(1, 1, 2), (5, 7, 33), (40, 20, 300), (13, 300, 10), (64, 33, 1000)]
    {
        for reduction in [Reduction::Mean, Reduction::Sum] {
            for (label_smoothing, ignore_index) in [(0.0, None), (0.1, Some(1)), (0.0, Some(-100))]
            {
                for (with_bias, tied) in [(true, false), (false, true), (true, true)] {
                    let options = CrossEntropyOptions { ignore_index, label_smoothing, reduction };
                    let hidden = random(&mut rng, tokens * features);
                    let weight = random(&mut rng, features * words);
                    let bias = random(&mut rng, words);
                    let targets: Vec<i64> = (0..tokens)
                        .map(|i| match ignore_index {
                            Some(ignored) if i % 3 == 0 => ignored,
                            _ => rng.random_range(0..words as i64),
                        })
                        .collect();
                    let run = |fused: bool| {
                        let leaf = |data: &[f32], shape: [usize; 2]| {
                            Tensor::<2>::from_data(TensorData::new(data.to_vec(), shape), &device)
                                .require_grad()
                        };
                        let h = leaf(&hidden, [tokens, features]);
                        let w =
                            leaf(&weight, if tied { [words, features] } else { [features, words] });
                        let b = leaf(&bias, [1, words]);
                        let w_used = if tied { w.clone().transpose() } else { w.clone() };
                        let b_used = with_bias.then(|| b.clone().squeeze_dim::<1>(0));
                        let t = Tensor::<1, Int>::from_data(
                            TensorData::from(targets.as_slice()),
                            &device,
                        );
                        let f = if fused {
                            linear_cross_entropy
                        } else {
                            composed::linear_cross_entropy
                        };
                        let out = f(h.clone(), w_used, b_used, t, &options);
                        let value = |t: Tensor<1>| t.try_into_vec_as::<f32>().expect("floats");
                        // A factor, so that the loss's own gradient is not 1.
                        let mut grads = (out.loss.clone() * 1.7).backward();
                        let mut grad = |x: &Tensor<2>| {
                            let g = x.grad_remove(&mut grads);
                            g.map_or(Vec::new(), |g| g.try_into_vec_as::<f32>().expect("floats"))
                        };
                        [value(out.loss), value(out.nll), grad(&h), grad(&w), grad(&b)]
                    };
                    let what =
                        format!("{tokens}x{features}x{words} {options:?} {with_bias} {tied}");
                    for (i, (a, b)) in run(true).iter().zip(&run(false)).enumerate() {
                        close(a, b, 1e-4, &format!("part {i} of {what}"));
                    }
                }
            }
        }
    }
}

#[test]
fn large_vocabularies_are_cut_into_blocks_of_tokens() {
    // 500 x 20,000 logits exceed one block.
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let device = Device::flex().autodiff();
    let (tokens, features, words) = (500, 8, 20_000);
    let hidden = random(&mut rng, tokens * features);
    let weight = random(&mut rng, features * words);
    let targets: Vec<i64> = (0..tokens).map(|_| rng.random_range(0..words as i64)).collect();
    let run = |fused: bool| {
        let h =
            Tensor::<2>::from_data(TensorData::new(hidden.clone(), [tokens, features]), &device);
        let w = Tensor::<2>::from_data(TensorData::new(weight.clone(), [features, words]), &device);
        let (h, w) = (h.require_grad(), w.require_grad());
        let t = Tensor::<1, Int>::from_data(TensorData::from(targets.as_slice()), &device);
        let f = if fused { linear_cross_entropy } else { composed::linear_cross_entropy };
        let out = f(h.clone(), w.clone(), None, t, &CrossEntropyOptions::default());
        let mut grads = out.loss.backward();
        let mut grad =
            |x: &Tensor<2>| x.grad_remove(&mut grads).expect("tracked").try_into_vec_as::<f32>();
        [out.nll.try_into_vec_as::<f32>(), grad(&h), grad(&w)].map(|v| v.expect("floats"))
    };
    for (a, b) in run(true).iter().zip(&run(false)) {
        close(a, b, 1e-4, "blocks of tokens");
    }
}

#[test]
fn embedding_rows_equal_a_selection() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let device = Device::flex().autodiff();
    let (words, size, tokens) = (37, 19, 50);
    let table = random(&mut rng, words * size);
    let pull = random(&mut rng, tokens * size);
    let ids: Vec<i64> = (0..tokens).map(|_| rng.random_range(0..words as i64)).collect();
    let run = |fused: bool| {
        let t = Tensor::<2>::from_data(TensorData::new(table.clone(), [words, size]), &device);
        let t = t.require_grad();
        let p = Tensor::<2>::from_data(TensorData::new(pull.clone(), [tokens, size]), &device);
        let ids = Tensor::<1, Int>::from_data(TensorData::from(ids.as_slice()), &device);
        let rows = if fused { embedding(t.clone(), ids) } else { t.clone().select(0, ids) };
        let mut grads = (rows.clone() * p).sum().backward();
        let gradient = t.grad_remove(&mut grads).expect("tracked");
        [rows, gradient].map(|x| x.try_into_vec_as::<f32>().expect("floats"))
    };
    let (ours, reference) = (run(true), run(false));
    assert_eq!(ours[0], reference[0]);
    close(&ours[1], &reference[1], 1e-6, "the table's gradient");
}

#[test]
fn stepped_layers_equal_the_composed_ones() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    for cell in all_cells() {
        for shape in SHAPES {
            let case = Case::random(&mut rng, cell, shape);
            let fused = case.values_and_gradients(stepped, Sequence::default());
            let reference = case.values_and_gradients(composed::recurrent, Sequence::default());
            for (name, (a, b)) in Case::NAMES.iter().zip(fused.iter().zip(&reference)) {
                close(a, b, 2e-4, &format!("{name} of {cell:?} {shape:?}"));
            }
        }
    }
}

/// Gradients of the inputs alone, and of the weights alone.
#[test]
fn stepped_layers_are_tracked_where_they_are_asked_to_be() {
    let device = Device::flex().autodiff();
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    let (inputs, hidden) = (5, 7);
    for cell in all_cells() {
        for frozen in [false, true] {
            let mut drawn = |rows: usize, columns: usize| {
                let data = TensorData::new(random(&mut rng, rows * columns), [rows, columns]);
                Tensor::<2>::from_data(data, &device)
            };
            let columns = cell.gates() * hidden;
            let (input, hidden_weights) = (drawn(inputs, columns), drawn(hidden, columns));
            let tracked = |t: Tensor<2>, yes: bool| if yes { t.require_grad() } else { t };
            let weights = RecurrentWeights {
                input: tracked(input, !frozen),
                hidden: hidden_weights,
                bias_input: None,
                bias_hidden: None,
            };
            let x = tracked(drawn(3, inputs), frozen);
            let layer = SteppedRecurrent::new(cell, weights.clone());
            let mut state = RecurrentState::zeros(cell, 3, hidden, &device);
            for _ in 0..2 {
                state = layer.step(x.clone(), state);
            }
            let grads = state.hidden.sum().backward();
            assert_eq!(weights.input.grad(&grads).is_some(), !frozen, "{cell:?}");
            assert!(weights.hidden.grad(&grads).is_none(), "{cell:?}");
            assert_eq!(x.grad(&grads).is_some(), frozen, "{cell:?}");
        }
    }
}
