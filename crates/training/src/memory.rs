//! The memory that a run would take, held against the machine's before anything is built: an
//! allocation that fails ends the whole process, with no word on which key was too large.

use crate::config::OptimizerConfig;
use crate::device;
use crate::error::{Error, Result};

/// Where the system does not say what it has: more than any machine that this is meant for.
const UNKNOWN_MACHINE: u64 = 1 << 42;

/// Numbers that stand for each parameter while it is trained: weights, gradients, moments and
/// averages.
pub(crate) fn of_parameters(parameters: usize, optimizer: &OptimizerConfig) -> u128 {
    let moments = match optimizer {
        OptimizerConfig::Sgd(c) => u128::from(c.momentum > 0.0),
        OptimizerConfig::Adam(c) => 2 + u128::from(c.amsgrad),
        OptimizerConfig::AdamW(_) => 2,
        OptimizerConfig::RmsProp(c) => 1 + u128::from(c.momentum > 0.0) + u128::from(c.centered),
        OptimizerConfig::Asgd(_) | OptimizerConfig::NtAsgd(_) => 1, // the average
    };
    parameters as u128 * (2 + moments)
}

/// Bytes of so many single-precision numbers.
pub(crate) fn bytes(numbers: u128) -> u64 {
    u64::try_from(numbers.saturating_mul(4)).unwrap_or(u64::MAX)
}

/// Refuses a run that this machine cannot hold; `on_host`: what it needs where it computes in the
/// machine's own memory.
///
/// # Errors
/// [`Error::Memory`].
pub(crate) fn check(device: &str, parameters: usize, on_host: u64) -> Result<()> {
    // Elsewhere the device holds the rest; the weights are drawn and saved from here.
    let needed = if device::on_host(device) { on_host } else { bytes(parameters as u128) };
    let available = installed();
    if needed <= available {
        return Ok(());
    }
    Err(Error::Memory { parameters, needed, available })
}

/// Bytes of this machine's memory.
fn installed() -> u64 {
    std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total(&text))
        .unwrap_or(UNKNOWN_MACHINE)
}

/// `MemTotal:  16384 kB` -> bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_what_it_has() {
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       16384 kB\n"), Some(16 << 20));
        assert_eq!(total("nothing"), None);
        assert!(installed() > 1 << 28);
    }
}
