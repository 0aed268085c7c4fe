//! Counted n-grams.

use std::cmp::Ordering;

/// The n-grams of one order in a sequence, each with how often it occurs, in sorted order: two of
/// them are compared by merging, and nothing depends on a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ngrams<'a, T> {
    counted: Vec<(&'a [T], u64)>,
}

impl<'a, T: Ord> Ngrams<'a, T> {
    /// The n-grams of `order` in `tokens`; none where those are fewer, or for order 0.
    pub fn count(tokens: &'a [T], order: usize) -> Self {
        let mut windows: Vec<&[T]> = match order {
            0 => Vec::new(),
            _ => tokens.windows(order).collect(),
        };
        windows.sort_unstable();
        let mut counted: Vec<(&[T], u64)> = Vec::with_capacity(windows.len());
        for window in windows {
            match counted.last_mut() {
                Some((last, count)) if *last == window => *count += 1,
                _ => counted.push((window, 1)),
            }
        }
        Self { counted }
    }

    /// Occurrences of all n-grams together.
    pub fn total(&self) -> u64 {
        self.counted.iter().map(|&(_, count)| count).sum()
    }

    /// Occurrences that both have: the sum of the smaller counts.
    pub fn overlap(&self, other: &Self) -> u64 {
        self.merge(other).map(|(_, mine, others)| mine.min(others)).sum()
    }

    /// Each n-gram of either, as often as where it is more frequent.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let counted = self.merge(other).map(|(ngram, mine, others)| (ngram, mine.max(others)));
        Self { counted: counted.collect() }
    }

    /// Every n-gram of either with both counts.
    fn merge<'b>(&'b self, other: &'b Self) -> impl Iterator<Item = (&'a [T], u64, u64)> + 'b {
        let (mut mine, mut others) = (self.counted.iter(), other.counted.iter());
        let (mut left, mut right) = (mine.next(), others.next());
        std::iter::from_fn(move || {
            let order = match (left, right) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            let of_left = left.filter(|_| order.is_le());
            let of_right = right.filter(|_| order.is_ge());
            if of_left.is_some() {
                left = mine.next();
            }
            if of_right.is_some() {
                right = others.next();
            }
            let count = |of: Option<&(&[T], u64)>| of.map_or(0, |&(_, count)| count);
            let (ngram, _) = of_left.or(of_right)?;
            Some((*ngram, count(of_left), count(of_right)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_and_union_are_those_of_multisets() {
        let (left, right) = (['a', 'b', 'a', 'b', 'a'], ['b', 'a', 'b', 'c', 'a']);
        let (one, two) = (Ngrams::count(&left, 1), Ngrams::count(&right, 1));
        assert_eq!((one.total(), two.total()), (5, 5));
        assert_eq!((one.overlap(&two), two.overlap(&one)), (4, 4));
        assert_eq!(one.union(&two).total(), 3 + 2 + 1);
        assert_eq!(one.union(&two), two.union(&one));
        let (one, two) = (Ngrams::count(&left, 2), Ngrams::count(&right, 2));
        assert_eq!(
            (one.total(), one.overlap(&two), one.union(&two).total()),
            (4, 2, 2 + 2 + 1 + 1)
        );
        assert_eq!(Ngrams::count(&left, 6).total() + Ngrams::count(&left, 0).total(), 0);
    }
}
