//! t-SNE: a map on which words have the neighbours that they have in all dimensions.

use bhtsne::{Neighbor, tSNE};
use rayon::prelude::*;

use super::{Map, Points};
use crate::error::{EmbeddingError, Result};
use crate::neighbours::dots;
use crate::vectors::Vectors;

/// Fewer words have no neighbourhoods to speak of.
const LEAST: usize = 10;

/// How wide the map is at the beginning: narrow, so that words can pass each other (Kobak and Berens 2019).
const NARROW: f64 = 1e-4;

/// How coarsely far words are taken together (van der Maaten 2014: theta).
const COARSENESS: f32 = 0.5;

/// Arranges words on a plane so that near ones stay near (t-SNE, van der Maaten and Hinton 2008), by the
/// distances of their vectors of length 1.
///
/// Each word has about `perplexity` neighbours that count: 5 to 50, and for few words no more than a third of
/// them. The map begins at the two principal components, so nothing in it is random; it is made by one thread,
/// and the same words and vectors give the same map.
///
/// # Errors
/// [`EmbeddingError::Setting`] when fewer than ten words have vectors, all vectors are equal, or the perplexity
/// is below 1 or not finite.
pub fn tsne(vectors: &Vectors, words: &[Vec<u8>], perplexity: f32) -> Result<Map> {
    if !(perplexity >= 1.0 && perplexity.is_finite()) {
        let problem = "a perplexity (--perplexity) is a number of neighbours, 5 to 50 in most maps";
        return Err(EmbeddingError::Setting(problem.into()));
    }
    let points = Points::gather(vectors, words, LEAST)?;
    let (begin, _) = points.principal()?;
    let number = points.words.len();
    let perplexity = perplexity.min((number - 1) as f32 / 3.0);
    let near = neighbours(&points, ((3.0 * perplexity) as usize).clamp(1, number - 1));
    let data = vec![(); number];
    let arrange = || {
        let mut map: tSNE<'_, f32, ()> = tSNE::new(&data);
        map.perplexity(perplexity).initial_embedding(narrow(&begin));
        map.barnes_hut_with_neighbors(COARSENESS, &near).embedding()
    };
    // More threads would add in another order each time.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let map = alone.map_err(|error| EmbeddingError::Setting(error.to_string()))?.install(arrange);
    if map.iter().any(|x| !x.is_finite()) {
        let problem = "the words have no map: many of their vectors are equal; take others, or the \
                       principal components (--projection pca)";
        return Err(EmbeddingError::Setting(problem.into()));
    }
    let places = map.chunks_exact(2).map(|at| [at[0].into(), at[1].into()]).collect();
    let about = format!(
        "t-SNE, perplexity {perplexity:.0}: who is near whom counts; how far groups are apart, and how wide, \
         says little"
    );
    Ok(points.at(places, about))
}

/// The `k` nearest of each word, nearest first, with the distances between ends of vectors of length 1.
fn neighbours(points: &Points, k: usize) -> Vec<Vec<Neighbor<f32>>> {
    let rows: Vec<f32> = points.rows.iter().map(|&x| x as f32).collect();
    let of = |word: usize| {
        let mut products = vec![0.0; points.words.len()];
        dots(&rows[word * points.dim..][..points.dim], &rows, &mut products);
        let others = products.into_iter().enumerate().filter(|&(other, _)| other != word);
        let mut all: Vec<(f32, usize)> =
            others.map(|(other, product)| (1.0 - product, other)).collect();
        let order = |a: &(f32, usize), b: &(f32, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        all.select_nth_unstable_by(k - 1, order);
        all.truncate(k);
        all.sort_unstable_by(order);
        let distance = |less: f32| (2.0 * less).max(0.0).sqrt();
        all.into_iter()
            .map(|(less, index)| Neighbor { index, distance: distance(less) })
            .collect::<Vec<_>>()
    };
    (0..points.words.len()).into_par_iter().map(of).collect()
}

/// Places as numbers one after the other, the first axis with a deviation of [`NARROW`].
fn narrow(places: &[[f64; 2]]) -> Vec<f32> {
    let square = places.iter().map(|[x, _]| x * x).sum::<f64>() / places.len() as f64;
    let scale = NARROW / square.sqrt();
    places.iter().flatten().map(|x| (x * scale) as f32).collect()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::lexicon::Lexicon;

    /// Words about five centres in 20 dimensions, more than two components can part.
    fn clusters(words: usize) -> (Vectors, Vec<Vec<u8>>) {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut number = || random.random::<f32>() * 2.0 - 1.0;
        let centres: Vec<f32> = (0..5 * 20).map(|_| number()).collect();
        let matrix: Vec<f32> = (0..words * 20)
            .map(|at| centres[at / 20 % 5 * 20 + at % 20] + 0.4 * number())
            .collect();
        let words: Vec<Vec<u8>> = (0..words).map(|n| format!("w{n}").into_bytes()).collect();
        let lexicon: Lexicon = words.iter().map(Vec::as_slice).collect();
        (Vectors::new(lexicon, matrix, 20).unwrap(), words)
    }

    #[test]
    fn words_keep_their_neighbours_and_a_map_is_the_same_each_time() {
        let (vectors, words) = clusters(200);
        let map = tsne(&vectors, &words, 15.0).unwrap();
        let apart = |a: usize, b: usize| {
            let ([x, y], [u, v]) = (map.words[a].1, map.words[b].1);
            (x - u).hypot(y - v)
        };
        for word in 0..200 {
            let nearest = (0..200).filter(|&other| other != word);
            let nearest = nearest.min_by(|&a, &b| apart(word, a).total_cmp(&apart(word, b)));
            assert_eq!(nearest.unwrap() % 5, word % 5);
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(map, pool.install(|| tsne(&vectors, &words, 15.0)).unwrap());
    }

    #[test]
    fn few_words_equal_words_and_impossible_perplexities() {
        let (vectors, mut words) = clusters(12);
        assert!(tsne(&vectors, &words, 1000.0).unwrap().about.contains("perplexity 4"));
        let error = tsne(&vectors, &words[..9], 30.0).unwrap_err().to_string();
        assert!(error.contains("9 of 9 words") && error.contains("at least 10"), "{error}");
        for perplexity in [0.0, f32::NAN, f32::INFINITY] {
            let error = tsne(&vectors, &words, perplexity).unwrap_err().to_string();
            assert!(error.contains("--perplexity"), "{error}");
        }
        // One word asked for many times lies where it lies.
        words.extend(vec![words[0].clone(); 20]);
        let map = tsne(&vectors, &words, 5.0).unwrap();
        assert!(map.words.iter().all(|(_, [x, y])| x.is_finite() && y.is_finite()));
        let error = tsne(&vectors, &vec![words[0].clone(); 20], 5.0).unwrap_err().to_string();
        assert!(error.contains("same vector"), "{error}");
    }
}
