//! Ids to text, one at a time, as a generator streams them.

use super::{Tokenizer, TokenizerKind};

/// No character has more bytes, so no more subwords.
const MOST_HELD_BACK: usize = 4;

/// Turns ids into the text that may be printed so far.
///
/// Words are joined by one space; the end of a line becomes a newline. Bytes are held back until they
/// make a whole character, and bytes that make none become U+FFFD; byte-level subwords likewise.
#[derive(Debug)]
pub struct Decoder<'a> {
    tokenizer: &'a Tokenizer,
    /// Words: whether the line has begun, so that a space is due.
    inside_line: bool,
    /// Bytes of a character that is not complete.
    bytes: Vec<u8>,
    /// Subwords: the last ids that were printed (their end decides how the next begins), then those
    /// held back.
    ids: Vec<u32>,
    printed: usize,
}

impl Tokenizer {
    /// A decoder at the beginning of a line.
    pub fn decoder(&self) -> Decoder<'_> {
        Decoder {
            tokenizer: self,
            inside_line: false,
            bytes: Vec::new(),
            ids: Vec::new(),
            printed: 0,
        }
    }

    /// The text of `ids`.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut decoder = self.decoder();
        let mut text: String = ids.iter().map(|&id| decoder.push(id)).collect();
        text.push_str(&decoder.finish());
        text
    }
}

impl Decoder<'_> {
    /// The text that `id` adds; empty while a character is incomplete.
    pub fn push(&mut self, id: u32) -> String {
        let vocabulary = self.tokenizer.vocabulary();
        match self.tokenizer.kind() {
            TokenizerKind::Words => {
                if vocabulary.eos_id() == Some(id) {
                    self.inside_line = false;
                    return "\n".to_owned();
                }
                let space = if self.inside_line { " " } else { "" };
                self.inside_line = true;
                format!("{space}{}", vocabulary.word(id))
            }
            TokenizerKind::Characters => vocabulary.word(id).to_owned(),
            TokenizerKind::Bytes => {
                // An id beyond 255 can come from a wider model only; 0xFF is in no UTF-8 text.
                self.bytes.push(u8::try_from(id).unwrap_or(0xFF));
                self.take_characters()
            }
            TokenizerKind::Subwords { .. } => {
                if vocabulary.eos_id() == Some(id) {
                    return self.finish() + "\n";
                }
                self.ids.push(id);
                self.take_subwords(false)
            }
        }
    }

    /// What was held back: an incomplete character becomes U+FFFD.
    pub fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.bytes);
        let mut rest = String::from_utf8_lossy(&rest).into_owned();
        rest.push_str(&self.take_subwords(true));
        self.ids.clear();
        self.printed = 0;
        self.inside_line = false;
        rest
    }

    /// What the ids held back add to the text of those before them; nothing while they end inside a
    /// character, unless `all` is wanted or so many are held back that they will never make one.
    fn take_subwords(&mut self, all: bool) -> String {
        let Some(subwords) = &self.tokenizer.subwords else { return String::new() };
        let before = subwords.decode(&self.ids[..self.printed]);
        let after = subwords.decode(&self.ids);
        let hopeless = self.ids.len() - self.printed > MOST_HELD_BACK;
        if after.ends_with('\u{fffd}') && !all && !hopeless {
            return String::new();
        }
        self.ids.drain(..self.printed);
        self.printed = self.ids.len();
        after.get(before.len()..).unwrap_or_default().to_owned()
    }

    fn take_characters(&mut self) -> String {
        let whole = match std::str::from_utf8(&self.bytes) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.bytes.len(),
        };
        let ready: Vec<u8> = self.bytes.drain(..whole).collect();
        String::from_utf8_lossy(&ready).into_owned()
    }
}
