//! Heat maps of attention: a row for each token that is written, a column for each that is read.

use serde::Serialize;

use crate::seq2seq::looks::{Look, Looks};

/// Tokens that are written, and positions that are read, beyond which a map would be too small.
const MOST_WRITTEN: usize = 60;
const MOST_READ: usize = 120;

/// Size of a cell, and of a character of a label, in the units of the picture.
const CELL: f64 = 18.0;
const CHARACTER: f64 = 7.2;

/// The maps of a run, as the template draws them.
#[derive(Serialize)]
pub(super) struct Maps {
    epoch: u64,
    maps: Vec<Map>,
    /// Translations that are too long to be drawn.
    left_out: usize,
}

/// One map.
#[derive(Serialize)]
struct Map {
    source: String,
    text: String,
    reference: String,
    width: f64,
    height: f64,
    /// Where the cells begin.
    left: f64,
    top: f64,
    cell: f64,
    columns: Vec<Label>,
    rows: Vec<Label>,
    cells: Vec<Cell>,
}

/// A token beside its row or above its column.
#[derive(Serialize)]
struct Label {
    x: f64,
    y: f64,
    text: String,
}

/// The attention of a row on a column.
#[derive(Serialize)]
struct Cell {
    x: f64,
    y: f64,
    weight: f32,
    says: String,
}

/// Those of a run; `None` where there is nothing to draw.
pub(super) fn maps(looks: &Looks) -> Option<Maps> {
    let fits = |look: &&Look| look.source.len() <= MOST_READ && look.target.len() <= MOST_WRITTEN;
    let maps: Vec<Map> = looks.translations.iter().filter(fits).map(Map::of).collect();
    let left_out = looks.translations.len() - maps.len();
    (!looks.translations.is_empty()).then_some(Maps { epoch: looks.epoch, maps, left_out })
}

impl Map {
    fn of(look: &Look) -> Self {
        let longest = |words: &[String]| {
            words.iter().map(|word| word.chars().count()).max().unwrap_or(0) as f64 * CHARACTER
        };
        let (left, top) = (longest(&look.target) + 8.0, longest(&look.source) + 8.0);
        let along = |index: usize| index as f64 * CELL;
        let columns = look.source.iter().enumerate().map(|(column, word)| Label {
            x: left + along(column) + CELL * 0.65,
            y: top - 5.0,
            text: word.clone(),
        });
        let rows = look.target.iter().enumerate().map(|(row, word)| Label {
            x: left - 5.0,
            y: top + along(row) + CELL * 0.7,
            text: word.clone(),
        });
        let mut cells = Vec::new();
        for (row, (weights, written)) in look.attention.iter().zip(&look.target).enumerate() {
            for (column, (&weight, read)) in weights.iter().zip(&look.source).enumerate() {
                // What is not looked at shows the ground.
                if weight > 0.0 {
                    let says = format!("{written} on {read}: {weight:.3}");
                    let (x, y) = (left + along(column), top + along(row));
                    cells.push(Cell { x, y, weight, says });
                }
            }
        }
        Self {
            source: look.source_text.clone(),
            text: look.text.clone(),
            reference: look.reference.clone(),
            width: left + along(look.source.len()) + 1.0,
            height: top + along(look.target.len()) + 1.0,
            left,
            top,
            cell: CELL,
            columns: columns.collect(),
            rows: rows.collect(),
            cells,
        }
    }
}
