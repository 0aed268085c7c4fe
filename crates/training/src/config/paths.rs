//! The paths of a config: `${NAME}` in them, and what they are relative to.

use std::path::Path;

use super::{ConfigError, DataConfig, RunConfig};

/// Replaces every `${NAME}` by the environment variable's value, so that a resolved config stands
/// on its own.
pub(super) fn expand<C: RunConfig>(config: &mut C, file: &str) -> Result<(), ConfigError> {
    for (key, path) in config.paths() {
        *path = expand_one(path, key, file)?;
    }
    Ok(())
}

/// Makes every path of a config absolute, as it stands in a run's: the run is then evaluated and
/// resumed from any working folder. A path is relative to the working folder until then.
pub(crate) fn make_all_absolute<C: RunConfig>(config: &mut C) {
    for (_, path) in config.paths() {
        make_absolute(path);
    }
}

fn make_absolute(path: &mut String) {
    if !path.is_empty()
        && let Ok(absolute) = std::path::absolute(Path::new(path))
    {
        *path = absolute.to_string_lossy().into_owned();
    }
}

impl DataConfig {
    /// Every path and its key.
    pub(super) fn paths(&mut self) -> Vec<(&'static str, &mut String)> {
        match self {
            DataConfig::Synthetic(_) => Vec::new(),
            DataConfig::Text(text) => vec![
                ("data.train", &mut text.train),
                ("data.valid", &mut text.valid),
                ("data.test", &mut text.test),
            ],
            DataConfig::Tokens(tokens) => vec![("data.dir", &mut tokens.dir)],
        }
    }
}

fn expand_one(path: &str, key: &str, file: &str) -> Result<String, ConfigError> {
    let mut expanded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            return Err(ConfigError::value(
                file,
                key,
                &format!("{path:?} opens `${{` but never closes it"),
                "write ${NAME}",
            ));
        };
        let name = &rest[start + 2..start + length];
        let value = std::env::var(name).map_err(|_| {
            ConfigError::value(
                file,
                key,
                &format!("the environment variable {name} is not set ({path})"),
                &format!("set it (`export {name}=/path/to/data`) or pass `{key}=FILE`"),
            )
        })?;
        expanded.push_str(&rest[..start]);
        expanded.push_str(&value);
        rest = &rest[start + length + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_runs_paths_are_absolute_and_what_is_not_named_stays_so() {
        let text = "[data]\nsource = \"text\"\ntrain = \"a/b.txt\"\ntest = \"/c.txt\"\n";
        let mut config = Config::parse(text, "x.toml", &[]).unwrap().config;
        make_all_absolute(&mut config);
        let DataConfig::Text(data) = config.data else { unreachable!() };
        let here = std::env::current_dir().unwrap();
        assert_eq!(Path::new(&data.train), here.join("a/b.txt"));
        assert_eq!(Path::new(&data.test), std::path::absolute("/c.txt").unwrap());
        assert_eq!(data.valid, "");
    }

    #[test]
    fn a_set_variable_is_replaced_and_an_unset_one_names_the_mend() {
        let path = std::env::var("PATH").unwrap();
        assert_eq!(
            expand_one("a/${PATH}/b", "data.train", "x.toml").unwrap(),
            format!("a/{path}/b")
        );
        let error = expand_one("${LAMPWICK_NO_SUCH}/ptb.txt", "data.train", "x.toml").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("x.toml") && text.contains("LAMPWICK_NO_SUCH"), "{text}");
        assert!(text.contains("export LAMPWICK_NO_SUCH="), "{text}");
        assert!(expand_one("${OPEN", "data.train", "x.toml").is_err());
    }
}
