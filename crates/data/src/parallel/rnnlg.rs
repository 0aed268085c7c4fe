//! RNNLG (Wen et al. 2015, 2016): dialogue acts to sentences, with placeholders for names and numbers.
//!
//! ```text
//! inform(name='red door cafe';area='cathedral hill';kidsallowed=no)
//! source:  inform area=_1 kidsallowed=no name=_1
//! target:  SLOT_NAME is near SLOT_AREA and does not allow kids
//! ```
//!
//! As in that work, the value of a slot is replaced in the act and, where the sentence holds it word for
//! word, in the sentence; `yes`, `no`, `none` and `dontcare` stay, for no word stands for them alone. Of
//! `a or b` any order will do, with `or` or `and` between. Slots are sorted; a second value of the same
//! slot is `_2` and `SLOT_AREA_2`. The mark at a sentence's end is left out.
//!
//! A source's references are the targets of all acts of the part that have the same source. To be scored
//! as in that work, the hypothesis and its references are both given the act's own values back:
//! [`lexicalise`] with the pair's [`Pairs::slots`].

use std::collections::HashMap;
use std::path::Path;

use crate::error::{DataError, Result};
use crate::parallel::{Filter, Lines, Pairs, Split};

/// A placeholder and what stands for it.
type Slot = (String, String);

/// Reads `train.json`, `valid.json` or `test.json`: lines that begin with `#`, then a list of
/// `[act, sentence, ...]`.
///
/// # Errors
/// Those of [`Lines`]; [`DataError::Line`] for what is no such list or no act.
pub fn read(folder: &Path, split: Split, filter: &Filter) -> Result<Pairs> {
    let name = match split {
        Split::Train => "train.json",
        Split::Valid => "valid.json",
        Split::Test => "test.json",
    };
    let path = folder.join(name);
    let lines = Lines::open(&path)?.read_all()?;
    let header = lines.iter().take_while(|line| line.starts_with('#')).count();
    let wrong = |line: usize, problem: String| DataError::Line {
        name: path.display().to_string(),
        line: line as u64,
        problem,
        mend: "give RNNLG's own files: a list of [act, sentence, ...]",
    };
    let entries: Vec<Vec<String>> = serde_json::from_str(&lines[header..].join("\n"))
        .map_err(|error| wrong(header + error.line(), error.to_string()))?;

    let mut pairs = Pairs::default();
    let mut alike: HashMap<String, Vec<String>> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let parsed = entry.first().and_then(|act| parse(act)).zip(entry.get(1));
        let Some(((source, slots), sentence)) = parsed else {
            return Err(wrong(header + 1, format!("entry {}: {entry:?}", index + 1)));
        };
        let target = delexicalise(sentence, &slots);
        if pairs.add(&source, &target, filter) {
            let references = alike.entry(source).or_default();
            if !references.contains(&target) {
                references.push(target);
            }
            pairs.slots.push(slots);
        }
    }
    pairs.references = pairs.source.iter().map(|source| alike[source].clone()).collect();
    Ok(pairs)
}

/// `inform(name='x';food)` -> `inform food=? name=_1` and `SLOT_NAME` = `x`.
fn parse(act: &str) -> Option<(String, Vec<Slot>)> {
    let (kind, rest) = act.split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    let (mut features, mut slots) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, usize> = HashMap::new();
    for part in inside.split(';').filter(|part| !part.is_empty()) {
        let (slot, value) = part.split_once('=').unwrap_or((part, "?"));
        let slot = slot.replace([' ', '_'], "");
        let value = value.trim_matches(['\'', '"']);
        let feature = match value {
            "?" | "" => "?".to_owned(),
            "none" => "none".to_owned(),
            "yes" | "true" => "yes".to_owned(),
            "no" | "false" => "no".to_owned(),
            "dontcare" | "dont_care" => "dontcare".to_owned(),
            _ => {
                let number = seen.entry(slot.clone()).or_insert(0);
                *number += 1;
                let suffix = if *number > 1 { format!("_{number}") } else { String::new() };
                let placeholder = format!("SLOT_{}{suffix}", slot.to_uppercase());
                slots.push((placeholder, value.to_owned()));
                format!("_{number}")
            }
        };
        features.push(format!("{slot}={feature}"));
    }
    features.sort();
    features.insert(0, kind.trim().to_owned());
    Some((features.join(" "), slots))
}

/// The sentence with placeholders for the values, the longest first, so that none is taken for a part
/// of another.
fn delexicalise(sentence: &str, slots: &[Slot]) -> String {
    let mut words: Vec<&str> = sentence.split_whitespace().collect();
    if matches!(words.last(), Some(&("." | "?" | "!"))) {
        words.pop();
    }
    let mut longest: Vec<&Slot> = slots.iter().collect();
    longest.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    for (placeholder, value) in longest {
        let value: Vec<&str> = value.split_whitespace().collect();
        let parts: Vec<&[&str]> = value.split(|word| is_link(word)).collect();
        let length = value.len();
        let found = words.windows(length.max(1)).position(|window| is_any_order(window, &parts));
        if let Some(found) = found {
            words.splice(found..found + length, [placeholder.as_str()]);
        }
    }
    words.join(" ")
}

fn is_link(word: &str) -> bool {
    word == "or" || word == "and"
}

/// Whether the words are the parts in some order with a link between each two.
fn is_any_order(words: &[&str], parts: &[&[&str]]) -> bool {
    (0..parts.len()).any(|first| {
        let Some(rest) = words.strip_prefix(parts[first]) else { return false };
        let others = [&parts[..first], &parts[first + 1..]].concat();
        match rest {
            [] => others.is_empty(),
            [link, rest @ ..] => is_link(link) && is_any_order(rest, &others),
        }
    })
}

/// A sentence with what its placeholders stand for; those without a value stay.
///
/// ```
/// use lampwick_data::parallel::rnnlg::lexicalise;
/// let slots = [("SLOT_NAME".into(), "red door cafe".into())];
/// assert_eq!(lexicalise("SLOT_NAME is in SLOT_AREA", &slots), "red door cafe is in SLOT_AREA");
/// ```
pub fn lexicalise(sentence: &str, slots: &[(String, String)]) -> String {
    let value = |word| {
        let slot = slots.iter().find(|(placeholder, _)| placeholder == word);
        slot.map_or(word, |(_, value)| value.as_str())
    };
    sentence.split_whitespace().map(value).collect::<Vec<_>>().join(" ")
}
