//! Principal components: the directions in which rows vary most.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A direction of length 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// The direction.
    pub direction: Vec<f64>,
    /// Which part of the sum of squares lies in it.
    pub share: f64,
}

/// Iterations at most; block iteration with eight directions to spare converges in far fewer.
const MOST_ROUNDS: usize = 500;

/// The first `k` components of rows `[n, dim]` about zero, in the order of their share; fewer where rows
/// span fewer directions. Their signs are such that the largest number of each is positive.
///
/// Block power iteration on `XᵀX`, with a Rayleigh-Ritz step by Jacobi's rotations (Golub and Van Loan
/// 2013, sections 8.2 and 8.5).
pub fn components(rows: &[f64], dim: usize, k: usize) -> Vec<Component> {
    let n = rows.len() / dim.max(1);
    let all: f64 = rows.iter().map(|x| x * x).sum();
    let size = (k + 8).min(n).min(dim);
    if size == 0 || !(all > 0.0 && all.is_finite()) {
        return Vec::new();
    }
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut basis: Vec<Vec<f64>> =
        (0..size).map(|_| (0..dim).map(|_| random.random::<f64>() - 0.5).collect()).collect();
    orthonormalise(&mut basis);
    let mut values = vec![0.0; size];
    for _ in 0..MOST_ROUNDS {
        let images: Vec<Vec<f64>> = basis.iter().map(|v| image(rows, dim, v)).collect();
        let gram: Vec<Vec<f64>> =
            basis.iter().map(|v| images.iter().map(|w| dot(v, w)).collect()).collect();
        let (fresh, rotation) = jacobi(gram);
        basis = rotation.iter().map(|weights| combine(weights, &images)).collect();
        orthonormalise(&mut basis);
        let change = fresh.iter().zip(&values).take(k).map(|(a, b)| (a - b).abs());
        let settled = change.fold(0.0, f64::max) < 1e-14 * all;
        values = fresh;
        if settled {
            break;
        }
    }
    basis.truncate(k);
    let held = |(direction, value): (Vec<f64>, f64)| {
        let largest =
            direction.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
        let direction = direction.iter().map(|x| x * largest.signum()).collect();
        (value > 1e-12 * all).then(|| Component { direction, share: value / all })
    };
    basis.into_iter().zip(values).filter_map(held).collect()
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `XᵀX v`
fn image(rows: &[f64], dim: usize, v: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; dim];
    for row in rows.chunks_exact(dim) {
        let product = dot(row, v);
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += product * x);
    }
    sum
}

fn combine(weights: &[f64], vectors: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; vectors[0].len()];
    for (weight, vector) in weights.iter().zip(vectors) {
        sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += weight * x);
    }
    sum
}

/// Gram and Schmidt's, twice for the digits; what is nothing becomes zeros.
fn orthonormalise(basis: &mut [Vec<f64>]) {
    for i in 0..basis.len() {
        let (before, rest) = basis.split_at_mut(i);
        let v = &mut rest[0];
        let length = dot(v, v).sqrt();
        for _ in 0..2 {
            for u in before.iter() {
                let product = dot(u, v);
                v.iter_mut().zip(u).for_each(|(v, u)| *v -= product * u);
            }
        }
        let left = dot(v, v).sqrt();
        let scale = if left > 1e-12 * length { 1.0 / left } else { 0.0 };
        v.iter_mut().for_each(|x| *x *= scale);
    }
}

/// Eigenvalues of a symmetric matrix, largest first, and the eigenvector of each.
fn jacobi(mut a: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = a.len();
    let mut vectors: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..60 {
        let mut off = 0.0;
        for p in 0..n {
            for q in p + 1..n {
                off += a[p][q] * a[p][q];
                if a[p][q].abs() < 1e-300 {
                    continue;
                }
                // The rotation by the smaller angle that makes a[p][q] zero.
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for row in &mut a {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                for matrix in [&mut a, &mut vectors] {
                    let (low, high) = matrix.split_at_mut(q);
                    for (x, y) in low[p].iter_mut().zip(&mut high[0]) {
                        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                    }
                }
            }
        }
        if off == 0.0 {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j][j].total_cmp(&a[i][i]));
    (order.iter().map(|&i| a[i][i]).collect(), order.iter().map(|&i| vectors[i].clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows made of known directions with known lengths: `X = U S Vᵀ`.
    #[test]
    fn components_are_the_directions_that_rows_were_made_of() {
        let h = 0.5f64;
        // Columns of a Hadamard matrix: orthonormal on both sides.
        let [u, v] = [[[h, h, h, h], [h, -h, h, -h], [h, h, -h, -h]]; 2];
        let lengths = [5.0, 3.0, 0.5];
        let mut rows = vec![0.0; 16];
        for (length, (u, v)) in lengths.iter().zip(u.iter().zip(&v)) {
            for i in 0..4 {
                for j in 0..4 {
                    rows[i * 4 + j] += length * u[i] * v[j];
                }
            }
        }
        let found = components(&rows, 4, 4);
        assert_eq!(found.len(), 3, "the rank is 3");
        let all: f64 = lengths.iter().map(|x| x * x).sum();
        for (found, (length, v)) in found.iter().zip(lengths.iter().zip(&v)) {
            assert!((found.share - length * length / all).abs() < 1e-12);
            assert!((dot(&found.direction, v).abs() - 1.0).abs() < 1e-9);
        }
        assert!(components(&[0.0; 8], 4, 2).is_empty());
    }
}
