//! Text files: one for each part, or the last lines of one held out.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use lampwick_data::{DataError, Tokenizer, Tokens, text};

use super::{Part, Text, missing};
use crate::config::{ConfigError, DataConfig, TextData};
use crate::error::{Error, Result};

/// Learnt from the training portion only: a word of the validation text alone is unknown.
pub(super) fn tokenizer(data: &TextData) -> Result<Tokenizer> {
    let [train, valid, _] = portions(data)?;
    // Said before a long reading rather than after it.
    let missing = |part| missing(&DataConfig::Text(data.clone()), part);
    valid.ok_or_else(|| missing(Part::Valid))?;
    let train = train.ok_or_else(|| missing(Part::Train))?;
    let (text, name) = (train.open()?, &train.name);
    Tokenizer::train(&data.tokenizer, text, name, &data.vocabulary)
        .map_err(|error| train.in_file(error).into())
}

/// One of the texts.
pub(super) fn text(data: &TextData, tokenizer: &Tokenizer, part: Part) -> Result<Option<Text>> {
    let [train, valid, test] = portions(data)?;
    let portion = match part {
        Part::Train => train,
        Part::Valid => valid,
        Part::Test => test,
    };
    let Some(portion) = portion else { return Ok(None) };
    let (tokens, counts) = Tokens::from_text(tokenizer, portion.open()?, &portion.name)
        .map_err(|error| portion.in_file(error))?;
    Ok(Some(Text { tokens, counts, source_nats: None }))
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
    let metadata = file.get_ref().metadata().map_err(|e| Error::read(path, e))?;
    if !metadata.is_file() {
        let problem = format!("{} is a pipe or a device", data.train);
        let mend = "training reads its text more than once: write it to a file first";
        return Err(ConfigError::value("config", "data.train", &problem, mend).into());
    }
    let size = metadata.len();
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
