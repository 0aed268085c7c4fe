//! Linear mixtures of models, as one model.
//!
//! ```text
//! p(w|h) = sum over i of lambda_i p_i(w|h)
//! ```
//!
//! for every n-gram that one of the models has; backoffs are made such that every context sums to 1.
//! The weights are found by expectation maximisation on a text that no model was trained on.

use rayon::prelude::*;

use super::close::{Records, close};
use super::cursor::Cursor;
use super::entropy::renormalise;
use super::{Log10, Table};
use crate::error::{NgramError, Result};
use crate::storage::Storage;
use crate::words::{BOS, Words};

/// An id that no model has.
const ABSENT: u32 = u32::MAX;

/// Rounds of expectation maximisation, at most.
const ROUNDS: usize = 200;

/// Weights that make a text most likely, from what each model gives each of its words
/// (`log10[word][model]`), and the text's mean log10 under the mixture.
///
/// Each round sets a model's weight to its mean share, `lambda_i p_i / sum_j lambda_j p_j`; the
/// likelihood never falls.
pub fn tune(log10: &[Vec<f32>], models: usize) -> (Vec<f64>, f64) {
    let mut weights = vec![1.0 / models as f64; models];
    let mut mean = f64::NEG_INFINITY;
    for _ in 0..ROUNDS {
        let mut shares = vec![0.0; models];
        let mut sum = 0.0;
        for word in log10 {
            let parts = word.iter().zip(&weights).map(|(&p, w)| w * 10f64.powf(f64::from(p)));
            let parts: Vec<f64> = parts.collect();
            let whole: f64 = parts.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            sum += whole.log10();
            for (share, part) in shares.iter_mut().zip(parts) {
                *share += part / whole;
            }
        }
        let next = sum / log10.len().max(1) as f64;
        let done = next - mean < 1e-9;
        mean = next;
        if done {
            break;
        }
        let total: f64 = shares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        weights = shares.into_iter().map(|share| share / total).collect();
    }
    (weights, mean)
}

/// Whether these are weights of a mixture.
///
/// # Errors
///
/// Weights that are not one for each model, not negative and 1 in all.
pub fn check_weights(weights: &[f64], models: usize) -> Result<()> {
    let sum: f64 = weights.iter().sum();
    if models == 0
        || weights.len() != models
        || weights.iter().any(|&weight| weight.is_nan() || weight < 0.0)
        || (sum - 1.0).abs() > 1e-3
    {
        return Err(NgramError::Setting(format!(
            "weights {weights:?} for {models} models: give one for each, none negative, 1 in all"
        )));
    }
    Ok(())
}

/// One model that says what the mixture says of every n-gram that one of `tables` has. A word that a
/// model does not know has no probability there.
///
/// # Errors
///
/// Those of [`check_weights`]; [`NgramError::TooLarge`].
pub fn mix(tables: &[Table], weights: &[f64]) -> Result<Table> {
    check_weights(weights, tables.len())?;
    let sum: f64 = weights.iter().sum();
    let mut words = Words::with_special();
    for table in tables {
        for word in table.words().iter() {
            words.intern(word);
        }
    }
    let own: Vec<Vec<u32>> = tables
        .iter()
        .map(|table| words.iter().map(|word| table.words().get(word).unwrap_or(ABSENT)).collect())
        .collect();
    let probability = |ngram: &[u32]| -> f32 {
        let (&word, context) = ngram.split_last().expect("an n-gram has words");
        let mixed: f64 = tables
            .iter()
            .zip(&own)
            .zip(weights)
            .filter(|((_, own), _)| own[word as usize] != ABSENT)
            .map(|((table, own), weight)| {
                let context: Vec<u32> = context.iter().map(|&word| own[word as usize]).collect();
                let (log10, _) = table.log10(&context, own[word as usize]);
                weight * 10f64.powf(f64::from(log10))
            })
            .sum();
        (mixed / sum).log10_or_never()
    };
    let order = tables.iter().map(Table::order).max().unwrap_or(1);
    let mut unigrams = Records::new(1);
    for word in 0..words.len() as u32 {
        unigrams.push(&[word], if word == BOS { 0.0 } else { probability(&[word]) }, 0.0);
    }
    let higher = (2..=order).map(|order| union(tables, order, &words, &probability)).collect();
    let storage = Storage::new(u64::MAX, std::env::temp_dir());
    let mut table = close(&words, &unigrams, higher, &storage)?;
    renormalise(&mut table, &storage)?;
    Ok(table)
}

/// The n-grams of an order that one of the tables has, with their probabilities.
fn union(
    tables: &[Table],
    order: usize,
    words: &Words,
    probability: &(impl Fn(&[u32]) -> f32 + Sync),
) -> Records {
    let mut ngrams: Vec<Vec<u32>> = Vec::new();
    for table in tables.iter().filter(|table| table.order() >= order) {
        let count = table.levels()[order - 1].len();
        let mut cursor = (count > 0).then(|| Cursor::new(table, order, 0));
        for index in 0..count {
            let Some(cursor) = &mut cursor else { break };
            if index > 0 {
                cursor.advance();
            }
            let renamed = cursor.words().iter().map(|&word| table.words().word(word));
            ngrams.push(renamed.map(|word| words.get(word).unwrap_or_default()).collect());
        }
    }
    ngrams.par_sort_unstable();
    ngrams.dedup();
    let log10: Vec<f32> = ngrams.par_iter().map(|ngram| probability(ngram)).collect();
    let mut records = Records::new(order);
    for (ngram, log10) in ngrams.iter().zip(log10) {
        records.push(ngram, log10, 0.0);
    }
    records
}
