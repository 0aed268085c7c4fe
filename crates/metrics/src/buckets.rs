//! A measure by the length of the source: where a model without attention gives way.

use serde::Serialize;

use crate::measure::Measure;

/// Ranges of lengths: up to and with the first bound, then up to the next, and all above the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LengthBuckets {
    bounds: Vec<usize>,
}

/// One range and what was counted in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bucket<C> {
    /// The shortest source.
    pub from: usize,
    /// The longest; none above the last bound.
    pub to: Option<usize>,
    /// Segments in it.
    pub segments: u64,
    /// Their counts.
    pub counts: C,
}

impl<C> Bucket<C> {
    /// `6-10`, or `51+` above the last bound.
    pub fn label(&self) -> String {
        match self.to {
            Some(to) => format!("{}-{to}", self.from),
            None => format!("{}+", self.from),
        }
    }
}

impl Default for LengthBuckets {
    /// Five words wide up to 30, as corpora of captions need it, then wider.
    fn default() -> Self {
        Self::new([5, 10, 15, 20, 25, 30, 40, 50])
    }
}

impl LengthBuckets {
    /// By the longest length of each range but the last; in any order.
    pub fn new(bounds: impl Into<Vec<usize>>) -> Self {
        let mut bounds = bounds.into();
        bounds.sort_unstable();
        bounds.dedup();
        Self { bounds }
    }

    /// Sums what `measure` counted over the ranges, given each segment's source length; ranges
    /// without a segment are left out.
    ///
    /// ```
    /// use lampwick_metrics::{ExactMatch, LengthBuckets, Measure};
    /// let (right, wrong) = (ExactMatch.count("a", &["a"]), ExactMatch.count("a", &["b"]));
    /// let parts = LengthBuckets::new([5, 10]).sum(&ExactMatch, [(3, right), (11, wrong), (5, wrong)]);
    /// let scores: Vec<_> = parts.iter().map(|it| (it.label(), ExactMatch.score(&it.counts))).collect();
    /// assert_eq!(scores, [("0-5".into(), 50.0), ("11+".into(), 0.0)]);
    /// ```
    pub fn sum<M: Measure>(
        &self,
        _measure: &M,
        counted: impl IntoIterator<Item = (usize, M::Counts)>,
    ) -> Vec<Bucket<M::Counts>> {
        let from = |index: usize| if index == 0 { 0 } else { self.bounds[index - 1] + 1 };
        let mut buckets: Vec<_> = (0..=self.bounds.len())
            .map(|index| Bucket {
                from: from(index),
                to: self.bounds.get(index).copied(),
                segments: 0,
                counts: M::Counts::default(),
            })
            .collect();
        for (length, counts) in counted {
            let bucket = &mut buckets[self.bounds.partition_point(|&bound| bound < length)];
            bucket.segments += 1;
            bucket.counts += counts;
        }
        buckets.retain(|bucket| bucket.segments > 0);
        buckets
    }
}
