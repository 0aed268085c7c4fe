//! The lines of a stream as token ids, each as soon as it is complete.

use std::io::{self, BufRead, Read};

use lampwick::data::text::{Cut, Piece, TextReader};
use lampwick::data::{DataError, Tokenizer, TokenizerKind};

/// What a line holds.
#[derive(Debug, PartialEq)]
pub(super) enum Sentence {
    /// The ids of its tokens, the end of the line included.
    Tokens(Vec<u32>),
    /// It cannot be read as text.
    NoText {
        /// Which line, from 1.
        line: u64,
        /// What is wrong, ending with the place in the line.
        problem: String,
    },
}

/// Reads sentences, one a line. A line that is no text does not end the stream.
pub(super) struct Sentences<'a, R> {
    reader: R,
    tokenizer: &'a Tokenizer,
    /// Lines read.
    lines: u64,
}

impl<'a, R: BufRead> Sentences<'a, R> {
    pub(super) fn new(reader: R, tokenizer: &'a Tokenizer) -> Self {
        Self { reader, tokenizer, lines: 0 }
    }

    /// The next line; none at the end of the stream.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Sentence>> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(None);
        }
        self.lines += 1;
        let cut = match self.tokenizer.kind() {
            // The bytes tokenizer keeps what is not UTF-8.
            TokenizerKind::Bytes => return self.bytes().map(Some),
            TokenizerKind::Words => Cut::Word,
            TokenizerKind::Characters => Cut::Character,
            TokenizerKind::Subwords { .. } => Cut::PreferWord,
        };
        let mut line = OneLine { reader: &mut self.reader, over: false };
        let ids = encode(&mut line, cut, self.tokenizer);
        line.skip_rest()?;
        let problem = match ids {
            Ok(ids) => return Ok(Some(Sentence::Tokens(ids))),
            // A byte order mark and nothing else: no lines in, no lines out.
            Err(DataError::Empty { .. }) => return Ok(None),
            Err(DataError::InvalidUtf8 { byte, .. }) => format!("not UTF-8 at byte {byte}"),
            Err(DataError::Nul { byte, .. }) => format!("NUL at byte {byte}"),
            Err(DataError::LongWord { byte, limit, .. }) => {
                format!("a word of more than {limit} bytes at byte {byte}")
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Some(Sentence::NoText { line: self.lines, problem }))
    }

    fn bytes(&mut self) -> anyhow::Result<Sentence> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        Ok(Sentence::Tokens(line.into_iter().map(u32::from).collect()))
    }
}

fn encode(line: impl Read, cut: Cut, tokenizer: &Tokenizer) -> Result<Vec<u32>, DataError> {
    let mut ids = Vec::new();
    let mut reader = TextReader::new(line, "standard input", cut);
    while let Some(Piece::Text(text)) = reader.next_piece()? {
        tokenizer.encode(text, &mut ids)?;
    }
    ids.extend(tokenizer.vocabulary().eos_id());
    Ok(ids)
}

/// One line of a stream, its end included, as a stream of its own: what is wrong in it is found
/// by the reader that texts are trained with, and leaves the lines after it alone.
struct OneLine<'r, R> {
    reader: &'r mut R,
    over: bool,
}

impl<R: BufRead> OneLine<'_, R> {
    fn skip_rest(&mut self) -> io::Result<()> {
        if !self.over {
            self.reader.skip_until(b'\n')?;
        }
        Ok(())
    }
}

impl<R: BufRead> Read for OneLine<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.over || to.is_empty() {
            return Ok(0);
        }
        let found = self.reader.fill_buf()?;
        let line = found.iter().position(|&byte| byte == b'\n').map_or(found.len(), |at| at + 1);
        let length = line.min(to.len());
        to[..length].copy_from_slice(&found[..length]);
        self.over = to[..length].last().is_none_or(|&byte| byte == b'\n');
        self.reader.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_what_is_no_text() {
        let bytes = Tokenizer::bytes();
        let mut lines = Sentences::new(&b"a\xff\n\nb"[..], &bytes);
        for line in [vec![97, 255, 10], vec![10], vec![98, 10]] {
            assert_eq!(lines.next().unwrap(), Some(Sentence::Tokens(line)));
        }
        assert_eq!(lines.next().unwrap(), None);
    }
}
