//! `lampwick devices`: what is compiled in and what is found.

use std::io::Write;

use burn::tensor::{Device, DeviceType};
use lampwick::training::device::{self, BACKENDS};
use serde_json::json;

use crate::exit::Exit;

/// What `lampwick devices` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick devices
  cargo run --release --features wgpu -- devices      with GPUs through wgpu compiled in
  lampwick train configs/quickstart.toml --device wgpu:1")]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout().lock();
    let backends: Vec<(&str, bool, Vec<Found>)> = BACKENDS
        .iter()
        .map(|&(name, compiled)| (name, compiled, if compiled { found(name) } else { vec![] }))
        .collect();
    if arguments.json {
        let list: Vec<_> = backends
            .iter()
            .map(|(name, compiled, found)| {
                let devices: Vec<_> = found.iter().map(|one| &one.name).collect();
                let hardware: Vec<_> = found.iter().map(|one| &one.hardware).collect();
                json!({"name": name, "compiled": compiled, "devices": devices, "hardware": hardware})
            })
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
        return Ok(Exit::Done);
    }
    for (name, compiled, found) in &backends {
        let note = match (compiled, found.is_empty()) {
            (false, _) => format!("not compiled in; cargo run --release --features {name}"),
            (true, true) => "compiled in; none on this machine".to_owned(),
            (true, false) => {
                let found: Vec<_> = found.iter().map(Found::shown).collect();
                format!("compiled in; {}", found.join(", "))
            }
        };
        writeln!(out, "{name:<8} {note}")?;
    }
    Ok(Exit::Done)
}

/// A device that can be used.
struct Found {
    /// What `--device` takes.
    name: String,
    /// What the hardware calls itself, where the backend knows.
    hardware: Option<String>,
}

impl Found {
    fn shown(&self) -> String {
        match &self.hardware {
            Some(hardware) => format!("--device {} ({hardware})", self.name),
            None => format!("--device {}", self.name),
        }
    }
}

/// The devices of one backend, in their order.
fn found(backend: &str) -> Vec<Found> {
    let devices = kind(backend).map(|kind| Device::enumerate(kind).into_vec()).unwrap_or_default();
    // A backend with a single device needs no number; one with several has a default as well.
    let names = match devices.len() {
        0 => Vec::new(),
        1 => vec![backend.to_owned()],
        several => (0..several).map(|n| format!("{backend}:{n}")).collect(),
    };
    let mut found = Vec::new();
    for name in names {
        let Ok(named) = device::parse(&name) else { continue };
        if devices.len() == 1 || devices.contains(&named) {
            found.push(Found { name, hardware: hardware(&named) });
        }
    }
    found
}

/// A device's own name; asking opens the device.
#[cfg(any(
    feature = "cpu",
    feature = "wgpu",
    feature = "vulkan",
    feature = "metal",
    feature = "cuda"
))]
fn hardware(device: &Device) -> Option<String> {
    device.identity().map(|identity| identity.name)
}

#[cfg(not(any(
    feature = "cpu",
    feature = "wgpu",
    feature = "vulkan",
    feature = "metal",
    feature = "cuda"
)))]
fn hardware(_: &Device) -> Option<String> {
    None
}

/// Burn's own name of a backend, where it is compiled in.
fn kind(backend: &str) -> Option<DeviceType> {
    match backend {
        #[cfg(feature = "flex")]
        "flex" => Some(DeviceType::Flex),
        #[cfg(feature = "ndarray")]
        "ndarray" => Some(DeviceType::NdArray),
        #[cfg(feature = "cpu")]
        "cpu" => Some(DeviceType::Cpu),
        #[cfg(feature = "wgpu")]
        "wgpu" => Some(DeviceType::Wgpu),
        #[cfg(feature = "vulkan")]
        "vulkan" => Some(DeviceType::Vulkan),
        #[cfg(feature = "metal")]
        "metal" => Some(DeviceType::Metal),
        #[cfg(feature = "cuda")]
        "cuda" => Some(DeviceType::Cuda),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compiled_backend_has_a_kind() {
        for (name, compiled) in BACKENDS {
            assert_eq!(kind(name).is_some(), compiled, "{name}");
        }
    }
}
