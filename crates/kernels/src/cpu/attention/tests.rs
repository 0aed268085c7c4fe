//! Attention with every instruction set of this machine, against loops in f64.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::simd::Isa;
use super::{Additive, Attention};

const T: usize = 3;
const S: usize = 21;
const LENGTHS: [usize; 3] = [21, 1, 18];
const D: usize = 37;
const M: usize = 19;

fn numbers(rng: &mut ChaCha8Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

#[test]
fn every_instruction_set_gives_the_definition() {
    let mut rng = ChaCha8Rng::seed_from_u64(31);
    let batch = LENGTHS.len();
    let queries = numbers(&mut rng, T * batch * D);
    let keys = numbers(&mut rng, S * batch * D);
    let values = numbers(&mut rng, S * batch * M);
    let energy = numbers(&mut rng, D);
    for additive in [false, true] {
        for isa in Isa::available() {
            let guard = 7.5;
            let mut context = vec![guard; T * batch * M + 16];
            let mut weights = vec![guard; T * batch * S + 16];
            let attention = Attention {
                isa,
                lengths: &LENGTHS,
                steps: T,
                source: S,
                features: D,
                memory: M,
                queries: &queries,
                keys: &keys,
                values: &values,
                additive: additive.then_some(Additive { energy: &energy, coverage: None }),
            };
            attention.forward(&mut context[..T * batch * M], &mut weights[..T * batch * S]);
            assert!(context[T * batch * M..].iter().all(|&x| x == guard), "wrote past the end");
            assert!(weights[T * batch * S..].iter().all(|&x| x == guard), "wrote past the end");
            for (b, &length) in LENGTHS.iter().enumerate() {
                for t in 0..T {
                    let expected =
                        looked(&queries, &keys, &values, &energy, additive, b, t, length);
                    for (found, expected) in [
                        (&weights[(t * batch + b) * S..][..S], &expected[0]),
                        (&context[(t * batch + b) * M..][..M], &expected[1]),
                    ] {
                        for (a, e) in found.iter().zip(expected) {
                            let error = (f64::from(*a) - e).abs();
                            assert!(error < 3e-6, "{isa:?}, additive {additive}: {a} and {e}");
                        }
                    }
                }
            }
        }
    }
}

/// Weights `[S]` and context `[M]` of one query.
#[allow(clippy::too_many_arguments)] // a definition
fn looked(
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
    energy: &[f32],
    additive: bool,
    b: usize,
    t: usize,
    length: usize,
) -> [Vec<f64>; 2] {
    let batch = LENGTHS.len();
    let query = &queries[(t * batch + b) * D..][..D];
    let score = |s: usize| -> f64 {
        let key = &keys[(s * batch + b) * D..][..D];
        let pairs = query.iter().zip(key).map(|(&q, &k)| (f64::from(q), f64::from(k)));
        if additive {
            pairs.zip(energy).map(|((q, k), &v)| f64::from(v) * (q + k).tanh()).sum()
        } else {
            pairs.map(|(q, k)| q * k).sum()
        }
    };
    let mut weights: Vec<f64> = (0..length).map(|s| score(s).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights.resize(S, 0.0);
    let value = |s: usize, m: usize| f64::from(values[(s * batch + b) * M + m]);
    let context = (0..M).map(|m| (0..length).map(|s| weights[s] * value(s, m)).sum()).collect();
    [weights, context]
}
