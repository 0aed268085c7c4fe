//! What a long computation tells of itself.

/// A step of an estimation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Text to word ids, in bytes read.
    Reading,
    /// n-grams counted and sorted, in positions of the text.
    Counting,
    /// Sorted runs merged, in n-grams.
    Merging,
    /// Adjusted counts, in orders.
    Adjusting,
    /// Probabilities, in orders.
    Estimating,
    /// n-grams left out, in orders.
    Pruning,
    /// The model written, in n-grams.
    Writing,
    /// A model read, in bytes.
    Loading,
    /// A query structure built, in orders.
    Building,
}

impl Stage {
    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Counting => "counting",
            Self::Merging => "merging",
            Self::Adjusting => "adjusting",
            Self::Estimating => "estimating",
            Self::Pruning => "pruning",
            Self::Writing => "writing",
            Self::Loading => "loading",
            Self::Building => "building",
        }
    }
}

/// Sees how a computation goes.
pub trait Progress: Sync {
    /// A stage begins; `total` says how much it has to do, where that is known.
    fn stage(&self, stage: Stage, total: Option<u64>);

    /// So much of the stage is done.
    fn at(&self, done: u64);

    /// Something that the user should know, and need not act on.
    fn notice(&self, _: &str) {}
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _: Stage, _: Option<u64>) {}

    fn at(&self, _: u64) {}
}
