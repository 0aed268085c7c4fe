//! A folder of token files, as `lampwick prepare` makes it.

use std::path::{Path, PathBuf};

use lampwick_data::{TokenFile, Tokenizer, Tokens};

use super::{Corpus, Text};
use crate::config::{ConfigError, TokenData};
use crate::error::{Error, Result};

pub(super) fn corpus(data: &TokenData) -> Result<Corpus> {
    let dir = Path::new(&data.dir);
    let tokenizer = Tokenizer::load(dir)?;
    let read = |path: PathBuf| -> Result<Text> {
        let file = TokenFile::open_for(&path, tokenizer.vocabulary())?;
        Ok(Text { counts: file.counts(), tokens: Tokens::Mapped(file), source_nats: None })
    };
    let missing = |name: &str| {
        let key = format!("data.{name}");
        let problem = format!("{} has no token file for it", dir.display());
        let mend = format!("prepare one (`lampwick prepare {name}.txt --out {}`)", dir.display());
        Error::from(ConfigError::value("config", &key, &problem, &mend))
    };
    let find = |name: &str, wanted: &str| token_file(dir, name, wanted);
    Ok(Corpus {
        train: read(find("train", &data.train)?.ok_or_else(|| missing("train"))?)?,
        valid: read(find("valid", &data.valid)?.ok_or_else(|| missing("valid"))?)?,
        test: find("test", &data.test)?.map(read).transpose()?,
        tokenizer,
    })
}

/// `wanted.tokens`, or, where the config does not say, the first file whose name holds `role`.
fn token_file(dir: &Path, role: &str, wanted: &str) -> Result<Option<PathBuf>> {
    if !wanted.is_empty() {
        return Ok(Some(dir.join(format!("{}.tokens", wanted.trim_end_matches(".tokens")))));
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|e| Error::read(dir, e))? {
        let path = entry.map_err(|e| Error::read(dir, e))?.path();
        let is_tokens = path.extension().is_some_and(|extension| extension == "tokens");
        if is_tokens && path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains(role)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found.into_iter().next())
}
