//! `lampwick prepare TEXT ...`: token files for corpora too large to read each time.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use indicatif::{ProgressBar, ProgressStyle};
use lampwick::data::{
    DataError, Prepared, SubwordModel, Tokenizer, TokenizerKind, VocabularyLimits, prepare_corpora,
};
use lampwick::metrics::figures::count;
use serde_json::json;

use crate::exit::{Exit, Usage};
use crate::signals;

/// What `lampwick prepare` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick prepare train.txt valid.txt test.txt --out data/mine
  lampwick prepare wiki.txt --out data/wiki --tokenizer bpe --size 16000
  lampwick prepare more.txt --out data/more --vocabulary data/mine
  lampwick prepare wiki.txt --out data/wiki --vocabulary tokenizer.json
  lampwick train configs/lm/own_text.toml data.source=tokens data.dir=data/mine

The vocabulary is counted on the first text, or taken from --vocabulary. Each text becomes
OUT/NAME.tokens: 2 or 4 bytes a token behind a header with the vocabulary's hash, memory-mapped
in training. Training takes the files whose names hold `train`, `valid` and `test`, or those
that data.train, data.valid and data.test name. A folder that holds another vocabulary is
refused; when one text is, nothing is written.")]
pub(crate) struct Arguments {
    /// Texts, UTF-8, one sentence or paragraph a line; the first is the one to train on
    #[arg(required = true)]
    texts: Vec<PathBuf>,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What a token is
    #[arg(long, value_enum, default_value_t = Kind::Words)]
    tokenizer: Kind,
    /// Subwords: tokens in the vocabulary. Words and characters: the most frequent so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    size: Option<u32>,
    /// Words and characters seen fewer times become <unk>
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_count: u64,
    /// Take this tokenizer: the folder of a prepared corpus, a run's `tokenizer`, or a
    /// `tokenizer.json` of the Hugging Face library
    #[arg(long, value_name = "DIR|FILE.json", conflicts_with_all = ["tokenizer", "size", "min_count"])]
    vocabulary: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The tokenizers that can be made from a text.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Kind {
    /// What white space separates, with </s> at each line's end
    Words,
    /// Unicode characters
    Characters,
    /// Bytes
    Bytes,
    /// Subwords by byte pair encoding
    Bpe,
    /// Subwords by a unigram model
    Unigram,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    distinct_names(&arguments.texts)?;
    let tokenizer = tokenizer(arguments)?;
    let signal = signals::watch()?;
    let stopped = || signal.load(Ordering::SeqCst);
    let made = match prepare(&arguments.texts, &tokenizer, &arguments.out, &|| stopped() != 0) {
        Err(error @ DataError::Stopped { .. }) => {
            tell!("{error}");
            return Ok(Exit::Signal(stopped()));
        }
        made => made?,
    };
    let mut out = crate::output::stdout();
    let vocabulary = tokenizer.vocabulary();
    if arguments.json {
        let files: Vec<_> = arguments
            .texts
            .iter()
            .zip(&made)
            .map(|(text, made)| {
                json!({"text": text, "tokens_file": made.path, "counts": made.counts, "sha256": made.source_hash})
            })
            .collect();
        let object = json!({
            "vocabulary": vocabulary.len(), "vocabulary_hash": vocabulary.hash(), "files": files,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
        return Ok(Exit::Done);
    }
    writeln!(
        out,
        "{}: {} tokens in the vocabulary",
        tokenizer.kind(),
        count(vocabulary.len() as u64)
    )?;
    for made in &made {
        writeln!(
            out,
            "{}: {} tokens, {} lines, {} unknown",
            made.path.display(),
            count(made.counts.tokens),
            count(made.counts.lines),
            count(made.counts.unknown)
        )?;
    }
    Ok(Exit::Done)
}

/// Refuses two texts whose token files would be one: the second would replace the first.
fn distinct_names(texts: &[PathBuf]) -> anyhow::Result<()> {
    for (index, text) in texts.iter().enumerate() {
        let same = |other: &&PathBuf| other.file_stem() == text.file_stem();
        if let Some(other) = texts[..index].iter().find(same) {
            let name = text.file_stem().unwrap_or_default().to_string_lossy();
            return Err(Usage(format!(
                "{} and {} would both become {name}.tokens; rename one of them, or prepare them \
                 into two folders",
                other.display(),
                text.display()
            ))
            .into());
        }
    }
    Ok(())
}

/// A tokenizer that is there: a folder's, or a `tokenizer.json`.
pub(super) fn open(path: &Path) -> anyhow::Result<Tokenizer> {
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    Ok(if is_json && !path.is_dir() {
        Tokenizer::from_tokenizer_json(path)?
    } else {
        Tokenizer::load(path)?
    })
}

/// The tokenizer of `--vocabulary`, or one made from the first text.
fn tokenizer(arguments: &Arguments) -> anyhow::Result<Tokenizer> {
    if let Some(path) = &arguments.vocabulary {
        return open(path);
    }
    let size = arguments.size.map(|size| size as usize);
    let subwords = |model: SubwordModel| -> anyhow::Result<TokenizerKind> {
        let size =
            size.ok_or_else(|| Usage("subwords need --size N, such as --size 8000".into()))?;
        Ok(TokenizerKind::Subwords { model, size })
    };
    let kind = match arguments.tokenizer {
        Kind::Words => TokenizerKind::Words,
        Kind::Characters => TokenizerKind::Characters,
        Kind::Bytes => TokenizerKind::Bytes,
        Kind::Bpe => subwords(SubwordModel::Bpe)?,
        Kind::Unigram => subwords(SubwordModel::Unigram)?,
    };
    let limits = VocabularyLimits { min_count: arguments.min_count, max_size: size };
    tell!("reading {} for its vocabulary", arguments.texts[0].display());
    Ok(Tokenizer::train_file(&kind, &arguments.texts[0], &limits)?)
}

/// The texts to their token files, each under a progress bar, until `stop`.
fn prepare(
    texts: &[PathBuf],
    tokenizer: &Tokenizer,
    out: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Prepared>, DataError> {
    let bar = ProgressBar::new(0);
    let template = "{msg} {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
    bar.set_style(
        ProgressStyle::with_template(template).expect("a template as indicatif has them"),
    );
    let mut shown = PathBuf::new();
    let made = prepare_corpora(texts, tokenizer, out, &mut |text, done, total| {
        if shown != text {
            bar.reset();
            bar.set_message(text.display().to_string());
            shown = text.to_path_buf();
        }
        bar.set_length(total);
        bar.set_position(done);
        if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    made
}
