//! `lampwick ngram ...`: n-gram language models, one file a command.

use lampwick::metrics::figures::count;
use lampwick::ngram::words;

use crate::exit::Exit;
use crate::signals;

mod build;
mod convert;
mod generate;
mod info;
mod interpolate;
pub(super) mod opened;
mod perplexity;
mod places;
mod progress;
mod query;
mod shards;
mod train;

pub(super) use opened::is_model;
pub(super) use perplexity::evaluate;

const BOS_WORD: &[u8] = b"<s>";
const EOS_WORD: &[u8] = b"</s>";

/// What `lampwick ngram` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram train -o 5 text.txt > model.arpa
  lampwick ngram build model.arpa model.bin              a file that opens in milliseconds
  lampwick ngram perplexity model.bin test.txt
  echo 'the lamp burns' | lampwick ngram query model.bin --words
  lampwick ngram generate model.bin --samples 3

Text is one sentence a line; words are what white space separates, any bytes. Wherever a MODEL
is asked for, an ARPA file, plain, gzip or zstd, does as well as a binary one; ARPA may come
through a pipe, - is stdin.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What `lampwick ngram` can do.
#[derive(clap::Subcommand)]
enum Command {
    /// Train a model on text: modified Kneser-Ney and others, to ARPA
    Train(Box<train::Arguments>),
    /// Turn ARPA into a binary model: hash tables, a trie or a compact trie
    Build(build::Arguments),
    /// Score the lines of stdin
    Query(query::Arguments),
    /// Give the perplexity of a model on text
    Perplexity(perplexity::Arguments),
    /// Generate text
    Generate(generate::Arguments),
    /// Say what is in a model
    Info(info::Arguments),
    /// Mix models linearly, with weights found on a development text
    Interpolate(interpolate::Arguments),
    /// Turn a binary model, or ARPA, into ARPA
    Convert(convert::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    signals::leave_nothing_unfinished()?;
    match &arguments.command {
        Command::Train(arguments) => train::run(arguments),
        Command::Build(arguments) => build::run(arguments),
        Command::Query(arguments) => query::run(arguments),
        Command::Perplexity(arguments) => perplexity::run(arguments),
        Command::Generate(arguments) => generate::run(arguments),
        Command::Info(arguments) => info::run(arguments),
        Command::Interpolate(arguments) => interpolate::run(arguments),
        Command::Convert(arguments) => convert::run(arguments),
    }
}

/// The words of a sentence to score, and `</s>` behind them where the line does not end with it.
///
/// `<s>` in a line is given, never scored: what follows it begins a sentence.
fn sentence(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    words::split(line).chain((!is_ended(line)).then_some(EOS_WORD))
}

/// Whether the last word of a line is `</s>`.
fn is_ended(line: &[u8]) -> bool {
    let end = line.iter().rposition(|&byte| !words::is_separator(byte)).map_or(0, |last| last + 1);
    let before = line[..end].strip_suffix(EOS_WORD);
    before.is_some_and(|before| before.last().is_none_or(|&byte| words::is_separator(byte)))
}

/// Says what marks in a text that is scored were taken for.
fn tell_marks(marks: u64) {
    if marks > 0 {
        tell!(
            "notice: <s> or </s> stands {} times in the text: <s> begins a sentence and is not scored, \
             </s> is scored where it stands, at a line's end once",
            count(marks)
        );
    }
}

/// Whether a word that got this id is out of vocabulary: `<unk>` in the text is a word like any other.
fn is_oov(id: u32, word: &[u8]) -> bool {
    id == lampwick::ngram::UNK && word != b"<unk>"
}

/// Words that are bytes, for messages and JSON.
fn shown(word: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(word)
}
