//! The best few of many scores.

/// The `k` best scores and their rows, best first; of equal ones the lower row.
#[derive(Clone, Debug)]
pub(crate) struct Top {
    k: usize,
    best: Vec<(f32, usize)>,
}

impl Top {
    pub(crate) fn new(k: usize) -> Self {
        Self { k, best: Vec::with_capacity(k.min(1024)) }
    }

    /// What a score must exceed.
    pub(crate) fn threshold(&self) -> f32 {
        match self.best.last() {
            Some(&(score, _)) if self.best.len() == self.k => score,
            _ => f32::NEG_INFINITY,
        }
    }

    /// Takes the scores of `first` and the rows after it, none of which came before.
    pub(crate) fn take(&mut self, scores: &[f32], first: usize, excluded: &[usize]) {
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if self.k == 0 || most <= self.threshold() {
            return;
        }
        for (r, &score) in scores.iter().enumerate() {
            if score > self.threshold() && !excluded.contains(&(first + r)) {
                self.push(score, first + r);
            }
        }
    }

    /// Takes what another saw of later rows.
    pub(crate) fn merge(&mut self, other: Self) {
        for (score, row) in other.best {
            if score > self.threshold() {
                self.push(score, row);
            }
        }
    }

    fn push(&mut self, score: f32, row: usize) {
        if self.best.len() == self.k {
            self.best.pop();
        }
        let place = self.best.partition_point(|&(other, _)| other >= score);
        self.best.insert(place, (score, row));
    }

    pub(crate) fn into_best(self) -> Vec<(f32, usize)> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_in_order_and_of_equals_the_first() {
        let scores = [0.5, 0.9, 0.1, 0.9, -1.0, 0.7, 0.9];
        let mut top = Top::new(3);
        top.take(&scores[..4], 0, &[]);
        let mut rest = Top::new(3);
        rest.take(&scores[4..], 4, &[6]);
        top.merge(rest);
        assert_eq!(top.into_best(), [(0.9, 1), (0.9, 3), (0.7, 5)]);
        let mut none = Top::new(0);
        none.take(&scores, 0, &[]);
        assert!(none.into_best().is_empty());
    }
}
