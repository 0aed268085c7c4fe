//! Files of vectors as commands open and write them.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use lampwick::data::atomic;
use lampwick::embeddings::{Check, EmbeddingError, Format, Loaded, ReadOptions, Source, open};
use lampwick::metrics::figures::counted;

use crate::commands::places::{expect_other, is_same};
use crate::exit::Usage;

/// A file of vectors, as every command takes it.
#[derive(clap::Args)]
pub(super) struct Input {
    /// The vectors; - is stdin, of any format but .lwv, which is mapped
    vectors: PathBuf,
    #[command(flatten)]
    options: Options,
}

/// How a file of vectors is read.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The file's format, where its first bytes do not show it: word2vec, word2vec-binary, glove,
    /// fasttext, safetensors, projector, native
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,
    /// Leave out rows with a NaN or an infinity instead of ending with an error
    #[arg(long)]
    skip_not_finite: bool,
    /// Dimensions of a file that does not say them and whose words hold spaces
    #[arg(long, value_name = "N")]
    dim: Option<usize>,
    /// The words, one a line, of a file that does not say them
    #[arg(long, value_name = "FILE")]
    words: Option<PathBuf>,
}

impl Input {
    pub(super) fn path(&self) -> &Path {
        &self.vectors
    }

    /// The files that are read, named or not.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let words = self.options.words(&self.vectors);
        std::iter::once(self.vectors.clone()).chain(words).collect()
    }

    /// Reads the file; what of it was left out is told.
    pub(super) fn open(&self, check: Check) -> anyhow::Result<Loaded> {
        let options = self.options.as_read(&self.vectors, check)?;
        let loaded = loaded(&self.vectors, self.options.format, &options)?;
        let dim = loaded.vectors.dim();
        if options.dim.is_some_and(|asked| asked != dim) {
            let problem =
                format!("{}: has {dim} dimensions, not those of --dim", self.vectors.display());
            return Err(Usage(problem).into());
        }
        Ok(loaded)
    }
}

impl Options {
    fn as_read(&self, path: &Path, check: Check) -> anyhow::Result<ReadOptions> {
        let words = self.words(path).map(|path| lines(&path)).transpose()?;
        Ok(ReadOptions { check, skip_not_finite: self.skip_not_finite, dim: self.dim, words })
    }

    /// The file of the words of the vectors at `path`, where it is another.
    fn words(&self, path: &Path) -> Option<PathBuf> {
        self.words.clone().or_else(|| found_beside(path, self.format))
    }
}

/// The list of words beside numbers of TensorFlow's projector, where there is one.
pub(super) fn found_beside(path: &Path, format: Option<Format>) -> Option<PathBuf> {
    words_apart(path, format).filter(|beside| beside.is_file())
}

/// Where the words of vectors at `path` lie, or will, where their format has them in another file.
pub(super) fn words_apart(path: &Path, format: Option<Format>) -> Option<PathBuf> {
    let is_projector = format.or_else(|| Format::of_name(path)) == Some(Format::Projector);
    is_projector.then(|| words_beside(path))
}

/// Whether the file of that name is packed.
fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "gz")
}

/// Reads a file; what of it was left out is told.
pub(super) fn loaded(
    path: &Path,
    format: Option<Format>,
    options: &ReadOptions,
) -> anyhow::Result<Loaded> {
    let loaded = open(path, format, options)?;
    let name = path.display();
    if loaded.duplicates > 0 {
        let rows = counted(loaded.duplicates, "row");
        tell!("notice: {name}: left out {rows} of words that came before; the first row counts");
    }
    if loaded.not_finite > 0 {
        let rows = counted(loaded.not_finite, "row");
        tell!("notice: {name}: left out {rows} with a NaN or an infinity");
    }
    if !loaded.lost.is_empty() {
        let lost = loaded.lost.join(", ");
        tell!("notice: {name}: left out what hangs on rows with a NaN or an infinity: {lost}");
    }
    Ok(loaded)
}

/// The lines of a file; - is stdin.
pub(super) fn lines(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let bytes = Source::named(path)?.read_all()?;
    let mut lines: Vec<Vec<u8>> = bytes
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
        .collect();
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    Ok(lines)
}

/// The words that are asked for: those of the command line, or of stdin where it names none.
pub(super) fn asked(list: &[String]) -> anyhow::Result<Vec<Vec<u8>>> {
    if !list.is_empty() {
        return Ok(list.iter().map(|word| word.clone().into_bytes()).collect());
    }
    let bytes = Source::new("standard input", std::io::stdin())?.read_all()?;
    Ok(lampwick::ngram::words::split(&bytes).map(<[u8]>::to_vec).collect())
}

/// A number that is not 0.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&k| k > 0).ok_or_else(|| "give a number, at least 1".into())
}

/// A format by its name.
pub(super) fn format(name: &str) -> Result<Format, String> {
    Format::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.into_iter().map(Format::name).collect();
        format!("`{name}` is no format; one of {}", names.join(", "))
    })
}

/// Where vectors go, as commands that change them take it.
#[derive(clap::Args)]
pub(super) struct Output {
    /// Where they go; the name's end says the format, as for `embed convert`
    pub(super) out: PathBuf,
    /// The format of OUT, where its name does not say
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    to: Option<Format>,
}

impl Output {
    /// The format that was asked for, of a place that is none of `inputs`.
    pub(super) fn format<I>(&self, inputs: I) -> anyhow::Result<Format>
    where
        I: IntoIterator<Item: AsRef<Path>> + Clone,
    {
        output_format(self.to, &self.out, inputs)
    }
}

/// Refuses a place where no file can be written, or that the command reads, before what it is for is
/// computed.
pub(super) fn expect_place<I>(path: &Path, inputs: I) -> anyhow::Result<()>
where
    I: IntoIterator<Item: AsRef<Path>>,
{
    expect_other(path, inputs)?;
    atomic::expect_place(path).map_err(|error| Usage(error.to_string()).into())
}

/// Where the words of the projector's vectors go; only the numbers are packed.
fn words_beside(path: &Path) -> PathBuf {
    let path = if is_packed(path) { &path.with_extension("") } else { path };
    path.with_extension("words.tsv")
}

/// The format that was asked for, by name or by the end of the file's name; `path` can be written, and is none
/// of `inputs`.
pub(super) fn output_format<I>(to: Option<Format>, path: &Path, inputs: I) -> anyhow::Result<Format>
where
    I: IntoIterator<Item: AsRef<Path>> + Clone,
{
    let format = to.or_else(|| Format::of_name(path)).ok_or_else(|| {
        let problem = format!(
            "{}: the name shows no format; name one (--to native), or end it in .lwv, .vec, .bin, \
             .ftz, .tsv or .safetensors",
            path.display()
        );
        Usage(problem)
    })?;
    if format == Format::Native && is_packed(path) {
        let problem = format!(
            "{}: a file of Lampwick's own is mapped, and cannot be packed: leave .gz out",
            path.display()
        );
        return Err(Usage(problem).into());
    }
    if let Some(words) = words_apart(path, Some(format)) {
        if is_same(&words, path) {
            let problem = format!(
                "{}: leads to {}, where its words go: give another name",
                path.display(),
                words.display()
            );
            return Err(Usage(problem).into());
        }
        expect_place(&words, inputs.clone())?;
    }
    expect_place(path, inputs)?;
    Ok(format)
}

/// Writes a file all at once, packed where its name ends in `.gz`.
pub(super) fn write(
    path: &Path,
    contents: impl FnOnce(&mut dyn Write) -> lampwick::embeddings::Result<()>,
) -> anyhow::Result<()> {
    let mut refused = None;
    let put = |out: &mut dyn Write| -> std::io::Result<()> {
        contents(out).map_err(|error| match error {
            EmbeddingError::Write { source, .. } => source,
            other => {
                refused = Some(other);
                std::io::ErrorKind::Other.into()
            }
        })
    };
    let written = atomic::write(path, |file| {
        if !is_packed(path) {
            return put(file);
        }
        let mut packed = GzEncoder::new(file, Compression::default());
        put(&mut packed)?;
        packed.finish().map(|_| ())
    });
    match refused {
        Some(error) => Err(error.into()),
        None => Ok(written?),
    }
}
