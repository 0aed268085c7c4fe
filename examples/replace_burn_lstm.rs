//! Our LSTM inside somebody else's Burn model, in place of `burn::nn::Lstm`.
//!
//! ```sh
//! cargo run --release --example replace_burn_lstm
//! ```
//!
//! The model is a regression: it reads a window of a noisy wave and gives the value that follows.
//! It is written as any Burn model is, with one field that is either Burn's layer or ours. Both
//! start from the same values and see the same windows, so the two errors agree but for rounding;
//! the program prints them and the speed-up. About five seconds on two cores.

use std::time::{Duration, Instant};

use burn::module::{Module, Param};
use burn::nn::loss::{MseLoss, Reduction};
use burn::nn::{GateController, Linear, LinearConfig, Lstm, LstmConfig};
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
    let burn = LstmConfig::new(1, HIDDEN, true).with_batch_first(false).init(&device);
    let ours = with_values_of(&burn, &device);
    let head = LinearConfig::new(HIDDEN, 1).init(&device);

    let burn = Forecaster { layer: Layer::Burn(burn), head: head.clone() };
    let (burn_error, burn_time) = train(burn, &device);
    println!(
        "burn::nn::Lstm       error {burn_error:.6} after {UPDATES} updates in {burn_time:.1?}"
    );
    let ours = Forecaster { layer: Layer::Lampwick(ours), head };
    let (our_error, our_time) = train(ours, &device);
    println!("lampwick::Recurrent  error {our_error:.6} after {UPDATES} updates in {our_time:.1?}");
    println!("speed-up: {:.1}x", burn_time.as_secs_f64() / our_time.as_secs_f64());
}

/// Our layer with the values of Burn's: one layer per gate there, packed side by side here in the
/// order i, f, g, o. Both sum a bias of the input and one of the hidden state.
fn with_values_of(burn: &Lstm, device: &Device) -> Recurrent {
    let forget = burn.forget_gate.as_ref().expect("the gates are not coupled");
    let gates = [&burn.input_gate, forget, &burn.cell_gate, &burn.output_gate];
    let weight = |of: fn(&GateController) -> &Linear| {
        let parts = gates.iter().map(|gate| of(gate).weight.val()).collect();
        Param::from_tensor(Tensor::cat(parts, 1).detach()) // [I, 4H] or [H, 4H]
    };
    let bias = |of: fn(&GateController) -> &Linear| {
        let bias = |gate: &&GateController| of(gate).bias.as_ref().map(Param::val);
        let parts: Option<Vec<Tensor<1>>> = gates.iter().map(bias).collect();
        parts.map(|parts| Param::from_tensor(Tensor::cat(parts, 0).detach())) // [4H]
    };
    let mut ours = RecurrentConfig::new(Cell::Lstm, 1, HIDDEN).init(1, device);
    let layer = &mut ours.layers[0].forward;
    layer.input = weight(|gate| &gate.input_transform);
    layer.hidden = weight(|gate| &gate.hidden_transform);
    layer.bias_input = bias(|gate| &gate.input_transform);
    layer.bias_hidden = bias(|gate| &gate.hidden_transform);
    ours
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
