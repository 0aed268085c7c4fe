//! `lampwick embed convert`: a file of vectors as another format.

use std::path::{Path, PathBuf};

use lampwick::embeddings::{Check, Format, Trained, Vectors, formats};
use lampwick::metrics::figures::count;

use super::opened::{self, Input};
use crate::exit::Exit;

/// What `lampwick embed convert` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed convert GoogleNews-vectors-negative300.bin.gz v.lwv   opens at once then
  lampwick embed convert glove.6B.100d.txt glove.bin
  lampwick embed convert cc.en.300.bin words.vec             a fastText model's words
  lampwick embed convert vectors.lwv model.bin --to fasttext

The format is that of the name: .lwv is Lampwick's own; .vec and .txt are word2vec's text, .bin its
binary format, .ftz a model of fastText, .safetensors tensors, .tsv (with .words.tsv beside it)
TensorFlow's projector; .gz packs.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Where they go
    out: PathBuf,
    /// The format of OUT, where its name does not say
    #[arg(long, value_name = "FORMAT", value_parser = opened::format)]
    to: Option<Format>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let Arguments { input, out, to } = arguments;
    let format = opened::output_format(*to, out, input.files())?;
    // Other formats hold the vectors of words alone.
    let whole = matches!(format, Format::Native | Format::Fasttext);
    let loaded = input.open(if whole { Check::Everything } else { Check::Words })?;
    write(&loaded.vectors, loaded.trained.as_ref(), format, out)?;
    Ok(Exit::Done)
}

/// Writes vectors in any format.
pub(super) fn write(
    vectors: &Vectors,
    trained: Option<&Trained>,
    format: Format,
    path: &Path,
) -> anyhow::Result<()> {
    if let Some(words) = opened::words_apart(path, Some(format)) {
        opened::write(&words, |out| formats::projector::write_words(vectors, out))?;
    }
    opened::write(path, |out| formats::write(vectors, trained, format, out))?;
    if matches!(format, Format::Word2vecText | Format::Glove) {
        tell_of_spaces(vectors, path);
    }
    Ok(())
}

/// Lines of text part at spaces: ours are read from the right, but few programs do that.
fn tell_of_spaces(vectors: &Vectors, path: &Path) {
    let mut spaced = (0..vectors.len()).map(|row| vectors.word(row)).filter(|w| w.contains(&b' '));
    let Some(first) = spaced.next() else { return };
    tell!(
        "notice: {}: {} of {} words hold spaces, such as {:?}; other programs may misread their lines",
        path.display(),
        count(1 + spaced.count() as u64),
        count(vectors.len() as u64),
        String::from_utf8_lossy(first)
    );
}
