//! `lampwick tokenize TOKENIZER`: the tokens of each line of stdin.

use std::io::Write;
use std::path::PathBuf;

use lampwick::data::TokenizerKind;

use super::translate::{read_ahead, text};
use crate::exit::{Exit, Usage};

/// What `lampwick tokenize` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick tokenize runs/de/tokenizer/target < german.txt | lampwick ngram train -o 5 > german.arpa
  lampwick tokenize runs/de/tokenizer/target --ids < german.txt
  lampwick tokenize tokenizer.json < text.txt

One line comes out for each line in: its tokens, apart by spaces, as a language model reads them
that stands beside a run (`translate --lm`); the end of the line is not among them. A line that
is no text (not UTF-8, a NUL) gives an empty line, is reported on stderr, and the exit code is
1.")]
pub(crate) struct Arguments {
    /// A run's `tokenizer` folder (of an encoder-decoder `tokenizer/source` or `tokenizer/target`), the
    /// folder of a prepared corpus, or a `tokenizer.json` of the Hugging Face library
    #[arg(value_name = "DIR|FILE.json")]
    tokenizer: PathBuf,
    /// Numbers in the place of tokens
    #[arg(long)]
    ids: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let tokenizer = super::prepare::open(&arguments.tokenizer)?;
    if !arguments.ids
        && matches!(tokenizer.kind(), TokenizerKind::Characters | TokenizerKind::Bytes)
    {
        let problem = "a space is a token there, and cannot stand between spaces; ask for --ids";
        return Err(Usage(format!("{}: {problem}", arguments.tokenizer.display())).into());
    }
    let lines = read_ahead();
    let mut out = std::io::BufWriter::new(crate::output::stdout());
    let mut exit = Exit::Done;
    for (number, line) in lines.into_iter().enumerate() {
        let mut ids = Vec::new();
        let split = text(&line?)
            .and_then(|line| tokenizer.encode(&line, &mut ids).map_err(|error| error.to_string()));
        if let Err(problem) = split {
            tell!("error: standard input:{}: {problem}; left empty", number + 1);
            exit = Exit::Partly;
            ids.clear();
        }
        for (place, &id) in ids.iter().enumerate() {
            let apart = if place == 0 { "" } else { " " };
            match arguments.ids {
                true => write!(out, "{apart}{id}")?,
                false => write!(out, "{apart}{}", tokenizer.vocabulary().word(id))?,
            }
        }
        writeln!(out)?;
    }
    out.flush()?;
    Ok(exit)
}
