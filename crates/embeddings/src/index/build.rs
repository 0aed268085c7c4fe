//! The graph, as `hnsw_rs` makes it.

use hnsw_rs::prelude::{Distance, Hnsw};
use rayon::prelude::*;

use super::{Index, Layer};
use crate::error::{EmbeddingError, Result};
use crate::neighbours::{dots, unit};
use crate::progress::{Progress, Stage};
use crate::vectors::Vectors;

/// Layers at most: there are some log(rows) / log(M).
const LAYERS: usize = 16;
/// Rows that are put in before progress is told.
const CHUNK: usize = 2048;

/// How dense the graph is; the names are Malkov and Yashunin's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexSettings {
    /// Links of a node in a layer, twice as many in the lowest: 2 to 128.
    pub m: usize,
    /// Candidates that are kept while the neighbours of a new node are looked for: `m` to 10,000.
    pub ef_construction: usize,
}

impl Default for IndexSettings {
    fn default() -> Self {
        Self { m: 16, ef_construction: 100 }
    }
}

impl IndexSettings {
    fn validate(&self) -> Result<()> {
        let Self { m, ef_construction } = *self;
        let problem = if !(2..=128).contains(&m) {
            format!("a node has 2 to 128 links, not {m} (--m)")
        } else if !(m..=10_000).contains(&ef_construction) {
            format!(
                "{ef_construction} candidates: give as many as links, {m}, to 10000 (--ef-construction)"
            )
        } else {
            return Ok(());
        };
        Err(EmbeddingError::Setting(problem))
    }
}

/// 1 less the cosine of vectors of length 1; the sum of products may exceed 1 by its rounding.
struct Cosine;

impl Distance<f32> for Cosine {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        let mut dot = [0.0];
        dots(a, b, &mut dot);
        (1.0 - dot[0]).max(0.0)
    }
}

impl Index {
    /// Builds the graph of all rows that have a direction, on all threads. It holds the vectors a second
    /// time until it is done. Several threads link nodes in an order of chance: one thread gives the same
    /// graph each time.
    ///
    /// # Errors
    /// [`EmbeddingError::Setting`] for settings out of range, when no row has a direction, and for more
    /// links than 32 bits count.
    pub fn build(
        vectors: &Vectors,
        settings: &IndexSettings,
        progress: &dyn Progress,
    ) -> Result<Self> {
        settings.validate()?;
        let unit = |row: usize| unit(vectors.row(row)).map(|vector| (vector, row));
        let first = (0..vectors.len()).find_map(unit).ok_or_else(|| {
            EmbeddingError::Setting("no row has a direction: nothing can be near it".into())
        })?;
        let IndexSettings { m, ef_construction } = *settings;
        let graph = Hnsw::new(m, vectors.len(), LAYERS, ef_construction, Cosine);
        progress.stage(Stage::Indexing, Some(vectors.len() as u64));
        // The first alone: the others are linked to what is there.
        graph.insert((&first.0, first.1));
        for start in (first.1 + 1..vectors.len()).step_by(CHUNK) {
            let end = vectors.len().min(start + CHUNK);
            let rows: Vec<_> = (start..end).into_par_iter().filter_map(unit).collect();
            rows.par_iter().for_each(|(vector, row)| graph.insert((vector, *row)));
            progress.at(end as u64);
        }
        of_graph(&graph, vectors.len())
    }
}

/// The links by layer and row.
fn of_graph(graph: &Hnsw<'_, f32, Cosine>, rows: usize) -> Result<Index> {
    let highest = usize::from(graph.get_max_level_observed());
    // [layer][(row, links)]
    let mut layers: Vec<Vec<(u32, Vec<u32>)>> = vec![Vec::new(); highest + 1];
    for point in graph.get_point_indexation() {
        let level = usize::from(point.get_point_id().0);
        let all = point.get_neighborhood_id();
        for (layer, links) in all.into_iter().enumerate().take(level + 1) {
            // A node of a lower layer may be named, from which this one goes nowhere.
            let links = links.iter().filter(|link| usize::from(link.p_id.0) >= layer);
            let links = links.map(|link| link.d_id as u32).collect();
            layers[layer].push((point.get_origin_id() as u32, links));
        }
    }
    let entry = layers[highest].iter().map(|(row, _)| *row).min().unwrap_or(0);
    let layers = layers.into_iter().enumerate().map(|(number, mut nodes)| {
        nodes.sort_unstable();
        if number == 0 {
            nodes = dense(nodes, rows);
        }
        packed(nodes, number > 0)
    });
    Ok(Index { entry, layers: layers.collect::<Result<_>>()? })
}

/// A node for every row, without links where it is none.
fn dense(nodes: Vec<(u32, Vec<u32>)>, rows: usize) -> Vec<(u32, Vec<u32>)> {
    let mut all: Vec<_> = (0..rows as u32).map(|row| (row, Vec::new())).collect();
    for (row, links) in nodes {
        all[row as usize].1 = links;
    }
    all
}

fn packed(nodes: Vec<(u32, Vec<u32>)>, names_rows: bool) -> Result<Layer> {
    let mut ends = Vec::with_capacity(nodes.len());
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for (row, links) in nodes {
        all.extend(links);
        ends.push(u32::try_from(all.len()).map_err(|_| {
            EmbeddingError::Setting("more links than 32 bits count; lower --m".into())
        })?);
        if names_rows {
            rows.push(row);
        }
    }
    Ok(Layer { rows: rows.into(), ends: ends.into(), links: all.into() })
}
