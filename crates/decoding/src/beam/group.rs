//! A part of a beam that is searched by itself; a beam without diversity is one.

use super::history::Ending;
use crate::bans::Position;

/// What it holds between two steps.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Likeliest first.
    pub(super) live: Vec<Live>,
    /// Best first.
    pub(super) finished: Vec<Ending>,
}

/// A hypothesis that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live {
    /// Its row among the sentence's.
    pub(super) row: usize,
    /// Its last token.
    pub(super) token: u32,
    pub(super) node: u32,
    pub(super) log_prob: f64,
    pub(super) position: Position,
}

impl Live {
    /// Its values of the sentence's `[rows, V]`.
    pub(super) fn values(&self, vocabulary: usize) -> std::ops::Range<usize> {
        self.row * vocabulary..(self.row + 1) * vocabulary
    }
}

impl Group {
    /// Keeps the best `kept` finished hypotheses; the earlier among equals.
    pub(super) fn finish(&mut self, ending: Ending, kept: usize) {
        let at = self.finished.partition_point(|other| other.score >= ending.score);
        if at < kept {
            self.finished.truncate(kept - 1);
            self.finished.insert(at, ending);
        }
    }

    /// The score that has to be exceeded to enter a full list.
    pub(super) fn worst(&self, kept: usize) -> Option<f64> {
        (self.finished.len() == kept).then(|| self.finished[kept - 1].score)
    }
}
