//! Pairs from two files whose lines answer each other, or from one with a tab in each line.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{DataError, Result};
use crate::parallel::alignment::{beginning, length, parting};
use crate::parallel::{Astray, Filter, Lines, Pairs};

/// Reads pairs as a stream, in memory for one of them. Lines end at `\n` (or `\r\n`) only; see
/// [`Lines`] for what else files hold.
///
/// ```no_run
/// use lampwick_data::parallel::PairReader;
/// let mut pairs = PairReader::files("train.en", "train.de")?;
/// while let Some((source, target)) = pairs.next_pair()? {
///     println!("{source} => {target}");
/// }
/// # Ok::<(), lampwick_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct PairReader {
    form: Form,
    source: String,
    target: String,
}

#[derive(Debug)]
enum Form {
    Files { source: Lines<File>, target: Lines<File>, paths: [PathBuf; 2] },
    Tsv(Lines<File>),
}

impl PairReader {
    /// From two files with equally many lines.
    ///
    /// # Errors
    /// Those of [`crate::text::open`].
    pub fn files(source: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<Self> {
        let paths = [source.as_ref().to_owned(), target.as_ref().to_owned()];
        let (source, target) = (Lines::open(source)?, Lines::open(target)?);
        Ok(Self::new(Form::Files { source, target, paths }))
    }

    /// From one file: a source, a tab and a target in each line.
    ///
    /// # Errors
    /// Those of [`crate::text::open`].
    pub fn tsv(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::new(Form::Tsv(Lines::open(path)?)))
    }

    fn new(form: Form) -> Self {
        Self { form, source: String::new(), target: String::new() }
    }

    /// The next source and its target; none at the end.
    ///
    /// # Errors
    /// What is no text: [`DataError::NotText`], [`DataError::LongLine`], [`DataError::Empty`],
    /// [`DataError::Read`]; [`DataError::UnequalLines`] where one file ends before the other;
    /// [`DataError::Line`] for a line without a tab, or with more than one.
    pub fn next_pair(&mut self) -> Result<Option<(&str, &str)>> {
        match &mut self.form {
            Form::Files { source, target, paths } => {
                let (one, other) = (source.read(&mut self.source)?, target.read(&mut self.target)?);
                match (one, other) {
                    (false, false) => Ok(None),
                    (true, true) => Ok(Some((&self.source, &self.target))),
                    _ => Err(unequal(paths)?),
                }
            }
            Form::Tsv(lines) => {
                let number = lines.number();
                if !lines.read(&mut self.source)? {
                    return Ok(None);
                }
                let mut columns = self.source.split('\t');
                match (columns.next(), columns.next(), columns.next()) {
                    (Some(source), Some(target), None) => Ok(Some((source, target))),
                    _ => Err(DataError::Line {
                        name: lines.name().into(),
                        line: number,
                        problem: format!("{} tabs", self.source.matches('\t').count()),
                        mend: "write a source, one tab and a target in each line",
                    }),
                }
            }
        }
    }

    /// All pairs that `filter` keeps.
    ///
    /// # Errors
    /// Those of [`PairReader::next_pair`].
    pub fn read_all(mut self, filter: &Filter) -> Result<Pairs> {
        let mut pairs = Pairs::default();
        while let Some((source, target)) = self.next_pair()? {
            pairs.add(source, target, filter);
        }
        Ok(pairs)
    }
}

/// The error of two files of unequal line counts, which are read once more for it.
fn unequal([first, second]: &[PathBuf; 2]) -> Result<DataError> {
    let (one, other) = (lengths(first)?, lengths(second)?);
    let index = parting(&one, &other);
    let texts = match index < one.len().min(other.len()) {
        true => Some([text_at(first, index)?, text_at(second, index)?]),
        false => None,
    };
    Ok(DataError::UnequalLines {
        first: first.display().to_string(),
        first_lines: one.len() as u64,
        second: second.display().to_string(),
        second_lines: other.len() as u64,
        astray: Box::new(Astray { line: index as u64 + 1, texts }),
    })
}

fn lengths(path: &Path) -> Result<Vec<u32>> {
    let (mut lines, mut line, mut lengths) = (Lines::open(path)?, String::new(), Vec::new());
    while lines.read(&mut line)? {
        lengths.push(length(&line));
    }
    Ok(lengths)
}

fn text_at(path: &Path, index: usize) -> Result<String> {
    let (mut lines, mut line) = (Lines::open(path)?, String::new());
    for _ in 0..=index {
        lines.read(&mut line)?;
    }
    Ok(beginning(&line))
}
