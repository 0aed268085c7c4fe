//! The walk towards a query.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::Index;
use crate::neighbours::{Neighbour, Query, dots_of};
use crate::vectors::{Vectors, norm};

/// A row and its cosine; the greater is the nearer, of equals the lower row.
#[derive(Clone, Copy, PartialEq)]
struct Scored {
    similarity: f32,
    row: u32,
}

impl Eq for Scored {}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        self.similarity.total_cmp(&other.similarity).then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What a thread keeps from one query to the next.
struct Walk<'a> {
    vectors: &'a Vectors,
    /// What rows are multiplied by to have length 1: 0 until a row is come by, negative where it has no
    /// direction. A walk reads few rows of a mapped matrix.
    scales: Vec<f32>,
    /// The number of the last search that came by each row.
    seen: Vec<u32>,
    search: u32,
    /// Rows that are looked at together, and their cosines.
    rows: Vec<u32>,
    scores: Vec<f32>,
}

impl Index {
    /// The `k` nearest rows for each query, best first, of those that a walk that keeps `ef` candidates
    /// comes by; on all threads. Fewer than `k` where links lead to no more.
    ///
    /// # Panics
    /// When a query's vector, or the vectors that this index was not built for, are of other dimensions.
    pub fn nearest(
        &self,
        vectors: &Vectors,
        queries: &[Query],
        k: usize,
        ef: usize,
    ) -> Vec<Vec<Neighbour>> {
        assert!(queries.iter().all(|query| query.vector().len() == vectors.dim()));
        let walk = || Walk {
            vectors,
            scales: vec![0.0; vectors.len()],
            seen: vec![0; vectors.len()],
            search: 0,
            rows: Vec::new(),
            scores: Vec::new(),
        };
        let search = |walk: &mut Walk<'_>, query| walk.nearest(self, query, k, ef);
        queries.par_iter().map_init(walk, search).collect()
    }
}

impl Walk<'_> {
    fn nearest(&mut self, index: &Index, query: &Query, k: usize, ef: usize) -> Vec<Neighbour> {
        let from = self.descend(index, query);
        let kept = ef.max(k.saturating_add(query.excluded().len())).min(self.vectors.len());
        let Some(from) = from.filter(|_| k > 0) else { return Vec::new() };
        let mut best = self.widen(index, query, from, kept);
        best.retain(|it| !query.excluded().contains(&(it.row as usize)));
        best.sort_unstable_by_key(|&it| Reverse(it));
        best.truncate(k);
        best.iter()
            .map(|it| Neighbour { row: it.row as usize, similarity: it.similarity })
            .collect()
    }

    /// From the highest layer to the lowest but one, each time to the nearest node.
    fn descend(&mut self, index: &Index, query: &Query) -> Option<Scored> {
        self.rows.clear();
        self.rows.push(index.entry);
        let mut at = self.look(query).max()?;
        for layer in index.layers.iter().skip(1).rev() {
            loop {
                self.rows.clear();
                self.rows.extend_from_slice(layer.links(at.row));
                match self.look(query).max() {
                    Some(nearer) if nearer > at => at = nearer,
                    _ => break,
                }
            }
        }
        Some(at)
    }

    /// Algorithm 2 in the lowest layer: the best `ef` that are come by, in no order.
    fn widen(&mut self, index: &Index, query: &Query, from: Scored, ef: usize) -> Vec<Scored> {
        self.search = self.search.wrapping_add(1);
        if self.search == 0 {
            self.seen.fill(0);
            self.search = 1;
        }
        self.seen[from.row as usize] = self.search;
        let mut candidates = BinaryHeap::from([from]);
        let mut best = BinaryHeap::from([Reverse(from)]);
        let Some(layer) = index.layers.first() else { return Vec::new() };
        while let Some(nearest) = candidates.pop() {
            let farthest = best.peek().map(|&Reverse(it)| it);
            if best.len() >= ef && farthest.is_some_and(|farthest| nearest < farthest) {
                break;
            }
            self.rows.clear();
            for &row in layer.links(nearest.row) {
                if let Some(seen) = self.seen.get_mut(row as usize)
                    && *seen != self.search
                {
                    *seen = self.search;
                    self.rows.push(row);
                }
            }
            for it in self.look(query) {
                let farthest = best.peek().map(|&Reverse(it)| it);
                if best.len() < ef || farthest.is_none_or(|farthest| it > farthest) {
                    candidates.push(it);
                    best.push(Reverse(it));
                    if best.len() > ef {
                        best.pop();
                    }
                }
            }
        }
        best.into_iter().map(|Reverse(it)| it).collect()
    }

    /// The cosines of `self.rows`, of those that have a direction.
    fn look(&mut self, query: &Query) -> impl Iterator<Item = Scored> {
        let Self { vectors, scales, rows, scores, .. } = self;
        rows.retain(|&row| {
            let Some(scale) = scales.get_mut(row as usize) else { return false };
            if *scale == 0.0 {
                let length = norm(vectors.row(row as usize));
                *scale = if length > 0.0 { 1.0 / length } else { -1.0 };
            }
            *scale > 0.0
        });
        scores.resize(rows.len(), 0.0);
        dots_of(query.vector(), |n| vectors.row(rows[n] as usize), scores);
        rows.iter()
            .zip(scores)
            .map(|(&row, score)| Scored { row, similarity: *score * scales[row as usize] })
    }
}
