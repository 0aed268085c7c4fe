//! `[data]` -> token ids: training, validation and test text under one tokenizer.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use lampwick_data::{
    DataError, SyntheticLanguage, TextCounts, TokenFile, Tokenizer, TokenizerKind, Tokens,
    Vocabulary, text,
};
use lampwick_metrics::Unit;
use sha2::{Digest, Sha256};

use crate::config::{Config, ConfigError, DataConfig, SyntheticData, TextData, TokenData};
use crate::error::{Error, Result};

/// The texts of a run, as token ids.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Text to ids and back.
    pub tokenizer: Tokenizer,
    /// What the gradient sees.
    pub train: Text,
    /// What decides.
    pub valid: Text,
    /// What the run is judged by, where there is one.
    pub test: Option<Text>,
}

/// One text.
#[derive(Clone, Debug)]
pub struct Text {
    /// The ids.
    pub tokens: Tokens,
    /// Lines, characters, unknown words.
    pub counts: TextCounts,
    /// Entropy of this text under its source, nats per token (synthetic language only).
    pub source_nats: Option<f64>,
}

impl Text {
    /// SHA-256 of the ids, hexadecimal.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        let mut ids = Vec::new();
        for start in (0..self.tokens.len()).step_by(1 << 16) {
            ids.clear();
            self.tokens.copy(start..(start + (1 << 16)).min(self.tokens.len()), &mut ids);
            for id in &ids {
                hasher.update(id.to_le_bytes());
            }
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Corpus {
    /// Reads what the config names. `file` is what errors call the config.
    ///
    /// # Errors
    /// [`Error::Data`] for files that are missing, empty or no text; [`Error::Config`] when nothing
    /// can be held out.
    pub fn open(config: &Config) -> Result<Self> {
        match &config.data {
            DataConfig::Synthetic(data) => synthetic(data),
            DataConfig::Text(data) => from_text(data),
            DataConfig::Tokens(data) => prepared(data),
        }
    }

    /// What one token is.
    pub fn unit(&self) -> Unit {
        unit_of(&self.tokenizer)
    }
}

/// The unit that a tokenizer's perplexity is per.
pub fn unit_of(tokenizer: &Tokenizer) -> Unit {
    match tokenizer.kind() {
        TokenizerKind::Words => Unit::Word,
        TokenizerKind::Characters => Unit::Character,
        TokenizerKind::Bytes => Unit::Byte,
        TokenizerKind::Subwords { .. } => Unit::Token,
    }
}

fn synthetic(data: &SyntheticData) -> Result<Corpus> {
    let language = SyntheticLanguage::new(&data.language).map_err(by_config_key)?;
    let tokenizer = language.tokenizer();
    let text = |tokens: usize, seed: u64| {
        let tokens = language.tokens(tokens, seed);
        let source = language.score(&tokens);
        let eos = tokenizer.vocabulary().eos_id();
        let lines = eos.map_or(0, |eos| tokens.count(eos));
        let (characters, bytes) = written_length(&tokens, tokenizer.vocabulary());
        let counts =
            TextCounts { lines, characters, bytes, tokens: tokens.len() as u64, unknown: 0 };
        Text { tokens, counts, source_nats: Some(source.nats_per_token()) }
    };
    // The grammar's seed decides the language; these decide which sentences of it.
    Ok(Corpus {
        train: text(data.train_tokens, 1),
        valid: text(data.valid_tokens, 2),
        test: (data.test_tokens > 0).then(|| text(data.test_tokens, 3)),
        tokenizer,
    })
}

/// Characters and bytes of the ids as text: a space or the line's end after each word.
fn written_length(tokens: &Tokens, vocabulary: &Vocabulary) -> (u64, u64) {
    let eos = vocabulary.eos_id();
    let mut ids = Vec::new();
    tokens.copy(0..tokens.len(), &mut ids);
    let words = ids.iter().filter(|&&id| Some(id) != eos).map(|&id| vocabulary.word(id));
    words.fold((0, 0), |(characters, bytes), word| {
        (characters + word.chars().count() as u64 + 1, bytes + word.len() as u64 + 1)
    })
}

/// A setting's error under the key that the config has it at.
fn by_config_key(error: DataError) -> Error {
    match error {
        DataError::Setting { key, value, mend } => {
            let key = format!("data.language.{}", key.trim_start_matches("synthetic."));
            ConfigError::value("config", &key, &format!("is {value}"), &format!("it {mend}")).into()
        }
        other => other.into(),
    }
}

fn from_text(data: &TextData) -> Result<Corpus> {
    let [train, valid, test] = portions(data)?;
    let train = train.ok_or_else(|| nothing_to_hold_out(data))?;
    let valid = valid.ok_or_else(|| nothing_to_hold_out(data))?;
    // Counted on the training portion only: a word of the validation text alone is unknown.
    let tokenizer =
        Tokenizer::train(&data.tokenizer, train.open()?, &train.name, &data.vocabulary)?;
    let read = |portion: &Portion| -> Result<Text> {
        let (tokens, counts) = Tokens::from_text(&tokenizer, portion.open()?, &portion.name)
            .map_err(|error| portion.in_file(error))?;
        Ok(Text { tokens, counts, source_nats: None })
    };
    Ok(Corpus {
        train: read(&train)?,
        valid: read(&valid)?,
        test: test.as_ref().map(read).transpose()?,
        tokenizer,
    })
}

fn nothing_to_hold_out(data: &TextData) -> Error {
    let problem = format!("{} has too few lines to hold any out", data.train);
    ConfigError::value(
        "config",
        "data.holdout",
        &problem,
        "name a validation file: `data.valid=FILE`",
    )
    .into()
}

/// Some lines of a file.
struct Portion {
    name: String,
    path: String,
    start: u64,
    length: u64,
}

impl Portion {
    fn whole(path: &str) -> Self {
        Self { name: path.into(), path: path.into(), start: 0, length: u64::MAX }
    }

    fn open(&self) -> Result<impl Read> {
        let mut file = text::open(&self.path)?;
        let path = Path::new(&self.path);
        file.seek(SeekFrom::Start(self.start)).map_err(|e| Error::read(path, e))?;
        Ok(file.take(self.length))
    }

    /// An error's line and byte counted from the start of the file: readers know only the portion.
    fn in_file(&self, mut error: DataError) -> DataError {
        if let DataError::InvalidUtf8 { line, byte, .. }
        | DataError::Nul { line, byte, .. }
        | DataError::LongWord { line, byte, .. } = &mut error
        {
            *byte += self.start;
            *line += self.lines_before();
        }
        error
    }

    /// Lines of the file before this portion; read only to place an error.
    fn lines_before(&self) -> u64 {
        let Ok(file) = text::open(&self.path) else { return 0 };
        let mut before = BufReader::new(file.take(self.start));
        let mut lines = 0;
        while let Ok(buffer @ [_, ..]) = before.fill_buf() {
            lines += buffer.iter().filter(|&&byte| byte == b'\n').count() as u64;
            let length = buffer.len();
            before.consume(length);
        }
        lines
    }
}

/// Training, validation and test: files of their own, or the last lines of the training file.
fn portions(data: &TextData) -> Result<[Option<Portion>; 3]> {
    let test = (!data.test.is_empty()).then(|| Portion::whole(&data.test));
    if !data.valid.is_empty() {
        return Ok([Some(Portion::whole(&data.train)), Some(Portion::whole(&data.valid)), test]);
    }
    let path = Path::new(&data.train);
    let mut file = BufReader::new(text::open(path)?);
    let size = file.get_ref().metadata().map_err(|e| Error::read(path, e))?.len();
    if size == 0 {
        return Err(DataError::Empty { name: data.train.clone() }.into());
    }
    let mut cut = |share: f64| line_start(&mut file, (size as f64 * share) as u64, size);
    let held = if test.is_some() { data.holdout } else { 2.0 * data.holdout };
    let valid_start = cut(1.0 - held).map_err(|e| Error::read(path, e))?;
    let test_start = match &test {
        Some(_) => size,
        None => cut(1.0 - data.holdout).map_err(|e| Error::read(path, e))?,
    };
    let portion = |what: &str, start: u64, end: u64| {
        (end > start).then(|| Portion {
            name: format!("{} ({what} lines)", data.train),
            path: data.train.clone(),
            start,
            length: end - start,
        })
    };
    Ok([
        portion("training", 0, valid_start),
        portion("validation", valid_start, test_start),
        test.or_else(|| portion("test", test_start, size)),
    ])
}

/// The first line start at or after `offset`.
fn line_start(file: &mut BufReader<File>, offset: u64, size: u64) -> std::io::Result<u64> {
    if offset == 0 {
        return Ok(0);
    }
    file.seek(SeekFrom::Start(offset - 1))?;
    let mut skipped = 0;
    loop {
        let buffer = file.fill_buf()?;
        if buffer.is_empty() {
            return Ok(size);
        }
        if let Some(at) = buffer.iter().position(|&byte| byte == b'\n') {
            return Ok(offset - 1 + skipped + at as u64 + 1);
        }
        skipped += buffer.len() as u64;
        let length = buffer.len();
        file.consume(length);
    }
}

fn prepared(data: &TokenData) -> Result<Corpus> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Override;

    fn config(overrides: &[String]) -> Config {
        let overrides: Vec<Override> = overrides.iter().map(|o| o.parse().unwrap()).collect();
        Config::parse("[data]\nsource = \"text\"\n", "test", &overrides).unwrap().config
    }

    #[test]
    fn without_a_validation_file_the_last_lines_are_held_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.txt");
        let lines: String = (0..100).map(|i| format!("w{i} is here\n")).collect();
        std::fs::write(&path, lines).unwrap();
        let corpus = Corpus::open(&config(&[
            format!("data.train={}", path.display()),
            "data.holdout=0.1".into(),
        ]))
        .unwrap();
        let test = corpus.test.as_ref().unwrap();
        let lines = [&corpus.train, &corpus.valid, test].map(|t| t.counts.lines);
        assert_eq!(lines.iter().sum::<u64>(), 100);
        assert!(lines[1].abs_diff(10) <= 1 && lines[2].abs_diff(10) <= 1, "{lines:?}");
        // Words of the held-out lines are unknown, `is` and `here` are not.
        assert_eq!(corpus.valid.counts.unknown, corpus.valid.counts.lines);
        assert_eq!(corpus.unit(), Unit::Word);
    }

    #[test]
    fn bad_files_are_typed_errors() {
        let dir = tempfile::tempdir().unwrap();
        let one_line = dir.path().join("one.txt");
        std::fs::write(&one_line, "only one line\n").unwrap();
        let empty = dir.path().join("empty.txt");
        std::fs::write(&empty, "").unwrap();
        let latin = dir.path().join("latin.txt");
        std::fs::write(&latin, b"caf\xe9 au lait\n".repeat(50)).unwrap();
        for (path, part) in [
            (&one_line, "data.holdout"),
            (&empty, "empty.txt"),
            (&latin, "UTF-8"),
            (&dir.path().join("missing.txt"), "missing.txt"),
        ] {
            let error =
                Corpus::open(&config(&[format!("data.train={}", path.display())])).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn bad_text_in_held_out_lines_is_placed_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.txt");
        let good = "nothing wrong here\n".repeat(96);
        let bytes = [good.as_bytes(), b"caf\xe9\n", "nor here\n".repeat(3).as_bytes()].concat();
        std::fs::write(&path, bytes).unwrap();
        let error = Corpus::open(&config(&[format!("data.train={}", path.display())])).unwrap_err();
        let Error::Data(DataError::InvalidUtf8 { line, byte, .. }) = error else {
            panic!("{error}")
        };
        assert_eq!((line, byte as usize), (97, good.len() + 3));
    }

    #[test]
    fn a_prepared_folder_gives_what_its_texts_give() {
        let dir = tempfile::tempdir().unwrap();
        let (train, valid) = (dir.path().join("my.train.txt"), dir.path().join("my.valid.txt"));
        std::fs::write(&train, "a b c\nb c d\n").unwrap();
        std::fs::write(&valid, "a x\n").unwrap();
        let paths =
            [format!("data.train={}", train.display()), format!("data.valid={}", valid.display())];
        let from_text = Corpus::open(&config(&paths)).unwrap();
        let out = dir.path().join("prepared");
        let prepared = |path: &Path| {
            lampwick_data::prepare_corpus(path, &from_text.tokenizer, &out, &mut |_, _| {})
                .unwrap();
        };
        prepared(&train);
        let folder =
            format!("[data]\nsource = \"tokens\"\ndir = {:?}\n", out.display().to_string());
        let config = Config::parse(&folder, "test", &[]).unwrap().config;
        let error = Corpus::open(&config).unwrap_err().to_string();
        assert!(error.contains("data.valid") && error.contains("lampwick prepare"), "{error}");
        prepared(&valid);
        let corpus = Corpus::open(&config).unwrap();
        assert_eq!(corpus.train.hash(), from_text.train.hash());
        assert_eq!(corpus.valid.hash(), from_text.valid.hash());
        assert_eq!(corpus.valid.counts.unknown, 1);
        assert!(corpus.test.is_none());
    }

    #[test]
    fn the_synthetic_corpus_knows_its_entropy_and_is_the_same_every_time() {
        let config = Config::parse("[data]\nsource = \"synthetic\"\ntrain_tokens = 2000\nvalid_tokens = 500\ntest_tokens = 0\n", "test", &[]).unwrap().config;
        let [a, b] = [0; 2].map(|_| Corpus::open(&config).unwrap());
        assert_eq!(a.train.hash(), b.train.hash());
        assert_ne!(a.train.hash(), a.valid.hash());
        assert!(a.test.is_none());
        let entropy = a.valid.source_nats.unwrap();
        // What it counts is what the same text in a file would count.
        let vocabulary = a.tokenizer.vocabulary();
        let mut ids = Vec::new();
        a.valid.tokens.copy(0..a.valid.tokens.len(), &mut ids);
        let text: String = ids
            .split_inclusive(|&id| Some(id) == vocabulary.eos_id())
            .map(|line| {
                let words = line.iter().filter(|&&id| Some(id) != vocabulary.eos_id());
                words.map(|&id| vocabulary.word(id)).collect::<Vec<_>>().join(" ") + "\n"
            })
            .collect();
        let (_, counts) = Tokens::from_text(&a.tokenizer, text.as_bytes(), "text").unwrap();
        assert_eq!(a.valid.counts, counts);
        assert!(entropy > 0.5 && entropy < (a.tokenizer.vocabulary().len() as f64).ln());
    }
}
