//! Random numbers of the inner loops: a few cycles each, and one stream for each unit of work.

/// A stream of Wyrand: a Weyl sequence, mixed by the product of its numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random(u64);

/// Mixes two numbers into one whose bits depend on all of theirs.
#[inline(always)]
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x2d35_8dcc_aa6c_78a5) * u128::from(b ^ 0x8bb8_4b93_962e_acc9);
    (product as u64) ^ (product >> 64) as u64
}

impl Random {
    /// The stream that two numbers name.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(mix(mix(seed, stream), 0x9e37_79b9_7f4a_7c15))
    }

    #[inline(always)]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0xa076_1d64_78bd_642f);
        mix(self.0, self.0 ^ 0xe703_7ed1_a0b4_28db)
    }

    /// A number below `n`, by the upper half of 64 bits; the lower half is left to be used.
    #[inline(always)]
    pub(crate) fn below(&mut self, n: u32) -> (u32, u32) {
        let bits = self.next();
        ((((bits >> 32) * u64::from(n)) >> 32) as u32, bits as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_even_and_streams_differ() {
        let mut counts = [0u32; 7];
        let mut random = Random::new(1, 2);
        for _ in 0..70_000 {
            counts[random.below(7).0 as usize] += 1;
        }
        // 10,000 each, with a standard deviation of 93.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 500), "{counts:?}");
        assert_ne!(Random::new(1, 3).next(), Random::new(1, 2).next());
        assert_ne!(Random::new(2, 2).next(), Random::new(1, 2).next());
    }
}
