//! Every kernel: values and gradients.

use burn::prelude::*;
use burn::tensor::DType;
use lampwick::kernels::{
    CrossEntropyOptions, Direction, Reduction, Sequence, composed, embedding, linear_cross_entropy,
    recurrent,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::layers::{Case, all_cells, close, random};
use super::{TOLERANCE, reference, subject, values};

#[test]
fn recurrent_layers_of_every_cell() {
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let (device, flex) = (subject(), reference());
    for cell in all_cells() {
        let case = Case::random(&mut rng, cell, [6, 4, 7, 19]);
        for direction in [Direction::Forward, Direction::Reverse] {
            for lengths in [None, Some(&[6, 1, 4, 0][..])] {
                let sequence = Sequence { direction, lengths };
                let found = case.values_and_gradients_in(recurrent, sequence, &device, DType::F32);
                let expected =
                    case.values_and_gradients_in(composed::recurrent, sequence, &flex, DType::F64);
                for (part, (a, b)) in Case::NAMES.iter().zip(found.iter().zip(&expected)) {
                    close(a, b, TOLERANCE, &format!("{part}, {cell:?} {sequence:?}"));
                }
            }
        }
    }
}

#[test]
fn the_output_layer_and_its_loss() {
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let (tokens, features, words) = (30, 20, 300);
    let hidden = random(&mut rng, tokens * features);
    let weight = random(&mut rng, features * words);
    let bias = random(&mut rng, words);
    let targets: Vec<i64> = (0..tokens).map(|_| rng.random_range(0..words as i64)).collect();
    for (reduction, label_smoothing, ignore_index) in [
        (Reduction::Mean, 0.0, None),
        (Reduction::Sum, 0.1, None),
        (Reduction::Mean, 0.1, Some(targets[3])),
    ] {
        let options = CrossEntropyOptions { ignore_index, label_smoothing, reduction };
        for (has_bias, tied) in [(true, false), (false, true)] {
            let run = |device: &Device, dtype: DType, fused: bool| {
                let leaf = |data: &[f32], shape: [usize; 2]| {
                    let data = TensorData::new(data.to_vec(), shape);
                    Tensor::<2>::from_data(data, (device, dtype)).require_grad()
                };
                let h = leaf(&hidden, [tokens, features]);
                let w = leaf(&weight, if tied { [words, features] } else { [features, words] });
                let b = leaf(&bias, [1, words]);
                let used = if tied { w.clone().transpose() } else { w.clone() };
                let with = has_bias.then(|| b.clone().squeeze_dim::<1>(0));
                let t = TensorData::new(targets.clone(), [tokens]);
                let t = Tensor::<1, Int>::from_data(t, device);
                let layer =
                    if fused { linear_cross_entropy } else { composed::linear_cross_entropy };
                let out = layer(h.clone(), used, with, t, &options);
                // A factor, so that the loss's own gradient is not 1.
                let mut grads = (out.loss.clone() * 1.7).backward();
                let mut parts = vec![values(Some(out.loss)), values(Some(out.nll))];
                parts.extend([h, w, b].map(|leaf| values(leaf.grad_remove(&mut grads))));
                parts
            };
            let found = run(&subject(), DType::F32, true);
            let expected = run(&reference(), DType::F64, false);
            for (part, (a, b)) in ["loss", "nll", "d hidden", "d weight", "d bias"]
                .iter()
                .zip(found.iter().zip(&expected))
            {
                close(a, b, TOLERANCE, &format!("{part}, {options:?}, tied {tied}"));
            }
        }
    }
}

#[test]
fn rows_of_a_table() {
    let mut rng = ChaCha8Rng::seed_from_u64(23);
    let (words, size, tokens) = (37, 19, 50); // some words several times
    let (table, pull) = (random(&mut rng, words * size), random(&mut rng, tokens * size));
    let ids: Vec<i64> = (0..tokens).map(|_| rng.random_range(0..words as i64)).collect();
    let run = |device: &Device, dtype: DType| {
        let tensor = |data: &[f32], rows: usize| {
            Tensor::<2>::from_data(TensorData::new(data.to_vec(), [rows, size]), (device, dtype))
        };
        let t = tensor(&table, words).require_grad();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids.clone(), [tokens]), device);
        let rows = embedding(t.clone(), ids);
        let mut grads = (rows.clone() * tensor(&pull, tokens)).sum().backward();
        [values(Some(rows)), values(t.grad_remove(&mut grads))]
    };
    let (found, expected) = (run(&subject(), DType::F32), run(&reference(), DType::F64));
    close(&found[0], &expected[0], TOLERANCE, "rows");
    close(&found[1], &expected[1], TOLERANCE, "the table's gradient");
}
