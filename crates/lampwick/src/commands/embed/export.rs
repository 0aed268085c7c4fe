//! `lampwick embed export`: the vectors of some words.

use std::path::PathBuf;

use lampwick::embeddings::{Check, Lexicon, Vectors};

use super::convert::write;
use super::opened::{self, Input, Output};
use crate::exit::Exit;
use lampwick::metrics::figures::counted;

/// What `lampwick embed export` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed export vectors.lwv projector.tsv --first 10000   with projector.words.tsv beside it
  lampwick embed export vectors.lwv mine.vec --only mine.txt --unit
  lampwick embed export model.bin vocabulary.safetensors --only vocabulary.txt

Words of --only that the file does not hold get a vector from their n-grams where it has them,
and are left out and told otherwise.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
    /// Only the words of this file, one a line, in its order
    #[arg(long, value_name = "FILE")]
    only: Option<PathBuf>,
    /// Only the first N words of the file, which are the most frequent where a training wrote it
    #[arg(long, value_name = "N", value_parser = opened::at_least_one)]
    first: Option<usize>,
    /// Divide each vector by its length
    #[arg(long)]
    unit: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let format = arguments.output.format(arguments.input.files().iter().chain(&arguments.only))?;
    let loaded = arguments.input.open(Check::Words)?;
    let vectors = &loaded.vectors;
    let words: Vec<Vec<u8>> = match &arguments.only {
        Some(path) => opened::lines(path)?,
        None => vectors.words().iter().map(<[u8]>::to_vec).collect(),
    };
    let (mut found, mut matrix, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for word in words.iter().take(arguments.first.unwrap_or(usize::MAX)) {
        let Some(vector) = vectors.try_vector(word)? else {
            missing.push(String::from_utf8_lossy(word));
            continue;
        };
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        let scale = if arguments.unit && length > 0.0 { 1.0 / length } else { 1.0 };
        matrix.extend(vector.iter().map(|x| x * scale));
        found.push(word.as_slice());
    }
    if found.is_empty() {
        anyhow::bail!(
            "none of {} has a vector; nothing was written",
            counted(words.len() as u64, "word")
        );
    }
    if !missing.is_empty() {
        let some: Vec<_> = missing.iter().take(8).map(AsRef::as_ref).collect();
        let words = counted(missing.len() as u64, "word");
        let more = if missing.len() > some.len() { " ..." } else { "" };
        tell!("notice: left out {words} without a vector: {}{more}", some.join(", "));
    }
    let lexicon: Lexicon = found.iter().copied().collect();
    if lexicon.len() != found.len() {
        let again = found.iter().enumerate().find(|(at, word)| found[..*at].contains(word));
        let word = again.map_or_else(String::new, |(_, word)| String::from_utf8_lossy(word).into());
        anyhow::bail!("the list names {word:?} twice; name each word once");
    }
    write(&Vectors::new(lexicon, matrix, vectors.dim())?, None, format, &arguments.output.out)?;
    Ok(Exit::Done)
}
