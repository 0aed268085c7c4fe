//! Many values as few: each becomes the nearest of at most 256 centres.
//!
//! The centres start as the means of bins that are smaller where values are dense, and then move to
//! the means of what is nearest to them (Lloyd), which lessens the squared error.

/// Rounds of moving; few change much after that.
const ROUNDS: usize = 12;

/// At most `most` centres of the values, ascending; fewer where fewer values differ.
pub(crate) fn centres(mut values: Vec<f32>, most: usize) -> Vec<f32> {
    values.retain(|value| !value.is_nan());
    values.sort_unstable_by(f32::total_cmp);
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0.0f64);
    for &value in &values {
        sums.push(sums[sums.len() - 1] + f64::from(value));
    }
    let mean = |from: usize, to: usize| {
        // One value many times is itself, not itself with a rounding.
        match values[from] == values[to - 1] {
            true => values[from],
            false => ((sums[to] - sums[from]) / (to - from) as f64) as f32,
        }
    };
    let mut centres: Vec<f32> =
        first_bins(&values, most).windows(2).map(|bin| mean(bin[0], bin[1])).collect();
    centres.dedup();
    for _ in 0..ROUNDS {
        let mut from = 0;
        let mut moved = Vec::with_capacity(centres.len());
        for (index, _) in centres.iter().enumerate() {
            let to = match centres.get(index + 1) {
                Some(next) => {
                    let middle = (centres[index] + next) / 2.0;
                    from + values[from..].partition_point(|&value| value <= middle)
                }
                None => values.len(),
            };
            if to > from {
                moved.push(mean(from, to));
            }
            from = to;
        }
        moved.dedup();
        if moved == centres {
            break;
        }
        centres = moved;
    }
    centres
}

/// Where to cut ascending values into at most `most` bins: where they lie k times as dense, the bins
/// are k^(1/3) times as small, which is best for many bins (Panter and Dite 1951). A gap between two
/// values is the inverse of their density.
fn first_bins(values: &[f32], most: usize) -> Vec<usize> {
    let mut weights = Vec::with_capacity(values.len());
    let mut sum = 0.0f64;
    for (index, &value) in values.iter().enumerate() {
        sum += f64::from(value - values[index.saturating_sub(1)]).powf(2.0 / 3.0);
        weights.push(sum);
    }
    let cut = |bin: usize| {
        let share = sum * bin as f64 / most as f64;
        weights.partition_point(|&weight| weight < share)
    };
    let mut cuts: Vec<usize> = if values.len() <= most {
        (0..values.len()).collect()
    } else {
        (0..most).map(cut).collect()
    };
    cuts.push(values.len());
    cuts.dedup();
    cuts
}

/// The index of the nearest of ascending centres.
pub(crate) fn nearest(centres: &[f32], value: f32) -> u8 {
    let above = centres.partition_point(|&centre| centre < value);
    let index = match (above.checked_sub(1).map(|below| centres[below]), centres.get(above)) {
        (Some(below), Some(above_it)) if value - below <= above_it - value => above - 1,
        (Some(_), None) => above - 1,
        _ => above,
    };
    index as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_kept_exactly() {
        let values = vec![-0.5, -3.25, -0.5, -99.0, -3.25];
        let centres = centres(values.clone(), 256);
        assert_eq!(centres, [-99.0, -3.25, -0.5]);
        assert!(values.iter().all(|&v| centres[nearest(&centres, v) as usize] == v));
    }

    #[test]
    fn many_values_are_near_their_centre() {
        let values: Vec<f32> = (0..100_000).map(|n| -(n as f32 / 1e5).powi(2) * 8.0).collect();
        let centres = centres(values.clone(), 255);
        assert!(centres.len() <= 255 && centres.is_sorted());
        let error = |centres: &[f32]| -> f64 {
            let one = |&v: &f32| f64::from(centres[nearest(centres, v) as usize] - v).powi(2);
            values.iter().map(one).sum()
        };
        // Better than means of equally many values each, as Federico and Bertoldi (2006) bin them.
        let mean = |bin: &[f32]| bin.iter().sum::<f32>() / bin.len() as f32;
        let mut bins: Vec<f32> = values.chunks(values.len().div_ceil(255)).map(mean).collect();
        bins.reverse();
        assert!(error(&centres) < 0.9 * error(&bins));
    }
}
