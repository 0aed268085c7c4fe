//! `lampwick ngram ...`: n-gram language models, one file a command.

use crate::exit::Exit;

mod build;
mod convert;
mod generate;
mod info;
mod interpolate;
mod opened;
mod perplexity;
mod progress;
mod query;
mod shards;
mod train;

pub(super) use perplexity::evaluate;

/// What `lampwick ngram` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram train -o 5 text.txt > model.arpa
  lampwick ngram build model.arpa model.bin              a file that opens in milliseconds
  lampwick ngram perplexity model.bin test.txt
  echo 'the lamp burns' | lampwick ngram query model.bin --words
  lampwick ngram generate model.bin --samples 3

Text is one sentence a line; words are what white space separates, any bytes. Wherever a MODEL is
asked for, an ARPA file, plain or gzip, does as well as a binary one.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What `lampwick ngram` can do.
#[derive(clap::Subcommand)]
enum Command {
    /// Train a model on text: modified Kneser-Ney and others, to ARPA
    Train(Box<train::Arguments>),
    /// Turn ARPA into a binary model: hash tables or a compact trie
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

/// Whether a word that got this id is out of vocabulary: `<unk>` in the text is a word like any other.
fn is_oov(id: u32, word: &[u8]) -> bool {
    id == lampwick::ngram::UNK && word != b"<unk>"
}

/// Words that are bytes, for messages and JSON.
fn shown(word: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(word)
}
