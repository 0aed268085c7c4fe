//! The CTC loss against its definition, its composed form and differences.

mod common;

use burn::prelude::*;
use burn::tensor::DType;
use common::{close, random};
use lampwick_kernels::{composed, ctc};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Function = fn(Tensor<3>, &[Vec<usize>], &[usize], usize) -> Tensor<1>;

/// `-ln p(labels)` by going through all paths.
fn by_all_paths(logits: &[f32], classes: usize, labels: &[usize], blank: usize) -> f64 {
    let rows: Vec<Vec<f64>> = logits
        .chunks(classes)
        .map(|row| {
            let e: Vec<f64> = row.iter().map(|&x| f64::from(x).exp()).collect();
            e.iter().map(|x| x / e.iter().sum::<f64>()).collect()
        })
        .collect();
    let mut total = 0.0;
    for path in 0..classes.pow(rows.len() as u32) {
        let path: Vec<usize> =
            (0..rows.len()).map(|t| path / classes.pow(t as u32) % classes).collect();
        let mut joined = path.clone();
        joined.dedup();
        joined.retain(|&label| label != blank);
        if joined == labels {
            total += path.iter().zip(&rows).map(|(&label, row)| row[label]).product::<f64>();
        }
    }
    -total.ln()
}

#[test]
fn it_is_the_sum_over_all_paths() {
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    let (steps, classes) = (5, 3);
    for blank in [0, 2] {
        let [a, b] = if blank == 0 { [1, 2] } else { [0, 1] };
        let labels = [vec![], vec![a], vec![a, b], vec![a, a], vec![b, b, b], vec![a, b, a, b, a]];
        let logits = random(&mut rng, steps * labels.len() * classes);
        let lengths = vec![steps; labels.len()];
        let on = |device: &Device| {
            let shape = [steps, labels.len(), classes];
            Tensor::<3>::from_data(TensorData::new(logits.clone(), shape), device)
        };
        for f in [ctc, composed::ctc] {
            let found: Vec<f32> =
                f(on(&Device::flex()), &labels, &lengths, blank).try_into_vec_as().unwrap();
            for (column, labels) in labels.iter().enumerate() {
                let own: Vec<f32> = logits
                    .chunks(classes)
                    .skip(column)
                    .step_by(lengths.len())
                    .flatten()
                    .copied()
                    .collect();
                let expected = by_all_paths(&own, classes, labels, blank);
                let found = f64::from(found[column]);
                assert!((found - expected).abs() < 1e-5, "{labels:?}: {found}, not {expected}");
            }
        }
    }
}

struct Case {
    shape: [usize; 3],
    logits: Vec<f32>,
    labels: Vec<Vec<usize>>,
    lengths: Vec<usize>,
    pull: Vec<f32>,
}

impl Case {
    fn random(rng: &mut ChaCha8Rng, shape: [usize; 3]) -> Self {
        let [steps, batch, classes] = shape;
        let lengths: Vec<usize> = (0..batch).map(|_| rng.random_range(0..=steps)).collect();
        let labels = lengths
            .iter()
            .map(|&length| {
                let count = rng.random_range(0..=length / 2 + 1);
                (0..count).map(|_| rng.random_range(1..classes)).collect()
            })
            .collect();
        let pull = random(rng, batch);
        Self { shape, logits: random(rng, steps * batch * classes), labels, lengths, pull }
    }

    fn run(&self, f: Function) -> [Vec<f32>; 2] {
        let device = Device::flex().autodiff();
        let logits = TensorData::new(self.logits.clone(), self.shape);
        let logits = Tensor::<3>::from_data(logits, &device).require_grad();
        let losses = f(logits.clone(), &self.labels, &self.lengths, 0);
        let pull = Tensor::<1>::from_data(TensorData::from(self.pull.as_slice()), &device);
        let mut grads = (losses.clone() * pull).sum().backward();
        let gradient = logits.grad_remove(&mut grads).expect("tracked");
        [losses.try_into_vec_as().unwrap(), gradient.try_into_vec_as().unwrap()]
    }
}

/// Lengths of 0 and labels that do not fit among them.
#[test]
fn the_fused_loss_equals_the_composed_one() {
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    for shape in [[1, 2, 2], [3, 8, 3], [6, 5, 4], [20, 6, 33], [50, 12, 7]] {
        for _ in 0..4 {
            let case = Case::random(&mut rng, shape);
            let (fused, reference) = (case.run(ctc), case.run(composed::ctc));
            close(&fused[0], &reference[0], 1e-4, &format!("losses {shape:?}"));
            close(&fused[1], &reference[1], 1e-4, &format!("gradients {shape:?}"));
        }
    }
}

#[test]
fn gradients_of_the_composed_loss_are_differences() {
    const STEP: f64 = 1e-5;
    let mut rng = ChaCha8Rng::seed_from_u64(43);
    let shape = [4, 3, 3];
    let mut case = Case::random(&mut rng, shape);
    case.labels = vec![vec![1, 1], vec![2, 1], vec![]];
    case.lengths = vec![4, 3, 2];
    let logits: Vec<f64> = case.logits.iter().map(|&x| f64::from(x)).collect();
    let loss = |logits: &[f64], device: &Device| {
        let logits = TensorData::new(logits.to_vec(), shape);
        let leaf = Tensor::<3>::from_data(logits, (device, DType::F64));
        let leaf = if device.is_autodiff() { leaf.require_grad() } else { leaf };
        let losses = composed::ctc(leaf.clone(), &case.labels, &case.lengths, 0);
        let pull = TensorData::from(case.pull.as_slice());
        (leaf, (losses * Tensor::<1>::from_data(pull, (device, DType::F64))).sum())
    };
    let (leaf, total) = loss(&logits, &Device::flex().autodiff());
    let mut grads = total.backward();
    let gradient: Vec<f64> = leaf.grad_remove(&mut grads).unwrap().try_into_vec_as().unwrap();
    for i in 0..logits.len() {
        let moved = |by: f64| -> f64 {
            let mut logits = logits.clone();
            logits[i] += by;
            loss(&logits, &Device::flex()).1.into_scalar()
        };
        let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        assert!((gradient[i] - difference).abs() < 1e-7, "[{i}]: {} {difference}", gradient[i]);
    }
}

#[test]
fn labels_that_do_not_fit_cost_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(44);
    let mut case = Case::random(&mut rng, [3, 2, 4]);
    (case.lengths, case.labels) = (vec![3, 3], vec![vec![1, 1, 2], vec![1, 2]]);
    let [losses, gradient] = case.run(ctc);
    assert_eq!(losses[0], 0.0);
    assert!(losses[1] > 0.0);
    assert!(gradient.chunks(8).all(|row| row[..4] == [0.0; 4] && row[4..] != [0.0; 4]));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mut rng = ChaCha8Rng::seed_from_u64(45);
    let case = Case::random(&mut rng, [60, 30, 40]);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(|| case.run(ctc))
    };
    let alone = on(1);
    for threads in [2, 3, 8] {
        assert_eq!(alone, on(threads), "{threads} threads");
    }
}
