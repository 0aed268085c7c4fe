//! `cargo xtask bench recurrent`: one layer, ours, Burn's own and PyTorch's.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::side::Side;
use crate::numbers::{figure, median, ratio, table};

/// Batch, steps, hidden size; the input is as wide as the hidden state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Shape {
    batch: usize,
    steps: usize,
    size: usize,
}

/// From a small language model to one long stream.
const SHAPES: [Shape; 5] = [
    Shape { batch: 20, steps: 20, size: 200 },
    Shape { batch: 20, steps: 35, size: 650 },
    Shape { batch: 64, steps: 50, size: 512 },
    Shape { batch: 1, steps: 64, size: 512 },
    Shape { batch: 128, steps: 20, size: 128 },
];

/// Side of the square product whose speed stands for what a library reaches.
const PRODUCT: usize = 2048;
const PRODUCT_OPERATIONS: f64 = 2.0 * (PRODUCT * PRODUCT * PRODUCT) as f64;

/// Multiplications and additions in registers alone, whose speed is what the machine can do.
const OPERATIONS: usize = 10_000_000_000;

/// What `cargo xtask bench recurrent` takes.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    common: super::Common,
    /// Layers to measure
    #[arg(long, value_delimiter = ',', default_value = "lstm,gru")]
    layers: Vec<String>,
    /// Only this shape, as BxTxH (repeat, or separate by commas)
    #[arg(long = "shape", value_delimiter = ',', value_parser = shape)]
    shapes: Vec<Shape>,
    /// Leave Burn's own layers out, which take most of the time
    #[arg(long)]
    skip_burn: bool,
    /// Leave the check of cost against length out
    #[arg(long)]
    skip_lengths: bool,
}

/// One row: milliseconds (medians) and what follows from them.
#[derive(Serialize)]
struct Row {
    layer: String,
    /// Forward + backward with all gradients, or forward alone without any.
    train: bool,
    shape: Shape,
    lampwick_ms: Option<f64>,
    burn_ms: Option<f64>,
    pytorch_ms: Option<f64>,
    /// How many times as fast as PyTorch.
    over_pytorch: Option<f64>,
    /// How many times as fast as Burn's own layer.
    over_burn: Option<f64>,
    /// Share of the peak of a large product in the same process, in the same rounds.
    share_of_sgemm: Option<f64>,
    /// Share of the machine's multiply-adds in the same rounds: the products alone are counted, so
    /// 1 is out of reach.
    share_of_machine: Option<f64>,
    /// PyTorch's share of the same.
    pytorch_share_of_machine: Option<f64>,
}

/// Cost at 400 steps over cost at 100.
#[derive(Serialize)]
struct Lengths {
    layer: String,
    time: Option<f64>,
    memory: Option<f64>,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let threads = arguments.common.threads;
    let mut ours = Side::ours("bench_recurrent", threads)?;
    let (mut pytorch, missing) = match Side::pytorch("recurrent.py", threads)? {
        Ok(side) => (Some(side), None),
        Err(why) => (None, Some(why)),
    };
    let shapes = if arguments.shapes.is_empty() { &SHAPES[..] } else { &arguments.shapes };

    let mut peaks = Peaks::default();
    let mut rows = Vec::new();
    for layer in &arguments.layers {
        for train in [true, false] {
            for &shape in shapes {
                let row = measure(
                    arguments,
                    &mut ours,
                    pytorch.as_mut(),
                    layer,
                    train,
                    shape,
                    &mut peaks,
                )?;
                eprintln!("{layer} {} {}", words(train), shape.name());
                rows.push(row);
            }
        }
    }
    let mut lengths = Vec::new();
    if !arguments.skip_lengths {
        for layer in &arguments.layers {
            lengths.push(cost_of_length(arguments, &mut ours, layer)?);
        }
    }
    let sides = [
        ours.name().to_owned(),
        pytorch
            .as_ref()
            .map_or_else(|| missing.clone().unwrap_or_default(), |side| side.name().to_owned()),
    ];
    if arguments.common.json {
        let all = json!({
            "sides": sides, "threads": threads, "rows": rows, "lengths": lengths,
            "sgemm_gflops": { "lampwick": median(&peaks.ours), "pytorch": median(&peaks.pytorch) },
            "machine_gflops": median(&peaks.machine),
        });
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        print(&rows, &lengths, &sides, &peaks, threads);
    }
    Ok(())
}

/// GFLOP/s, round by round, of the large product and of multiply-adds in registers.
#[derive(Default)]
struct Peaks {
    ours: Vec<f64>,
    pytorch: Vec<f64>,
    machine: Vec<f64>,
}

fn measure(
    arguments: &Arguments,
    ours: &mut Side,
    mut pytorch: Option<&mut Side>,
    layer: &str,
    train: bool,
    shape: Shape,
    peaks: &mut Peaks,
) -> Result<Row> {
    let seconds = arguments.common.seconds;
    let question = |of: &str, seconds: f64| {
        json!({
            "ask": "layer", "of": of, "layer": layer, "train": train, "batch": shape.batch,
            "steps": shape.steps, "size": shape.size, "seconds": seconds,
        })
    };
    let product = json!({"ask": "product", "size": PRODUCT, "seconds": 0.2});
    let spin = json!({
        "ask": "peak", "operations": OPERATIONS, "threads": arguments.common.threads, "seconds": 0.1,
    });
    let (mut lampwick_ms, mut burn_ms, mut pytorch_ms) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sgemm, mut machine) = (Vec::new(), Vec::new());
    for _ in 0..arguments.common.rounds {
        lampwick_ms.extend(milliseconds(&ours.ask(&question("lampwick", seconds))?)?);
        sgemm.push(gflops(PRODUCT_OPERATIONS, &ours.ask(&product)?)?);
        machine.push(gflops(OPERATIONS as f64, &ours.ask(&spin)?)?);
        if let Some(pytorch) = pytorch.as_deref_mut() {
            pytorch_ms.extend(milliseconds(&pytorch.ask(&question("pytorch", seconds))?)?);
            peaks.pytorch.push(gflops(PRODUCT_OPERATIONS, &pytorch.ask(&product)?)?);
        }
        if !arguments.skip_burn {
            burn_ms.extend(milliseconds(&ours.ask(&question("burn", 0.0))?)?);
        }
    }
    peaks.ours.extend(&sgemm);
    peaks.machine.extend(&machine);
    let lampwick_ms = median(&lampwick_ms);
    let (burn_ms, pytorch_ms) = (median(&burn_ms), median(&pytorch_ms));
    let over = |other: Option<f64>| Some(other? / lampwick_ms?);
    let share =
        |ms: Option<f64>, of: &[f64]| Some(flops(layer, train, shape) / (ms? * 1e6) / median(of)?);
    Ok(Row {
        layer: layer.to_owned(),
        train,
        shape,
        lampwick_ms,
        burn_ms,
        pytorch_ms,
        over_pytorch: over(pytorch_ms),
        over_burn: over(burn_ms),
        share_of_sgemm: share(lampwick_ms, &sgemm),
        share_of_machine: share(lampwick_ms, &machine),
        pytorch_share_of_machine: share(pytorch_ms, &machine),
    })
}

/// 400 steps against 100 of a small layer, forward + backward: time in this process, and the
/// peak memory above that of one step, each in a process of its own.
fn cost_of_length(arguments: &Arguments, ours: &mut Side, layer: &str) -> Result<Lengths> {
    let question = |steps: usize| {
        json!({
            "ask": "layer", "of": "lampwick", "layer": layer, "train": true, "batch": 20,
            "steps": steps, "size": 200, "seconds": arguments.common.seconds,
        })
    };
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for _ in 0..arguments.common.rounds {
        short.extend(milliseconds(&ours.ask(&question(100))?)?);
        long.extend(milliseconds(&ours.ask(&question(400))?)?);
    }
    let peak = |steps: usize| -> Result<Option<f64>> {
        let mut fresh = Side::ours("bench_recurrent", arguments.common.threads)?;
        fresh.ask(&question(steps))?;
        Ok(fresh.ask(&json!({"ask": "memory"}))?["peak_mib"].as_f64())
    };
    let (one, few, many) = (peak(1)?, peak(100)?, peak(400)?);
    let above = |peak: Option<f64>| Some(peak? - one?);
    Ok(Lengths {
        layer: layer.to_owned(),
        time: median(&long).zip(median(&short)).map(|(long, short)| long / short),
        memory: above(many).zip(above(few)).map(|(many, few)| many / few),
    })
}

/// Multiplications and additions of the products alone: `x W_x` and `h W_h`, and in the backward
/// pass two products for each of them.
fn flops(layer: &str, train: bool, Shape { batch, steps, size }: Shape) -> f64 {
    let gates = if layer == "gru" { 3.0 } else { 4.0 };
    let forward = 2.0 * (batch * steps) as f64 * gates * (size * 2 * size) as f64;
    if train { 3.0 * forward } else { forward }
}

fn milliseconds(answer: &Value) -> Result<Vec<f64>> {
    let times = answer["ms"].as_array().with_context(|| format!("no times in {answer}"))?;
    Ok(times.iter().filter_map(Value::as_f64).collect())
}

/// Of the fastest run: a peak is what can be reached.
fn gflops(operations: f64, answer: &Value) -> Result<f64> {
    let fastest = milliseconds(answer)?.into_iter().fold(f64::INFINITY, f64::min);
    Ok(operations / (fastest * 1e6))
}

fn words(train: bool) -> &'static str {
    if train { "forward + backward" } else { "forward alone" }
}

fn print(rows: &[Row], lengths: &[Lengths], sides: &[String; 2], peaks: &Peaks, threads: usize) {
    println!("{} beside {}; {threads} threads each, medians in ms\n", sides[0], sides[1]);
    let mut lines = vec![
        [
            "layer, B x T x H",
            "Lampwick",
            "Burn",
            "PyTorch",
            "over PyTorch",
            "over Burn",
            "of sgemm",
            "of machine",
            "PyTorch's",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for row in rows {
        lines.push(vec![
            format!("{} {} {}", row.layer.to_uppercase(), row.shape.name(), words(row.train)),
            figure(row.lampwick_ms),
            figure(row.burn_ms),
            figure(row.pytorch_ms),
            ratio(row.over_pytorch),
            ratio(row.over_burn),
            percent(row.share_of_sgemm),
            percent(row.share_of_machine),
            percent(row.pytorch_share_of_machine),
        ]);
    }
    println!("{}", table(&lines));
    println!(
        "GFLOP/s: the machine's multiply-adds in registers {}; sgemm {PRODUCT}^3, Burn {}, PyTorch {}",
        figure(median(&peaks.machine)),
        figure(median(&peaks.ours)),
        figure(median(&peaks.pytorch))
    );
    println!(
        "of machine: the products' operations a second over the machine's; 100 % is the floor"
    );
    for Lengths { layer, time, memory } in lengths {
        let layer = layer.to_uppercase();
        println!(
            "{layer} 20 x T x 200, T=400 over T=100: time {}, memory {}",
            ratio(*time),
            ratio(*memory)
        );
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.0} %", share * 1e2))
}

impl Shape {
    fn name(self) -> String {
        format!("{}x{}x{}", self.batch, self.steps, self.size)
    }
}

/// Reads `20x35x650`.
fn shape(text: &str) -> Result<Shape, String> {
    let numbers: Vec<usize> = text.split('x').filter_map(|part| part.parse().ok()).collect();
    match numbers[..] {
        [batch, steps, size] if batch > 0 && steps > 0 && size > 0 => {
            Ok(Shape { batch, steps, size })
        }
        _ => Err("a shape is BxTxH, such as 20x35x650".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_three_numbers() {
        assert_eq!(shape("20x35x650"), Ok(Shape { batch: 20, steps: 35, size: 650 }));
        assert!(shape("20x35").is_err());
        assert!(shape("0x35x1").is_err());
    }

    #[test]
    fn an_lstm_of_20x35x650_takes_14_gflop() {
        // 700 rows: 6 x 700 x 2600 x 1300 = 14.2 GFLOP, the 59 ms at 240 GFLOP/s of DESIGN.md.
        let flops = flops("lstm", true, Shape { batch: 20, steps: 35, size: 650 });
        assert!((flops / 240e9 * 1e3 - 59.15).abs() < 0.1, "{flops}");
    }
}
