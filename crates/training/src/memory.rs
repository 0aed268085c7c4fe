//! The memory that a run would take, held against the machine's before anything is built: an
//! allocation that fails ends the whole process, with no word on which key was too large.

use crate::config::{Config, OptimizerConfig};
use crate::device;
use crate::error::{Error, Result};

/// Where the system does not say what it has: more than any machine that this is meant for.
const UNKNOWN_MACHINE: u64 = 1 << 42;

/// Estimated bytes, beside the program's own: weights, gradients, moments and averages are as many
/// numbers as parameters each; a window's activations are what the layers keep for the backward
/// pass; `ids` are the tokens that are held in memory.
pub(crate) fn needed(config: &Config, parameters: usize, ids: usize) -> u64 {
    let moments = match &config.optimizer {
        OptimizerConfig::Sgd(c) => u128::from(c.momentum > 0.0),
        OptimizerConfig::Adam(c) => 2 + u128::from(c.amsgrad),
        OptimizerConfig::AdamW(_) => 2,
        OptimizerConfig::RmsProp(c) => 1 + u128::from(c.momentum > 0.0) + u128::from(c.centered),
        OptimizerConfig::Asgd(_) | OptimizerConfig::NtAsgd(_) => 1, // the average
    };
    let stack = config.model.recurrent();
    let rows = config.batches.size as u128 * config.batches.bptt.nominal() as u128;
    // Gates before and after activation, cell state, output, and their gradients. At most three
    // kinds of layers, so that a billion of them is counted at once.
    let units =
        |layer: usize| (2 * stack.cell.gates() as u128 + 4) * stack.hidden_of(layer) as u128;
    let last = stack.layers.saturating_sub(1);
    let mut layers = units(last);
    if last > 0 {
        layers += units(0);
    }
    if last > 1 {
        layers = layers.saturating_add(units(1).saturating_mul(last as u128 - 1));
    }
    let activations =
        rows.saturating_mul(layers.saturating_add(3 * config.model.embedding as u128));
    // Twice: a text's ids are collected before they are laid out.
    let numbers =
        (parameters as u128 * (2 + moments) + 2 * ids as u128).saturating_add(activations);
    u64::try_from(numbers.saturating_mul(4)).unwrap_or(u64::MAX)
}

/// Refuses a run that this machine cannot hold.
///
/// # Errors
/// [`Error::Model`] for a `[model]` table that describes no model, [`Error::Memory`].
pub(crate) fn check(config: &Config, ids: usize) -> Result<()> {
    config.model.validate()?;
    let parameters = config.model.parameters().unwrap_or(usize::MAX); // validated: it does not overflow
    let needed = if device::on_host(&config.device) {
        needed(config, parameters, ids)
    } else {
        // Elsewhere the device holds the rest; the weights are drawn and saved from here.
        u64::try_from(parameters as u128 * 4).unwrap_or(u64::MAX)
    };
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
    use crate::config::Override;

    #[test]
    fn impossible_sizes_are_refused_with_numbers_instead_of_an_abort() {
        for change in
            ["model.layers=1000000000", "model.hidden=3000000", "model.embedding=100000000000000"]
        {
            let change: Override = change.parse().unwrap();
            let overrides = ["model.vocabulary=10000".parse().unwrap(), change];
            let config = Config::parse("", "test", &overrides).unwrap().config;
            let Err(Error::Memory { parameters, needed, available }) = check(&config, 0) else {
                panic!("{overrides:?} is accepted");
            };
            assert!(needed / 8 >= parameters as u64 && needed > available, "{overrides:?}");
        }
        let vocabulary = "model.vocabulary=10000".parse().unwrap();
        check(&Config::parse("", "test", &[vocabulary]).unwrap().config, 0).unwrap();
    }

    #[test]
    fn the_machine_says_what_it_has() {
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       16384 kB\n"), Some(16 << 20));
        assert_eq!(total("nothing"), None);
        assert!(installed() > 1 << 28);
    }
}
