//! `lampwick embed oov`: vectors of words never seen.

use std::io::Write;

use lampwick::embeddings::{Check, EmbeddingError};

use super::opened::{self, Input};
use crate::exit::Exit;

/// What `lampwick embed oov` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed oov model.bin unseenness rewicked
  echo unseenness | lampwick embed oov model.bin

Each line is a word and its vector, as in a .vec file: of a word that the model holds its own,
of another the mean of its n-grams', which only a fastText model has. The words come from stdin
where none is named. Exit code 1 when a word got no vector.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// The words; none: those of stdin, separated by white space
    list: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let loaded = arguments.input.open(Check::Nothing)?;
    let words = opened::asked(&arguments.list)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut exit = Exit::Done;
    for word in &words {
        let vector = match loaded.vectors.finite_vector(word) {
            Ok(vector) => vector,
            Err(error) => {
                match (error, loaded.vectors.subwords()) {
                    (EmbeddingError::NoVector { word }, None) => {
                        tell!("`{word}` is not in the file, which has no n-grams");
                    }
                    (EmbeddingError::NoVector { word }, Some(_)) => {
                        tell!("`{word}` is not in the model, and has no n-gram of its lengths");
                    }
                    (other, _) => tell!("{other}"),
                }
                exit = Exit::Partly;
                continue;
            }
        };
        out.write_all(word)?;
        vector.iter().try_for_each(|x| write!(out, " {x}"))?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(exit)
}
