//! Whole runs: the loss of each step.

use std::sync::atomic::AtomicI32;

use lampwick::models::Precision;
use lampwick::training::{Config, Error, Event, Metric, Override, RunConfig, device, logs, train};

use super::{name, subject};

/// Two LSTM layers with dropout, clipping and SGD on the synthetic language, a line a step.
const RUN: &str = r#"
    seed = 4
    [model]
    embedding = 24
    hidden = 32
    dropout_input = 0.1
    dropout_hidden = 0.1
    dropout_output = 0.1
    [data]
    source = "synthetic"
    train_tokens = 12000
    valid_tokens = 100
    test_tokens = 100
    [batches]
    size = 10
    bptt = { fixed = 8 }
    [optimizer]
    name = "sgd"
    lr = 2.0
    [regularization]
    clip_norm = 0.5
    [budget]
    epochs = 0
    steps = 100
    [sampling]
    count = 0
    count_per_epoch = 0
    [report]
    log_every = 1
"#;

/// The loss of every step of [`RUN`] on `device`.
fn curve(device: &str, overrides: &[&str]) -> Result<Vec<f64>, Error> {
    let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    let mut config = Config::parse(RUN, "devices.toml", &overrides).unwrap().config;
    config.device = device.into();
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    train(&config, &run, &AtomicI32::new(0), &mut |_: &Event<'_>| {})?;
    let metrics: Vec<Metric> = logs::read(&run.join("metrics.jsonl"))?;
    let loss = |metric| match metric {
        Metric::Train { loss, .. } => Some(loss),
        _ => None,
    };
    Ok(metrics.into_iter().filter_map(loss).collect())
}

/// Holds two curves together, each step within `tolerance` of the other's loss.
fn together(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    let off = |(a, b): (&f64, &f64)| (a / b - 1.0).abs();
    let worst = found.iter().zip(expected).map(off).fold(0.0, f64::max);
    println!("{what} on {}: largest difference of a step's loss {:.4} %", name(), 100.0 * worst);
    assert!(worst <= tolerance, "{what}: {worst} exceeds {tolerance}");
    let (first, last) = (expected[0], expected[expected.len() - 1]);
    assert!(last < 0.9 * first, "it learns: {first} to {last}");
}

/// Tolerance: 0.5 % of each step's loss.
#[test]
fn a_hundred_steps_follow_flex() {
    if name() == "flex" {
        println!("skipped: flex is what the others are held against");
        return;
    }
    let expected = curve("flex", &[]).unwrap();
    assert_eq!(expected.len(), 100);
    together(&curve(&name(), &[]).unwrap(), &expected, 0.005, "f32");
}

/// Tolerance: 0.5 % of each step's loss for bf16, 0.1 % for f16.
#[test]
fn a_hundred_steps_in_mixed_precision_follow_f32() {
    let device = subject();
    let exact = curve(&name(), &[]).unwrap();
    for (precision, tolerance) in [(Precision::Bf16, 0.005), (Precision::F16, 0.001)] {
        let asked = format!("model.precision={}", precision.name());
        let mixed = curve(&name(), &[&asked]);
        if precision.is_supported(&device) {
            together(&mixed.unwrap(), &exact, tolerance, precision.name());
        } else {
            println!("skipped: no {} on {}", precision.name(), name());
            let error = mixed.unwrap_err().to_string();
            assert!(error.contains("model.precision") && error.contains("\"f32\""), "{error}");
        }
    }
}

/// The mean of the gradients of parts is the gradient of the whole: without dropout the curves are
/// one. 10 streams over three is uneven.
#[test]
fn several_devices_follow_one() {
    let plain = ["model.dropout_input=0.0", "model.dropout_hidden=0.0", "model.dropout_output=0.0"];
    let one = curve(&name(), &plain).unwrap();
    for devices in [2, 3] {
        let names = vec![name(); devices].join(",");
        together(&curve(&names, &plain).unwrap(), &one, 0.005, &names);
    }
    // With dropout the parts draw masks of their own: another curve, and as good a one.
    let names = vec![name(); 2].join(",");
    let (one, two) = (curve(&name(), &[]).unwrap(), curve(&names, &[]).unwrap());
    assert_ne!(one, two);
    together(&two, &one, 0.1, "masks of their own");
}

#[test]
fn what_cannot_share_a_batch_is_refused() {
    let names = vec![name(); 3].join(",");
    let error = curve(&names, &["batches.size=2"]).unwrap_err().to_string();
    assert!(error.contains("batches.size") && error.contains("3 devices"), "{error}");
    let mixed = if name() == "flex" { "flex,cuda:0".into() } else { format!("{},flex", name()) };
    let error = device::parse_all(&mixed).unwrap_err().to_string();
    assert!(error.contains("backends") || error.contains("--features cuda"), "{error}");
}
