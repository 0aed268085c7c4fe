//! TOML text -> [`Config`], with errors that say file, line, and the nearest key that exists.

use std::ops::Range;
use std::path::Path;

use super::overrides::{Change, Override};
use super::{Config, RunConfig, paths};

/// What is wrong with a config, where, and the mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}{}", place(file, *line), mend_clause(mend))]
pub struct ConfigError {
    /// The file as given, or `override a.b=value`.
    pub file: String,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: String,
    /// What to do; may be empty.
    pub mend: String,
}

fn place(file: &str, line: Option<usize>) -> String {
    line.map_or_else(|| file.to_string(), |line| format!("{file}:{line}"))
}

fn mend_clause(mend: &str) -> String {
    if mend.is_empty() { String::new() } else { format!("; {mend}") }
}

impl ConfigError {
    /// A value that cannot work, under a dotted key.
    pub(crate) fn value(file: &str, key: &str, problem: &str, mend: &str) -> Self {
        Self {
            file: file.to_string(),
            line: None,
            problem: format!("{key}: {problem}"),
            mend: mend.to_string(),
        }
    }
}

/// A config ready to run, and what the overrides changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved<C = Config> {
    /// Every value; paths expanded.
    pub config: C,
    /// Old and new value of each override, in order.
    pub changes: Vec<Change>,
}

/// Reads a config file.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError {
        file: path.display().to_string(),
        line: None,
        problem: format!("cannot read the config: {error}"),
        mend: "name a TOML file, for instance configs/quickstart.toml".into(),
    })
}

/// [`RunConfig::parse`].
pub(super) fn parse<C: RunConfig>(
    text: &str,
    file: &str,
    overrides: &[Override],
) -> Result<Resolved<C>, ConfigError> {
    let as_written: C = toml::from_str(text).map_err(|e| explain(&e, text, file))?;
    let (mut config, changes) = super::overrides::apply(&as_written, text, overrides)?;
    paths::expand(&mut config, file)?;
    config.validate(file).map_err(|error| by_override(error, overrides))?;
    Ok(Resolved { config, changes })
}

/// Blames the override that gave the value, or a table that holds it, where one did.
fn by_override(error: ConfigError, overrides: &[Override]) -> ConfigError {
    let key = error.problem.split_once(": ").map_or("", |(key, _)| key);
    let gave = |change: &&Override| {
        key.strip_prefix(change.key()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    match overrides.iter().rfind(gave) {
        Some(change) => ConfigError { file: format!("override {change}"), ..error },
        None => error,
    }
}

/// Turns serde's message into file, line, dotted key and the nearest known key.
pub(super) fn explain(error: &toml::de::Error, text: &str, file: &str) -> ConfigError {
    let message = error.message();
    let within = error.span().unwrap_or(0..text.len());
    if let Some((at, problem, mend)) = bare_name(message, text, &within) {
        return ConfigError { file: file.into(), line: Some(line_of(text, at)), problem, mend };
    }
    if let Some(key) = message.strip_prefix("missing field `").and_then(|m| m.strip_suffix('`')) {
        return ConfigError {
            file: file.into(),
            line: error.span().map(|span| line_of(text, span.start)),
            problem: format!("`{key}` is missing in this section, or in a table of it"),
            mend: format!("write {key} = ... there; --print-config shows a whole config"),
        };
    }
    let Some((unknown, known)) = unknown_name(message) else {
        let mend = match message {
            "wanted exactly 1 element, more than 1 element" => "keep one of its keys",
            // A number or a list where a name or a table with one key belongs.
            "wanted string or table" => {
                "name one of its kinds, with its settings in a table, as { sentences = 64 } of batches.size"
            }
            _ => "",
        };
        return ConfigError {
            file: file.into(),
            line: error.span().map(|span| line_of(text, span.start)),
            problem: message.replace('\n', " "),
            mend: mend.into(),
        };
    };
    let (path, at) = locate(text, unknown, &within).unwrap_or((unknown.to_string(), within.start));
    if let Some((_, mend)) = ELSEWHERE.iter().find(|(name, _)| *name == path) {
        return ConfigError {
            file: file.into(),
            line: Some(line_of(text, at)),
            problem: format!("unknown value `{path}`"),
            mend: (*mend).into(),
        };
    }
    let what = if message.starts_with("unknown variant") { "value" } else { "key" };
    ConfigError {
        file: file.into(),
        line: Some(line_of(text, at)),
        problem: format!("unknown {what} `{path}`"),
        mend: match nearest(unknown, &known) {
            Some(near) => format!("did you mean `{near}`? (known here: {})", known.join(", ")),
            None => format!("known here: {}", known.join(", ")),
        },
    }
}

/// Values that are tables and were written as a bare name: their name and an example.
const TABLES: [(&str, &str); 3] = [
    ("subwords", "{ subwords = { model = \"bpe\", size = 8000 } }"),
    ("random", "{ random = { mean = 70 } }"),
    ("uniform", "{ uniform = { bound = 0.1 } }"),
];

/// Values that other programs, and `lampwick prepare`, know by these names: what they are here.
const ELSEWHERE: [(&str, &str); 2] = [
    (
        "data.tokenizer = \"bpe\"",
        "write data.tokenizer = { subwords = { model = \"bpe\", size = 8000 } }",
    ),
    (
        "data.tokenizer = \"unigram\"",
        "write data.tokenizer = { subwords = { model = \"unigram\", size = 8000 } }",
    ),
];

/// Place and mend of a bare name that stands for a table. (serde says neither which nor where.)
fn bare_name(message: &str, text: &str, within: &Range<usize>) -> Option<(usize, String, String)> {
    if !message.contains("expected struct variant") {
        return None;
    }
    TABLES.iter().find_map(|(name, table)| {
        let (path, at) = locate(text, name, within)?;
        let key = path.strip_suffix(&format!(" = \"{name}\""))?;
        let problem = format!("{key}: `{name}` has settings of its own");
        Some((at, problem, format!("write them, for instance {key} = {table}")))
    })
}

/// "unknown field `lrr`, expected one of `lr`, `momentum`" -> ("lrr", ["lr", "momentum"]).
fn unknown_name(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message
        .strip_prefix("unknown field ")
        .or_else(|| message.strip_prefix("unknown variant "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    Some((quoted.next()?, quoted.collect()))
}

/// The known name closest in spelling, if it is close at all.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|&k| (strsim::jaro_winkler(name, k), k))
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&b| b == b'\n').count() + 1
}

/// Dotted path and offset of the key (or string value) `name` inside `within`: serde's span is the
/// whole table when the section is a tagged enum.
fn locate(text: &str, name: &str, within: &Range<usize>) -> Option<(String, usize)> {
    let table = toml::de::DeTable::parse(text).ok()?;
    let mut found = Vec::new();
    collect(table.get_ref(), "", name, &mut found);
    found
        .iter()
        .find(|(_, at)| within.contains(at))
        .or_else(|| found.first())
        .map(|(path, at)| (path.clone(), *at))
}

fn collect(
    table: &toml::de::DeTable<'_>,
    prefix: &str,
    name: &str,
    found: &mut Vec<(String, usize)>,
) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{prefix}.{}", key.get_ref())
        };
        if key.get_ref().as_ref() == name {
            found.push((path.clone(), key.span().start));
        }
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => collect(inner, &path, name, found),
            toml::de::DeValue::Array(items) => {
                for item in items {
                    if let toml::de::DeValue::Table(inner) = item.get_ref() {
                        collect(inner, &path, name, found);
                    }
                }
            }
            toml::de::DeValue::String(s) if s.as_ref() == name => {
                found.push((format!("{path} = \"{name}\""), value.span().start));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> ConfigError {
        Config::parse(text, "run.toml", &[]).unwrap_err()
    }

    #[test]
    fn an_unknown_key_names_file_line_and_the_nearest_key() {
        let e = error("seed = 1\n\n[budget]\nepochs = 3\nepocs = 4\n");
        assert_eq!(e.line, Some(5));
        let text = e.to_string();
        assert!(text.starts_with("run.toml:5: unknown key `budget.epocs`"), "{text}");
        assert!(text.contains("did you mean `epochs`?"), "{text}");
    }

    #[test]
    fn a_key_of_another_optimizer_is_an_error_with_its_line() {
        let e = error("[optimizer]\nname = \"sgd\"\nlr = 1.0\nbeta1 = 0.9\n");
        assert_eq!(e.line, Some(4), "{e}");
        assert!(e.to_string().contains("`optimizer.beta1`"), "{e}");
        assert!(e.mend.contains("momentum"), "{e}");
    }

    #[test]
    fn an_unknown_optimizer_names_the_nearest() {
        let e = error("[optimizer]\nname = \"adamm\"\n");
        assert_eq!(e.line, Some(2), "{e}");
        assert!(e.to_string().contains("did you mean `adam"), "{e}");
    }

    #[test]
    fn an_unknown_section_and_a_wrong_type_have_their_line() {
        let e = error("seed = 1\n[optimiser]\nname = \"sgd\"\n");
        assert_eq!(e.line, Some(2), "{e}");
        assert!(e.to_string().contains("did you mean `optimizer`?"), "{e}");
        assert_eq!(error("seed = 1\n[batches]\nsize = \"big\"\n").line, Some(3));
        assert_eq!(error("seed = 1\nname =\n").line, Some(2));
    }

    #[test]
    fn a_section_without_its_name_says_what_is_missing() {
        let e = error("seed = 1\n[optimizer]\nlr = 0.9\n");
        assert!(e.line.is_some() && e.problem.contains("`name`") && !e.mend.is_empty(), "{e}");
    }

    #[test]
    fn the_printed_config_reads_back_as_itself() {
        let config = Config::default();
        let again = Config::parse(&config.to_toml(), "printed", &[]).unwrap();
        assert_eq!(again.config, config);
    }

    #[test]
    fn a_missing_file_says_which() {
        let e = Config::load(Path::new("no/such.toml"), &[]).unwrap_err();
        assert!(e.to_string().contains("no/such.toml"), "{e}");
    }

    #[test]
    fn subwords_without_their_size_show_the_table() {
        let text = "[data]\nsource = \"text\"\ntrain = \"a.txt\"\ntokenizer = \"subwords\"\n";
        let e = error(text);
        assert_eq!(e.line, Some(4), "{e}");
        assert!(e.to_string().contains("data.tokenizer = { subwords = { model"), "{e}");
        let text = "[data]\nsource = \"text\"\ntrain = \"a.txt\"\n";
        let change = "data.tokenizer=subwords".parse().unwrap();
        let e = Config::parse(text, "run.toml", &[change]).unwrap_err();
        assert!(e.to_string().contains("{ subwords = { model"), "{e}");
        for model in ["bpe", "unigram"] {
            let e =
                error(&text.replace("a.txt\"\n", &format!("a.txt\"\ntokenizer = \"{model}\"\n")));
            assert_eq!(e.line, Some(4), "{e}");
            assert!(e.mend.contains(&format!("{{ subwords = {{ model = \"{model}\"")), "{e}");
        }
    }
}
