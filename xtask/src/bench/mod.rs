//! `cargo xtask bench`: ours beside Burn's own layers and beside PyTorch, in one run.
//!
//! Each side is a process that answers questions line by line ([`side`]); the sides take turns
//! and the one that is not asked sleeps, so that both have the whole machine. A figure is the
//! median over several rounds.

use anyhow::Result;
use clap::Subcommand;

mod embeddings;
mod language_model;
mod ngram;
mod recurrent;
mod seq2seq;
mod side;

pub(crate) use embeddings::{GLOVE, PYTHON};
pub(crate) use ngram::Kenlm;
pub(crate) use side::PYTHON as PYTORCH;

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// One recurrent layer: forward + backward, forward alone, share of the sgemm peak
    Recurrent(recurrent::Arguments),
    /// The language models of Zaremba et al.: training and generation, tokens per second
    Lm(language_model::Arguments),
    /// Encoder-decoders: training beside PyTorch, beam search beside JoeyNMT
    Seq2seq(seq2seq::Arguments),
    /// n-gram models: estimation and queries, beside KenLM
    Ngram(ngram::Arguments),
    /// Word vectors: training and loading, beside gensim, fastText and GloVe
    Embeddings(embeddings::Arguments),
}

/// What every benchmark takes.
#[derive(clap::Args)]
struct Common {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Rounds; a figure is the median over all of them
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds that a side measures each time that it is asked
    #[arg(long, default_value_t = 0.4)]
    seconds: f64,
    /// Threads of each side
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.what {
        What::Recurrent(arguments) => recurrent::run(arguments),
        What::Lm(arguments) => language_model::run(arguments),
        What::Seq2seq(arguments) => seq2seq::run(arguments),
        What::Ngram(arguments) => ngram::run(arguments),
        What::Embeddings(arguments) => embeddings::run(arguments),
    }
}
