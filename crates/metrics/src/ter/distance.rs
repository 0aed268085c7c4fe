//! Edit distance within a band around the diagonal, as Tercom bounds it.

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
/// same words only the rows behind the first difference are computed.
pub(super) struct Matrix<'a> {
    reference: &'a [u32],
    hypothesis: Vec<u32>,
    /// A row for each beginning of the hypothesis, a column for each of the reference.
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

impl<'a> Matrix<'a> {
    /// Of a reference that is not empty.
    pub(super) fn new(reference: &'a [u32], hypothesis: Vec<u32>) -> Self {
        let columns = reference.len() + 1;
        let mut cells = vec![OUTSIDE; columns * (hypothesis.len() + 1)];
        for (column, cell) in cells[..columns].iter_mut().enumerate() {
            *cell = (column as u32, Step::Insert);
        }
        let mut matrix = Self { reference, hypothesis, cells, trial: Vec::new() };
        let (first, rest) = matrix.cells.split_at_mut(columns);
        fill(reference, &matrix.hypothesis, 0, first, rest);
        matrix
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
        let columns = self.reference.len() + 1;
        let before = &self.cells[same * columns..][..columns];
        self.trial.clear();
        self.trial.resize(columns * (order.len() - same), OUTSIDE);
        fill(self.reference, order, same, before, &mut self.trial);
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
            match self.cells[row * (self.reference.len() + 1) + column].1 {
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

/// Computes the rows of `hypothesis` behind its first `done` words, whose row is `before`.
fn fill(reference: &[u32], hypothesis: &[u32], done: usize, before: &[Cell], rows: &mut [Cell]) {
    let columns = reference.len() + 1;
    // The diagonal of a matrix that is not square; floating point as the original has it.
    let slope = reference.len() as f64 / hypothesis.len().max(1) as f64;
    let band = match slope / 2.0 {
        steep if BAND as f64 >= steep => BAND,
        // So steep that the bands of two rows would not meet.
        steep => (steep + BAND as f64).ceil() as usize,
    };
    let mut above = before;
    for (index, row) in rows.chunks_exact_mut(columns).enumerate() {
        let number = done + index + 1;
        let word = hypothesis[number - 1];
        let diagonal = (number as f64 * slope).floor() as usize;
        let from = diagonal.saturating_sub(band);
        let to = if number == hypothesis.len() { columns } else { columns.min(diagonal + band) };
        for column in from..to {
            row[column] = if column == 0 {
                (above[0].0 + 1, Step::Delete)
            } else {
                let (cost, step) = match word == reference[column - 1] {
                    true => (0, Step::Keep),
                    false => (1, Step::Substitute),
                };
                // The first of the cheapest.
                let mut best = OUTSIDE;
                for way in [
                    (above[column - 1].0 + cost, step),
                    (above[column].0 + 1, Step::Delete),
                    (row[column - 1].0 + 1, Step::Insert),
                ] {
                    if way.0 < best.0 {
                        best = way;
                    }
                }
                best
            };
        }
        above = row;
    }
}
