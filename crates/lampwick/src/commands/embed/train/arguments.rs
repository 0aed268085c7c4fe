//! What `lampwick embed train` takes.

use std::path::PathBuf;

use lampwick::embeddings::Format;

use crate::commands::embed::opened;
use crate::commands::memory;

/// What `lampwick embed train` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick embed train --model skipgram text.txt -o vectors.lwv
  zcat corpus/*.gz | lampwick embed train --model cbow --dim 300 -o vectors.vec
  lampwick embed train --model fasttext text.txt.zst -o model.bin --to fasttext
  lampwick embed train --model glove --window 10 text.txt -o glove.lwv
  lampwick embed train --model skipgram text.txt -o v.lwv --deterministic \\
      --checkpoint v.part --resume
  lampwick embed train --from vectors.lwv new.txt -o more.lwv   go on with more text, new words too
  lampwick embed train --model glove --counts-out 1.coo --vocabulary words.txt 1.txt   count only
  lampwick embed train --model glove --counts-in part1.coo,part2.coo -o v.lwv   add counts up, train

A line is a sentence: no window crosses its end, and it may be of any length. The text is read
once, as a stream; what it takes goes to a temporary file where it is large. Threads share the
vectors without locks, so two runs differ a little; with --deterministic one thread trains, and
the same text and seed give the same bytes. Interrupted (Ctrl-C) while it trains, a training with
--checkpoint writes it and ends; --resume goes on from there, bit by bit the same with
--deterministic. While text is read and counted it ends at once, and nothing is kept. A
checkpoint of GloVe is kept at the end too: GloVe goes on from it by --from. Of vectors alone,
whoever trained them, Word2Vec makes a beginning, and says so.")]
pub(crate) struct Arguments {
    /// Texts, plain, gzip or zstd, read one after the other; none or - is stdin
    pub(super) files: Vec<PathBuf>,
    /// What is trained [default: what --from was trained as; skipgram]
    #[arg(long, value_enum)]
    pub(super) model: Option<Kind>,
    /// Where the vectors go; the end of the name says the format: .lwv (of Word2Vec and fastText with what
    /// --from goes on from), .vec, .bin, .tsv, .safetensors
    #[arg(short, long, value_name = "FILE", required_unless_present = "counts_out")]
    pub(super) out: Option<PathBuf>,
    /// The format of OUT, where its name does not say; fasttext for a .bin of fastText
    #[arg(long, value_name = "FORMAT", value_parser = opened::format)]
    pub(super) to: Option<Format>,
    /// Numbers of a vector [default: 100]
    #[arg(long, value_name = "N")]
    pub(super) dim: Option<usize>,
    /// Most words on each side that count as near [default: 5; GloVe 15]
    #[arg(long, value_name = "N")]
    pub(super) window: Option<usize>,
    /// How often the text is gone through [default: 5; GloVe 15]
    #[arg(long, value_name = "N")]
    pub(super) epochs: Option<usize>,
    /// Learning rate at the beginning [default: 0.025 for skipgram, 0.05 for the others]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) lr: Option<f32>,
    /// Only words that occur at least so often [default: 5]
    #[arg(long, value_name = "N")]
    pub(super) min_count: Option<u64>,
    /// Only so many words, the most frequent; those of --from all stay
    #[arg(long, value_name = "N", value_parser = opened::at_least_one)]
    pub(super) vocabulary_size: Option<usize>,
    /// Seed of all that is random [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// The same bytes each time, whatever --threads says: one thread trains
    #[arg(long)]
    pub(super) deterministic: bool,
    /// Threads [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// How a word is told from others: negative sampling or hierarchical softmax [default: ns]
    #[arg(long, value_enum, help_heading = "Word2Vec and fastText")]
    pub(super) loss: Option<Loss>,
    /// Words drawn for each that stands in the text [default: 5]
    #[arg(long, value_name = "N", help_heading = "Word2Vec and fastText")]
    pub(super) negative: Option<usize>,
    /// Frequency above which words are left out at random, the more frequent the more often; 0: none
    /// [default: 0.001]
    #[arg(
        long,
        value_name = "X",
        allow_negative_numbers = true,
        help_heading = "Word2Vec and fastText"
    )]
    pub(super) sample: Option<f64>,
    /// Words are drawn by their counts to this power [default: 0.75]
    #[arg(
        long,
        value_name = "X",
        allow_negative_numbers = true,
        help_heading = "Word2Vec and fastText"
    )]
    pub(super) power: Option<f64>,
    /// Characters of the shortest n-gram [default: 3]
    #[arg(long, value_name = "N", help_heading = "Word2Vec and fastText")]
    pub(super) minn: Option<usize>,
    /// Characters of the longest n-gram [default: 6]
    #[arg(long, value_name = "N", help_heading = "Word2Vec and fastText")]
    pub(super) maxn: Option<usize>,
    /// Vectors that all n-grams share [default: 2000000]
    #[arg(long, value_name = "N", help_heading = "Word2Vec and fastText")]
    pub(super) bucket: Option<u32>,
    /// Begin with these vectors; words that they lack are added. What is not asked for is as they were
    /// trained, but for --deterministic and --vocabulary-size; what a file does not say (vectors alone; of
    /// fastText's models the rate, the power and the seed) is the default, and so is the rate of another
    /// --model. Of GloVe: what --checkpoint kept
    #[arg(long, value_name = "VECTORS")]
    pub(super) from: Option<PathBuf>,
    /// Keep what is needed to go on after an interruption in this file, which is not there yet, or is gone
    /// on from by --resume
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Option<PathBuf>,
    /// Minutes between two checkpoints
    #[arg(long, value_name = "N", default_value_t = 10.0, requires = "checkpoint")]
    pub(super) checkpoint_every: f64,
    /// Go on from the checkpoint where there is one, with its settings
    #[arg(long, requires = "checkpoint")]
    pub(super) resume: bool,
    /// Count words on the left only
    #[arg(long, help_heading = "GloVe")]
    pub(super) asymmetric: bool,
    /// The count from which on all weigh the same [default: 100]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "GloVe")]
    pub(super) x_max: Option<f64>,
    /// Smaller counts weigh (x / x_max) to this power [default: 0.75]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "GloVe")]
    pub(super) alpha: Option<f64>,
    /// Memory for counts: 2G, 512M, 50% of the machine's; what needs more goes to temporary files
    /// [default: 50%]
    #[arg(short = 'S', long, value_name = "AMOUNT", value_parser = memory::parse, help_heading = "GloVe")]
    pub(super) memory: Option<u64>,
    /// Count only, and write the counts to this file
    #[arg(long, value_name = "FILE", conflicts_with = "counts_in", help_heading = "GloVe")]
    pub(super) counts_out: Option<PathBuf>,
    /// Count the words of this file alone, the first of each line: those of the whole text. Without it a
    /// part counts all its words, and rare ones, which are left out when parts are added up, take places in
    /// windows that a window of the whole text gives to others
    #[arg(
        long,
        value_name = "FILE",
        requires = "counts_out",
        conflicts_with = "counts_in",
        help_heading = "GloVe"
    )]
    pub(super) vocabulary: Option<PathBuf>,
    /// Train on the counts of these files instead of text
    #[arg(
        long,
        value_name = "FILES",
        value_delimiter = ',',
        conflicts_with = "files",
        help_heading = "GloVe"
    )]
    pub(super) counts_in: Vec<PathBuf>,
    /// Folder of temporary files [default: the system's]
    #[arg(short = 'T', long, value_name = "FOLDER")]
    pub(super) temporary: Option<PathBuf>,
    /// Report as JSON on stderr
    #[arg(long)]
    pub(super) json: bool,
}

/// What `--model` can be.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub(super) enum Kind {
    /// Word2Vec: each word of a window from the one in its middle
    Skipgram,
    /// Word2Vec: the word in the middle from the mean of its window
    Cbow,
    /// Skip-gram with character n-grams
    Fasttext,
    /// CBOW with character n-grams
    FasttextCbow,
    /// Vectors whose products are logarithms of co-occurrence counts
    Glove,
    /// A dimension a word: the baseline that knows nothing of meaning
    OneHot,
}

/// Who trains a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Trainer {
    /// Word2Vec and fastText.
    Words,
    Glove,
    OneHot,
}

impl Kind {
    pub(super) fn trainer(self) -> Trainer {
        match self {
            Self::Skipgram | Self::Cbow | Self::Fasttext | Self::FasttextCbow => Trainer::Words,
            Self::Glove => Trainer::Glove,
            Self::OneHot => Trainer::OneHot,
        }
    }
}

/// What `--loss` can be.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub(super) enum Loss {
    /// Negative sampling
    Ns,
    /// Hierarchical softmax
    Hs,
}
