//! `lampwick ngram query`: what a model gives each line of stdin.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

use lampwick::ngram::{BOS, EOS, Model, NgramError, Source, words};
use serde_json::json;

use super::opened::{self, Load};
use super::{is_ended, is_oov, sentence, shown, tell_marks};
use crate::exit::Exit;

/// What `lampwick ngram query` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick ngram query model.bin < sentences.txt
  echo 'the lamp burns' | lampwick ngram query model.bin --words
  lampwick ngram query model.bin --json < sentences.txt | jq .log10

Each line of stdin gives one line, as it comes: log10 and natural logarithm of its probability,
</s> included, its tokens, and how many of them are not in the vocabulary (scored as <unk>), with
tabs between. --words gives a line for each word instead: the word, log10, natural logarithm, words
of the n-gram that gave it, and OOV where it is not in the vocabulary; then an empty line.

<s> in a line is not scored: what follows it begins a sentence. </s> is scored where it stands, and
not again where a line ends with it. KenLM's `query` takes either for a word and puts both around
each line all the same; with --no-sentences, as with its -n, marks are where you write them.")]
pub(crate) struct Arguments {
    /// The model: binary, or ARPA
    model: PathBuf,
    /// A line for each word
    #[arg(long)]
    words: bool,
    /// One JSON object a line; in words, bytes that are no UTF-8 stand as U+FFFD
    #[arg(long)]
    json: bool,
    /// Begin each line without <s>, and do not score </s>
    #[arg(long)]
    no_sentences: bool,
    /// How a binary model is opened
    #[arg(long, value_enum, default_value_t = Load::Map)]
    load: Load,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let model = opened::model_beside_stdin(&arguments.model, arguments.load)?;
    let Source { reader, .. } = Source::new("standard input", std::io::stdin())?;
    let mut input = BufReader::with_capacity(1 << 18, reader);
    let mut out = BufWriter::with_capacity(1 << 16, crate::output::stdout());
    let (mut line, mut marked) = (Vec::new(), 0);
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        let unreadable = |source| NgramError::Read { name: "standard input".into(), source };
        if read.map_err(unreadable)? == 0 {
            break;
        }
        marked += answer(arguments, &model, &line, &mut out)?;
        // Whoever waits for the answer before the next line gets it.
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
    out.flush()?;
    tell_marks(marked);
    Ok(Exit::Done)
}

/// Answers to a line; gives how often `<s>` and `</s>` stand in it where nobody asked for them.
fn answer(
    arguments: &Arguments,
    model: &Model,
    line: &[u8],
    out: &mut impl Write,
) -> anyhow::Result<u64> {
    let mut state = if arguments.no_sentences { Default::default() } else { model.start() };
    let (mut sum, mut tokens, mut oov, mut marks) = (0.0, 0u64, 0u64, 0u64);
    let mut each = Vec::new();
    let words: &mut dyn Iterator<Item = &[u8]> = match arguments.no_sentences {
        true => &mut words::split(line),
        false => &mut sentence(line),
    };
    for word in words {
        let id = model.vocabulary().id(word);
        marks += u64::from(id == BOS || id == EOS);
        if id == BOS {
            state = model.start();
            continue;
        }
        let score = model.advance(&mut state, id);
        let unknown = is_oov(id, word);
        sum += f64::from(score.log10);
        tokens += 1;
        oov += u64::from(unknown);
        if arguments.json && arguments.words {
            let (word, log10, ngram) = (shown(word), score.log10, score.ngram);
            each.push(json!({"word": word, "log10": log10, "ngram": ngram, "oov": unknown}));
        } else if arguments.words {
            out.write_all(word)?;
            let mark = if unknown { "\tOOV" } else { "" };
            writeln!(out, "\t{:.4}\t{:.4}\t{}{mark}", score.log10, score.ln(), score.ngram)?;
        }
    }
    let ln = sum * std::f64::consts::LN_10;
    if arguments.json {
        let mut object = json!({"log10": sum, "ln": ln, "tokens": tokens, "oov": oov});
        if arguments.words {
            object["words"] = each.into();
        }
        writeln!(out, "{object}")?;
    } else if arguments.words {
        writeln!(out)?;
    } else {
        writeln!(out, "{sum:.4}\t{ln:.4}\t{tokens}\t{oov}")?;
    }
    let own = u64::from(!is_ended(line));
    Ok(if arguments.no_sentences { 0 } else { marks - own })
}
