//! The parts against plain loops, on odd sizes and every instruction set of this machine.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::buffer::Shared;
use super::crew::Crew;
use super::gemm::{Gemm, Packed, blocks, panels};
use super::pack::Matrix;
use super::simd::{Isa, MAX_LANES, Simd, Task, math};
use super::tile::{Lay, Start};
use super::{Backward, Forward, Gradients, Layer, Tape};
use crate::cell::{Activation, Cell, Direction, Reset};

fn numbers(rng: &mut ChaCha8Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

macro_rules! function {
    ($name:ident, $vector:path) => {
        struct $name(f32);
        impl Task for $name {
            type Output = f32;
            #[inline(always)]
            unsafe fn run<S: Simd>(self) -> f32 {
                let mut out = [0.0; MAX_LANES];
                // SAFETY: arithmetic on a vector that the array holds.
                unsafe { S::store(out.as_mut_ptr(), $vector(S::splat(self.0))) };
                out[0]
            }
        }
    };
}
function!(Exp, math::exp::<S>);
function!(Sigmoid, math::sigmoid::<S>);
function!(Tanh, math::tanh::<S>);

#[test]
fn elementary_functions_keep_their_error_bounds() {
    let worst = |isa: Isa, low: f32, high: f32, f: &dyn Fn(f32) -> f32, g: fn(f64) -> f64| {
        let n = 200_000;
        (0..=n)
            .map(|i| {
                let x = low + (high - low) * (i as f32 / n as f32);
                let (y, exact) = (f64::from(f(x)), g(f64::from(x)));
                if exact == 0.0 { y.abs() } else { ((y - exact) / exact).abs() }
            })
            .fold(0.0, f64::max)
            * f64::from(u8::from(isa.lanes() > 0))
    };
    for isa in Isa::available() {
        // SAFETY: an instruction set that this machine has.
        let exp = |x| unsafe { isa.run(Exp(x)) };
        // SAFETY: as above.
        let sigmoid = |x| unsafe { isa.run(Sigmoid(x)) };
        // SAFETY: as above.
        let tanh = |x| unsafe { isa.run(Tanh(x)) };
        let e = worst(isa, -87.0, 88.0, &exp, f64::exp);
        let s = worst(isa, -87.0, 40.0, &sigmoid, |x| 1.0 / (1.0 + (-x).exp()));
        let t = worst(isa, -12.0, 12.0, &tanh, f64::tanh);
        let near_zero = worst(isa, -1e-3, 1e-3, &tanh, f64::tanh);
        assert!(
            e < 2e-7 && s < 4e-7 && t < 6e-7 && near_zero < 6e-7,
            "{isa:?}: {e} {s} {t} {near_zero}"
        );
        assert!(exp(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
    }
}

/// `A B` by the definition, in f64.
fn product(m: usize, n: usize, k: usize, a: &[f32], b: &[f32]) -> Vec<f64> {
    let mut c = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            c[i * n + j] = (0..k).map(|q| f64::from(a[i * k + q]) * f64::from(b[q * n + j])).sum();
        }
    }
    c
}

fn transpose(rows: usize, columns: usize, a: &[f32]) -> Vec<f32> {
    (0..rows * columns).map(|i| a[(i % rows) * columns + i / rows]).collect()
}

#[test]
fn products_equal_plain_loops_whatever_the_layout_and_the_threads() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for isa in Isa::available() {
        for (m, n, k) in
            [(1, 1, 1), (1, 33, 5), (12, 32, 256), (13, 31, 257), (29, 70, 530), (3, 100, 20)]
        {
            let (a, b) = (numbers(&mut rng, m * k), numbers(&mut rng, k * n));
            let bias = numbers(&mut rng, n);
            let expected = product(m, n, k, &a, &b);
            let (at, bt) = (transpose(m, k, &a), transpose(k, n, &b));
            for lay in [Lay::Rows, Lay::Columns] {
                for (a_turned, b_turned) in
                    [(false, false), (true, false), (false, true), (true, true)]
                {
                    let source = |turned, plain: &[f32], t: &[f32], rows, columns| {
                        if turned {
                            Matrix::rows(t.as_ptr(), rows).transposed()
                        } else {
                            Matrix::rows(plain.as_ptr(), columns)
                        }
                    };
                    let a_source = source(a_turned, &a, &at, m, k);
                    let b_source = source(b_turned, &b, &bt, k, n);
                    let mut first: Option<Vec<f32>> = None;
                    for threads in [1, 2, 5] {
                        let guard = 7.5;
                        let mut c = vec![guard; m * n + 16]; // a canary behind the end
                        let scratch = Packed::scratch(isa, m, k.div_ceil(256), lay);
                        let packed = Packed { data: scratch.pointer(), rows: m, lay };
                        let k_blocks: Vec<_> = blocks(k).collect();
                        let gemm = Gemm {
                            a: packed,
                            panels: &panels(isa, b_source, n),
                            k_blocks: &k_blocks,
                            c: Shared::writing(&mut c),
                            c_stride: n,
                            start: Start::Bias(Shared::reading(&bias)),
                        };
                        Crew::run(threads, |crew| {
                            packed.pack(crew, isa, a_source, k);
                            gemm.run(crew, isa);
                        });
                        assert!(c[m * n..].iter().all(|&x| x == guard), "wrote past the end");
                        for (i, &x) in c[..m * n].iter().enumerate() {
                            let exact = expected[i] + f64::from(bias[i % n]);
                            assert!(
                                (f64::from(x) - exact).abs() < 1e-4,
                                "{isa:?} {m}x{n}x{k}: {x} {exact}"
                            );
                        }
                        let same = first.get_or_insert_with(|| c.clone());
                        assert_eq!(same, &c, "threads changed the result");
                    }
                }
            }
        }
    }
}

/// Everything that a layer computes, forward and backward, with one instruction set.
fn layer_results(isa: Isa, cell: Cell, operands: &[Vec<f32>; 7]) -> Vec<Vec<f32>> {
    let [input, weight_input, weight_hidden, bias_input, bias_hidden, state, pull] = operands;
    let (steps, batch, inputs, hidden) = LAYER;
    let lengths = [5, 0, 3, 5, 1, 2, 4];
    let layer = Layer {
        isa,
        threads: 2,
        cell,
        direction: Direction::Reverse,
        lengths: Some(&lengths),
        steps,
        batch,
        inputs,
        hidden,
    };
    let (states, columns) = (layer.states(), layer.columns());
    let weights = [
        Matrix::rows(weight_input.as_ptr(), columns),
        Matrix::rows(weight_hidden.as_ptr(), columns),
    ];
    let state = &state[..states * batch * hidden];
    let mut outputs = vec![0.0; steps * batch * hidden];
    let mut last = vec![0.0; states * batch * hidden];
    let mut gates = vec![0.0; steps * batch * layer.gate_stride()];
    let mut extra = vec![0.0; steps * batch * hidden];
    layer.forward(Forward {
        input,
        weight_input: weights[0],
        weight_hidden: weights[1],
        bias_input: &bias_input[..columns],
        bias_hidden: &bias_hidden[..columns],
        state,
        outputs: &mut outputs,
        last: &mut last,
        tape: Some(Tape { gates: &mut gates, extra: &mut extra }),
    });
    let mut results = [
        vec![0.0; input.len()],
        vec![0.0; inputs * columns],
        vec![0.0; hidden * columns],
        vec![0.0; columns],
        vec![0.0; columns],
        vec![0.0; state.len()],
    ];
    let [d_input, d_weight_input, d_weight_hidden, d_bias_input, d_bias_hidden, d_state] =
        &mut results;
    layer.backward(
        &Backward {
            input,
            weight_input: weights[0],
            weight_hidden: weights[1],
            state,
            outputs: &outputs,
            gates: &gates,
            extra: &extra,
            outputs_gradient: Some(&pull[..outputs.len()]),
            last_gradient: Some(&pull[outputs.len()..][..last.len()]),
            packed: None,
            wants_state: true,
        },
        Gradients {
            input: d_input,
            weight_input: d_weight_input,
            weight_hidden: d_weight_hidden,
            bias_input: d_bias_input,
            bias_hidden: d_bias_hidden,
            state: d_state,
        },
    );
    [outputs, last].into_iter().chain(results).collect()
}

/// T, B, I, H.
const LAYER: (usize, usize, usize, usize) = (5, 7, 9, 43);

#[test]
fn every_instruction_set_computes_the_same_layers() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (steps, batch, inputs, hidden) = LAYER;
    let columns = 4 * hidden;
    let sizes = [
        steps * batch * inputs,
        inputs * columns,
        hidden * columns,
        columns,
        columns,
        2 * batch * hidden,
        (steps + 2) * batch * hidden,
    ];
    let operands = sizes.map(|n| numbers(&mut rng, n).iter().map(|x| 0.3 * x).collect());
    let cells = [
        Cell::Lstm,
        Cell::Gru { reset: Reset::After },
        Cell::Gru { reset: Reset::Before },
        Cell::Rnn { activation: Activation::Tanh },
        Cell::Rnn { activation: Activation::Relu },
    ];
    for cell in cells {
        let all: Vec<_> =
            Isa::available().into_iter().map(|isa| layer_results(isa, cell, &operands)).collect();
        let portable = all.last().expect("portable is everywhere");
        for other in &all {
            for (a, b) in other.iter().flatten().zip(portable.iter().flatten()) {
                assert!((a - b).abs() < 1e-5, "{cell:?}: {a} against {b}");
            }
        }
    }
}
