//! Batches for truncated back-propagation through time.
//!
//! The text is laid out as B contiguous streams of equal length (Zaremba et al. 2014); window after
//! window is cut from all of them at once, so that a hidden state carried from one window to the next
//! belongs to the same place of the text. The tokens that do not fill the streams are cut off:
//!
//! ```text
//! n tokens = B * L + cut off,  L = floor(n / B)
//! stream b: tokens[b L .. (b + 1) L]; inputs are its first L - 1 tokens, targets its last L - 1
//! ```

mod evaluation;
mod length;

pub use evaluation::EvaluationBatches;
pub use length::BpttLength;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};
use crate::tokens::Tokens;

/// One window of all streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BpttBatch {
    /// `[T, B]` in row-major order, so time-major: `inputs[t * B + b]`.
    pub inputs: Vec<u32>,
    /// `[T, B]`, the token after each input in its stream.
    pub targets: Vec<u32>,
    /// T.
    pub steps: usize,
    /// B.
    pub batch: usize,
}

impl BpttBatch {
    /// Inputs and targets, both `[T, B]`, on a device.
    pub fn to_tensors(&self, device: &Device) -> (Tensor<2, Int>, Tensor<2, Int>) {
        let tensor = |ids: &[u32]| {
            let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
            Tensor::from_data(TensorData::new(ids, [self.steps, self.batch]), device) // [T, B]
        };
        (tensor(&self.inputs), tensor(&self.targets))
    }

    /// The same window of the streams in `range` alone.
    ///
    /// # Panics
    /// When the range exceeds `0..B`.
    pub fn streams(&self, range: std::ops::Range<usize>) -> Self {
        let of = |ids: &[u32]| -> Vec<u32> {
            ids.chunks_exact(self.batch)
                .flat_map(|row| row[range.clone()].iter().copied())
                .collect()
        };
        let (inputs, targets) = (of(&self.inputs), of(&self.targets));
        Self { inputs, targets, steps: self.steps, batch: range.len() }
    }
}

/// B parallel streams, cut into windows of fixed or random length.
///
/// ```
/// use lampwick_data::{BpttBatches, BpttLength, Tokens};
/// let tokens = Tokens::from((0..11).collect::<Vec<u32>>());
/// let mut batches = BpttBatches::new(tokens, 2, BpttLength::Fixed(3), 1)?;
/// let first = batches.next().unwrap();
/// assert_eq!(first.inputs, [0, 5, 1, 6, 2, 7]); // [T, B] = [3, 2]
/// assert_eq!(first.targets, [1, 6, 2, 7, 3, 8]);
/// assert_eq!(batches.next().unwrap().steps, 1); // the last window is shorter
/// assert!(batches.next().is_none()); // the epoch is over
/// assert_eq!((batches.tokens_per_epoch(), batches.tokens_cut_off()), (8, 1));
/// batches.start_epoch();
/// assert!(batches.next().is_some());
/// # Ok::<(), lampwick_data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BpttBatches {
    tokens: Tokens,
    batch: usize,
    stream: usize,
    length: BpttLength,
    seed: u64,
    rng: ChaCha8Rng,
    epoch: u64,
    offset: usize,
}

/// Where [`BpttBatches`] stand: part of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BpttPosition {
    /// Epochs completed.
    pub epoch: u64,
    /// Inputs of each stream already used in this epoch.
    pub offset: u64,
    /// Words drawn from the generator of the random lengths.
    pub rng_words: u64,
    /// L, to notice another text or batch size.
    pub stream: u64,
}

impl BpttBatches {
    /// Lays `tokens` out in `batch` streams. `seed` starts the generator of random lengths.
    ///
    /// # Errors
    /// [`DataError::Setting`] for a batch or a length of zero, [`DataError::StreamTooShort`] when one
    /// window does not fit in a stream.
    pub fn new(tokens: Tokens, batch: usize, length: BpttLength, seed: u64) -> Result<Self> {
        length.check()?;
        let stream = stream_length(&tokens, batch, length.longest_mean() + 1)?;
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Ok(Self { tokens, batch, stream, length, seed, rng, epoch: 0, offset: 0 })
    }

    /// Goes back to the start of the streams for another epoch. Random lengths are drawn anew.
    pub fn start_epoch(&mut self) {
        self.epoch += 1;
        self.offset = 0;
    }

    /// Where the batches stand; [`BpttBatches::restore`] continues from here with identical batches.
    pub fn position(&self) -> BpttPosition {
        BpttPosition {
            epoch: self.epoch,
            offset: self.offset as u64,
            rng_words: self.rng.get_word_pos() as u64,
            stream: self.stream as u64,
        }
    }

    /// Goes to a position of batches with the same tokens, batch size, length and seed.
    ///
    /// # Errors
    /// [`DataError::Setting`] when the position cannot be one of these batches.
    pub fn restore(&mut self, position: &BpttPosition) -> Result<()> {
        let fits = position.stream == self.stream as u64 && position.offset < self.stream as u64;
        if !fits {
            return Err(DataError::Setting {
                key: "data position",
                value: format!("{} of {}", position.offset, position.stream),
                mend: "is not one of this text and batch size; resume with those of the run",
            });
        }
        self.epoch = position.epoch;
        self.offset = position.offset as usize;
        self.rng = ChaCha8Rng::seed_from_u64(self.seed);
        self.rng.set_word_pos(u128::from(position.rng_words));
        Ok(())
    }

    /// B.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// L, the tokens in each stream.
    pub fn stream_length(&self) -> usize {
        self.stream
    }

    /// Epochs completed.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How windows are cut.
    pub fn length(&self) -> &BpttLength {
        &self.length
    }

    /// Predictions in one epoch: B (L - 1).
    pub fn tokens_per_epoch(&self) -> usize {
        self.batch * (self.stream - 1)
    }

    /// Tokens at the end of the text that fill no stream, n - B L. (Beside these, the first token of
    /// each stream is only ever an input.)
    pub fn tokens_cut_off(&self) -> usize {
        self.tokens.len() - self.batch * self.stream
    }

    /// Windows in one epoch: exact for a fixed length, the expected number for a random one.
    pub fn windows_per_epoch(&self) -> usize {
        ((self.stream - 1) as f64 / self.length.mean()).ceil() as usize
    }

    /// Windows still to come in this epoch, as [`BpttBatches::windows_per_epoch`] counts them.
    pub fn windows_left(&self) -> usize {
        ((self.stream - 1 - self.offset) as f64 / self.length.mean()).ceil() as usize
    }
}

impl Iterator for BpttBatches {
    type Item = BpttBatch;

    /// The next window; none at the end of the epoch (see [`BpttBatches::start_epoch`]).
    fn next(&mut self) -> Option<BpttBatch> {
        let left = self.stream - 1 - self.offset;
        if left == 0 {
            return None;
        }
        let steps = self.length.draw(&mut self.rng).min(left);
        let starts = (0..self.batch).map(|stream| stream * self.stream + self.offset);
        let batch = window(&self.tokens, starts, steps);
        self.offset += steps;
        Some(batch)
    }
}

/// L = floor(n / B), which must be at least `needed`.
fn stream_length(tokens: &Tokens, batch: usize, needed: usize) -> Result<usize> {
    if batch == 0 {
        return Err(DataError::Setting {
            key: "batch",
            value: "0".into(),
            mend: "must be at least 1 stream",
        });
    }
    let stream = tokens.len() / batch;
    if stream < needed {
        let (tokens, batch_limit) = (tokens.len(), tokens.len() / needed);
        return Err(DataError::StreamTooShort { tokens, batch, stream, needed, batch_limit });
    }
    Ok(stream)
}

/// The window of `steps` inputs that begin at `starts`, one per stream, with the tokens after them.
fn window(tokens: &Tokens, starts: impl Iterator<Item = usize>, steps: usize) -> BpttBatch {
    let mut streams = Vec::new(); // B x (T + 1)
    for start in starts {
        tokens.copy(start..start + steps + 1, &mut streams);
    }
    let batch = streams.len() / (steps + 1);
    let time_major = |shift: usize| {
        let at = |t: usize, b: usize| streams[b * (steps + 1) + t + shift];
        (0..steps).flat_map(|t| (0..batch).map(move |b| at(t, b))).collect()
    };
    BpttBatch { inputs: time_major(0), targets: time_major(1), steps, batch }
}

#[cfg(test)]
mod tests;
