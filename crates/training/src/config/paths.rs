//! `${NAME}` in the paths of a config.

use super::{Config, ConfigError, DataConfig};

/// Replaces every `${NAME}` by the environment variable's value, so that a resolved config stands
/// on its own.
pub(super) fn expand(config: &mut Config, file: &str) -> Result<(), ConfigError> {
    match &mut config.data {
        DataConfig::Synthetic(_) => {}
        DataConfig::Text(text) => {
            for (key, path) in
                [("train", &mut text.train), ("valid", &mut text.valid), ("test", &mut text.test)]
            {
                *path = expand_one(path, &format!("data.{key}"), file)?;
            }
        }
        DataConfig::Tokens(tokens) => tokens.dir = expand_one(&tokens.dir, "data.dir", file)?,
    }
    Ok(())
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
