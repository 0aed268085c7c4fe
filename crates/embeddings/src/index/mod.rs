//! Approximate nearest neighbours: a graph of small worlds on the rows, that is walked instead of
//! looking at all of them.
//!
//! Hierarchical navigable small worlds (Malkov and Yashunin 2020, arXiv:1603.09320): every row is a node
//! of the lowest layer, a random 1 in M of them also of the next, and so on; a node is linked to some of
//! those near it. A search walks down from the highest layer towards the query (their algorithm 5).
//!
//! - `build`: the graph, as `hnsw_rs` makes it
//! - `search`: the walk, over rows where they lie, mapped or in memory
//!
//! What is found is measured, not promised: [`Index::recall`].

mod build;
mod search;

pub use build::IndexSettings;

use crate::neighbours::{Neighbour, Query, nearest};
use crate::section::Section;
use crate::vectors::Vectors;

/// The graph. It belongs to the rows that it was built for, and goes with them:
/// [`Vectors::with_index`].
#[derive(Clone, Debug)]
pub struct Index {
    /// Where every walk begins: a node of the highest layer.
    pub(crate) entry: u32,
    /// From the lowest.
    pub(crate) layers: Vec<Layer>,
}

/// The nodes of a layer and their links. Nothing in it is trusted, for it may come from a file.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// The rows that are nodes, in order; of the lowest layer, whose nodes are all rows, none.
    pub(crate) rows: Section<u32>,
    /// Where each node's links end; they begin where those of the node before it end.
    pub(crate) ends: Section<u32>,
    /// Rows.
    pub(crate) links: Section<u32>,
}

impl Layer {
    /// The rows that a row is linked to; none where it is no node.
    fn links(&self, row: u32) -> &[u32] {
        let node = match self.rows.is_empty() {
            true => Some(row as usize),
            false => self.rows.binary_search(&row).ok(),
        };
        let links = node.and_then(|node| {
            let start = node.checked_sub(1).map_or(Some(&0), |before| self.ends.get(before))?;
            self.links.get(*start as usize..*self.ends.get(node)? as usize)
        });
        links.unwrap_or_default()
    }
}

/// How much of what is exact the walk finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recall {
    /// The share of the exact neighbours that were found.
    pub found: f64,
    /// Rows that were asked for their neighbours.
    pub queries: usize,
    /// Queries a second of the walk, on all threads.
    pub walked_per_second: f64,
    /// Queries a second of looking at every row, on all threads.
    pub exact_per_second: f64,
}

impl Index {
    /// Layers, of which the lowest has all rows.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Links of all layers.
    pub fn links(&self) -> usize {
        self.layers.iter().map(|layer| layer.links.len()).sum()
    }

    /// Looks for the `k` nearest of rows spread evenly over the vocabulary, at most `most`, by a walk
    /// that keeps `ef` candidates and by looking at all, and compares. Nothing where no row has a
    /// direction.
    pub fn recall(&self, vectors: &Vectors, k: usize, ef: usize, most: usize) -> Option<Recall> {
        let apart = vectors.len().div_ceil(most.max(1)).max(1);
        let queries: Vec<Query> = (0..vectors.len())
            .step_by(apart)
            .filter_map(|row| Query::new(vectors.row(row), vec![row]).ok())
            .collect();
        if queries.is_empty() || k == 0 {
            return None;
        }
        // Lengths and threads, which both sides need, are there before either is timed.
        self.nearest(vectors, &queries[..1], k, ef);
        let rate = |seconds: f64| queries.len() as f64 / seconds;
        let start = std::time::Instant::now();
        let walked = self.nearest(vectors, &queries, k, ef);
        let walked_per_second = rate(start.elapsed().as_secs_f64());
        let start = std::time::Instant::now();
        let exact = nearest(vectors, &queries, k, vectors.len());
        let exact_per_second = rate(start.elapsed().as_secs_f64());
        let (mut hits, mut all) = (0, 0);
        for (walked, exact) in walked.iter().zip(&exact) {
            let is_found = |it: &&Neighbour| walked.iter().any(|other| other.row == it.row);
            hits += exact.iter().filter(is_found).count();
            all += exact.len();
        }
        let found = if all == 0 { 1.0 } else { hits as f64 / all as f64 };
        Some(Recall { found, queries: queries.len(), walked_per_second, exact_per_second })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;
    use crate::lexicon::Lexicon;
    use crate::progress::Silent;

    /// Rows about a hundred centres, and one of zeros.
    fn vectors() -> Vectors {
        let (rows, dim) = (3000, 20);
        let number = |i: usize| ((i * 7919 + i * i * 31 + 13) % 2003) as f32 / 1000.0 - 1.0;
        let mut matrix: Vec<f32> = (0..rows * dim)
            .map(|i| number(i / dim % 100 * dim + i % dim + 7) + 0.4 * number(i * 3 + 1))
            .collect();
        matrix[5 * dim..6 * dim].fill(0.0);
        let words: Vec<String> = (0..rows).map(|row| format!("w{row}")).collect();
        let words: Lexicon = words.iter().map(String::as_bytes).collect();
        Vectors::new(words, matrix, dim).unwrap()
    }

    fn built(vectors: &Vectors, threads: usize) -> Result<Index> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Index::build(vectors, &IndexSettings::default(), &Silent))
    }

    #[test]
    fn a_walk_finds_most_neighbours_and_their_true_cosines() {
        let vectors = vectors();
        let index = built(&vectors, 2).unwrap();
        let recall = index.recall(&vectors, 10, 100, 500).unwrap();
        assert!(recall.found > 0.95, "{recall:?}");
        let queries: Vec<Query> = [&b"w0"[..], b"w700", b"w2999"]
            .iter()
            .map(|word| Query::word(&vectors, word).unwrap())
            .collect();
        let exact = nearest(&vectors, &queries, vectors.len(), vectors.len());
        let walked = index.nearest(&vectors, &queries, 10, 50);
        for (walked, exact) in walked.iter().zip(&exact) {
            assert_eq!(walked.len(), 10);
            assert!(walked.is_sorted_by(|a, b| a.similarity >= b.similarity));
            for found in walked {
                // The row itself and that of zeros are no answers.
                assert!(found.row != 5);
                let same = exact.iter().find(|it| it.row == found.row).unwrap();
                assert!((same.similarity - found.similarity).abs() < 1e-5);
            }
        }
    }

    /// With as many candidates as rows, nothing that a link leads to is missed.
    #[test]
    fn a_wide_walk_is_nearly_exact() {
        let vectors = vectors();
        let index = built(&vectors, 1).unwrap();
        let recall = index.recall(&vectors, 10, vectors.len(), 50).unwrap();
        assert!(recall.found > 0.99, "{recall:?}");
    }

    #[test]
    fn one_thread_builds_the_same_graph_again() {
        let vectors = vectors();
        let [a, b] = [0, 1].map(|_| built(&vectors, 1).unwrap());
        assert_eq!((a.entry, a.layers(), a.links()), (b.entry, b.layers(), b.links()));
        for (a, b) in a.layers.iter().zip(&b.layers) {
            assert!(*a.rows == *b.rows && *a.ends == *b.ends && *a.links == *b.links);
        }
    }

    #[test]
    fn small_vocabularies_and_wrong_settings_are_told() {
        let words: Lexicon = [&b"lamp"[..], b"wick", b"oil"].into_iter().collect();
        let zeros = Vectors::new(words.clone(), vec![0.0; 6], 2).unwrap();
        let error = built(&zeros, 1).unwrap_err().to_string();
        assert!(error.contains("no row has a direction"), "{error}");
        let three = Vectors::new(words, vec![1.0, 0.0, 1.0, 1.0, 0.0, 0.0], 2).unwrap();
        let index = built(&three, 1).unwrap();
        let found = index.nearest(&three, &[Query::word(&three, b"lamp").unwrap()], 10, 10);
        assert_eq!(found[0].iter().map(|it| it.row).collect::<Vec<_>>(), [1]);
        for (m, ef_construction) in [(1, 200), (129, 200), (16, 15), (16, 100_000)] {
            let settings = IndexSettings { m, ef_construction };
            assert!(Index::build(&three, &settings, &Silent).is_err());
        }
    }

    /// A graph from a file may say anything.
    #[test]
    fn a_graph_that_lies_finds_less_and_never_panics() {
        let vectors = vectors();
        let whole = built(&vectors, 1).unwrap();
        let query = [Query::word(&vectors, b"w9").unwrap()];
        let lie = |entry: u32, change: &dyn Fn(u32) -> u32| {
            let changed = |all: &Section<u32>| {
                Section::from(all.iter().map(|&x| change(x)).collect::<Vec<_>>())
            };
            let layers = whole.layers.iter().map(|layer| Layer {
                rows: changed(&layer.rows),
                ends: changed(&layer.ends),
                links: changed(&layer.links),
            });
            let index = Index { entry, layers: layers.collect() };
            index.nearest(&vectors, &query, 5, 20).concat().len()
        };
        assert_eq!(lie(whole.entry, &|x| x), 5);
        assert_eq!(lie(u32::MAX, &|x| x), 0);
        for change in [|x| x + 1, |x| u32::MAX - x, |x: u32| x.wrapping_mul(2_654_435_761), |_| 0] {
            assert!(lie(whole.entry, &change) <= 5);
        }
    }
}
