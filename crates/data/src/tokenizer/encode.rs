//! A text, streamed, to ids.

use std::io::{ErrorKind, Read};

use serde::{Deserialize, Serialize};

use super::{Tokenizer, TokenizerKind};
use crate::error::{DataError, Result};
use crate::text::{Cut, PIECE, Piece, TextReader};

/// What a text holds; perplexities and bits per character are stated with these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextCounts {
    /// Lines.
    pub lines: u64,
    /// Unicode characters, one for each line end included.
    pub characters: u64,
    /// Bytes of UTF-8, one for each line end included, without the byte order mark.
    pub bytes: u64,
    /// Tokens, the ends of lines included.
    pub tokens: u64,
    /// Tokens that are the unknown word.
    pub unknown: u64,
}

impl Tokenizer {
    /// Encodes a text in bounded memory: `sink` gets the ids in order, a piece of a line at a time.
    /// `name` stands in error messages.
    ///
    /// A line of more than 64 KiB is encoded in pieces. Words, characters and bytes are the same as in
    /// one piece; subwords are cut between words, where byte-level BPE and unigram tokens end anyway.
    ///
    /// # Errors
    /// Those of [`TextReader::next_piece`] (the bytes tokenizer: only an empty or unreadable text),
    /// of [`Tokenizer::encode`], and of `sink`.
    pub fn encode_text(
        &self,
        reader: impl Read,
        name: &str,
        sink: &mut dyn FnMut(&[u32]) -> Result<()>,
    ) -> Result<TextCounts> {
        let mut counts = TextCounts::default();
        let mut counting = |ids: &[u32]| {
            counts.tokens += ids.len() as u64;
            if let Some(unk) = self.vocabulary.unk_id() {
                counts.unknown += ids.iter().filter(|&&id| id == unk).count() as u64;
            }
            sink(ids)
        };
        let (mut lines, mut characters, mut bytes) = (0, 0, 0);
        let mut ids = Vec::new();
        if self.kind == TokenizerKind::Bytes {
            each_chunk(reader, name, &mut |chunk| {
                lines += chunk.iter().filter(|&&byte| byte == b'\n').count() as u64;
                // Bytes 10xxxxxx continue a character.
                characters += chunk.iter().filter(|&&byte| byte & 0xC0 != 0x80).count() as u64;
                bytes += chunk.len() as u64;
                ids.clear();
                ids.extend(chunk.iter().map(|&byte| u32::from(byte)));
                counting(&ids)
            })?;
        } else {
            let mut text = TextReader::new(reader, name, self.cut());
            while let Some(piece) = text.next_piece()? {
                match piece {
                    Piece::Text(text) => {
                        characters += text.chars().count() as u64;
                        bytes += text.len() as u64;
                        self.encode(text, &mut ids)?;
                        // A short line goes to the sink together with its end.
                        if ids.len() < PIECE {
                            continue;
                        }
                    }
                    Piece::EndOfLine => {
                        (lines, characters, bytes) = (lines + 1, characters + 1, bytes + 1);
                        ids.extend(self.vocabulary.eos_id());
                    }
                }
                counting(&ids)?;
                ids.clear();
            }
        }
        Ok(TextCounts { lines, characters, bytes, ..counts })
    }

    pub(super) fn cut(&self) -> Cut {
        cut_of(&self.kind)
    }
}

/// Where a line too long for one piece may be cut for this kind of tokens.
pub(super) fn cut_of(kind: &TokenizerKind) -> Cut {
    match kind {
        TokenizerKind::Words => Cut::Word,
        TokenizerKind::Characters | TokenizerKind::Bytes => Cut::Character,
        TokenizerKind::Subwords { .. } => Cut::PreferWord,
    }
}

/// Calls `each` with the bytes of `reader` as they are.
fn each_chunk(
    mut reader: impl Read,
    name: &str,
    each: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0; PIECE];
    let mut empty = true;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) if empty => return Err(DataError::Empty { name: name.to_owned() }),
            Ok(0) => return Ok(()),
            Ok(read) => each(&buffer[..read])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(source) => return Err(DataError::Read { name: name.to_owned(), source }),
        }
        empty = false;
    }
}
