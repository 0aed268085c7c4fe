//! Measures of two groups of target words beside a set of attributes, as WEFE computes them.

use super::sets::Found;
use super::{cosine, length};
use crate::evaluation::correlation::spearman;

/// Relative norm distance (Garg et al. 2018): the mean of `‖a - mean X‖ - ‖a - mean Y‖`. Above 0, the
/// attributes are nearer to the second group.
pub fn rnd([x, y]: [&Found; 2], attributes: &Found) -> Option<f64> {
    let (x, y) = (x.mean(), y.mean());
    let distance = |a: &[f64], b: &[f64]| length(a.iter().zip(b).map(|(a, b)| a - b));
    mean(attributes.vectors().map(|a| distance(a, &x) - distance(a, &y)))
        .filter(|_| !x.is_empty() && !y.is_empty())
}

/// Relational inner product association (Ethayarajh et al. 2019): the mean of `a · (x - y) / ‖x - y‖` over
/// attributes and pairs, the first of `x` with the first of `y` and so on. A pair counts when both of its
/// words have vectors; nothing when groups are not equally long.
pub fn ripa([x, y]: [&Found; 2], attributes: &Found) -> Option<f64> {
    if x.words.len() != y.words.len() {
        return None;
    }
    let pairs = x.words.iter().zip(&y.words);
    let directions = pairs.filter_map(|((_, x), (_, y))| {
        let (x, y) = (x.as_ref()?, y.as_ref()?);
        let difference: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
        let length = length(difference.iter().copied());
        (length > 0.0).then(|| difference.iter().map(|x| x / length).collect::<Vec<f64>>())
    });
    let directions: Vec<Vec<f64>> = directions.collect();
    mean(attributes.vectors().flat_map(|a| {
        directions.iter().map(|direction| a.iter().zip(direction).map(|(a, b)| a * b).sum())
    }))
}

/// Embedding coherence test (Dev and Phillips 2019): Spearman's correlation between the attributes' cosines
/// with the mean of either group. 1: both groups order attributes alike.
pub fn ect(targets: [&Found; 2], attributes: &Found) -> Option<f64> {
    let [x, y] = targets.map(|set| {
        let mean = set.mean();
        attributes.vectors().map(|a| cosine(&mean, a)).collect::<Vec<f64>>()
    });
    spearman(&x, &y)
}

/// Mean average cosine distance (Manzini et al. 2019): the mean of `1 - cos` over target words and sets of
/// attributes. 1: targets are as far from attributes as chance.
pub fn mac(targets: &[&Found], attributes: &[&Found]) -> Option<f64> {
    mean(targets.iter().flat_map(|set| set.vectors()).flat_map(|t| {
        attributes.iter().filter_map(move |set| mean(set.vectors().map(|a| 1.0 - cosine(t, a))))
    }))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0u32), |(sum, n), x| (sum + x, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}
