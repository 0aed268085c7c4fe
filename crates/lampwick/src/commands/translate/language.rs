//! The language model beside, and which of its tokens each of the target's is.

use std::path::Path;

use lampwick::data::{Tokenizer, Vocabulary};
use lampwick::models::Generator;
use lampwick::ngram::{self, Model};

use super::super::ngram::opened::{Load, is_model, model_beside_stdin};
use super::super::opened::{Weights, open_beside};
use crate::machine::Machine;

/// Words of an n-gram model that stand in no text: `<unk>`, `<s>`, `</s>`.
const SPECIAL: usize = 3;

/// A language model of whatever kind.
pub(super) enum Language {
    /// A run's.
    Neural(Box<Generator>, Tokenizer),
    /// An n-gram model, binary or ARPA.
    Ngram(Box<Model>),
}

impl Language {
    /// Opens a run's directory, or a file with an n-gram model; standard input has the sources.
    pub(super) fn open(path: &Path, machine: &Machine) -> anyhow::Result<Self> {
        if is_model(path) {
            return Ok(Self::Ngram(Box::new(model_beside_stdin(path, Load::Map)?)));
        }
        let trained = open_beside(path, &Weights::default(), machine)?;
        Ok(Self::Neural(Box::new(Generator::new(&trained.model)), trained.tokenizer))
    }
}

/// A run's token for each of the target's.
pub(super) fn tokens(
    target: &Tokenizer,
    language: &Vocabulary,
    path: &Path,
) -> anyhow::Result<Vec<u32>> {
    let Some(end) = language.eos_id() else {
        anyhow::bail!(
            "--lm {}: its vocabulary has no end of a line, and a target has one; train it on lines",
            path.display()
        );
    };
    let unknown = language.unk_id().unwrap_or(end);
    let (tokens, lacks) = map(target, end, unknown, |word| language.id(word));
    // A token without a probability would be ruled out, or cost nothing.
    match lacks.is_empty() {
        true => Ok(tokens),
        false => Err(other_split(target, &lacks, language.len(), path)),
    }
}

/// An n-gram model's.
pub(super) fn ngram_tokens(
    target: &Tokenizer,
    language: &Model,
    path: &Path,
) -> anyhow::Result<Vec<u32>> {
    let words = language.vocabulary();
    let known = |word: &str| words.get(word.as_bytes()).filter(|&id| id != ngram::UNK);
    let (tokens, lacks) = map(target, ngram::EOS, ngram::UNK, known);
    let Some(first) = lacks.first() else { return Ok(tokens) };
    // Pieces that no text of its language holds, single bytes among them, are words unknown to it, which
    // have a probability. A split is another where most of both vocabularies are.
    let known = tokens.iter().filter(|&&id| id != ngram::UNK && id != ngram::EOS).count();
    if 2 * known < tokens.len() && 2 * known < words.len().saturating_sub(SPECIAL) {
        return Err(other_split(target, &lacks, words.len(), path));
    }
    tell!(
        "notice: --lm {}: {} of the target's {} tokens, {first:?} the first, are unknown to it",
        path.display(),
        lacks.len(),
        tokens.len()
    );
    Ok(tokens)
}

/// The language's token for each of the target's, and those that it has none for. `<unk>` is never
/// chosen.
fn map(
    target: &Tokenizer,
    end: u32,
    unknown: u32,
    known: impl Fn(&str) -> Option<u32>,
) -> (Vec<u32>, Vec<&str>) {
    let words = target.vocabulary();
    let mut lacks: Vec<&str> = Vec::new();
    let tokens = (0..words.len() as u32)
        .map(|id| {
            if Some(id) == words.eos_id() {
                return end;
            }
            if Some(id) == words.unk_id() {
                return unknown;
            }
            known(words.word(id)).unwrap_or_else(|| {
                lacks.push(words.word(id));
                unknown
            })
        })
        .collect();
    (tokens, lacks)
}

fn other_split(target: &Tokenizer, lacks: &[&str], size: usize, path: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "--lm {}: its vocabulary of {size} words lacks {} of the target's {} tokens, {:?} the first; train \
         it on target text that is split in the same way (lampwick tokenize RUN/tokenizer/target)",
        path.display(),
        lacks.len(),
        target.vocabulary().len(),
        lacks[0],
    )
}
