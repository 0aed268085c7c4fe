//! What a long computation tells of itself.

/// A step of a computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Text to word ids, in bytes read.
    Reading,
    /// Co-occurrences counted, in words.
    Counting,
    /// Sorted runs merged, in records.
    Merging,
    /// Vectors trained, in words or records over all epochs.
    Training,
    /// Vectors replaced by codes, in rounds.
    Quantizing,
    /// Rows linked to those near them, in rows.
    Indexing,
}

impl Stage {
    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Counting => "counting",
            Self::Merging => "merging",
            Self::Training => "training",
            Self::Quantizing => "quantizing",
            Self::Indexing => "indexing",
        }
    }
}

/// Sees how a computation goes.
pub trait Progress: Sync {
    /// A stage begins; `total` says how much it has to do, where that is known.
    fn stage(&self, stage: Stage, total: Option<u64>);

    /// So much of the stage is done.
    fn at(&self, done: u64);

    /// The mean loss of what was trained last, and the learning rate.
    fn loss(&self, _loss: f64, _lr: f64) {}
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _: Stage, _: Option<u64>) {}

    fn at(&self, _: u64) {}
}
