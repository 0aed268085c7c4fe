//! `lampwick embed quantize`: codes in the place of vectors.

use std::path::PathBuf;

use lampwick::embeddings::formats::{fasttext, native};
use lampwick::embeddings::{Check, EmbeddingError, Format, QuantizeSettings, compress};

use super::opened::{self, Input};
use super::progress::Stages;
use crate::exit::{Exit, Usage};
use crate::machine::Threads;

/// What `lampwick embed quantize` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed quantize vectors.lwv small.lwv
  lampwick embed quantize model.bin model.ftz             fastText loads it; gensim reads no .ftz
  lampwick embed quantize vectors.lwv smaller.lwv --part 4

Each vector is cut into parts, and each part replaced by the nearest of 256: dim / part bytes a
vector, and one for its length. What that loses is told: the share of the squared lengths, and
the mean cosine between a vector and what is left of it. Compare them on your task before the
large file goes.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Where they go: .lwv, or .ftz for a model with n-grams
    out: PathBuf,
    /// Numbers of a part
    #[arg(long, value_name = "N", default_value_t = 2)]
    part: usize,
    /// Do not keep lengths apart: a byte less a vector
    #[arg(long)]
    no_norms: bool,
    /// Seed of the first centroids
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.threads.start()?;
    let format = Format::of_name(&arguments.out);
    if !matches!(format, Some(Format::Native | Format::Fasttext)) {
        let problem = "codes are held by .lwv and .ftz files only; end the name so";
        return Err(Usage(problem.into()).into());
    }
    opened::expect_place(&arguments.out, arguments.input.files())?;
    let loaded = arguments.input.open(Check::Everything)?;
    let Arguments { part, no_norms, seed, .. } = *arguments;
    let stages = Stages::new();
    let settings = QuantizeSettings { part, norms: !no_norms, seed };
    let compressed = compress(&loaded, &settings, &stages)?;
    stages.finish();
    opened::write(&arguments.out, |out| match format {
        Some(Format::Fasttext) if compressed.vectors.subwords().is_some() => {
            fasttext::write(&compressed.vectors, None, out)
        }
        Some(Format::Fasttext) => {
            Err(EmbeddingError::Setting("the vectors have no n-grams; write them as .lwv".into()))
        }
        _ => native::write(&native::Contents::compressed(&compressed), out)
            .map_err(|source| EmbeddingError::Write { name: String::new(), source }),
    })?;
    let bytes = std::fs::metadata(&arguments.out)?.len();
    tell!(
        "{}: {:.1} MiB; of the squared lengths {:.2} % are lost, mean cosine {:.4}",
        arguments.out.display(),
        bytes as f64 / f64::from(1 << 20),
        100.0 * compressed.loss.squared_error,
        compressed.loss.cosine
    );
    Ok(Exit::Done)
}
