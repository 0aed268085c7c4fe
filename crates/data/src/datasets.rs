//! A text for Burn's own `DataLoader`: lines and windows as [`Dataset`]s, and a [`Batcher`].
//!
//! Here each item stands for itself: no state is carried from one to the next (for that, see
//! [`crate::bptt`]).
//!
//! ```
//! use burn::data::dataloader::DataLoaderBuilder;
//! use lampwick_data::{LmBatcher, SyntheticLanguage, WindowDataset};
//!
//! let tokens = SyntheticLanguage::default().tokens(1000, 1);
//! let loader = DataLoaderBuilder::new(LmBatcher::default())
//!     .batch_size(4)
//!     .shuffle(42)
//!     .build(WindowDataset::new(tokens, 20)?);
//! for batch in loader.iter() {
//!     let batch = batch?; // tokens and targets, [T, B]
//!     assert_eq!(batch.tokens.dims()[0], 20);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::{Dataset, DatasetError};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::error::{DataError, Result};
use crate::tokens::Tokens;

/// One sequence: each input with the token after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LmItem {
    /// T ids.
    pub inputs: Vec<u32>,
    /// T ids.
    pub targets: Vec<u32>,
}

/// The lines of a text, each predicted from the `</s>` before it to its own.
#[derive(Clone, Debug)]
pub struct LineDataset {
    tokens: Tokens,
    eos: u32,
    /// Where each line begins, and the end of the last: 8 bytes a line.
    starts: Vec<usize>,
}

impl LineDataset {
    /// Finds the lines in `tokens`, which end with the id `eos` (the last one may go without).
    ///
    /// # Errors
    /// [`DataError::Empty`] when there are no tokens.
    pub fn new(tokens: Tokens, eos: u32) -> Result<Self> {
        if tokens.is_empty() {
            return Err(DataError::Empty { name: "the text of a LineDataset".into() });
        }
        let mut starts = vec![0];
        starts.extend(
            tokens.iter().enumerate().filter(|&(_, id)| id == eos).map(|(index, _)| index + 1),
        );
        if starts.last() != Some(&tokens.len()) {
            starts.push(tokens.len());
        }
        Ok(Self { tokens, eos, starts })
    }
}

impl Dataset<LmItem> for LineDataset {
    fn get(&self, index: usize) -> Result<LmItem, DatasetError> {
        assert!(index < self.len(), "line {index} of {}", self.len());
        let mut targets = Vec::new();
        self.tokens.copy(self.starts[index]..self.starts[index + 1], &mut targets);
        let before = targets[..targets.len() - 1].iter().copied();
        Ok(LmItem { inputs: std::iter::once(self.eos).chain(before).collect(), targets })
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }
}

/// A text cut into windows of T inputs, one after the other. The tokens after the last whole window
/// are left out.
#[derive(Clone, Debug)]
pub struct WindowDataset {
    tokens: Tokens,
    length: usize,
}

impl WindowDataset {
    /// Cuts `tokens` into windows of `length` inputs.
    ///
    /// # Errors
    /// [`DataError::Setting`] for a length of zero, [`DataError::StreamTooShort`] when not one window
    /// fits.
    pub fn new(tokens: Tokens, length: usize) -> Result<Self> {
        if length == 0 {
            let mend = "must be at least 1 token";
            return Err(DataError::Setting { key: "length", value: "0".into(), mend });
        }
        let (stream, needed) = (tokens.len(), length + 1);
        if stream < needed {
            let (tokens, batch, batch_limit) = (stream, 1, 0);
            return Err(DataError::StreamTooShort { tokens, batch, stream, needed, batch_limit });
        }
        Ok(Self { tokens, length })
    }
}

impl Dataset<LmItem> for WindowDataset {
    fn get(&self, index: usize) -> Result<LmItem, DatasetError> {
        assert!(index < self.len(), "window {index} of {}", self.len());
        let start = index * self.length;
        let mut inputs = Vec::with_capacity(self.length + 1);
        self.tokens.copy(start..start + self.length + 1, &mut inputs);
        let targets = inputs[1..].to_vec();
        inputs.pop();
        Ok(LmItem { inputs, targets })
    }

    fn len(&self) -> usize {
        (self.tokens.len() - 1) / self.length
    }
}

/// Sequences as tensors, time-major. Shorter sequences are filled up.
#[derive(Clone, Debug)]
pub struct LmBatch {
    /// `[T, B]`; 0 beyond a sequence's end.
    pub tokens: Tensor<2, Int>,
    /// `[T, B]`; [`LmBatcher::ignore`] beyond a sequence's end.
    pub targets: Tensor<2, Int>,
    /// `[B]`, the length of each sequence.
    pub lengths: Vec<usize>,
}

/// Lays sequences side by side.
#[derive(Clone, Debug)]
pub struct LmBatcher {
    /// The target that stands beyond a sequence's end; pass it to the loss as the one to ignore.
    pub ignore: i64,
}

impl Default for LmBatcher {
    /// Ignored targets are -1, which no token is.
    fn default() -> Self {
        Self { ignore: -1 }
    }
}

impl Batcher<LmItem, LmBatch> for LmBatcher {
    fn batch(&self, items: Vec<LmItem>, device: &Device) -> LmBatch {
        let lengths: Vec<usize> = items.iter().map(|item| item.inputs.len()).collect();
        let shape = [lengths.iter().copied().max().unwrap_or(0), items.len()]; // [T, B]
        let time_major = |of: fn(&LmItem) -> &[u32], fill: i64| {
            let at = |t: usize, item: &LmItem| of(item).get(t).map_or(fill, |&id| i64::from(id));
            let ids: Vec<i64> =
                (0..shape[0]).flat_map(|t| items.iter().map(move |item| at(t, item))).collect();
            Tensor::from_data(TensorData::new(ids, shape), device) // [T, B]
        };
        LmBatch {
            tokens: time_major(|item| &item.inputs, 0),
            targets: time_major(|item| &item.targets, self.ignore),
            lengths,
        }
    }
}

/// An [`LmBatcher`] that gives tokens and targets alone, `[T, B]` each: the batch of the step traits
/// of `lampwick-models`.
#[derive(Clone, Debug, Default)]
pub struct PairBatcher(pub LmBatcher);

impl Batcher<LmItem, (Tensor<2, Int>, Tensor<2, Int>)> for PairBatcher {
    fn batch(&self, items: Vec<LmItem>, device: &Device) -> (Tensor<2, Int>, Tensor<2, Int>) {
        let LmBatch { tokens, targets, .. } = self.0.batch(items, device);
        (tokens, targets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::data::dataloader::DataLoaderBuilder;

    fn ids(tensor: Tensor<2, Int>) -> Vec<i64> {
        tensor.try_into_vec_as().unwrap()
    }

    #[test]
    fn lines_begin_after_eos() {
        // Lines: 5 6 </s>, </s>, 7 (without its end).
        let lines = LineDataset::new(vec![5, 6, 1, 1, 7].into(), 1).unwrap();
        assert_eq!(lines.len(), 3);
        let items: Vec<_> = (0..3).map(|line| lines.get(line).unwrap()).collect();
        assert_eq!((&items[0].inputs[..], &items[0].targets[..]), (&[1, 5, 6][..], &[5, 6, 1][..]));
        assert_eq!((&items[1].inputs[..], &items[1].targets[..]), (&[1][..], &[1][..]));
        assert_eq!((&items[2].inputs[..], &items[2].targets[..]), (&[1][..], &[7][..]));
        let batch = LmBatcher::default().batch(items, &Device::default());
        assert_eq!((batch.tokens.dims(), &batch.lengths[..]), ([3, 3], &[3, 1, 1][..]));
        assert_eq!(ids(batch.tokens), [1, 1, 1, 5, 0, 0, 6, 0, 0]);
        assert_eq!(ids(batch.targets), [5, 1, 7, 6, -1, -1, 1, -1, -1]);
        assert!(LineDataset::new(vec![].into(), 1).is_err());
    }

    #[test]
    fn burns_own_loader_sees_every_target_once() {
        let tokens: Tokens = (0..103).collect::<Vec<u32>>().into();
        let windows = WindowDataset::new(tokens, 10).unwrap();
        for (shuffle, workers) in [(None, 0), (Some(3), 0), (Some(3), 2)] {
            let mut builder =
                DataLoaderBuilder::new(LmBatcher::default()).batch_size(4).num_workers(workers);
            if let Some(seed) = shuffle {
                builder = builder.shuffle(seed);
            }
            let loader = builder.build(windows.clone());
            let mut seen = Vec::new();
            for batch in loader.iter() {
                let batch = batch.unwrap();
                let (inputs, targets) = (ids(batch.tokens), ids(batch.targets));
                assert!(inputs.iter().zip(&targets).all(|(input, target)| input + 1 == *target));
                seen.extend(targets);
            }
            seen.sort_unstable();
            assert!(seen.into_iter().eq(1..=100));
        }
        assert!(WindowDataset::new(vec![1, 2].into(), 2).is_err());
        assert!(WindowDataset::new(vec![1, 2].into(), 0).is_err());
    }

    #[test]
    fn lines_shuffle_and_batch_too() {
        let language = crate::SyntheticLanguage::default();
        let tokens = language.tokens(2000, 4);
        let eos = language.vocabulary().eos_id().unwrap();
        let total = tokens.len();
        let loader = DataLoaderBuilder::new(LmBatcher::default())
            .batch_size(8)
            .shuffle(1)
            .build(LineDataset::new(tokens, eos).unwrap());
        let scored: usize = loader.iter().flat_map(|batch| batch.unwrap().lengths).sum();
        assert_eq!(scored, total);
    }
}
