//! `lampwick score RUN`: one line out for each line in, as it comes.

use std::io::{BufRead, Read, Write};
use std::path::PathBuf;

use lampwick::data::text::{Cut, Piece, TextReader};
use lampwick::data::{DataError, Tokenizer, TokenizerKind};
use lampwick::decoding;
use lampwick::models::{Generator, NextToken};
use serde_json::json;

use super::opened::{on_host, open};
use crate::exit::Exit;
use crate::machine::Machine;

/// What `lampwick score` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  lampwick score runs/mine < sentences.txt
  echo 'the lamp burns' | lampwick score runs/mine --tokens
  paste <(lampwick score runs/mine < candidates.txt) candidates.txt | sort -gr | head

Each line of stdin is a sentence of its own; its natural log-probability, the end of the line
included, comes out as one line, also for an empty line, and before the next line is read. With
--tokens: `token log-probability` pairs, separated by tabs. An unknown word is scored as <unk>.")]
pub(crate) struct Arguments {
    /// The run's directory
    run: PathBuf,
    /// Give each token's log-probability instead of the line's
    #[arg(long)]
    tokens: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    machine: Machine,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let trained = open(&arguments.run, &arguments.machine)?;
    let (tokenizer, model) = (&trained.tokenizer, &trained.model);
    if on_host(model) {
        score_lines(arguments, tokenizer, &Generator::new(model))
    } else {
        score_lines(arguments, tokenizer, model)
    }
}

fn score_lines(
    arguments: &Arguments,
    tokenizer: &Tokenizer,
    model: &impl NextToken,
) -> anyhow::Result<Exit> {
    let mut lines = Lines::new(std::io::stdin(), tokenizer);
    let mut out = std::io::stdout().lock();
    // The token before a sentence is the end of the one before.
    let start = tokenizer.vocabulary().eos_id().unwrap_or(0);
    while let Some(ids) = lines.next()? {
        let scores = decoding::score(model, std::slice::from_ref(&ids), start)?.remove(0);
        let total: f64 = scores.iter().map(|&score| f64::from(score)).sum();
        let words = ids.iter().map(|&id| shown(tokenizer, id));
        if arguments.json {
            let mut object = json!({
                "log_prob": total,
                "tokens": ids.len(),
                "oov": ids.iter().filter(|&&id| tokenizer.is_oov(id)).count(),
            });
            if arguments.tokens {
                object["scores"] =
                    words.zip(&scores).map(|(word, score)| json!([word, score])).collect();
            }
            writeln!(out, "{object}")?;
        } else if arguments.tokens {
            let pairs: Vec<String> =
                words.zip(&scores).map(|(word, score)| format!("{word} {score:.4}")).collect();
            writeln!(out, "{}", pairs.join("\t"))?;
        } else {
            writeln!(out, "{total:.4}")?;
        }
        out.flush()?;
    }
    Ok(Exit::Done)
}

/// A token as one word of the output: a newline or a tab of a character model would break its lines.
fn shown(tokenizer: &Tokenizer, id: u32) -> String {
    let word = tokenizer.vocabulary().word(id);
    if word.chars().any(|c| c.is_whitespace() || c.is_control()) {
        word.escape_default().to_string()
    } else {
        word.to_owned()
    }
}

/// The lines of stdin as token ids, the end of each line included, as soon as each is complete.
enum Lines<'a, R: Read> {
    Text(TextReader<R>, &'a Tokenizer),
    /// The bytes tokenizer keeps what is not UTF-8.
    Bytes(std::io::BufReader<R>),
}

impl<'a, R: Read> Lines<'a, R> {
    fn new(reader: R, tokenizer: &'a Tokenizer) -> Self {
        let cut = match tokenizer.kind() {
            TokenizerKind::Bytes => return Self::Bytes(std::io::BufReader::new(reader)),
            TokenizerKind::Words => Cut::Word,
            TokenizerKind::Characters => Cut::Character,
            TokenizerKind::Subwords { .. } => Cut::PreferWord,
        };
        Self::Text(TextReader::new(reader, "standard input", cut), tokenizer)
    }

    fn next(&mut self) -> anyhow::Result<Option<Vec<u32>>> {
        let mut ids = Vec::new();
        match self {
            Self::Bytes(reader) => {
                let mut line = Vec::new();
                if reader.read_until(b'\n', &mut line)? == 0 {
                    return Ok(None);
                }
                if !line.ends_with(b"\n") {
                    line.push(b'\n');
                }
                ids.extend(line.iter().map(|&byte| u32::from(byte)));
            }
            Self::Text(reader, tokenizer) => loop {
                match reader.next_piece() {
                    Ok(Some(Piece::Text(text))) => tokenizer.encode(text, &mut ids)?,
                    Ok(Some(Piece::EndOfLine)) => {
                        ids.extend(tokenizer.vocabulary().eos_id());
                        break;
                    }
                    // No lines in, no lines out.
                    Ok(None) | Err(DataError::Empty { .. }) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
            },
        }
        Ok(Some(ids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_what_is_no_text() {
        let bytes = Tokenizer::bytes();
        let mut lines = Lines::new(&b"a\xff\n\nb"[..], &bytes);
        let mut next = || lines.next().unwrap();
        assert_eq!(next(), Some(vec![97, 255, 10]));
        assert_eq!(next(), Some(vec![10]));
        assert_eq!(next(), Some(vec![98, 10]));
        assert_eq!(next(), None);
    }
}
