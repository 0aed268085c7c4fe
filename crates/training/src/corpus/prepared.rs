//! A folder of token files, as `lampwick prepare` makes it.

use std::path::{Path, PathBuf};

use lampwick_data::{TokenFile, Tokenizer, Tokens};

use super::{Part, Text};
use crate::config::{ConfigError, TokenData};
use crate::error::{Error, Result};

pub(super) fn text(data: &TokenData, tokenizer: &Tokenizer, part: Part) -> Result<Option<Text>> {
    let wanted = match part {
        Part::Train => &data.train,
        Part::Valid => &data.valid,
        Part::Test => &data.test,
    };
    let Some(path) = token_file(Path::new(&data.dir), part, wanted)? else { return Ok(None) };
    let file = TokenFile::open_for(&path, tokenizer.vocabulary())?;
    Ok(Some(Text { counts: file.counts(), tokens: Tokens::Mapped(file), source_nats: None }))
}

/// `wanted.tokens`; where the config does not say, `train.tokens`, or else the one file with `train`
/// as a word of its name (`ptb.train.tokens`, but not `trainer.tokens`).
fn token_file(dir: &Path, part: Part, wanted: &str) -> Result<Option<PathBuf>> {
    if !wanted.is_empty() {
        return Ok(Some(dir.join(format!("{}.tokens", wanted.trim_end_matches(".tokens")))));
    }
    let role = part.name();
    let exact = dir.join(format!("{role}.tokens"));
    if exact.exists() {
        return Ok(Some(exact));
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|e| Error::read(dir, e))? {
        let path = entry.map_err(|e| Error::read(dir, e))?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut words = stem.split(|c: char| !c.is_alphanumeric());
        if path.extension().is_some_and(|e| e == "tokens") && words.any(|word| word == role) {
            found.push(stem);
        }
    }
    found.sort();
    match &found[..] {
        [] => Ok(None),
        [one] => Ok(Some(dir.join(format!("{one}.tokens")))),
        [first, second, ..] => {
            let key = format!("data.{role}");
            let problem = format!("{} holds {first}.tokens and {second}.tokens", dir.display());
            let mend = format!("say which: `{key}={first}`");
            Err(ConfigError::value("config", &key, &problem, &mend).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_role_that_a_word_of_its_name_says() {
        let dir = tempfile::tempdir().unwrap();
        let file = |part| token_file(dir.path(), part, "");
        let add = |name: &str| std::fs::write(dir.path().join(name), "").unwrap();
        let named = |name: &str| Some(dir.path().join(name));
        for name in ["contest.train.tokens", "contest.valid.tokens", "latest.tokens"] {
            add(name);
        }
        assert_eq!(file(Part::Train).unwrap(), named("contest.train.tokens"));
        assert_eq!(file(Part::Valid).unwrap(), named("contest.valid.tokens"));
        assert_eq!(file(Part::Test).unwrap(), None);
        add("ptb-test.tokens");
        assert_eq!(file(Part::Test).unwrap(), named("ptb-test.tokens"));
        add("wiki_test.tokens");
        let error = file(Part::Test).unwrap_err().to_string();
        assert!(error.contains("ptb-test") && error.contains("wiki_test"), "{error}");
        add("test.tokens");
        assert_eq!(file(Part::Test).unwrap(), named("test.tokens"));
        assert_eq!(token_file(dir.path(), Part::Test, "x").unwrap(), named("x.tokens"));
    }
}
