//! Trains one recurrent layer on a task that asks for memory, with Burn's own optimiser:
//!
//! ```sh
//! cargo run --release --example memory_task -- adding 100 lstm
//! cargo run --release --example memory_task -- copy 50 gru --hidden 64 --steps 2000
//! ```
//!
//! It prints the loss on sequences that are not trained on, beside the chance level, and stops when
//! the task is solved: at a twentieth of that. The same arguments give the same numbers.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use burn::grad_clipping::GradientClippingConfig;
use burn::module::Param;
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use clap::{Parser, ValueEnum};
use lampwick::data::{Targets, Task, TaskBatch, atomic};
use lampwick::kernels::{Activation, Cell, CrossEntropyOptions, Reset, linear_cross_entropy};
use lampwick::models::initializer::InitialValues;
use lampwick::models::{Mode, Recurrent, RecurrentConfig};
use lampwick::training::device;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::json;

#[derive(Parser)]
struct Arguments {
    /// adding, copy or temporal-order
    task: TaskName,
    /// T: how long the memory has to last
    length: usize,
    cell: CellName,
    /// Hidden units
    #[arg(long, default_value_t = 128, value_parser = at_least_one)]
    hidden: usize,
    /// Optimiser steps at most
    #[arg(long, default_value_t = 3000)]
    steps: usize,
    /// Sequences of a step
    #[arg(long, default_value_t = 32, value_parser = at_least_one)]
    batch: usize,
    /// Adam's rate
    #[arg(long, default_value_t = 2e-3)]
    lr: f64,
    /// LSTM: initial bias of the forget gate. 1: a new memory should keep what it has (Jozefowicz et
    /// al. 2015); log T: over T steps (Tallec & Ollivier 2018)
    #[arg(long, default_value_t = 1.0)]
    forget_bias: f64,
    /// Of initial values and sequences
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to compute (see `lampwick devices`)
    #[arg(long, value_name = "NAME[:N]", default_value = "")]
    device: String,
    /// Write the curve as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "give a whole number above 0".into())
}

#[derive(Clone, Copy, ValueEnum)]
enum TaskName {
    Adding,
    Copy,
    TemporalOrder,
}

#[derive(Clone, Copy, ValueEnum)]
enum CellName {
    Rnn,
    Lstm,
    Gru,
}

/// A recurrent layer and a linear map of its hidden vectors.
#[derive(Module, Debug)]
struct Reader {
    recurrent: Recurrent,
    weight: Param<Tensor<2>>, // [H, O]
    bias: Param<Tensor<1>>,   // [O]
}

impl Reader {
    fn new(cell: Cell, task: Task, arguments: &Arguments, device: &Device) -> Self {
        let (hidden, forget_bias) = (arguments.hidden, Some(arguments.forget_bias));
        let mut values = InitialValues::new(arguments.seed, device);
        let config =
            RecurrentConfig { forget_bias, ..RecurrentConfig::new(cell, task.inputs(), hidden) };
        Self {
            recurrent: config.init_from(&mut values),
            weight: values.uniform([hidden, task.outputs()], 1.0 / (hidden as f64).sqrt()),
            bias: values.constant([task.outputs()], 0.0),
        }
    }

    /// The task's loss, `[1]`.
    fn loss(&self, batch: &TaskBatch) -> Tensor<1> {
        let device = self.weight.val().device();
        let x = batch.input_tensor(&device); // [T, B, I]
        let output = self.recurrent.forward(x, None, None, &mut Mode::Evaluate).output; // [T, B, H]
        let [steps, sequences, hidden] = output.dims();
        let last = || output.clone().slice(s![steps - 1..]).reshape([sequences, hidden]);
        let classes = |rows: Tensor<2>, targets: &[u32]| {
            let ids: Vec<i64> = targets.iter().map(|&id| i64::from(id)).collect();
            let targets = Tensor::from_data(TensorData::new(ids, [targets.len()]), &device);
            let (weight, bias) = (self.weight.val(), Some(self.bias.val()));
            linear_cross_entropy(rows, weight, bias, targets, &CrossEntropyOptions::default()).loss
        };
        match &batch.targets {
            Targets::Value(values) => {
                let values = TensorData::new(values.clone(), [sequences, 1]);
                let answer = last().matmul(self.weight.val()) + self.bias.val().unsqueeze();
                (answer - Tensor::from_data(values, &device)).square().mean()
            }
            Targets::Class(targets) => classes(last(), targets),
            Targets::Classes(targets) => {
                classes(output.clone().reshape([steps * sequences, hidden]), targets)
            }
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let steps = arguments.length;
    let task = match arguments.task {
        TaskName::Adding => Task::Adding { steps },
        TaskName::Copy => Task::Copy { steps },
        TaskName::TemporalOrder => Task::TemporalOrder { steps },
    };
    task.check().map_err(|error| error.to_string())?;
    let cell = match arguments.cell {
        CellName::Rnn => Cell::Rnn { activation: Activation::Tanh },
        CellName::Lstm => Cell::Lstm,
        CellName::Gru => Cell::Gru { reset: Reset::After },
    };
    let start = Instant::now();
    let device = device::parse(&arguments.device)?.autodiff();
    let mut model = Reader::new(cell, task, &arguments, &device);
    let clipping = Some(GradientClippingConfig::Norm(1.0)); // each parameter by itself
    let adam = AdamConfig::new().with_epsilon(1e-8).with_grad_clipping(clipping);
    let mut optimizer = adam.init();
    // Neighbouring seeds: the held-out sequences are others than those trained on.
    let mut rng = ChaCha8Rng::seed_from_u64(2 * arguments.seed);
    let held_out = task.batch(256, &mut ChaCha8Rng::seed_from_u64(2 * arguments.seed + 1));

    let chance = task.chance();
    let solved = chance / 20.0;
    println!("{} T = {steps}: chance {chance:.4}, solved below {solved:.4}", task.name());
    let mut curve = Vec::new();
    let mut solved_at = None;
    for step in 1..=arguments.steps {
        let loss = model.loss(&task.batch(arguments.batch, &mut rng));
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(arguments.lr, model, gradients);
        if step % 100 == 0 || step == arguments.steps {
            let loss = model.valid().loss(&held_out).into_scalar::<f32>();
            println!("step {step}: {loss:.4}");
            curve.push((step, loss));
            if f64::from(loss) < solved {
                solved_at = Some(step);
                break;
            }
        }
    }
    match solved_at {
        Some(step) => println!("solved after {step} steps"),
        None => println!("not solved within {} steps", arguments.steps),
    }
    if let Some(out) = &arguments.out {
        let run = json!({
            "task": task.name(), "length": steps, "chance": chance, "solved_at": solved_at,
            "curve": curve, "seconds": start.elapsed().as_secs_f64(),
        });
        atomic::write(out, |file| writeln!(file, "{run}"))?;
    }
    Ok(())
}
