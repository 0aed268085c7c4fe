//! Our side of `cargo xtask bench recurrent`, and Burn's own layers. Not meant to be run by hand.

use burn::nn::{GruConfig, LstmConfig};
use burn::prelude::*;
use burn::tensor::Distribution;
use lampwick::kernels::{Cell, RecurrentWeights, Reset, Sequence, multiply_adds, recurrent};
use serde_json::{Value, json};

mod protocol;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    protocol::serve(
        |question| {
            let number = |key: &str| question[key].as_u64().unwrap_or(1) as usize;
            if question["ask"] == "product" {
                return Ok(product(number("size")));
            }
            if question["ask"] == "peak" {
                return Ok(peak(number("operations"), number("threads")));
            }
            let layer = Layer {
                gru: question["layer"] == "gru",
                train: question["train"] == Value::Bool(true),
                steps: number("steps"),
                batch: number("batch"),
                size: number("size"),
            };
            Ok(if question["of"] == "burn" { layer.burn() } else { layer.lampwick() })
        },
        |runs| {
            let ms: Vec<f64> = runs.iter().map(|(time, _)| time.as_secs_f64() * 1e3).collect();
            json!({ "ms": ms })
        },
    )
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-0.1, 0.1), device)
}

/// One square product, the yardstick for the share of the peak.
fn product(size: usize) -> protocol::Case {
    let device = Device::flex();
    let (a, b) = (random([size, size], &device), random([size, size], &device));
    protocol::timed(move || a.clone().matmul(b.clone()).dims()[0])
}

/// Multiply-adds in registers, the floor of everything.
fn peak(operations: usize, threads: usize) -> protocol::Case {
    protocol::timed(move || {
        multiply_adds(operations, threads);
        operations
    })
}

/// One recurrent layer whose input is as wide as its state.
struct Layer {
    gru: bool,
    train: bool,
    steps: usize,
    batch: usize,
    size: usize,
}

impl Layer {
    fn device(&self) -> Device {
        if self.train { Device::flex().autodiff() } else { Device::flex() }
    }

    /// `recurrent()` with every gradient, the input's included, or without any.
    fn lampwick(&self) -> protocol::Case {
        let device = self.device();
        let &Self { gru, train, steps, batch, size } = self;
        let cell = if gru { Cell::Gru { reset: Reset::After } } else { Cell::Lstm };
        let columns = cell.gates() * size;
        let leaf = |tensor: Tensor<2>| if train { tensor.require_grad() } else { tensor };
        let bias = || {
            let bias = random([columns], &device);
            Some(if train { bias.require_grad() } else { bias })
        };
        let weights = RecurrentWeights {
            input: leaf(random([size, columns], &device)),
            hidden: leaf(random([size, columns], &device)),
            bias_input: bias(),
            bias_hidden: bias(),
        };
        let input = random([steps, batch, size], &device);
        let input = if train { input.require_grad() } else { input };
        let weight_of_output = random([steps, batch, size], &device);
        protocol::timed(move || {
            let (outputs, _) =
                recurrent(cell, input.clone(), weights.clone(), None, Sequence::default());
            if train {
                let gradients = (outputs * weight_of_output.clone()).sum().backward();
                assert!(
                    input.grad(&gradients).is_some() && weights.hidden.grad(&gradients).is_some()
                );
            }
            steps
        })
    }

    /// `nn::Lstm` or `nn::Gru` of Burn, with the same work.
    fn burn(&self) -> protocol::Case {
        let device = self.device();
        let &Self { gru, train, steps, batch, size } = self;
        // Burn's GRU takes batches first only.
        let shape = if gru { [batch, steps, size] } else { [steps, batch, size] };
        let input = random(shape, &device);
        let input = if train { input.require_grad() } else { input };
        let weight_of_output = random(shape, &device);
        let lstm = LstmConfig::new(size, size, true).with_batch_first(false).init(&device);
        let gru_layer = GruConfig::new(size, size, true).init(&device);
        protocol::timed(move || {
            let outputs = if gru {
                gru_layer.forward(input.clone(), None)
            } else {
                lstm.forward(input.clone(), None).0
            };
            if train {
                let gradients = (outputs * weight_of_output.clone()).sum().backward();
                assert!(input.grad(&gradients).is_some());
            }
            steps
        })
    }
}
