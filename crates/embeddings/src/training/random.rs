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

/// 32 random bits that belong to a place: places that follow each other must have bits as independent as
/// any, and one product of neighbouring numbers does not.
#[inline(always)]
pub(crate) fn bits_at(seed: u64, place: u64) -> u32 {
    let mixed = mix(seed, place);
    (mix(mixed, mixed ^ 0xe703_7ed1_a0b4_28db) >> 32) as u32
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

    #[test]
    fn neighbouring_places_are_independent() {
        const PLACES: u64 = 200_000;
        for seed in [mix(1, !0), mix(1, !1), mix(2, !0), mix(3, !1), 0] {
            // A place in ten: then two, so and so far from each other, in a hundred.
            let chosen: Vec<bool> =
                (0..PLACES).map(|place| bits_at(seed, place) < u32::MAX / 10).collect();
            for distance in 1..=10 {
                let pairs = chosen.iter().zip(&chosen[distance..]).filter(|(a, b)| **a && **b);
                let both = pairs.count();
                // 2,000 with a standard deviation of 45 to 50.
                assert!(both.abs_diff(2000) < 300, "{seed:x}, {distance}: {both}");
            }
        }
    }
}
