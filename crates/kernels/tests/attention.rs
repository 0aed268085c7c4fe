//! Attention: fused against composed, composed against differences, and what must change no bit.

mod common;

use burn::prelude::*;
use burn::tensor::DType;
use common::{close, random};
use lampwick_kernels::{Attended, Coverage, Score, attention, composed};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// T, B, S, D, M: single steps, widths around and off every vector's, more than one block.
const SHAPES: [[usize; 5]; 8] = [
    [1, 1, 1, 1, 1],
    [1, 3, 7, 16, 24],
    [4, 2, 1, 5, 3],
    [3, 4, 20, 17, 33],
    [13, 2, 16, 64, 64],
    [2, 5, 33, 300, 40],
    [25, 3, 18, 20, 270],
    [5, 1, 300, 31, 8],
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Dot,
    Additive,
    Covered,
}

const KINDS: [Kind; 3] = [Kind::Dot, Kind::Additive, Kind::Covered];

type Function = fn(Tensor<3>, Tensor<3>, Tensor<3>, Score, &[usize]) -> Attended;

/// Operands on the host: queries, keys, values, energy, covered, coverage's weight; and gradients of
/// contexts and weights.
struct Case {
    kind: Kind,
    shape: [usize; 5],
    operands: [Vec<f32>; 6],
    pull: [Vec<f32>; 2],
    lengths: Vec<usize>,
}

impl Case {
    const NAMES: [&'static str; 8] = [
        "context",
        "weights",
        "d queries",
        "d keys",
        "d values",
        "d energy",
        "d covered",
        "d coverage",
    ];

    fn random(rng: &mut ChaCha8Rng, kind: Kind, shape: [usize; 5]) -> Self {
        let [steps, batch, source, features, memory] = shape;
        let sizes = Self::sizes(shape);
        let mut operands = sizes.map(|n| random(rng, n));
        operands[4].iter_mut().for_each(|covered| *covered = covered.abs());
        let pull = [steps * batch * memory, steps * batch * source].map(|n| random(rng, n));
        let lengths = (0..batch).map(|_| rng.random_range(1..=source)).collect();
        let _ = features;
        Self { kind, shape, operands, pull, lengths }
    }

    fn sizes([steps, batch, source, features, memory]: [usize; 5]) -> [usize; 6] {
        [
            steps * batch * features,
            source * batch * features,
            source * batch * memory,
            features,
            steps * batch * source,
            features,
        ]
    }

    fn score(&self, operands: &[Tensor<1>; 6]) -> Score {
        let [steps, batch, source, _, _] = self.shape;
        let covered = operands[4].clone().reshape([steps, batch, source]);
        let coverage = Coverage { covered, weight: operands[5].clone() };
        match self.kind {
            Kind::Dot => Score::Dot,
            Kind::Additive => Score::Additive { energy: operands[3].clone(), coverage: None },
            Kind::Covered => {
                Score::Additive { energy: operands[3].clone(), coverage: Some(coverage) }
            }
        }
    }

    fn call(&self, f: Function, operands: &[Tensor<1>; 6]) -> Attended {
        let [steps, batch, source, features, memory] = self.shape;
        let queries = operands[0].clone().reshape([steps, batch, features]);
        let keys = operands[1].clone().reshape([source, batch, features]);
        let values = operands[2].clone().reshape([source, batch, memory]);
        f(queries, keys, values, self.score(operands), &self.lengths)
    }

    /// What [`Case::NAMES`] says; empty where an operand is not used.
    fn run(&self, f: Function, used: [bool; 2]) -> [Vec<f32>; 8] {
        let device = Device::flex().autodiff();
        let leaf = |data: &Vec<f32>| {
            Tensor::<1>::from_data(TensorData::from(data.as_slice()), &device).require_grad()
        };
        let leaves = self.operands.each_ref().map(leaf);
        let Attended { context, weights } = self.call(f, &leaves);
        let pulled = |result: &Tensor<3>, pull: &Vec<f32>| {
            let pull = TensorData::new(pull.clone(), result.dims());
            (result.clone() * Tensor::from_data(pull, &device)).sum()
        };
        let mut loss = Tensor::<1>::zeros([1], &device);
        if used[0] {
            loss = loss + pulled(&context, &self.pull[0]);
        }
        if used[1] {
            loss = loss + pulled(&weights, &self.pull[1]);
        }
        let mut grads = loss.backward();
        let values = |t: Tensor<3>| t.try_into_vec_as::<f32>().expect("floats");
        let mut all = vec![values(context), values(weights)];
        all.extend(leaves.iter().map(|leaf| {
            let grad = leaf.grad_remove(&mut grads);
            grad.map_or_else(Vec::new, |g| g.try_into_vec_as::<f32>().expect("floats"))
        }));
        all.try_into().expect("eight parts")
    }
}

#[test]
fn the_fused_attention_equals_the_composed_one() {
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    for kind in KINDS {
        for shape in SHAPES {
            let case = Case::random(&mut rng, kind, shape);
            for used in [[true, false], [false, true], [true, true]] {
                let (fused, reference) =
                    (case.run(attention, used), case.run(composed::attention, used));
                for (name, (a, b)) in Case::NAMES.iter().zip(fused.iter().zip(&reference)) {
                    let what = format!("{name} of {kind:?} {shape:?} {used:?}");
                    // Nobody's gradient is zeros or nothing.
                    if b.is_empty() || a.is_empty() {
                        assert!(a.iter().chain(b).all(|&x| x == 0.0), "{what}");
                        continue;
                    }
                    close(a, b, 1e-4, &what);
                }
            }
        }
    }
}

#[test]
fn gradients_of_the_composed_attention_are_differences() {
    const STEP: f64 = 1e-5;
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    for kind in KINDS {
        let shape = [2, 2, 3, 3, 2];
        let mut case = Case::random(&mut rng, kind, shape);
        case.lengths = vec![3, 2];
        let operands = case.operands.each_ref().map(|o| o.iter().map(|&x| f64::from(x)).collect());
        let loss = |operands: &[Tensor<1>; 6]| {
            let Attended { context, weights } = case.call(composed::attention, operands);
            let device = context.device();
            let pulled = |result: Tensor<3>, pull: &Vec<f32>| {
                let pull = TensorData::new(pull.clone(), result.dims());
                (result * Tensor::from_data(pull, (&device, DType::F64))).sum()
            };
            pulled(context, &case.pull[0]) + pulled(weights, &case.pull[1])
        };
        let on = |data: &Vec<f64>, device: &Device| {
            Tensor::<1>::from_data(TensorData::from(data.as_slice()), (device, DType::F64))
        };
        let tape = Device::flex().autodiff();
        let leaves = operands.each_ref().map(|data| on(data, &tape).require_grad());
        let mut grads = loss(&leaves).backward();
        let used = match kind {
            Kind::Dot => 3,
            Kind::Additive => 4,
            Kind::Covered => 6,
        };
        for which in 0..used {
            let gradient: Vec<f64> = leaves[which]
                .grad_remove(&mut grads)
                .expect("tracked")
                .try_into_vec_as()
                .expect("doubles");
            for i in 0..operands[which].len() {
                let moved = |by: f64| -> f64 {
                    let mut all = operands.clone();
                    all[which][i] += by;
                    loss(&all.each_ref().map(|data| on(data, &Device::flex()))).into_scalar()
                };
                let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                let error = (gradient[i] - difference).abs() / difference.abs().max(1.0);
                assert!(
                    error < 1e-7,
                    "{kind:?}, {which}[{i}]: {} against {difference}",
                    gradient[i]
                );
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mut rng = ChaCha8Rng::seed_from_u64(23);
    for kind in KINDS {
        let case = Case::random(&mut rng, kind, [15, 24, 18, 130, 140]);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads").install(|| case.run(attention, [true, true]))
        };
        let alone = on(1);
        for threads in [2, 3, 8] {
            assert_eq!(alone, on(threads), "{kind:?}, {threads} threads");
        }
    }
}

/// Each source alone, without its padding, gives the bits that it gives in the batch, whatever stands
/// in the padding; and padding gets no gradient.
#[test]
fn neither_padding_nor_the_sources_beside_it_change_a_bit() {
    let mut rng = ChaCha8Rng::seed_from_u64(24);
    for kind in KINDS {
        let shape @ [steps, batch, source, features, memory] = [6, 4, 19, 33, 20];
        let case = Case::random(&mut rng, kind, shape);
        let all = case.run(attention, [true, true]);
        for sequence in 0..batch {
            let length = case.lengths[sequence];
            let cut = |data: &[f32], rows: usize, whole: usize, columns: usize| -> Vec<f32> {
                let row = |t: usize| &data[(t * batch + sequence) * whole..][..columns];
                (0..rows).flat_map(row).copied().collect()
            };
            let o = &case.operands;
            let alone = Case {
                kind,
                shape: [steps, 1, length, features, memory],
                operands: [
                    cut(&o[0], steps, features, features),
                    cut(&o[1], length, features, features),
                    cut(&o[2], length, memory, memory),
                    o[3].clone(),
                    cut(&o[4], steps, source, length),
                    o[5].clone(),
                ],
                pull: [
                    cut(&case.pull[0], steps, memory, memory),
                    cut(&case.pull[1], steps, source, length),
                ],
                lengths: vec![length],
            };
            let alone = alone.run(attention, [true, true]);
            assert_eq!(alone[0], cut(&all[0], steps, memory, memory), "{kind:?} context");
            assert_eq!(alone[1], cut(&all[1], steps, source, length), "{kind:?} weights");
            assert_eq!(alone[2], cut(&all[2], steps, features, features), "{kind:?} d queries");
            assert_eq!(alone[3], cut(&all[3], length, features, features), "{kind:?} d keys");
            assert_eq!(alone[4], cut(&all[4], length, memory, memory), "{kind:?} d values");
            for time in length..source {
                let past = |data: &[f32], columns| {
                    data[(time * batch + sequence) * columns..][..columns].to_vec()
                };
                assert!(past(&all[3], features).iter().all(|&g| g == 0.0), "{kind:?} d keys");
                assert!(past(&all[4], memory).iter().all(|&g| g == 0.0), "{kind:?} d values");
            }
        }
        for row in all[1].chunks(source) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "weights sum to one");
        }
    }
}
