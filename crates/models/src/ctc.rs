//! Labels from a CTC head's log-probabilities: greedily, or by a beam over prefixes.

use std::collections::HashMap;

/// Labels, and the logarithm of their probability under all alignments that the search has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct CtcHypothesis {
    /// Without blanks.
    pub labels: Vec<u32>,
    /// Natural logarithm; the true one where nothing was pruned.
    pub log_prob: f64,
}

/// The fewest steps that an alignment of these labels takes: one each, and a blank between two that are
/// equal, which would otherwise be joined (Graves et al. 2006, section 3.1). Labels of a sequence with
/// fewer steps have no alignment, and [`lampwick_kernels::ctc()`] learns nothing from them.
pub fn fewest_steps(labels: &[u32]) -> usize {
    labels.len() + labels.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// The likeliest class of each step, repetitions joined and blanks left out (Graves et al. 2006,
/// section 3.2), and the logarithm of that one alignment's probability: `log_probs` is `[T, C]` row-major.
///
/// # Panics
///
/// When `classes` is 0.
pub fn best_path(log_probs: &[f32], classes: usize, blank: u32) -> CtcHypothesis {
    let mut log_prob = 0.0;
    let best = |row: &[f32]| {
        // The first of equals.
        let better = |a: usize, b: usize| if row[b] > row[a] { b } else { a };
        let best = (0..classes).reduce(better).expect("a class");
        log_prob += f64::from(row[best]);
        best as u32
    };
    let mut labels: Vec<u32> = log_probs.chunks_exact(classes).map(best).collect();
    labels.dedup();
    labels.retain(|&label| label != blank);
    CtcHypothesis { labels, log_prob }
}

/// The likeliest labels (Graves 2012, section 7.5.3; Hannun et al. 2014): alignments of the same labels
/// are summed, and after each step the `beam` likeliest prefixes are kept. Best first, at most
/// `beam`; equals in the order of their labels. A beam that holds every prefix is exact.
///
/// `log_probs` is `[T, C]` row-major.
///
/// # Panics
///
/// When `classes` or `beam` is 0.
pub fn prefix_beam_search(
    log_probs: &[f32],
    classes: usize,
    blank: u32,
    beam: usize,
) -> Vec<CtcHypothesis> {
    assert!(beam > 0, "a beam keeps at least one prefix");
    let mut prefixes = vec![Prefix { labels: Vec::new(), blank: 0.0, label: f64::NEG_INFINITY }];
    for row in log_probs.chunks_exact(classes) {
        let mut next: HashMap<Vec<u32>, [f64; 2]> = HashMap::new();
        let mut add = |labels: Vec<u32>, which: usize, log_p: f64| {
            let sums = next.entry(labels).or_insert([f64::NEG_INFINITY; 2]);
            sums[which] = log_add(sums[which], log_p);
        };
        for Prefix { labels, blank: ends_blank, label: ends_label } in prefixes {
            let total = log_add(ends_blank, ends_label);
            let last = labels.last().copied();
            for (class, &log_p) in (0..).zip(row) {
                let log_p = f64::from(log_p);
                let longer = || labels.iter().copied().chain([class]).collect::<Vec<u32>>();
                if class == blank {
                    add(labels.clone(), 0, total + log_p);
                } else if Some(class) == last {
                    // A repetition is the same label, but behind a blank another one.
                    add(labels.clone(), 1, ends_label + log_p);
                    add(longer(), 1, ends_blank + log_p);
                } else {
                    add(longer(), 1, total + log_p);
                }
            }
        }
        prefixes = next
            .into_iter()
            .map(|(labels, [blank, label])| Prefix { labels, blank, label })
            .filter(|prefix| prefix.total() > f64::NEG_INFINITY)
            .collect();
        // A map has no order: one that does not hang on it.
        prefixes.sort_unstable_by(|a, b| {
            b.total().total_cmp(&a.total()).then_with(|| a.labels.cmp(&b.labels))
        });
        prefixes.truncate(beam);
    }
    let finished = prefixes.into_iter();
    finished.map(|p| CtcHypothesis { log_prob: p.total(), labels: p.labels }).collect()
}

/// A prefix, and the log-probability of its alignments that end in a blank or in its last label.
struct Prefix {
    labels: Vec<u32>,
    blank: f64,
    label: f64,
}

impl Prefix {
    fn total(&self) -> f64 {
        log_add(self.blank, self.label)
    }
}

/// `ln(e^a + e^b)`.
fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[T, C]`, rows that sum to one.
    fn log_probs(steps: usize, classes: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut draw = || {
            state =
                state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
            (state >> 40) as f32 / (1u64 << 24) as f32
        };
        let mut values = Vec::new();
        for _ in 0..steps {
            let row: Vec<f32> = (0..classes).map(|_| (3.0 * draw()).exp()).collect();
            let sum: f32 = row.iter().sum();
            values.extend(row.iter().map(|x| (x / sum).ln()));
        }
        values
    }

    /// All labels and their probabilities, by going through all paths.
    fn by_all_paths(log_probs: &[f32], classes: usize, blank: u32) -> HashMap<Vec<u32>, f64> {
        let steps = log_probs.len() / classes;
        let mut totals = HashMap::new();
        for path in 0..classes.pow(steps as u32) {
            let path: Vec<u32> =
                (0..steps).map(|t| (path / classes.pow(t as u32) % classes) as u32).collect();
            let log_p: f64 = path
                .iter()
                .enumerate()
                .map(|(t, &label)| f64::from(log_probs[t * classes + label as usize]))
                .sum();
            let mut labels = path;
            labels.dedup();
            labels.retain(|&label| label != blank);
            *totals.entry(labels).or_insert(0.0) += log_p.exp();
        }
        totals
    }

    #[test]
    fn a_beam_that_holds_every_prefix_is_exact() {
        for (seed, blank) in [(1, 0), (2, 2), (3, 1)] {
            let log_probs = log_probs(6, 3, seed);
            let expected = by_all_paths(&log_probs, 3, blank);
            let found = prefix_beam_search(&log_probs, 3, blank, 1000);
            assert_eq!(found.len(), expected.len());
            for CtcHypothesis { labels, log_prob } in &found {
                assert!((log_prob.exp() - expected[labels]).abs() < 1e-9, "{labels:?}");
            }
            let sum: f64 = found.iter().map(|h| h.log_prob.exp()).sum();
            assert!((sum - 1.0).abs() < 1e-5, "all labels have a probability of {sum}");
            let sorted = found.windows(2).all(|pair| pair[0].log_prob >= pair[1].log_prob);
            assert!(sorted, "the best stands first");
        }
    }

    /// What no path gives is what takes more steps than there are.
    #[test]
    fn labels_have_a_path_where_there_are_steps_enough() {
        for steps in 0..=4 {
            let possible = by_all_paths(&log_probs(steps, 3, 1), 3, 0);
            for length in 0..=4 {
                for number in 0..1_u32 << length {
                    let labels: Vec<u32> = (0..length).map(|at| 1 + (number >> at & 1)).collect();
                    let has_path = possible.contains_key(&labels);
                    assert_eq!(has_path, fewest_steps(&labels) <= steps, "{steps} {labels:?}");
                }
            }
        }
    }

    /// Graves et al. (2006): the best path need not be the best labels.
    #[test]
    fn a_beam_finds_what_the_best_path_misses() {
        let p = |row: [f32; 2]| row.map(f32::ln);
        let log_probs: Vec<f32> = [p([0.6, 0.4]), p([0.6, 0.4])].concat();
        assert_eq!(
            best_path(&log_probs, 2, 0).labels,
            Vec::<u32>::new(),
            "0.36, the likeliest path"
        );
        let best = &prefix_beam_search(&log_probs, 2, 0, 4)[0];
        assert_eq!(best.labels, [1]);
        assert!((best.log_prob.exp() - 0.64).abs() < 1e-6);
    }

    #[test]
    fn repetitions_are_joined_but_for_a_blank_between() {
        let path = [1u32, 1, 0, 1, 2, 2, 0, 0];
        let mut log_probs = vec![-20.0f32; path.len() * 3];
        for (t, &label) in path.iter().enumerate() {
            log_probs[t * 3 + label as usize] = -1e-6;
        }
        assert_eq!(best_path(&log_probs, 3, 0).labels, [1, 1, 2]);
        assert_eq!(prefix_beam_search(&log_probs, 3, 0, 5)[0].labels, [1, 1, 2]);
        assert_eq!(best_path(&[], 3, 0).labels, Vec::<u32>::new());
        assert_eq!(prefix_beam_search(&[], 3, 0, 5)[0].labels, Vec::<u32>::new());
    }
}
