//! The published figures of a config: its `[[report.reference]]`, so that they stand in one place.

use std::fs;

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::cargo::root;

/// A config's first reference.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Published {
    pub(crate) name: String,
    pub(crate) source: String,
    /// (epoch, validation perplexity) of the epochs that are published.
    pub(crate) valid_per_epoch: Vec<(u64, f64)>,
    /// Test perplexity; 0 where it is not given.
    pub(crate) test: f64,
    /// Allowed relative difference.
    pub(crate) tolerance: f64,
}

/// Reads `[[report.reference]]` of a config below the repository.
pub(crate) fn published(config: &str) -> Result<Published> {
    let text =
        fs::read_to_string(root().join(config)).with_context(|| format!("cannot read {config}"))?;
    of(&toml::from_str(&text)?).with_context(|| format!("{config} has no [[report.reference]]"))
}

fn of(config: &Table) -> Option<Published> {
    let reference = config.get("report")?.get("reference")?.get(0)?;
    let number = |key: &str| reference.get(key).and_then(number).unwrap_or(0.0);
    let text = |key: &str| {
        reference.get(key).and_then(Value::as_str).map(str::to_owned).unwrap_or_default()
    };
    let curve = reference.get("valid_per_epoch").and_then(Value::as_array);
    Some(Published {
        name: text("name"),
        source: text("source"),
        valid_per_epoch: (1..)
            .zip(curve.into_iter().flatten().filter_map(self::number))
            .filter(|(_, value)| *value > 0.0)
            .collect(),
        test: number("test_perplexity"),
        tolerance: number("tolerance"),
    })
}

/// A float, or an integer that stands for one.
fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|value| value as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_models_curve_is_read_epoch_by_epoch() {
        let small = published("configs/lm/zaremba_small.toml").unwrap();
        let epochs: Vec<u64> = small.valid_per_epoch.iter().map(|(epoch, _)| *epoch).collect();
        assert_eq!(epochs, [1, 2, 3, 5, 10, 13]);
        assert_eq!(small.tolerance, 0.05);
        assert!(of(&Table::new()).is_none());
    }
}
