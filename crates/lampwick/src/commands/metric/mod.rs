//! `lampwick metric MEASURE --ref FILE`: scores of the hypotheses on stdin.

use std::path::PathBuf;

use lampwick::metrics::{Bleu, Chrf, ErrorRate, ExactMatch, Measure, Rouge, Ter, Tokenization};

use crate::exit::Exit;

mod input;
mod output;

use input::Corpus;
use output::Report;

/// What `lampwick metric` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick metric bleu --ref test.de < hypotheses.de
  lampwick metric bleu --ref test.de --source test.en < hypotheses.de     by source length
  lampwick metric chrf --words --ref a.de --ref b.de < hypotheses.de      chrF++, two references
  lampwick metric wer --ref words.txt --sentences < heard.txt | sort -gr | head
  lampwick metric rouge --ref subjects.txt --json < summaries.txt")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    measure: Chosen,
}

#[derive(clap::Subcommand)]
enum Chosen {
    /// Translation: n-grams of up to four tokens, as sacreBLEU
    Bleu(BleuArguments),
    /// Translation: n-grams of characters, as sacreBLEU
    Chrf(ChrfArguments),
    /// Translation edit rate: edits and shifts of words, as sacreBLEU
    Ter(TerArguments),
    /// Summaries: ROUGE-1, ROUGE-2 and ROUGE-L, as rouge-score without stemming
    Rouge(Common),
    /// Word error rate with substitutions, deletions and insertions, as jiwer
    Wer(Common),
    /// Character error rate, white space included, as jiwer
    Cer(Common),
    /// The share of lines that equal a reference word for word
    ExactMatch(Common),
}

/// What every measure takes.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Common {
    /// The right lines, one for each line of stdin; again for more references of each
    #[arg(long = "ref", value_name = "FILE", required = true)]
    references: Vec<PathBuf>,
    /// Read the hypotheses from this file instead of stdin
    #[arg(long, value_name = "FILE")]
    hypotheses: Option<PathBuf>,
    /// The lines that were translated: adds the score for each range of their lengths
    #[arg(long, value_name = "FILE")]
    source: Option<PathBuf>,
    /// The longest source of each range but the last, in words
    #[arg(long, value_name = "WORDS,...", value_delimiter = ',', requires = "source",
          default_values_t = [5, 10, 15, 20, 25, 30, 40, 50])]
    lengths: Vec<usize>,
    /// Give one score for each line instead of the corpus' score, which goes to stderr
    #[arg(long, conflicts_with = "source")]
    sentences: bool,
    /// Print JSON: scores, signature and counts; with --sentences also those of each line
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  lampwick metric bleu --ref test.de < hypotheses.de
  lampwick metric wer --ref words.txt --sentences < heard.txt

Scores are in per cent. The signature names all that changes a score; `version` is the release
of sacreBLEU whose figures these are. A line ends at a newline only; files must have equally
many lines, where an empty one counts as any other.";

#[derive(clap::Args)]
struct BleuArguments {
    /// How lines become tokens
    #[arg(long, value_enum, default_value = "13a")]
    tokenize: Cut,
    /// Take upper and lower case for the same
    #[arg(long)]
    lowercase: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Cut {
    /// WMT's: punctuation apart, except inside numbers
    #[value(name = "13a")]
    Mteval13a,
    /// Every character
    Char,
    /// At white space, for text that is tokenised already
    None,
}

#[derive(clap::Args)]
struct ChrfArguments {
    /// Count words and pairs of words too: chrF++
    #[arg(long)]
    words: bool,
    /// Take upper and lower case for the same
    #[arg(long)]
    lowercase: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct TerArguments {
    /// Take upper and lower case for different
    #[arg(long)]
    case_sensitive: bool,
    #[command(flatten)]
    common: Common,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    match &arguments.measure {
        Chosen::Bleu(BleuArguments { tokenize, lowercase, common }) => {
            let tokenization = match tokenize {
                Cut::Mteval13a => Tokenization::Mteval13a,
                Cut::Char => Tokenization::Characters,
                Cut::None => Tokenization::None,
            };
            score(common, &[Bleu { tokenization, lowercase: *lowercase }])
        }
        Chosen::Chrf(ChrfArguments { words, lowercase, common }) => {
            score(common, &[Chrf { words: *words, lowercase: *lowercase }])
        }
        Chosen::Ter(TerArguments { case_sensitive, common }) => {
            score(common, &[Ter { case_sensitive: *case_sensitive }])
        }
        Chosen::Rouge(common) => {
            score(common, &[Rouge::Ngrams(1), Rouge::Ngrams(2), Rouge::Longest])
        }
        Chosen::Wer(common) => score(common, &[ErrorRate::Words]),
        Chosen::Cer(common) => score(common, &[ErrorRate::Characters]),
        Chosen::ExactMatch(common) => score(common, &[ExactMatch]),
    }
}

/// Scores the hypotheses by each of the measures.
fn score<M: Measure>(common: &Common, measures: &[M]) -> anyhow::Result<Exit> {
    let corpus = Corpus::read(common)?;
    let segments = corpus.segments();
    let reports: Vec<_> = measures
        .iter()
        .map(|measure| {
            let count = |segment: &lampwick::metrics::Segment<'_>| {
                measure.count(segment.hypothesis, &segment.references)
            };
            Report::new(measure, segments.iter().map(count).collect(), &corpus, &common.lengths)
        })
        .collect();
    output::write(common, &reports)?;
    Ok(Exit::Done)
}
