//! The way from text to model.

use super::adjusted::{adjust, counts_of_counts};
use super::discounts::{Discounts, modified, single};
use super::lmplz;
use super::probabilities::Counted;
use super::rule::Rule;
use super::settings::{Settings, Smoothing};
use crate::corpus::source::Source;
use crate::corpus::tokens::TextSummary;
use crate::corpus::{tokens, vocabulary};
use crate::counting;
use crate::counting::trie::{Level, Trie};
use crate::error::{NgramError, Result};
use crate::links::{Shape, links};
use crate::progress::{Progress, Stage};
use crate::storage::{Column, Storage};
use crate::table::{Table, entropy};
use crate::words::{UNK, Words};
use rayon::prelude::*;

/// A trained model, and how it came about.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub table: Table,
    /// What was read.
    pub text: TextSummary,
    /// One for each order.
    pub orders: Vec<OrderSummary>,
    /// The most bytes that temporary files held.
    pub disk_peak: u64,
}

/// One order of an estimation.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderSummary {
    /// n-grams of the text.
    pub counted: u64,
    /// n-grams of the model.
    pub kept: u64,
    /// `n_k` for k of 1 to 4, of the counts that discounts are made from.
    pub counts_of_counts: [u64; 4],
    /// For smoothings that discount.
    pub discounts: Option<Discounts>,
    /// Why the discounts are the fallback.
    pub undefined: Option<String>,
}

/// Trains on a text: files are read one after the other, each line is a sentence.
///
/// The result depends on neither the budget nor the number of threads.
///
/// # Errors
///
/// Settings that make no sense, a text that cannot be read or is empty, temporary files that find no
/// room, and with `strict` discounts that are undefined.
pub fn train(
    sources: Vec<Source>,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Trained> {
    settings.validate()?;
    let storage = Storage::new(settings.memory, &settings.temporary);
    let counted = count(sources, settings, &storage, progress)?;
    estimate(counted, settings, &storage, progress)
}

/// A text as counted n-grams.
pub(crate) struct CountedText {
    pub(crate) trie: Trie,
    pub(crate) words: Words,
    pub(crate) text: TextSummary,
    /// The n-gram that `lmplz` counts otherwise; empty where that is not wanted.
    pub(crate) last: Vec<u32>,
}

/// Text to counted n-grams, the most frequent words first.
fn count(
    sources: Vec<Source>,
    settings: &Settings,
    storage: &Storage,
    progress: &dyn Progress,
) -> Result<CountedText> {
    let text = tokens::read(sources, settings.unk_in_text, storage, progress)?;
    let chosen = vocabulary::choose(&text.words, &text.counts, &settings.vocabulary)?;
    count_tokens(text, chosen, settings, storage, progress)
}

/// Text to counted n-grams, all words in the order of their bytes.
#[cfg(feature = "parquet")]
pub(crate) fn count_by_bytes(
    sources: Vec<Source>,
    settings: &Settings,
    storage: &Storage,
    progress: &dyn Progress,
) -> Result<CountedText> {
    let text = tokens::read(sources, settings.unk_in_text, storage, progress)?;
    let chosen = vocabulary::by_bytes(&text.words);
    count_tokens(text, chosen, settings, storage, progress)
}

fn count_tokens(
    mut text: tokens::Tokens,
    chosen: vocabulary::Chosen,
    settings: &Settings,
    storage: &Storage,
    progress: &dyn Progress,
) -> Result<CountedText> {
    let mut last = match settings.as_lmplz {
        true => lmplz::last_ngram(&text.ids, text.words.len(), settings.order),
        false => Vec::new(),
    };
    rename(&mut last, &chosen.renamed);
    rename(&mut text.ids, &chosen.renamed);
    let summary = TextSummary { dropped: chosen.dropped, ..text.summary };
    let size = chosen.words.len();
    let trie = counting::count(text.ids, size, settings.order, storage, progress)?;
    Ok(CountedText { trie, words: chosen.words, text: summary, last })
}

fn rename(ids: &mut [u32], renamed: &[u32]) {
    ids.par_iter_mut().for_each(|id| *id = renamed[*id as usize]);
}

/// Counted n-grams to a model.
pub(crate) fn estimate(
    counted: CountedText,
    settings: &Settings,
    storage: &Storage,
    progress: &dyn Progress,
) -> Result<Trained> {
    let CountedText { mut trie, words, text, last } = counted;
    progress.stage(Stage::Adjusting, Some(2));
    let shapes: Vec<Shape<'_>> = trie
        .levels
        .iter()
        .map(|level| Shape { words: &level.words, children: &level.children })
        .collect();
    let links = links(&shapes, storage)?;
    release(&trie);
    progress.at(1);
    // What is asked of the counts as they are, before they are adjusted.
    let keep = keep(&trie, settings);
    let adjusts = settings.smoothing.adjusts();
    let parts = if adjusts { lmplz::parts(&last, &trie) } else { Vec::new() };
    if adjusts {
        adjust(&mut trie, &links);
    }
    let mut orders = Vec::with_capacity(settings.order);
    let mut rules = Vec::with_capacity(settings.order);
    for (n, level) in trie.levels.iter().enumerate() {
        let mut n_k = counts_of_counts(&level.counts, n == 0);
        if let Some(&Some(part)) = parts.get(n) {
            lmplz::correct(&mut n_k, part, &level.counts);
        }
        let size = (words.len() as u64 - 1).max(settings.vocabulary_pad) as f64;
        let (rule, undefined) = rule(n + 1, &n_k, level.len(), size, settings)?;
        let discounts = match rule {
            Rule::Discounted(discounts) => Some(discounts),
            _ => None,
        };
        rules.push(rule);
        orders.push(OrderSummary {
            counted: level.len() as u64,
            kept: 0,
            counts_of_counts: [n_k[1], n_k[2], n_k[3], n_k[4]],
            discounts,
            undefined,
        });
    }
    release(&trie);
    links.iter().for_each(Column::release);
    progress.at(2);
    let counted = Counted { trie, keep: keep.as_deref(), links, rules, settings };
    let mut table = counted.estimate(words, storage, progress)?;
    if let Some(keep) = keep {
        table.retain(&keep, storage)?;
    }
    if let Some(threshold) = settings.prune_entropy {
        entropy::prune(&mut table, threshold, storage, progress)?;
    }
    for (order, kept) in orders.iter_mut().zip(table.counts()) {
        order.kept = kept;
    }
    debug_assert_eq!(table.words().get(b"<unk>"), Some(UNK));
    Ok(Trained { table, text, orders, disk_peak: storage.disk_peak() })
}

/// Lets go of what is on disk, between two ways through it.
fn release(trie: &Trie) {
    for level in &trie.levels {
        level.words.release();
        level.counts.small.release();
        level.children.release();
    }
}

/// Which n-grams stay by their counts; nothing where all do.
fn keep(trie: &Trie, settings: &Settings) -> Option<Vec<Vec<bool>>> {
    let level = |(n, level): (usize, &Level)| -> Vec<bool> {
        let threshold = settings.threshold(n + 1);
        // <unk>, <s> and </s> always stay.
        let stays = |i: usize| level.counts.get(i) > threshold || threshold == 0 || n == 0 && i < 3;
        (0..level.len()).into_par_iter().map(stays).collect()
    };
    let prunes = (1..=settings.order).any(|order| settings.threshold(order) > 0);
    prunes.then(|| trie.levels.iter().enumerate().map(level).collect())
}

/// The rule of one order, and why its discounts are the fallback.
fn rule(
    order: usize,
    n: &[u64; 5],
    grams: usize,
    vocabulary: f64,
    settings: &Settings,
) -> Result<(Rule, Option<String>)> {
    let (found, fallback) = match settings.smoothing {
        Smoothing::ModifiedKneserNey => (modified(n), settings.fallback),
        // One discount for all counts: the first of the three, that of a count of one.
        Smoothing::KneserNey | Smoothing::Absolute => (single(n), [settings.fallback[0]; 3]),
        Smoothing::WittenBell => return Ok((Rule::WittenBell, None)),
        Smoothing::AddK(k) => return Ok((Rule::Added(k * vocabulary), None)),
        Smoothing::MaximumLikelihood => return Ok((Rule::MaximumLikelihood, None)),
    };
    match found {
        Ok(amounts) => Ok((Rule::Discounted(Discounts { amounts, fallback: false }), None)),
        Err(problem) if settings.strict && grams > 0 => Err(NgramError::Discounts {
            order,
            problem,
            fallback: fallback.map(|d| d.to_string()).join(" "),
        }),
        Err(problem) => {
            let discounts = Discounts { amounts: fallback, fallback: true };
            // An order that no sentence is long enough for needs no discounts.
            Ok((Rule::Discounted(discounts), (grams > 0).then_some(problem)))
        }
    }
}
