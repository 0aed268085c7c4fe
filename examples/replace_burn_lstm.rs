//! Our LSTM inside somebody else's Burn model, in place of `burn::nn::Lstm`.
//!
//! ```sh
//! cargo run --release --example replace_burn_lstm
//! ```
//!
//! The model is a regression: it reads a window of a noisy wave and gives the value that follows.
//! It is written as any Burn model is, with one field that is either Burn's layer or ours. Both
//! are trained on the same windows; the program prints the two errors and the speed-up. About five
//! seconds on two cores.

use std::time::{Duration, Instant};

use burn::module::Module;
use burn::nn::loss::{MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig, Lstm, LstmConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use lampwick::kernels::Cell;
use lampwick::models::{Mode, Recurrent, RecurrentConfig};

const STEPS: usize = 64; // T, length of a window
const BATCH: usize = 32; // B
const HIDDEN: usize = 128; // H
const UPDATES: usize = 60;

/// The one line that changes: which layer reads the window.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "one of each is made")]
enum Layer {
    Burn(Lstm),
    Lampwick(Recurrent),
}

/// Window `[T, B, 1]` -> next value `[B, 1]`.
#[derive(Module, Debug)]
struct Forecaster {
    layer: Layer,
    head: Linear,
}

impl Forecaster {
    fn new(layer: Layer, device: &Device) -> Self {
        Self { layer, head: LinearConfig::new(HIDDEN, 1).init(device) }
    }

    fn forward(&self, window: Tensor<3>) -> Tensor<2> {
        let last = match &self.layer {
            Layer::Burn(lstm) => lstm.forward(window, None).1.hidden, // [B, H]
            Layer::Lampwick(lstm) => {
                // No dropout in this layer, so either mode gives the same.
                let output = lstm.forward(window, None, None, &mut Mode::Evaluate);
                output.state.0[0].hidden.clone() // [B, H]
            }
        };
        self.head.forward(last)
    }
}

fn main() {
    let device = Device::flex().autodiff();
    let burn = Layer::Burn(LstmConfig::new(1, HIDDEN, true).with_batch_first(false).init(&device));
    let ours = Layer::Lampwick(RecurrentConfig::new(Cell::Lstm, 1, HIDDEN).init(1, &device));

    let (burn_error, burn_time) = train(Forecaster::new(burn, &device), &device);
    println!(
        "burn::nn::Lstm       error {burn_error:.4} after {UPDATES} updates in {burn_time:.1?}"
    );
    let (our_error, our_time) = train(Forecaster::new(ours, &device), &device);
    println!("lampwick::Recurrent  error {our_error:.4} after {UPDATES} updates in {our_time:.1?}");
    println!("speed-up: {:.1}x", burn_time.as_secs_f64() / our_time.as_secs_f64());
}

/// Trains on fresh windows; gives the mean squared error of the last ten updates and the time.
fn train(mut model: Forecaster, device: &Device) -> (f64, Duration) {
    let mut optimizer = AdamConfig::new().init();
    let mut errors = Vec::new();
    let start = Instant::now();
    for update in 0..UPDATES {
        let (window, next) = windows(update, device);
        let error = MseLoss::new().forward(model.forward(window), next, Reduction::Mean);
        errors.push(error.clone().into_scalar::<f64>());
        let gradients = GradientsParams::from_grads(error.backward(), &model);
        model = optimizer.step(3e-3, model, gradients);
    }
    (errors[UPDATES - 10..].iter().sum::<f64>() / 10.0, start.elapsed())
}

/// `BATCH` windows of a wave with two frequencies, each at its own phase: `[T, B, 1]` and `[B, 1]`.
fn windows(update: usize, device: &Device) -> (Tensor<3>, Tensor<2>) {
    let value = |step: usize, row: usize| {
        let phase = (update * BATCH + row) as f32 * 0.37;
        let time = step as f32;
        0.6 * (0.21 * time + phase).sin() + 0.4 * (0.05 * time + 2.0 * phase).sin()
    };
    let window: Vec<f32> =
        (0..STEPS).flat_map(|step| (0..BATCH).map(move |row| value(step, row))).collect();
    let next: Vec<f32> = (0..BATCH).map(|row| value(STEPS, row)).collect();
    (
        Tensor::from_data(TensorData::new(window, [STEPS, BATCH, 1]), device),
        Tensor::from_data(TensorData::new(next, [BATCH, 1]), device),
    )
}
