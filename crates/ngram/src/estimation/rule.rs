//! Counts of a context to probability mass: each smoothing as two numbers a context.

use super::discounts::Discounts;

/// What follows a context, summed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    /// Sum of all counts, `c(h)`.
    pub(crate) sum: u64,
    /// How many words followed with the count 1, 2, and 3 or more, those left out not among them.
    pub(crate) kept: [u64; 3],
    /// Sum of the counts of what is left out.
    pub(crate) pruned: u64,
    /// How many words followed.
    pub(crate) types: u64,
}

impl Context {
    #[inline]
    pub(crate) fn add(&mut self, count: u64, kept: bool) {
        self.sum += count;
        if count > 0 {
            self.types += 1;
            if kept {
                self.kept[count.min(3) as usize - 1] += 1;
            } else {
                self.pruned += count;
            }
        }
    }
}

/// How one order makes probabilities: `p(w|h) = scale(h) mass(c(h w)) + gamma(h) p(w|h')`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    Discounted(Discounts),
    WittenBell,
    /// `k V`.
    Added(f64),
    MaximumLikelihood,
}

impl Rule {
    /// The part of a count that stays with its word.
    #[inline]
    pub(crate) fn mass(&self, count: u64) -> f64 {
        match self {
            Self::Discounted(discounts) => count as f64 - discounts.of(count),
            _ => count as f64,
        }
    }

    /// `(scale, gamma)` of a context that something follows.
    #[inline]
    pub(crate) fn weights(&self, context: &Context) -> (f64, f64) {
        let (sum, pruned) = (context.sum as f64, context.pruned as f64);
        let (whole, freed) = match self {
            Self::Discounted(discounts) => {
                let kinds = context.kept.iter().zip(discounts.amounts);
                (sum, kinds.map(|(&n, d)| n as f64 * d).sum())
            }
            Self::WittenBell => (sum + context.types as f64, context.types as f64),
            Self::Added(added) => (sum + added, *added),
            Self::MaximumLikelihood => (sum, 0.0),
        };
        if whole > 0.0 { (1.0 / whole, (freed + pruned) / whole) } else { (0.0, 1.0) }
    }
}
