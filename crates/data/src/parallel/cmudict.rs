//! The CMU pronouncing dictionary: letters to phonemes.

use std::collections::HashMap;
use std::path::Path;

use crate::error::{DataError, Result};
use crate::parallel::corpora::percentile;
use crate::parallel::{Filter, Lines, Pairs, Split};

/// Reads `cmudict.dict`: lines of `word P R O N` with `word(2)` for its second pronunciation and `#`
/// before a comment. Source: the letters of the word; target: the phonemes, without digits of stress.
///
/// By the SHA-256 of the word, 90 words in a hundred are for training, 5 for validation, 5 for the
/// test; all pronunciations of a word are in the same part. Training has a pair for each of them (once,
/// where only stress tells two apart), validation and test a pair for each word with the first as its
/// target. All of them are the references.
///
/// # Errors
/// Those of [`Lines`]; [`DataError::Line`] for a line without phonemes.
pub fn read(folder: &Path, split: Split, filter: &Filter) -> Result<Pairs> {
    let mut lines = Lines::open(folder.join("cmudict.dict"))?;
    // In the order of the file; where each word is in it.
    let mut words: Vec<(String, Vec<String>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut line = String::new();
    loop {
        let number = lines.number();
        if !lines.read(&mut line)? {
            break;
        }
        if line.starts_with(";;;") {
            continue;
        }
        let entry = line.split(" #").next().unwrap_or_default();
        let mut tokens = entry.split_whitespace();
        let Some(head) = tokens.next() else { continue };
        let phonemes: Vec<&str> =
            tokens.map(|phoneme| phoneme.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
        if phonemes.is_empty() {
            return Err(DataError::Line {
                name: lines.name().into(),
                line: number,
                problem: format!("no phonemes for {head:?}"),
                mend: "write a word and its phonemes, parted by spaces",
            });
        }
        let word = without_number(head);
        if split_of(word) != split {
            continue;
        }
        let place = *places.entry(word.to_owned()).or_insert_with(|| {
            words.push((word.to_owned(), Vec::new()));
            words.len() - 1
        });
        let (pronunciations, new) = (&mut words[place].1, phonemes.join(" "));
        if !pronunciations.contains(&new) {
            pronunciations.push(new);
        }
    }
    let mut pairs = Pairs::default();
    for (word, pronunciations) in words {
        let letters: Vec<String> = word.chars().map(String::from).collect();
        let targets = if split == Split::Train { pronunciations.len() } else { 1 };
        for target in &pronunciations[..targets] {
            if pairs.add(&letters.join(" "), target, filter) {
                pairs.references.push(pronunciations.clone());
            }
        }
    }
    Ok(pairs)
}

/// `a(2)` -> `a`.
fn without_number(head: &str) -> &str {
    let number = head.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    match number {
        Some((word, digits)) if !word.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) => {
            word
        }
        _ => head,
    }
}

fn split_of(word: &str) -> Split {
    match percentile(word) {
        0..90 => Split::Train,
        90..95 => Split::Valid,
        _ => Split::Test,
    }
}
