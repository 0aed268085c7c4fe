//! The memory that a language model's run would take.

use crate::config::Config;
use crate::error::Result;
use crate::memory;

/// Estimated bytes, beside the program's own: weights, gradients, moments and averages are as many
/// numbers as parameters each; a window's activations are what the layers keep for the backward
/// pass; `ids` are the tokens that are held in memory.
pub(super) fn needed(config: &Config, parameters: usize, ids: usize) -> u64 {
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
    let numbers = memory::of_parameters(parameters, &config.optimizer)
        .saturating_add(2 * ids as u128)
        .saturating_add(activations);
    memory::bytes(numbers)
}

/// Refuses a run that this machine cannot hold.
///
/// # Errors
/// [`Error::Model`] for a `[model]` table that describes no model, [`Error::Memory`].
pub(super) fn check(config: &Config, ids: usize) -> Result<()> {
    config.model.validate()?;
    let parameters = config.model.parameters().unwrap_or(usize::MAX); // validated: it does not overflow
    memory::check(&config.device, parameters, needed(config, parameters, ids))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Override, RunConfig};
    use crate::error::Error;

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
}
