//! `lampwick embed ...`: word vectors, one file a command.

use crate::exit::Exit;

mod bias;
mod convert;
mod debias;
mod evaluate;
mod export;
mod index;
mod info;
mod near;
mod oov;
mod opened;
mod phrases;
mod plot;
mod progress;
mod quantize;
mod train;

/// What `lampwick embed` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed train --model skipgram text.txt -o vectors.lwv
  lampwick embed info vectors.lwv
  lampwick embed convert GoogleNews-vectors-negative300.bin.gz vectors.vec

Wherever VECTORS is asked for, any format that can be read does: word2vec's text and binary,
fastText's .vec and .bin, GloVe's, safetensors, and Lampwick's own; what a file is, is seen from
its first bytes. Words are bytes; what a file holds is carried through unchanged.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What `lampwick embed` can do.
#[derive(clap::Subcommand)]
enum Command {
    /// Train vectors on text: Word2Vec, fastText, GloVe, or the one-hot baseline
    Train(Box<train::Arguments>),
    /// Join words that stand together more often than by chance: new_york
    Phrases(phrases::Arguments),
    /// Say what is in a file of vectors
    Info(info::Arguments),
    /// Turn a file of vectors into another format
    Convert(convert::Arguments),
    /// Write the vectors of some words, or the files of TensorFlow's projector
    Export(export::Arguments),
    /// Give vectors of words that the model has not seen, from their n-grams
    Oov(oov::Arguments),
    /// Measure vectors by analogies and by similarities that people gave
    Evaluate(evaluate::Arguments),
    /// Give the words nearest to a word
    Nn(near::NearestArguments),
    /// Add a graph by which neighbours are found without looking at every row
    Index(index::Arguments),
    /// Solve an analogy: A is to B as C is to what?
    Analogy(near::AnalogyArguments),
    /// Give the cosine of two words
    Similarity(near::SimilarityArguments),
    /// Measure what vectors associate with groups of people
    Bias(bias::Arguments),
    /// Take a direction, such as that of gender, out of vectors
    Debias(debias::Arguments),
    /// Draw a map of words as a page that a browser shows
    Plot(plot::Arguments),
    /// Replace vectors by codes of a product quantiser: a file of an eighth of the size
    Quantize(quantize::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    match &arguments.command {
        Command::Train(arguments) => train::run(arguments),
        Command::Phrases(arguments) => phrases::run(arguments),
        Command::Info(arguments) => info::run(arguments),
        Command::Convert(arguments) => convert::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Oov(arguments) => oov::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Nn(arguments) => near::run_nearest(arguments),
        Command::Index(arguments) => index::run(arguments),
        Command::Analogy(arguments) => near::run_analogy(arguments),
        Command::Similarity(arguments) => near::run_similarity(arguments),
        Command::Bias(arguments) => bias::run(arguments),
        Command::Debias(arguments) => debias::run(arguments),
        Command::Plot(arguments) => plot::run(arguments),
        Command::Quantize(arguments) => quantize::run(arguments),
    }
}
