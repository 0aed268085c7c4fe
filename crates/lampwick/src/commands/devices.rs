//! `lampwick devices`: what is compiled in and what is found.

use std::io::Write;

use burn::tensor::Device;
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
    let mut out = crate::output::stdout();
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
    let devices = device::enumerated(backend);
    let names = device::names(backend, devices.len());
    let found = |(name, device)| Found { name, hardware: hardware(device) };
    names.into_iter().zip(&devices).map(found).collect()
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
