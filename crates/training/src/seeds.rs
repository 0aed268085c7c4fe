//! Independent random streams from one seed.

/// What a stream is drawn for.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Weights = 1,
    Dropout,
    Windows,
    Samples,
    Data,
}

/// A stream's own seed: SplitMix64 (Steele et al. 2014), so that neighbouring seeds are unrelated.
pub(crate) fn seed_of(seed: u64, stream: Stream) -> u64 {
    let mut z = seed.wrapping_add((stream as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
