//! Hard debiasing (Bolukbasi et al. 2016): neutralise and equalise.

use std::collections::HashSet;

use rayon::prelude::*;

use super::direction::{Direction, Pairs, beside, unit};
use super::sets::{Lookup, row};
use crate::error::Result;
use crate::principal::dot;
use crate::vectors::Vectors;

/// Vectors without a direction.
#[derive(Debug)]
pub struct Debiased {
    /// All of length 1; n-grams are left out, for they would bring the direction back.
    pub vectors: Vectors,
    /// Words that lost the direction.
    pub neutralised: usize,
    /// Pairs that are now equally far from all neutral words.
    pub equalised: usize,
}

/// Takes the direction out of all words but the `specific` ones, then puts each pair of `equalise` at equal
/// distances along it.
///
/// With vectors of length 1 and direction `g`: a neutral word becomes `w - (w·g) g`, of length 1 again; a
/// pair becomes `ν ± sqrt(1 - ‖ν‖²) g`, where `ν` is what is left of its middle beside `g`. As in the
/// authors' program, a pair is taken in lower case, in capitals and with a capital, wherever both words are
/// held.
///
/// # Errors
/// None with vectors that are well formed.
pub fn debias(
    vectors: &Vectors,
    direction: &Direction,
    specific: &[String],
    equalise: &Pairs,
) -> Result<Debiased> {
    let exact = Lookup { lowercase: false, ..Lookup::default() };
    let find = |word: &str| row(vectors, word, &exact);
    let kept: HashSet<usize> = specific.iter().filter_map(|word| find(word)).collect();
    let g = &direction.vector;
    let dim = vectors.dim();
    let mut matrix = vec![0.0f32; vectors.len() * dim];
    let to_f64 = |row: usize| unit(vectors.row(row).iter().map(|&x| f64::from(x)).collect());
    matrix.par_chunks_mut(dim).enumerate().for_each(|(row, out)| {
        let vector = to_f64(row);
        let vector = if kept.contains(&row) { vector } else { unit(beside(&vector, g)) };
        out.iter_mut().zip(vector).for_each(|(out, x)| *out = x as f32);
    });
    let mut equalised = 0;
    let variants: [fn(&str) -> String; 3] =
        [|word| word.to_lowercase(), title, |word| word.to_uppercase()];
    let mut done = HashSet::new();
    for pair in equalise {
        for variant in variants {
            let [Some(a), Some(b)] = pair.each_ref().map(|word| find(&variant(word))) else {
                continue;
            };
            if a == b || !done.insert([a, b]) {
                continue;
            }
            // The side that each word is on is that of its vector before.
            let held = |row: usize| -> Vec<f64> {
                matrix[row * dim..][..dim].iter().map(|&x| f64::from(x)).collect()
            };
            let (va, vb) = (held(a), held(b));
            let middle: Vec<f64> = va.iter().zip(&vb).map(|(a, b)| (a + b) / 2.0).collect();
            let nu = beside(&middle, g);
            let (before_a, before_b) = (to_f64(a), to_f64(b));
            let side = if dot(&before_a, g) < dot(&before_b, g) { -1.0 } else { 1.0 };
            let z = side * (1.0 - dot(&nu, &nu)).max(0.0).sqrt();
            for (row, z) in [(a, z), (b, -z)] {
                let out = matrix[row * dim..][..dim].iter_mut();
                out.zip(nu.iter().zip(g)).for_each(|(out, (nu, g))| *out = (nu + z * g) as f32);
            }
            equalised += 1;
        }
    }
    let mut changed = Vectors::new(vectors.words().clone(), matrix, dim)?;
    if let Some(counts) = vectors.counts() {
        changed = changed.with_counts(counts.to_vec());
    }
    // What was made equal has the direction again, the one word with it and the other against it.
    let equal = done.iter().flatten().filter(|row| !kept.contains(row)).collect::<HashSet<_>>();
    let neutralised = vectors.len() - kept.len() - equal.len();
    Ok(Debiased { vectors: changed, neutralised, equalised })
}

/// The word with a capital.
fn title(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters.flat_map(char::to_lowercase)).collect()
}
