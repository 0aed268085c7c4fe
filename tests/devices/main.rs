//! The same code on every device: kernels, models and whole runs on the device that LAMPWICK_DEVICE
//! names, held against Flex.
//!
//! `cargo xtask test --device wgpu` runs these on another device than the CPU. What a device gives
//! in f32 is held against the composed reference on Flex in f64, so that the fused kernels of Flex
//! are held against something too. Every test names its device in its output.

#[path = "../../crates/kernels/tests/common/mod.rs"]
mod layers;

mod kernels;
mod models;
mod training;

use burn::prelude::*;
use lampwick::training::device;

/// Largest difference, relative to the largest element: sums of f32 in another order, and a GPU's
/// own exp and tanh.
const TOLERANCE: f32 = 2e-4;

/// The name of the device under test.
fn name() -> String {
    let asked = std::env::var("LAMPWICK_DEVICE").unwrap_or_default();
    device::resolved(&asked).to_string()
}

/// The device under test, on the tape.
fn subject() -> Device {
    let name = name();
    println!("on {name}");
    device::parse(&name).unwrap_or_else(|error| panic!("{error}")).autodiff()
}

/// Where the reference is computed, on the tape.
fn reference() -> Device {
    Device::flex().autodiff()
}

/// A tensor's values; none for what has no gradient.
fn values<const D: usize>(tensor: Option<Tensor<D>>) -> Vec<f32> {
    tensor.map_or(Vec::new(), |tensor| tensor.try_into_vec_as().expect("floats"))
}
