//! Words drawn for the text's words to be told from: by their counts to the power of 0.75.

use super::random::Random;

/// The distribution of negative samples, exact, by Walker's alias method: a cell is chosen evenly, and
/// then one of the two words that share it.
pub(crate) struct Negatives {
    /// Of each cell: up to which of 2^32 its own word is taken, and the other word.
    cells: Vec<[u32; 2]>,
}

impl Negatives {
    /// By `count^power` (word2vec: 0.75).
    pub(crate) fn new(counts: &[u64], power: f64) -> Self {
        let weights: Vec<f64> = counts.iter().map(|&count| (count as f64).powf(power)).collect();
        let scale = weights.len() as f64 / weights.iter().sum::<f64>();
        let mut shares: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let mut cells: Vec<[u32; 2]> = (0..shares.len() as u32).map(|i| [u32::MAX, i]).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..shares.len()).partition(|&i| shares[i] < 1.0);
        while let (Some(&less), Some(&more)) = (small.last(), large.last()) {
            small.pop();
            cells[less] = [(shares[less] * (1u64 << 32) as f64) as u32, more as u32];
            shares[more] -= 1.0 - shares[less];
            if shares[more] < 1.0 {
                large.pop();
                small.push(more);
            }
        }
        Self { cells }
    }

    #[inline(always)]
    pub(crate) fn draw(&self, random: &mut Random) -> u32 {
        let (cell, bits) = random.below(self.cells.len() as u32);
        let [own, other] = self.cells[cell as usize];
        if bits <= own { cell } else { other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_drawn_by_their_counts_to_the_power() {
        let counts = [1_000_000, 20_000, 3_000, 50, 1];
        let negatives = Negatives::new(&counts, 0.75);
        let all: f64 = counts.iter().map(|&count| (count as f64).powf(0.75)).sum();
        let mut random = Random::new(7, 0);
        let mut drawn = [0u64; 5];
        const DRAWS: u64 = 2_000_000;
        for _ in 0..DRAWS {
            drawn[negatives.draw(&mut random) as usize] += 1;
        }
        for (&count, &drawn) in counts.iter().zip(&drawn) {
            let expected = (count as f64).powf(0.75) / all * DRAWS as f64;
            assert!(
                (drawn as f64 - expected).abs() < 5.0 * expected.sqrt() + 1.0,
                "{drawn} {expected}"
            );
        }
        assert_eq!(Negatives::new(&[5], 0.75).draw(&mut random), 0);
    }
}
