//! Correlation of two lists of numbers.

/// The ranks of values, from 1; equal ones share the mean of their ranks.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = start as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|&i| ranks[i] = mean);
        start += tied.len();
    }
    ranks
}

/// Pearson's correlation; nothing when one list does not vary, or the lists are not equally long.
pub fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() != y.len() {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_x, mean_y) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (x - mean_x, y - mean_y);
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    (xx > 0.0 && yy > 0.0).then(|| xy / (xx.sqrt() * yy.sqrt()))
}

/// Spearman's correlation: Pearson's of the ranks.
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    pearson(&ranks(x), &ranks(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `scipy.stats.spearmanr` and `pearsonr` (SciPy 1.17.1) for lists with ties.
    #[test]
    fn values_are_those_of_scipy() {
        let (x, y) = ([1.0, 2.0, 2.0, 4.0, 5.0, 7.0], [2.0, 1.0, 3.0, 3.0, 3.0, 10.0]);
        assert_eq!(ranks(&y), [2.0, 1.0, 4.0, 4.0, 4.0, 6.0]);
        assert!((spearman(&x, &y).unwrap() - 0.800853434724).abs() < 1e-11);
        assert!((pearson(&x, &y).unwrap() - 0.829184989234).abs() < 1e-11);
        assert_eq!(spearman(&x, &[1.0; 6]), None);
        assert_eq!(pearson(&x, &[1.0]), None);
    }
}
