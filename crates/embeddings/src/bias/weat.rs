//! The word embedding association test (Caliskan, Bryson and Narayanan 2017).
//!
//! `s(w) = mean_a cos(w, a) - mean_b cos(w, b)` says how much nearer a target word is to the first set of
//! attributes than to the second. The statistic is `Σ_x s(x) - Σ_y s(y)`, the effect size the difference
//! of the means over the standard deviation of `s` over both target sets (that of the population, as WEFE
//! has it).

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::cosine;
use super::sets::Found;

/// What a test says.
#[derive(Clone, Debug, PartialEq)]
pub struct Weat {
    /// The statistic.
    pub statistic: f64,
    /// The effect size, from -2 to 2; nothing when all words are associated alike.
    pub effect_size: Option<f64>,
    /// The part of all ways to split the target words into sets of these sizes that has a statistic as
    /// large as this.
    pub p_value: f64,
    /// Whether all ways were looked at, or so many drawn.
    pub exact: bool,
}

/// Tests. All splits are looked at where there are at most `permutations`; else so many are drawn, and the
/// split that was observed counts as one more.
///
/// Nothing when a set has no vectors.
pub fn weat(
    targets: [&Found; 2],
    attributes: [&Found; 2],
    permutations: u64,
    seed: u64,
) -> Option<Weat> {
    let association = |w: &[f64]| {
        let [a, b] = attributes.map(|set| {
            let (sum, n) = set.vectors().fold((0.0, 0), |(sum, n), a| (sum + cosine(w, a), n + 1));
            sum / f64::from(n)
        });
        a - b
    };
    let [x, y] = targets.map(|set| set.vectors().map(association).collect::<Vec<f64>>());
    if x.is_empty() || y.is_empty() || attributes.iter().any(|set| set.vectors().next().is_none()) {
        return None;
    }
    let sum = |values: &[f64]| values.iter().sum::<f64>();
    let mean = |values: &[f64]| sum(values) / values.len() as f64;
    let all = [&x[..], &y[..]].concat();
    let center = mean(&all);
    let deviation =
        (all.iter().map(|s| (s - center).powi(2)).sum::<f64>() / all.len() as f64).sqrt();
    let (p_value, exact) = match splits(all.len() as u64, x.len() as u64) {
        Some(ways) if ways <= permutations => (every_split(&all, x.len()), true),
        _ => (drawn_splits(&all, x.len(), permutations, seed), false),
    };
    Some(Weat {
        statistic: sum(&x) - sum(&y),
        effect_size: (deviation > 0.0).then(|| (mean(&x) - mean(&y)) / deviation),
        p_value,
        exact,
    })
}

/// In how many ways `k` of `n` can be chosen, where that is a number of 64 bits.
fn splits(n: u64, k: u64) -> Option<u64> {
    (0..k.min(n - k)).try_fold(1u64, |ways, i| Some(ways.checked_mul(n - i)? / (i + 1)))
}

/// What a sum of the first set must reach; the total is fixed, so it decides. Rounding is no difference.
fn bar(all: &[f64], k: usize) -> f64 {
    all[..k].iter().sum::<f64>() - 1e-12 * all.iter().map(|s| s.abs()).sum::<f64>()
}

fn every_split(all: &[f64], k: usize) -> f64 {
    let bar = bar(all, k);
    let (mut reached, mut ways) = (0u64, 0u64);
    let mut chosen: Vec<usize> = (0..k).collect();
    loop {
        ways += 1;
        reached += u64::from(chosen.iter().map(|&i| all[i]).sum::<f64>() >= bar);
        // The next choice in lexicographic order.
        let Some(at) = (0..k).rev().find(|&i| chosen[i] < all.len() - k + i) else {
            return reached as f64 / ways as f64;
        };
        chosen[at] += 1;
        for i in at + 1..k {
            chosen[i] = chosen[i - 1] + 1;
        }
    }
}

fn drawn_splits(all: &[f64], k: usize, permutations: u64, seed: u64) -> f64 {
    let bar = bar(all, k);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut shuffled = all.to_vec();
    let mut reached = 0u64;
    for _ in 0..permutations {
        let (chosen, _) = shuffled.partial_shuffle(&mut random, k);
        reached += u64::from(chosen.iter().sum::<f64>() >= bar);
    }
    (reached + 1) as f64 / (permutations + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(vectors: &[[f64; 2]]) -> Found {
        let word = |(n, v): (usize, &[f64; 2])| (n.to_string(), Some(v.to_vec()));
        Found { words: vectors.iter().enumerate().map(word).collect() }
    }

    /// By hand: `s` is 1, 0.2 for the first targets and -1, -0.2 for the second, with attributes (1, 0)
    /// and (0, 1). The statistic is 2.4, the deviation sqrt(2.08 / 4), and the effect 1.2 over it. Of the
    /// six splits only the observed one reaches 1.2: p = 1/6.
    #[test]
    fn numbers_are_those_computed_by_hand() {
        let x = found(&[[2.0, 0.0], [0.8, 0.6]]);
        let y = found(&[[0.0, 3.0], [0.6, 0.8]]);
        let (a, b) = (found(&[[5.0, 0.0]]), found(&[[0.0, 1.0]]));
        let test = weat([&x, &y], [&a, &b], 6, 1).unwrap();
        assert!((test.statistic - 2.4).abs() < 1e-12);
        assert!((test.effect_size.unwrap() - 1.2 / 0.52f64.sqrt()).abs() < 1e-12);
        assert!(test.exact && (test.p_value - 1.0 / 6.0).abs() < 1e-12);
        let drawn = weat([&x, &y], [&a, &b], 5, 1).unwrap();
        assert!(!drawn.exact);
        assert_eq!(weat([&x, &found(&[])], [&a, &b], 6, 1), None);
    }

    /// Draws come near the exact number.
    #[test]
    fn drawn_splits_estimate_all_splits() {
        let all: Vec<f64> = (0..14).map(|i| f64::from((i * 37) % 23)).collect();
        let (exact, drawn) = (every_split(&all, 6), drawn_splits(&all, 6, 200_000, 3));
        assert!((0.05..0.95).contains(&exact) && (exact - drawn).abs() < 0.005, "{exact} {drawn}");
        assert_eq!((splits(16, 8), splits(200, 100)), (Some(12_870), None));
    }
}
