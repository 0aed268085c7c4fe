//! Entropy pruning (Stolcke 1998, "Entropy-based pruning of backoff language models").
//!
//! Without the n-gram `h w`, the model gives `w` after `h` its backed-off probability
//! `alpha'(h) p(w|h')`, and all other backed-off words after `h` a little less or more. The relative
//! entropy between the two (equation 6 there, `alpha` and `alpha'` before and after) is
//!
//! ```text
//! D = -p(h) ( p(w|h) (ln p(w|h') + ln alpha'(h) - ln p(w|h))
//!             + (ln alpha'(h) - ln alpha(h)) (1 - sum over h's words of p(.|h)) )
//! ```
//!
//! and the n-gram is left out when the perplexity rises by less than the threshold, `exp(D) - 1`.
//! Each n-gram is judged by itself, against the whole model. One that a kept n-gram begins or ends
//! with is kept.

use rayon::prelude::*;

use super::{Log10, Table};
use crate::error::Result;
use crate::links::range;
use crate::progress::{Progress, Stage};
use crate::storage::{Column, Storage};
use crate::words::{BOS, EOS};

/// What is left for words that do not follow a context explicitly, by its own and by the lower
/// order's probabilities.
#[derive(Clone, Copy)]
struct Left {
    own: f64,
    lower: f64,
}

fn power(log10: f32) -> f64 {
    (f64::from(log10) * std::f64::consts::LN_10).exp()
}

impl Left {
    /// Over the children of `h` that stay; `lower` are the log-probabilities one order below.
    fn of(
        children: impl Iterator<Item = usize>,
        log10: &[f32],
        links: &[u32],
        lower: &[f32],
    ) -> Self {
        let mut left = Self { own: 1.0, lower: 1.0 };
        for child in children {
            left.own -= power(log10[child]);
            left.lower -= power(lower[links[child] as usize]);
        }
        left
    }

    /// The backoff that makes the probabilities of a context sum to 1.
    fn backoff(self) -> f64 {
        // Below what rounding leaves, nothing is left.
        if self.own < 1e-12 || self.lower < 1e-12 { 0.0 } else { self.own / self.lower }
    }
}

/// Leaves n-grams out and makes the backoffs anew.
///
/// # Errors
///
/// Temporary files that find no room.
pub fn prune(
    table: &mut Table,
    threshold: f64,
    storage: &Storage,
    progress: &dyn Progress,
) -> Result<()> {
    let order = table.order();
    progress.stage(Stage::Pruning, Some(order as u64));
    let links = table.links(storage)?;
    let mut keep: Vec<Vec<bool>> =
        table.levels.iter().map(|level| vec![false; level.len()]).collect();
    keep[0].fill(true);
    let histories = histories(table, storage)?;
    for n in (1..order).rev() {
        let contexts = &table.levels[n - 1];
        let level = &table.levels[n];
        let lower = &table.levels[n - 1].log10[..];
        let links = &links[n - 1][..];
        let history = &histories[n - 1][..];
        let judged: Vec<(usize, Vec<bool>)> = (0..contexts.len())
            .into_par_iter()
            .with_min_len(1 << 10)
            .filter_map(|context| {
                let children = range(&contexts.children, context);
                let first = children.start;
                let left = Left::of(children.clone(), &level.log10, links, lower);
                let mut any = false;
                let kept = children
                    .map(|child| {
                        let (p, below) = (level.log10[child], lower[links[child] as usize]);
                        let kept = loss(f64::from(history[context]), p, below, left) >= threshold;
                        any |= kept;
                        kept
                    })
                    .collect();
                any.then_some((first, kept))
            })
            .collect();
        for (first, kept) in judged {
            for (index, kept) in (first..).zip(kept) {
                keep[n][index] |= kept;
            }
        }
        // What a kept n-gram begins or ends with stays.
        let (below, above) = keep.split_at_mut(n);
        for (&link, _) in links.iter().zip(&above[0]).filter(|&(_, &kept)| kept) {
            below[n - 1][link as usize] = true;
        }
        for (context, kept) in below[n - 1].iter_mut().enumerate() {
            let children = range(&contexts.children, context);
            *kept |= above[0][children].iter().any(|&kept| kept);
        }
        progress.at((order - n) as u64);
    }
    drop((histories, links));
    table.retain(&keep, storage)?;
    renormalise(table, storage)
}

/// By how much the perplexity rises, relatively, without one n-gram.
fn loss(history: f64, log10: f32, lower: f32, left: Left) -> f64 {
    let (p, below) = (power(log10), power(lower));
    let after = Left { own: left.own + p, lower: left.lower + below };
    let (alpha, alpha_after) = (left.backoff(), after.backoff());
    if alpha_after <= 0.0 {
        return f64::INFINITY;
    }
    let own = p * (below.ln() + alpha_after.ln() - p.ln());
    let others =
        if alpha > 0.0 { (alpha_after.ln() - alpha.ln()) * left.own.max(0.0) } else { 0.0 };
    (-history * (own + others)).exp_m1()
}

/// `p(h)` of each n-gram as a history, by the chain rule. `<s>` occurs as often as `</s>`, whatever
/// its own probability is said to be.
fn histories(table: &Table, storage: &Storage) -> Result<Vec<Column<f32>>> {
    let mut all: Vec<Column<f32>> = Vec::new();
    for (n, level) in table.levels[..table.order() - 1].iter().enumerate() {
        let mut histories = Column::zeroed(level.len(), storage)?;
        match all.last() {
            None => {
                for (history, &log10) in histories.iter_mut().zip(&level.log10[..]) {
                    *history = power(log10) as f32;
                }
                histories[BOS as usize] = histories[EOS as usize];
            }
            Some(shorter) => {
                let parents = &table.levels[n - 1].children;
                for parent in 0..table.levels[n - 1].len() {
                    for child in range(parents, parent) {
                        histories[child] = shorter[parent] * power(level.log10[child]) as f32;
                    }
                }
            }
        }
        all.push(histories);
    }
    Ok(all)
}

/// Makes every backoff such that the probabilities of its context sum to 1, lowest order first.
pub(crate) fn renormalise(table: &mut Table, storage: &Storage) -> Result<()> {
    let links = table.links(storage)?;
    for n in 1..table.order() {
        let (below, above) = table.levels.split_at_mut(n);
        let (contexts, level) = (&mut below[n - 1], &above[0]);
        let (children, lower) = (&contexts.children[..], &contexts.log10[..]);
        contexts.backoffs.par_iter_mut().enumerate().for_each(|(context, backoff)| {
            let children = range(children, context);
            *backoff = match children.is_empty() {
                true => 0.0,
                false => {
                    let left = Left::of(children, &level.log10, &links[n - 1], lower);
                    left.backoff().log10_or_never()
                }
            };
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, Silent, Source, train};

    #[test]
    fn the_start_of_a_sentence_is_as_frequent_a_history_as_its_end() {
        let text = "a b c\na b\nc a b d\n".repeat(20);
        let settings = Settings { order: 3, ..Settings::default() };
        let table = train(vec![Source::bytes("text", text)], &settings, &Silent).unwrap().table;
        let storage = Storage::new(u64::MAX, std::env::temp_dir());
        let histories = histories(&table, &storage).unwrap();
        let end = power(table.log10(&[], EOS).0) as f32;
        assert!(end > 0.0 && end < 0.5);
        assert_eq!(histories[0][BOS as usize], end);
        let first = table.words().get(b"a").unwrap();
        let place = table.find(&[BOS, first]).unwrap();
        let expected = end * power(table.log10(&[BOS], first).0) as f32;
        assert!((histories[1][place] / expected - 1.0).abs() < 1e-5);
    }
}
