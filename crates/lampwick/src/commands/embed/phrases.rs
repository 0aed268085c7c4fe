//! `lampwick embed phrases`: words that belong together.

use std::io::Write;
use std::path::PathBuf;

use lampwick::embeddings::Source;
use lampwick::embeddings::phrases::{PhraseSettings, Phrases, Score, join};
use lampwick::metrics::figures::{count, counted};

use super::opened;
use super::progress::Stages;
use crate::exit::{Exit, Usage};

/// What `lampwick embed phrases` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed phrases text.txt -o joined.txt
  lampwick embed phrases joined.txt -o longer.txt                 a second pass: new_york_times
  lampwick embed phrases text.txt --score npmi --threshold 0.5 --list
  lampwick embed phrases text.txt -o joined.txt --connectors of,the,in

Two neighbours are joined where their score is above the threshold. --score word2vec is (count(a
b) - min_count) / (count(a) count(b)) times the words of the text (Mikolov et al. 2013); npmi is
the normalised pointwise mutual information, -1 to 1. gensim's default score has the words of
its vocabulary in place of those of the text, so that its thresholds are others; npmi is the
same. The files are read twice, so they cannot be stdin.")]
pub(crate) struct Arguments {
    /// Texts, plain or packed, one sentence a line
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Where the text with joined words goes; without it, stdout
    #[arg(short, long, value_name = "FILE", conflicts_with = "list")]
    out: Option<PathBuf>,
    /// List the phrases instead: score, count and phrase
    #[arg(long)]
    list: bool,
    /// How pairs are scored
    #[arg(long, value_enum, default_value_t = Kind::Word2vec)]
    score: Kind,
    /// Least score of a phrase [default: 100 for word2vec, 0.5 for npmi]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Words and pairs that occur less often make no phrase
    #[arg(long, value_name = "N", default_value_t = 5)]
    min_count: u64,
    /// What joins two words
    #[arg(long, value_name = "TEXT", default_value = "_")]
    delimiter: String,
    /// Words that may stand inside a phrase but make none: of,the,in
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    connectors: Vec<String>,
}

/// What `--score` can be.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    Word2vec,
    Npmi,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.files.iter().any(|path| path.as_os_str() == "-") {
        return Err(Usage("the text is read twice: give files, not stdin".into()).into());
    }
    if let Some(out) = &arguments.out {
        opened::expect_place(out, &arguments.files)?;
    }
    let (score, threshold) = match arguments.score {
        Kind::Word2vec => (Score::Word2vec, 100.0),
        Kind::Npmi => (Score::Npmi, 0.5),
    };
    let settings = PhraseSettings {
        score,
        threshold: arguments.threshold.unwrap_or(threshold),
        min_count: arguments.min_count,
        delimiter: arguments.delimiter.clone().into_bytes(),
        connectors: arguments.connectors.iter().map(|word| word.clone().into_bytes()).collect(),
    };
    let sources =
        || -> Result<Vec<Source>, _> { arguments.files.iter().map(Source::open).collect() };
    let stages = Stages::new();
    let phrases = Phrases::find(sources()?, &settings, &stages)?;
    if arguments.list {
        stages.finish();
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for phrase in phrases.list() {
            write!(out, "{:.4}\t{}\t", phrase.score, phrase.count)?;
            out.write_all(&phrase.text)?;
            writeln!(out)?;
        }
        out.flush()?;
        return Ok(Exit::Done);
    }
    let joined = match &arguments.out {
        Some(path) => {
            let mut joined = 0;
            opened::write(path, |out| {
                joined = join(sources()?, &phrases, out, &stages)?;
                Ok(())
            })?;
            joined
        }
        None => {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            let joined = join(sources()?, &phrases, &mut out, &stages)?;
            out.flush()?;
            joined
        }
    };
    stages.finish();
    let pairs = count(phrases.len() as u64);
    tell!("joined {}, of {pairs} pairs above the threshold", counted(joined, "phrase"));
    Ok(Exit::Done)
}
