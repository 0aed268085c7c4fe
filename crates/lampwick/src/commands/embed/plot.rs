//! `lampwick embed plot`: words on a plane, as a page.

use std::path::PathBuf;

use lampwick::embeddings::Check;
use lampwick::embeddings::map::{principal, tsne};
use lampwick::metrics::figures::counted;

use super::opened::{self, Input};
use crate::exit::{Exit, Usage};

/// What `lampwick embed plot` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed plot vectors.lwv -o map.html                  the 1,000 most frequent words
  lampwick embed plot vectors.lwv -o animals.html --only animals.txt
  lampwick embed plot vectors.lwv -o map.html --projection tsne --first 3000

The page needs nothing else. Words of length 1 lie on their first two principal components, or,
by t-SNE, near those that they are near in all dimensions; it begins at these components, so the
map is the same each time. A word's name shows under the pointer, where there is room, and by
search; the wheel zooms.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// The page
    #[arg(short, long, value_name = "FILE", value_parser = page)]
    out: PathBuf,
    /// The words of this file, one a line
    #[arg(long, value_name = "FILE", conflicts_with = "first")]
    only: Option<PathBuf>,
    /// The first N words, which are the most frequent where a training wrote the file
    #[arg(long, value_name = "N", default_value_t = 1000)]
    first: usize,
    /// How words come to lie
    #[arg(long, value_enum, default_value_t = Projection::Pca)]
    projection: Projection,
    /// Neighbours of a word that count, of t-SNE [default: 30]
    #[arg(long, value_name = "N")]
    perplexity: Option<f32>,
}

/// How words come to lie on a map.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Projection {
    /// On the two directions in which they differ most
    Pca,
    /// Near those that they are near in all dimensions
    Tsne,
}

/// The name of a page.
pub(super) fn page(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    match path.extension().is_some_and(|extension| extension == "html") {
        true => Ok(path),
        false => Err("a page; end its name in .html".into()),
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    opened::expect_place(&arguments.out, arguments.input.files().iter().chain(&arguments.only))?;
    if arguments.perplexity.is_some() && matches!(arguments.projection, Projection::Pca) {
        return Err(Usage("--perplexity goes with --projection tsne".into()).into());
    }
    let vectors = arguments.input.open(Check::Words)?.vectors;
    let words = match &arguments.only {
        Some(path) => opened::lines(path)?,
        None => vectors.words().iter().take(arguments.first).map(<[u8]>::to_vec).collect(),
    };
    let map = match arguments.projection {
        Projection::Pca => principal(&vectors, &words)?,
        Projection::Tsne => tsne(&vectors, &words, arguments.perplexity.unwrap_or(30.0))?,
    };
    if !map.missing.is_empty() {
        let some: Vec<_> =
            map.missing.iter().take(8).map(|word| String::from_utf8_lossy(word)).collect();
        let words = counted(map.missing.len() as u64, "word");
        tell!("notice: left out {words} without a vector: {}", some.join(", "));
    }
    let title = arguments.input.path().display().to_string();
    opened::write(&arguments.out, |out| map.write(&title, out))?;
    Ok(Exit::Done)
}
