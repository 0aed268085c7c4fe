//! The commands, one file each, in the order in which a user meets them.

use crate::exit::Exit;

mod completions;
mod devices;
mod drawing;
mod dry_run;
mod embed;
mod evaluate;
mod generate;
mod memory;
mod metric;
mod ngram;
mod opened;
mod places;
mod prepare;
mod quickstart;
mod report;
mod runs;
mod samples;
mod score;
mod sentences;
mod tokenize;
mod train;
mod translate;

/// What `lampwick` can do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Train a model by a config: one TOML file, one run directory
    Train(Box<train::Arguments>),
    /// Give a trained model's perplexity on a text
    Evaluate(evaluate::Arguments),
    /// Give the log-probability of each line of stdin
    Score(score::Arguments),
    /// Generate text from a trained model
    Generate(generate::Arguments),
    /// Write a target for each source of stdin, by a trained encoder-decoder
    Translate(Box<translate::Arguments>),
    /// Train, query and mix n-gram models: ARPA and binary files
    Ngram(ngram::Arguments),
    /// Score translations, summaries or transcripts against references: BLEU, chrF, TER, ROUGE, WER
    Metric(metric::Arguments),
    /// Train and use word vectors: Word2Vec, fastText, GloVe and their files
    Embed(embed::Arguments),
    /// Turn a text into token files, for corpora too large to read each time
    Prepare(prepare::Arguments),
    /// Split each line of stdin into tokens, as a run or a prepared corpus does
    Tokenize(tokenize::Arguments),
    /// List the devices: what is compiled in, and what this machine has
    Devices(devices::Arguments),
    /// List a folder of runs: state, best perplexity, speed
    Runs(runs::Arguments),
    /// Write a run's report.html again, or compare several runs on one page
    Report(report::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

/// Runs a command; without one, the quickstart.
pub(crate) fn run(command: Option<Command>) -> anyhow::Result<Exit> {
    match command {
        None => quickstart::run(),
        Some(Command::Train(arguments)) => train::run(&arguments),
        Some(Command::Evaluate(arguments)) => evaluate::run(&arguments),
        Some(Command::Score(arguments)) => score::run(&arguments),
        Some(Command::Generate(arguments)) => generate::run(&arguments),
        Some(Command::Translate(arguments)) => translate::run(&arguments),
        Some(Command::Ngram(arguments)) => ngram::run(&arguments),
        Some(Command::Metric(arguments)) => metric::run(&arguments),
        Some(Command::Embed(arguments)) => embed::run(&arguments),
        Some(Command::Prepare(arguments)) => prepare::run(&arguments),
        Some(Command::Tokenize(arguments)) => tokenize::run(&arguments),
        Some(Command::Devices(arguments)) => devices::run(&arguments),
        Some(Command::Runs(arguments)) => runs::run(&arguments),
        Some(Command::Report(arguments)) => report::run(&arguments),
        Some(Command::Completions(arguments)) => completions::run(&arguments),
    }
}
