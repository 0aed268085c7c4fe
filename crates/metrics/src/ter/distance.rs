//! Edit distance within a band around the diagonal, as Tercom bounds it.

use std::ops::Range;

/// Half the width of the band.
const BAND: usize = 25;

/// How a cell of the matrix is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Both words are the same.
    Keep,
    /// Another word stands for it.
    Substitute,
    /// A word of the hypothesis is too much.
    Delete,
    /// A word of the reference is missing.
    Insert,
    /// Not at all: outside the band.
    Outside,
}

type Cell = (u32, Step);

const OUTSIDE: Cell = (u32::MAX / 2, Step::Outside);

/// The distances of a hypothesis' beginnings from a reference's, kept so that of another order of the
/// same words only the rows behind the first difference are computed. Only the band is stored.
pub(super) struct Matrix<'a> {
    reference: &'a [u32],
    hypothesis: Vec<u32>,
    band: Band,
    /// A row for each beginning of the hypothesis; of each row the columns of the band.
    cells: Vec<Cell>,
    /// Rows of another order of the words, from its first difference on.
    trial: Vec<Cell>,
}

/// Which word stands where, by the fewest edits.
pub(super) struct Alignment {
    /// For each word of the reference, how many words of the hypothesis go up to its place.
    pub(super) places: Vec<usize>,
    /// Words of the reference that the hypothesis gets wrong.
    pub(super) reference_errors: Vec<bool>,
    /// Words of the hypothesis that are wrong.
    pub(super) hypothesis_errors: Vec<bool>,
}

/// Which columns each row has, and where they are stored.
struct Band {
    columns: Vec<Range<usize>>,
    /// Of each row and of the end.
    offsets: Vec<usize>,
}

impl Band {
    fn new(hypothesis: usize, reference: usize) -> Self {
        // The diagonal of a matrix that is not square; floating point as the original has it.
        let slope = reference as f64 / hypothesis.max(1) as f64;
        let half = match slope / 2.0 {
            steep if BAND as f64 >= steep => BAND,
            // So steep that the bands of two rows would not meet.
            steep => (steep + BAND as f64).ceil() as usize,
        };
        let columns = |row: usize| {
            let diagonal = (row as f64 * slope).floor() as usize;
            let from = if row == 0 { 0 } else { diagonal.saturating_sub(half) };
            let is_whole = row == 0 || row == hypothesis;
            from..if is_whole { reference + 1 } else { (reference + 1).min(diagonal + half) }
        };
        let columns: Vec<_> = (0..=hypothesis).map(columns).collect();
        let mut offsets = vec![0];
        for row in &columns {
            offsets.push(offsets[offsets.len() - 1] + row.len());
        }
        Self { columns, offsets }
    }

    /// A row of the cells that begin with row `first`.
    fn row<'c>(&self, cells: &'c [Cell], first: usize, row: usize) -> Row<'c> {
        let offset = self.offsets[first];
        let cells = &cells[self.offsets[row] - offset..self.offsets[row + 1] - offset];
        Row { from: self.columns[row].start, cells }
    }
}

/// A part of a row.
struct Row<'c> {
    from: usize,
    cells: &'c [Cell],
}

impl Row<'_> {
    fn at(&self, column: usize) -> Cell {
        let cell = column.checked_sub(self.from).and_then(|index| self.cells.get(index));
        cell.copied().unwrap_or(OUTSIDE)
    }
}

impl<'a> Matrix<'a> {
    /// Of a reference that is not empty.
    pub(super) fn new(reference: &'a [u32], hypothesis: Vec<u32>) -> Self {
        let band = Band::new(hypothesis.len(), reference.len());
        let mut cells: Vec<Cell> =
            (0..=reference.len()).map(|column| (column as u32, Step::Insert)).collect();
        for row in 1..=hypothesis.len() {
            extend(&band, reference, &hypothesis, row, (0, &mut cells), None);
        }
        Self { reference, hypothesis, band, cells, trial: Vec::new() }
    }

    pub(super) fn reference(&self) -> &'a [u32] {
        self.reference
    }

    pub(super) fn hypothesis(&self) -> &[u32] {
        &self.hypothesis
    }

    pub(super) fn distance(&self) -> u32 {
        self.cells[self.cells.len() - 1].0
    }

    /// The distance of the same words in another order.
    pub(super) fn distance_of(&mut self, order: &[u32]) -> u32 {
        let same = self.hypothesis.iter().zip(order).take_while(|(one, other)| one == other);
        let same = same.count();
        if same == order.len() {
            return self.distance();
        }
        self.trial.clear();
        let before = self.band.row(&self.cells, 0, same);
        let mut before = Some(before);
        for row in same + 1..=order.len() {
            let cells = (same + 1, &mut self.trial);
            extend(&self.band, self.reference, order, row, cells, before.take());
        }
        self.trial[self.trial.len() - 1].0
    }

    /// Takes the words in another order.
    pub(super) fn reorder(&mut self, order: Vec<u32>) {
        *self = Self::new(self.reference, order);
    }

    /// The alignment by the fewest edits, read from the end.
    pub(super) fn alignment(&self) -> Alignment {
        let (mut row, mut column) = (self.hypothesis.len(), self.reference.len());
        let mut alignment = Alignment {
            places: vec![0; column],
            reference_errors: vec![true; column],
            hypothesis_errors: vec![true; row],
        };
        while row > 0 || column > 0 {
            match self.band.row(&self.cells, 0, row).at(column).1 {
                step @ (Step::Keep | Step::Substitute) => {
                    column -= 1;
                    alignment.places[column] = row;
                    row -= 1;
                    let wrong = step == Step::Substitute;
                    alignment.reference_errors[column] = wrong;
                    alignment.hypothesis_errors[row] = wrong;
                }
                Step::Insert => {
                    column -= 1;
                    alignment.places[column] = row;
                }
                Step::Delete => row -= 1,
                // What can be reached was reached from a cell that can.
                Step::Outside => break,
            }
        }
        alignment
    }
}

/// Computes a row and puts it behind the cells, which begin with row `first`; the row above is the
/// last of them, or else `above`.
fn extend(
    band: &Band,
    reference: &[u32],
    hypothesis: &[u32],
    row: usize,
    (first, cells): (usize, &mut Vec<Cell>),
    above: Option<Row<'_>>,
) {
    let word = hypothesis[row - 1];
    let start = cells.len();
    cells.resize(start + band.columns[row].len(), OUTSIDE);
    let (done, new) = cells.split_at_mut(start);
    let above = above.unwrap_or_else(|| band.row(done, first, row - 1));
    let mut left = OUTSIDE;
    for (cell, column) in new.iter_mut().zip(band.columns[row].clone()) {
        *cell = if column == 0 {
            (above.at(0).0 + 1, Step::Delete)
        } else {
            let (cost, step) = match word == reference[column - 1] {
                true => (0, Step::Keep),
                false => (1, Step::Substitute),
            };
            // The first of the cheapest.
            let mut best = OUTSIDE;
            for way in [
                (above.at(column - 1).0 + cost, step),
                (above.at(column).0 + 1, Step::Delete),
                (left.0 + 1, Step::Insert),
            ] {
                if way.0 < best.0 {
                    best = way;
                }
            }
            best
        };
        left = *cell;
    }
}
