//! Blocks of text to word ids.

use rayon::prelude::*;

use super::blocks::{Block, Blocks};
use super::source::Source;
use super::vocabulary::Dropped;
use crate::error::{NgramError, Result};
use crate::progress::{Progress, Stage};
use crate::storage::{Column, ColumnWriter, Storage};
use crate::words::{BOS, EOS, SPECIAL, UNK, Words, is_separator};

/// What to do with the word `<unk>` in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnkInText {
    /// It is a word like any other; unknown words of a query get its probability.
    #[default]
    Keep,
    /// It is left out.
    Drop,
    /// It ends the training with an error.
    Error,
}

/// The text as ids: `<s> w w w </s> <s> w </s>`.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) ids: Column<u32>,
    /// By first occurrence.
    pub(crate) words: Words,
    /// How often each word occurs.
    pub(crate) counts: Vec<u64>,
    pub(crate) summary: TextSummary,
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextSummary {
    /// Words, without `<s>` and `</s>`.
    pub words: u64,
    /// Lines; each is a sentence.
    pub sentences: u64,
    /// How often `<unk>` is written in the text.
    pub unk: u64,
    /// How often `<s>` or `</s>` is written in the text; these are left out.
    pub sentence_marks: u64,
    /// Words that the vocabulary's limits leave out.
    pub dropped: Dropped,
}

/// Marks an id that is local to its block.
const LOCAL: u32 = 1 << 31;

/// A block as ids, those of words not seen before being local.
#[derive(Default)]
struct Part {
    ids: Vec<u32>,
    new: Words,
    summary: TextSummary,
    first_unk: Option<u64>,
}

/// Reads all sources.
pub(crate) fn read(
    sources: Vec<Source>,
    unk: UnkInText,
    storage: &Storage,
    progress: &dyn Progress,
) -> Result<Tokens> {
    let mut blocks = Blocks::new(sources);
    let mut words = Words::with_special();
    let mut counts = vec![0u64; 3];
    let mut ids = ColumnWriter::at_most(storage.budget() / 2, storage);
    let mut summary = TextSummary::default();
    let mut done = 0;
    progress.stage(Stage::Reading, None);
    loop {
        let batch: Vec<Block> = (0..rayon::current_num_threads() * 2)
            .map_while(|_| blocks.next().transpose())
            .collect::<Result<_>>()?;
        if batch.is_empty() {
            break;
        }
        let parts: Vec<Part> = batch.par_iter().map(|block| tokenize(block, &words, unk)).collect();
        let mut renamed = Vec::with_capacity(parts.len());
        for (block, part) in batch.iter().zip(&parts) {
            if let (UnkInText::Error, Some(line)) = (unk, part.first_unk) {
                let (name, line) =
                    (blocks.name(block.source).into(), block.lines_before + line + 1);
                return Err(NgramError::UnkInText { name, line });
            }
            // In the order of the text, so that ids depend on neither threads nor blocks.
            renamed.push(part.new.iter().map(|word| words.intern(word)).collect::<Vec<u32>>());
            done += block.bytes.len() as u64;
        }
        if words.len() >= LOCAL as usize {
            return Err(NgramError::TooLarge {
                what: format!("a vocabulary of {} words", words.len()),
                limit: u64::from(LOCAL),
                mend: "limit it (--vocabulary-size, --vocabulary-min-count)",
            });
        }
        counts.resize(words.len(), 0);
        for (mut part, renamed) in parts.into_iter().zip(renamed) {
            for id in &mut part.ids {
                if *id & LOCAL != 0 {
                    *id = renamed[(*id & !LOCAL) as usize];
                }
                counts[*id as usize] += 1;
            }
            ids.extend(&part.ids)?;
            summary.words += part.summary.words;
            summary.sentences += part.summary.sentences;
            summary.unk += part.summary.unk;
            summary.sentence_marks += part.summary.sentence_marks;
        }
        progress.at(done);
    }
    if summary.sentences == 0 {
        return Err(NgramError::EmptyText { name: blocks.names() });
    }
    Ok(Tokens { ids: ids.finish()?, words, counts, summary })
}

fn tokenize(block: &Block, known: &Words, unk: UnkInText) -> Part {
    let mut part = Part { ids: Vec::with_capacity(block.bytes.len() / 4), ..Part::default() };
    let bytes = &block.bytes[..];
    let mut line = 0;
    let mut inside = !block.starts_line;
    let mut at = 0;
    while at < bytes.len() {
        if !inside {
            part.ids.push(BOS);
            inside = true;
        }
        match bytes[at] {
            b'\n' => {
                part.ids.push(EOS);
                part.summary.sentences += 1;
                line += 1;
                inside = false;
                at += 1;
            }
            byte if is_separator(byte) => at += 1,
            _ => {
                let length = bytes[at..].iter().position(|&byte| is_separator(byte));
                let word = &bytes[at..length.map_or(bytes.len(), |length| at + length)];
                at += word.len();
                let id = known.get(word).unwrap_or_else(|| part.new.intern(word) | LOCAL);
                match id {
                    BOS | EOS => {
                        part.summary.sentence_marks += 1;
                        continue;
                    }
                    UNK => {
                        part.summary.unk += 1;
                        part.first_unk.get_or_insert(line);
                        if unk == UnkInText::Drop {
                            continue;
                        }
                    }
                    _ => {}
                }
                part.summary.words += 1;
                part.ids.push(id);
            }
        }
    }
    if inside && block.ends_source {
        part.ids.push(EOS);
        part.summary.sentences += 1;
    }
    part
}

/// Whether a word is one of `<unk>`, `<s>`, `</s>`.
pub(crate) fn is_special(word: &[u8]) -> bool {
    SPECIAL.contains(&word)
}
