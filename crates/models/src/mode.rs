//! Training or evaluation, and where the dropout masks come from.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// What a forward pass is for. Every pass is told, so that evaluation cannot drop by accident and
/// no random state hides in a global.
///
/// A training loop keeps one `Mode::Train` and writes it into its checkpoints: restored, it draws
/// the same masks as the run that was not interrupted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is dropped.
    #[default]
    Evaluate,
    /// Dropout is active and draws from this stream.
    Train(DropoutRng),
}

impl Mode {
    /// Training mode whose first mask is mask 0 of `seed`.
    pub fn train(seed: u64) -> Self {
        Mode::Train(DropoutRng::new(seed))
    }

    /// The mode of replica `rank` of a model that is trained on parts of a batch at once: at the
    /// same place of a stream of its own. Replica 0 has this one.
    pub fn replica(&self, rank: u64) -> Self {
        match self {
            Mode::Evaluate => Mode::Evaluate,
            // Steps of the golden ratio never meet (Steele et al. 2014).
            Mode::Train(DropoutRng { seed, masks }) => Mode::Train(DropoutRng {
                seed: seed.wrapping_add(rank.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
                masks: *masks,
            }),
        }
    }
}

/// The random stream of the dropout masks: mask `n` is stream `n` of ChaCha8 under `seed`.
///
/// Its whole state is two numbers, so a checkpoint is exact and small, and a mask does not depend
/// on the device or on the shapes of the masks before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropoutRng {
    seed: u64,
    masks: u64,
}

impl DropoutRng {
    /// The stream of `seed`, at its first mask.
    pub fn new(seed: u64) -> Self {
        Self { seed, masks: 0 }
    }

    /// The next `len` values, uniform in `[0, 1)`; they count as a mask.
    pub(crate) fn uniform(&mut self, len: usize) -> Vec<f32> {
        let mut stream = ChaCha8Rng::seed_from_u64(self.seed);
        stream.set_stream(self.masks);
        self.masks += 1;
        (0..len).map(|_| (stream.next_u32() >> 8) as f32 * (1.0 / (1 << 24) as f32)).collect()
    }

    /// The next inverted-dropout mask: `len` values, each 0 with probability `p` and otherwise
    /// `1/(1-p)` (Srivastava et al. 2014, section 10, scaled while training).
    ///
    /// `p` in `[0, 1)` is rounded to a multiple of 2^-16, and the scale is that of the rounded `p`,
    /// so the mask's expectation is exactly 1.
    pub(crate) fn mask(&mut self, p: f64, len: usize) -> Vec<f32> {
        let mut stream = ChaCha8Rng::seed_from_u64(self.seed);
        stream.set_stream(self.masks);
        self.masks += 1;
        // 16 random bits decide one element: half the cost of 32, a bias of at most 2^-17.
        let threshold = ((p * 65536.0).round() as u32).min(65535);
        let scale = (65536.0 / (65536.0 - f64::from(threshold))) as f32;
        let mut mask = Vec::with_capacity(len);
        let mut bytes = [0u8; 4096];
        while mask.len() < len {
            let count = (len - mask.len()).min(bytes.len() / 2);
            stream.fill_bytes(&mut bytes);
            mask.extend(bytes[..2 * count].chunks_exact(2).map(|pair| {
                let draw = u32::from(u16::from_le_bytes([pair[0], pair[1]]));
                if draw < threshold { 0.0 } else { scale }
            }));
        }
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_expectation_one_and_drop_p() {
        for p in [0.05, 0.5, 0.65] {
            let mask = DropoutRng::new(3).mask(p, 200_000);
            let mean = mask.iter().map(|&v| f64::from(v)).sum::<f64>() / 200_000.0;
            let dropped = mask.iter().filter(|&&v| v == 0.0).count() as f64 / 200_000.0;
            assert!((mean - 1.0).abs() < 0.01, "p {p}: mean {mean}");
            assert!((dropped - p).abs() < 0.005, "p {p}: dropped {dropped}");
        }
    }

    #[test]
    fn a_restored_stream_draws_the_same_masks() {
        let mut run = DropoutRng::new(7);
        run.mask(0.5, 1000);
        let text = serde_json::to_string(&Mode::Train(run.clone())).unwrap();
        let Mode::Train(mut restored) = serde_json::from_str(&text).unwrap() else { panic!() };
        assert_eq!(run.mask(0.5, 777), restored.mask(0.5, 777));
        assert_ne!(run.mask(0.5, 777), DropoutRng::new(7).mask(0.5, 777));
    }
}
