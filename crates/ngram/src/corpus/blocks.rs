//! A list of sources cut into blocks, each ending behind a separator.

use std::collections::VecDeque;

use super::source::Source;
use crate::error::Result;
use crate::words::is_separator;

/// Bytes of a block; one that holds a longer word is as long as that word.
const BLOCK: usize = 1 << 20;

/// Some lines of text, or a part of one.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// Index of the source.
    pub(crate) source: usize,
    /// Lines of the source before this block.
    pub(crate) lines_before: u64,
    /// Whether the block starts where a line does.
    pub(crate) starts_line: bool,
    /// Whether the source ends with this block: its last line needs no `\n`.
    pub(crate) ends_source: bool,
}

/// Hands out blocks in the order of the text.
pub(crate) struct Blocks {
    sources: VecDeque<Source>,
    names: Vec<String>,
    source: usize,
    lines: u64,
    starts_line: bool,
    /// Read, but behind the last separator of the block before.
    rest: Vec<u8>,
}

impl Blocks {
    pub(crate) fn new(sources: Vec<Source>) -> Self {
        let names = sources.iter().map(|source| source.name.clone()).collect();
        let sources = sources.into();
        Self { sources, names, source: 0, lines: 0, starts_line: true, rest: Vec::new() }
    }

    pub(crate) fn name(&self, source: usize) -> &str {
        &self.names[source]
    }

    /// What all sources are called together.
    pub(crate) fn names(&self) -> String {
        self.names.join(", ")
    }

    pub(crate) fn next(&mut self) -> Result<Option<Block>> {
        let Some(source) = self.sources.front_mut() else { return Ok(None) };
        let mut bytes = std::mem::take(&mut self.rest);
        let mut searched = 0;
        let mut ends_source = false;
        let end = loop {
            let start = bytes.len();
            bytes.resize(start.max(BLOCK / 2) * 2, 0);
            let filled = source.fill(&mut bytes[start..])?;
            let full = start + filled == bytes.len();
            bytes.truncate(start + filled);
            if !full {
                ends_source = true;
                break bytes.len();
            }
            if let Some(at) = bytes[searched..].iter().rposition(|&byte| is_separator(byte)) {
                break searched + at + 1;
            }
            searched = bytes.len();
        };
        self.rest = bytes.split_off(end);
        let block = Block {
            source: self.source,
            lines_before: self.lines,
            starts_line: self.starts_line,
            ends_source,
            bytes,
        };
        if ends_source {
            self.sources.pop_front();
            self.source += 1;
            (self.lines, self.starts_line) = (0, true);
        } else {
            self.lines += block.bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.starts_line = block.bytes.last() == Some(&b'\n');
        }
        Ok(Some(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_end_between_words_and_make_up_the_text() {
        let mut text = Vec::new();
        for n in 0..400_000 {
            text.extend_from_slice(
                format!("word{n}{}", if n % 9 == 0 { "\n" } else { " " }).as_bytes(),
            );
        }
        text.extend(std::iter::repeat_n(b'x', 3 << 20));
        let sources = vec![Source::bytes("a", text.clone()), Source::bytes("b", *b"end")];
        let mut blocks = Blocks::new(sources);
        let (mut whole, mut number) = (Vec::<u8>::new(), 0);
        while let Some(block) = blocks.next().unwrap() {
            assert!(block.ends_source || is_separator(*block.bytes.last().unwrap()));
            let lines = text[..whole.len().min(text.len())].iter().filter(|&&b| b == b'\n').count();
            assert!(block.source == 1 || block.lines_before == lines as u64);
            whole.extend(&block.bytes);
            number += 1;
        }
        text.extend(b"end");
        assert!(whole == text && number > 3);
    }
}
