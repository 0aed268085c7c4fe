//! `a.b=value` on the command line, typed by TOML and echoed old -> new.

use super::RunConfig;
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
    /// Value after, as TOML; `(dropped)` for a key that left with the variant it belonged to.
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

impl Override {
    /// The dotted key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

impl std::fmt::Display for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// Applies them to the file's own text (so that switching `optimizer.name` does not drag the other
/// optimiser's defaults along) and reads the result again.
pub(super) fn apply<C: RunConfig>(
    as_written: &C,
    text: &str,
    overrides: &[Override],
) -> Result<(C, Vec<Change>), ConfigError> {
    let mut table: toml::Table = toml::from_str(text).map_err(|e| explain(&e, text, "config"))?;
    let mut config = as_written.clone();
    let mut changes = Vec::new();
    // A switch first, wherever it stands: the other overrides are meant for the new variant.
    let (switches, values): (Vec<_>, Vec<_>) =
        overrides.iter().partition(|change| TAGS.contains(&change.key.as_str()));
    for change in switches.into_iter().chain(values) {
        let before = resolved_table(&config);
        let mut dropped = drop_keys_of_the_old_variant::<C>(&mut table, change);
        dropped.extend(drop_the_other_choice::<C>(&mut table, change, &before));
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
        changes.extend(dropped);
    }
    Ok((config, changes))
}

/// The keys that pick a section's variant.
const TAGS: [&str; 4] = ["data.source", "data.format", "schedule.name", "optimizer.name"];

/// Removes what the file says to the variant that `change` switches away from and the new one does
/// not know, or knows as something else; nothing for a change of any other key.
fn drop_keys_of_the_old_variant<C: RunConfig>(
    table: &mut toml::Table,
    change: &Override,
) -> Vec<Change> {
    if !TAGS.contains(&change.key.as_str()) {
        return Vec::new();
    }
    let (section, tag) = change.key.split_once('.').expect("a tag is a key of a section");
    // The variant with all its defaults shows its keys; a name that is none is an error later.
    let alone = toml::Table::from_iter([(tag.to_string(), change.value.clone())]);
    let alone = toml::Table::from_iter([(section.to_string(), toml::Value::Table(alone))]);
    let Ok(variant) = alone.try_into::<C>() else { return Vec::new() };
    let variant = resolved_table(&variant);
    let known = variant.get(section).and_then(toml::Value::as_table);
    // Without the section in the file there is nothing to drag along: it starts with its tag alone.
    let written =
        table.entry(section).or_insert(toml::Value::Table(toml::Table::new())).as_table_mut();
    let (Some(known), Some(written)) = (known, written) else { return Vec::new() };
    if written.get(tag).is_none_or(|old| *old == change.value) {
        return Vec::new();
    }
    // `train` names a file in text and a token file's stem in tokens: of data, nothing carries over.
    let foreign = |key: &str| key != tag && (section == "data" || !known.contains_key(key));
    let foreign: Vec<String> = written.keys().filter(|key| foreign(key)).cloned().collect();
    let drop = |key: String| {
        let old = written.remove(&key)?.to_string();
        Some(Change { key: format!("{section}.{key}"), old, new: "(dropped)".into() })
    };
    foreign.into_iter().filter_map(drop).collect()
}

/// Removes what a table says that holds one of several keys (`batches.size`: `sentences` or `tokens`), where
/// `change` is another of them: one that makes no config beside the first.
fn drop_the_other_choice<C: RunConfig>(
    table: &mut toml::Table,
    change: &Override,
    before: &toml::Table,
) -> Option<Change> {
    let (of, key) = change.key.rsplit_once('.')?;
    let chosen = look_up(before, of)?.as_table().filter(|chosen| chosen.len() == 1)?;
    let (other, old) = chosen.iter().next().filter(|(other, _)| *other != key)?;
    let dropped =
        Change { key: format!("{of}.{other}"), old: old.to_string(), new: "(dropped)".into() };
    let mut both = table.clone();
    set(&mut both, change, before).ok()?;
    let mut alone = table.clone();
    let whole = toml::Value::Table(toml::Table::from_iter([(key.into(), change.value.clone())]));
    set(&mut alone, &Override { key: of.into(), value: whole }, before).ok()?;
    if both.try_into::<C>().is_ok() {
        return None;
    }
    *table = alone;
    Some(dropped)
}

fn resolved_table<C: RunConfig>(config: &C) -> toml::Table {
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
    for (depth, part) in parts.into_iter().enumerate() {
        if let Some(here) = known_at
            && !here.get(part).is_some_and(toml::Value::is_table)
        {
            if let Some(value) = here.get(part) {
                return Err(no_section(change, depth, value));
            }
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

/// A key within one that is a value (`model.reads.frames.features`, of `model.reads = "words"`), the part of
/// that number.
fn no_section(change: &Override, depth: usize, value: &toml::Value) -> ConfigError {
    let parts: Vec<&str> = change.key.split('.').collect();
    let (path, keys) = parts.split_at(depth + 1);
    let path = path.join(".");
    let whole =
        keys.iter().rev().fold(change.value.to_string(), |it, key| format!("{{ {key} = {it} }}"));
    ConfigError {
        file: format!("override {change}"),
        line: None,
        problem: format!("`{path}` is {value} and no section"),
        mend: format!("give it whole: '{path}={whole}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lampwick_data::BatchSize;

    use crate::config::{Config, DataConfig, OptimizerConfig, ScheduleConfig, Seq2SeqConfig};

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

    #[test]
    fn switching_a_section_drops_the_keys_that_the_new_variant_does_not_know() {
        let own_text = include_str!("../../../../configs/lm/own_text.toml");
        // In either order: a folder for token files is no key of text.
        for overrides in
            [["data.source=tokens", "data.dir=out"], ["data.dir=out", "data.source=tokens"]]
        {
            let (config, changes) = resolve(own_text, &overrides).unwrap();
            let DataConfig::Tokens(data) = config.data else { panic!("{overrides:?}") };
            assert_eq!((data.dir.as_str(), data.train.as_str()), ("out", ""), "{overrides:?}");
            let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
            assert_eq!(changes[0], "data.source: \"text\" -> \"tokens\"");
            assert!(changes.contains(&"data.holdout: 0.05 -> (dropped)".into()), "{changes:?}");
            assert!(changes.contains(&"data.dir: \"\" -> \"out\"".into()), "{changes:?}");
        }
        let train = "data.train=a.txt";
        let (config, changes) = resolve(own_text, &["schedule.name=cosine", train]).unwrap();
        assert!(matches!(config.schedule, ScheduleConfig::Cosine(_)));
        assert_eq!(changes[1].to_string(), "schedule.factor: 2.0 -> (dropped)");
        // What an override says is not dropped but refused.
        let e = resolve(own_text, &["schedule.name=cosine", "schedule.factor=3", train]);
        assert!(e.unwrap_err().to_string().contains("schedule.factor"));
        // One of several keys in place of another, whether the file has the section or not.
        let pairs = "task = \"encoder_decoder\"\n[data]\nformat = \"reversal\"\n";
        for text in [pairs.to_string(), format!("{pairs}[batches]\nsize = {{ sentences = 8 }}\n")] {
            let tokens = ["batches.size.tokens=2048".parse().unwrap()];
            let resolved = Seq2SeqConfig::parse(&text, "run.toml", &tokens).unwrap();
            assert_eq!(resolved.config.batches.size, BatchSize::Tokens(2048));
            let told: Vec<String> = resolved.changes.iter().map(ToString::to_string).collect();
            assert_eq!(told[0], "batches.size.tokens: (unset) -> 2048");
            assert!(told[1].starts_with("batches.size.sentences: "), "{told:?}");
            for (wrong, says) in [
                ("batches.size.words=2048", "known here: sentences, tokens"),
                ("batches.size=2048", "as { sentences = 64 } of batches.size"),
                ("model.reads.frames.features=40", "'model.reads={ frames = { features = 40 } }'"),
            ] {
                let error = Seq2SeqConfig::parse(&text, "run.toml", &[wrong.parse().unwrap()]);
                let error = error.unwrap_err().to_string();
                assert!(error.contains(says), "{error}");
            }
        }
        // A section that the file does not have, and a name that is none.
        let (_, changes) = resolve("", &["data.source=text", train]).unwrap();
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert!(resolve(own_text, &["schedule.name=cosin"]).is_err());
    }
}
