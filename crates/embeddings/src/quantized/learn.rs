//! Learning the centroids: k-means on a sample of the rows, for each part alone.

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{CENTROIDS, Codebook, Quantized};
use crate::error::{EmbeddingError, Result};
use crate::progress::{Progress, Stage};

/// How rows are quantised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantizeSettings {
    /// Numbers of a part: a row of `dim` numbers takes `dim / part` bytes.
    pub part: usize,
    /// Keep each row's length apart, as one more byte.
    pub norms: bool,
    /// Of the first centroids.
    pub seed: u64,
}

impl Default for QuantizeSettings {
    /// Two numbers a byte, as fastText.
    fn default() -> Self {
        Self { part: 2, norms: true, seed: 1 }
    }
}

/// What is lost.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// The share of the rows' squared lengths that is lost.
    pub squared_error: f64,
    /// The mean cosine between a row and what is left of it.
    pub cosine: f64,
}

/// Rows that centroids are learned from.
const SAMPLE: usize = 1 << 16;
const ROUNDS: usize = 25;

/// Quantises rows of `dim` numbers; on all threads, the same for any number of them.
///
/// # Errors
/// [`EmbeddingError::Setting`] for a part that is no part of a row.
pub(super) fn quantize(
    matrix: &[f32],
    dim: usize,
    settings: &QuantizeSettings,
    progress: &dyn Progress,
) -> Result<(Quantized, Loss)> {
    let QuantizeSettings { part, norms, seed } = *settings;
    if !(1..=dim).contains(&part) {
        let problem = format!("a part (--part) of a row of {dim} numbers has 1 to {dim}");
        return Err(EmbeddingError::Setting(problem));
    }
    let rows = matrix.len() / dim;
    let lengths: Vec<f32> = match norms {
        true => matrix.par_chunks(dim).map(length).collect(),
        false => Vec::new(),
    };
    // The length of a row that is divided by it; a row of zeros stays one.
    let scale = |row: usize| lengths.get(row).map_or(1.0, |&l| if l > 0.0 { 1.0 / l } else { 0.0 });
    let sample = sample(rows, seed);
    let parts = dim.div_ceil(part);
    progress.stage(Stage::Quantizing, Some(parts as u64));
    let mut centroids = vec![0.0f32; dim * CENTROIDS];
    let mut codes = vec![0u8; rows * parts];
    for index in 0..parts {
        let (start, width) = (index * part, part.min(dim - index * part));
        let of = |row: usize| {
            let scale = scale(row);
            matrix[row * dim + start..][..width].iter().map(move |x| x * scale)
        };
        let points: Vec<f32> = sample.iter().flat_map(|&row| of(row)).collect();
        let learned = learn(&points, width, seed ^ (index as u64 + 1));
        codes.par_chunks_mut(parts).enumerate().for_each(|(row, codes)| {
            let point: Vec<f32> = of(row).collect();
            codes[index] = nearest(&learned, &point).0;
        });
        centroids[start * CENTROIDS..][..width * CENTROIDS].copy_from_slice(&learned);
        progress.at(index as u64 + 1);
    }
    let norms = norms.then(|| {
        let points: Vec<f32> = sample.iter().map(|&row| lengths[row]).collect();
        let learned = learn(&points, 1, seed ^ u64::MAX);
        let codes: Vec<u8> =
            lengths.par_iter().map(|&length| nearest(&learned, &[length]).0).collect();
        (codes.into(), Codebook { dim: 1, part: 1, centroids: learned.into() })
    });
    let codebook = Codebook { dim, part, centroids: centroids.into() };
    let quantized = Quantized { rows, codebook, codes: codes.into(), norms };
    let loss = loss(matrix, dim, &quantized);
    Ok((quantized, loss))
}

fn length(row: &[f32]) -> f32 {
    row.iter().map(|x| x * x).sum::<f32>().sqrt()
}

/// Rows to learn from, in order: all, or as many as are enough.
fn sample(rows: usize, seed: u64) -> Vec<usize> {
    if rows <= SAMPLE {
        return (0..rows).collect();
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut sample: Vec<usize> = (0..SAMPLE).map(|_| random.random_range(0..rows)).collect();
    sample.sort_unstable();
    sample
}

/// Lloyd's algorithm; a centroid that nothing is near to is put beside the one with the most.
fn learn(points: &[f32], width: usize, seed: u64) -> Vec<f32> {
    let number = points.len() / width;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut centroids: Vec<f32> = (0..CENTROIDS)
        .flat_map(|_| {
            let point = random.random_range(0..number.max(1));
            points.get(point * width..(point + 1) * width).unwrap_or(&[0.0; 1][..0]).to_vec()
        })
        .collect();
    centroids.resize(CENTROIDS * width, 0.0);
    for _ in 0..ROUNDS {
        let near: Vec<u8> =
            points.par_chunks(width).map(|point| nearest(&centroids, point).0).collect();
        let mut counts = [0u32; CENTROIDS];
        let mut sums = vec![0.0f64; CENTROIDS * width];
        for (&code, point) in near.iter().zip(points.chunks(width)) {
            counts[usize::from(code)] += 1;
            let sum = &mut sums[usize::from(code) * width..][..width];
            sum.iter_mut().zip(point).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        for code in 0..CENTROIDS {
            if counts[code] > 0 {
                for i in code * width..(code + 1) * width {
                    centroids[i] = (sums[i] / f64::from(counts[code])) as f32;
                }
                continue;
            }
            let most = (0..CENTROIDS).max_by_key(|&code| counts[code]).unwrap_or(0);
            for i in 0..width {
                let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
                let near = centroids[most * width + i];
                centroids[code * width + i] = near + sign * 1e-3 * near.abs().max(1e-6);
            }
            counts[code] = counts[most] / 2;
            counts[most] -= counts[code];
        }
    }
    centroids
}

/// The nearest centroid and its squared distance.
fn nearest(centroids: &[f32], point: &[f32]) -> (u8, f32) {
    let mut best = (0, f32::INFINITY);
    for (code, centroid) in centroids.chunks(point.len()).enumerate() {
        let distance: f32 = centroid.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum();
        if distance < best.1 {
            best = (code as u8, distance);
        }
    }
    best
}

fn loss(matrix: &[f32], dim: usize, quantized: &Quantized) -> Loss {
    // In parts of a fixed size, so that the sum is the same for any number of threads.
    const ROWS: usize = 4096;
    let parts: Vec<[f64; 4]> = matrix
        .par_chunks(dim * ROWS)
        .enumerate()
        .map(|(part, rows)| {
            let mut sums = [0.0; 4];
            for (row, exact) in rows.chunks(dim).enumerate() {
                let mut left = vec![0.0; dim];
                quantized.add(part * ROWS + row, &mut left);
                let dot = |a: &[f32], b: &[f32]| -> f64 {
                    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
                };
                let (square, lengths) = (dot(exact, exact), dot(&left, &left));
                let lost: f64 =
                    exact.iter().zip(&left).map(|(a, b)| f64::from(a - b).powi(2)).sum();
                sums[0] += lost;
                sums[1] += square;
                if square > 0.0 && lengths > 0.0 {
                    sums[2] += dot(exact, &left) / (square * lengths).sqrt();
                    sums[3] += 1.0;
                }
            }
            sums
        })
        .collect();
    let sum = |i: usize| parts.iter().map(|sums| sums[i]).sum::<f64>();
    Loss {
        squared_error: if sum(1) > 0.0 { sum(0) / sum(1) } else { 0.0 },
        cosine: if sum(3) > 0.0 { sum(2) / sum(3) } else { 1.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn few_distinct_rows_are_kept_exactly_and_many_nearly() {
        let exact: Vec<f32> = (0..100).flat_map(|n| [n as f32, -1.0, 0.5 * n as f32]).collect();
        let settings = QuantizeSettings { part: 2, norms: false, seed: 3 };
        let (quantized, loss) = quantize(&exact, 3, &settings, &Silent).unwrap();
        assert_eq!((quantized.rows(), quantized.codes().len()), (100, 200));
        assert!(loss.squared_error < 0.001, "{loss:?}");
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let many: Vec<f32> = (0..50_000).map(|_| random.random::<f32>() - 0.5).collect();
        let settings = QuantizeSettings { norms: true, ..settings };
        let (_, loss) = quantize(&many, 10, &settings, &Silent).unwrap();
        assert!(loss.cosine > 0.99 && loss.squared_error < 0.02, "{loss:?}");
        assert!(quantize(&many, 10, &QuantizeSettings { part: 0, ..settings }, &Silent).is_err());
    }
}
