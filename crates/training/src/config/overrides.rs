//! `a.b=value` on the command line, typed by TOML and echoed old -> new.

use super::Config;
use super::load::{ConfigError, explain, nearest};

/// One override, as typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    key: String,
    value: toml::Value,
}

/// What an override did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Dotted key.
    pub key: String,
    /// Value before, as TOML; `(unset)` where there was none.
    pub old: String,
    /// Value after, as TOML.
    pub new: String,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} -> {}", self.key, self.old, self.new)
    }
}

impl std::str::FromStr for Override {
    type Err = ConfigError;

    /// `key=value`. The value is TOML (`20`, `0.5`, `true`, `"text"`, `[1, 2]`); what is not TOML is
    /// taken as text, so that paths need no quotes.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let fail = |problem: &str| ConfigError {
            file: format!("override {text}"),
            line: None,
            problem: problem.into(),
            mend: "write key=value, for instance optimizer.lr=10".into(),
        };
        let (key, value) = text.split_once('=').ok_or_else(|| fail("no `=`"))?;
        let key = key.trim();
        if key.is_empty() || key.split('.').any(str::is_empty) {
            return Err(fail("the key is empty"));
        }
        let value = value.trim();
        let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
            .ok()
            .filter(|table| table.len() == 1)
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| toml::Value::String(value.to_string()));
        Ok(Self { key: key.to_string(), value })
    }
}

impl std::fmt::Display for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// Applies them to the file's own text (so that switching `optimizer.name` does not drag the other
/// optimiser's defaults along) and reads the result again.
pub(super) fn apply(
    as_written: &Config,
    text: &str,
    overrides: &[Override],
) -> Result<(Config, Vec<Change>), ConfigError> {
    let mut table: toml::Table = toml::from_str(text).map_err(|e| explain(&e, text, "config"))?;
    let mut config = as_written.clone();
    let mut changes = Vec::new();
    for change in overrides {
        let before = resolved_table(&config);
        let old = look_up(&before, &change.key).map_or("(unset)".to_string(), ToString::to_string);
        set(&mut table, change, &before)?;
        let merged = table.to_string();
        config = toml::from_str(&merged).map_err(|e| {
            let mut error = explain(&e, &merged, &format!("override {change}"));
            error.line = None; // a line of the merged text is a line of no file
            error
        })?;
        let after = resolved_table(&config);
        let new = look_up(&after, &change.key).unwrap_or(&change.value).to_string();
        changes.push(Change { key: change.key.clone(), old, new });
    }
    Ok((config, changes))
}

fn resolved_table(config: &Config) -> toml::Table {
    toml::Table::try_from(config).unwrap_or_default()
}

fn look_up<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    let (head, rest) = key.split_once('.').map_or((key, None), |(h, r)| (h, Some(r)));
    let value = table.get(head)?;
    match rest {
        None => Some(value),
        Some(rest) => look_up(value.as_table()?, rest),
    }
}

fn set(table: &mut toml::Table, change: &Override, known: &toml::Table) -> Result<(), ConfigError> {
    let mut at = table;
    let mut known_at = Some(known);
    let mut parts: Vec<&str> = change.key.split('.').collect();
    let last = parts.pop().expect("an override's key is not empty");
    for part in parts {
        if let Some(here) = known_at
            && !here.get(part).is_some_and(toml::Value::is_table)
        {
            let sections: Vec<&str> =
                here.iter().filter(|(_, v)| v.is_table()).map(|(k, _)| k.as_str()).collect();
            return Err(ConfigError {
                file: format!("override {change}"),
                line: None,
                problem: format!("unknown section `{part}`"),
                mend: match nearest(part, &sections) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known: {}", sections.join(", ")),
                },
            });
        }
        known_at = known_at.and_then(|t| t.get(part)).and_then(toml::Value::as_table);
        // A section that the file leaves out starts from the defaults, so that a tagged one keeps
        // its name.
        let default = known_at.cloned().unwrap_or_default();
        at = at.entry(part).or_insert(toml::Value::Table(default)).as_table_mut().ok_or_else(
            || ConfigError::value(&format!("override {change}"), part, "not a section", ""),
        )?;
    }
    at.insert(last.to_string(), change.value.clone());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OptimizerConfig;

    fn resolve(text: &str, overrides: &[&str]) -> Result<(Config, Vec<Change>), ConfigError> {
        let overrides: Vec<Override> = overrides.iter().map(|o| o.parse().unwrap()).collect();
        Config::parse(text, "run.toml", &overrides).map(|r| (r.config, r.changes))
    }

    #[test]
    fn an_override_is_typed_and_echoed_old_to_new() {
        let text = "[optimizer]\nname = \"sgd\"\nlr = 20.0\n";
        let (config, changes) =
            resolve(text, &["optimizer.lr=10", "name=trial", "budget.epochs=2"]).unwrap();
        assert_eq!(config.optimizer.lr(), 10.0);
        assert_eq!(config.name, "trial");
        assert_eq!(config.budget.epochs, 2);
        assert_eq!(changes[0].to_string(), "optimizer.lr: 20.0 -> 10.0");
        assert_eq!(changes[2].to_string(), "budget.epochs: 10 -> 2");
    }

    #[test]
    fn an_unknown_override_names_the_nearest_key() {
        let e = resolve("", &["optimizer.lrr=10"]).unwrap_err().to_string();
        assert!(e.contains("override optimizer.lrr=10") && e.contains("did you mean `lr`"), "{e}");
        let e = resolve("", &["optimzer.lr=10"]).unwrap_err().to_string();
        assert!(e.contains("did you mean `optimizer`"), "{e}");
        let e = resolve("", &["seeds=10"]).unwrap_err().to_string();
        assert!(e.contains("did you mean `seed`"), "{e}");
    }

    #[test]
    fn a_wrong_type_is_an_error() {
        assert!(resolve("", &["batches.size=many"]).is_err());
        assert!("no-equals-sign".parse::<Override>().is_err());
        assert!("=3".parse::<Override>().is_err());
    }

    #[test]
    fn the_optimizer_can_be_switched_when_its_keys_fit() {
        let (config, _) =
            resolve("[optimizer]\nname = \"sgd\"\nlr = 0.5\n", &["optimizer.name=adam"]).unwrap();
        let OptimizerConfig::Adam(adam) = config.optimizer else { panic!("adam") };
        assert_eq!(adam.lr, 0.5);
    }
}
