//! Pairs of a source and a target as token ids, and batches of them for training.

use burn::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};

/// Pools of this many batches are sorted by length, so that a batch holds sentences of a length and
/// an epoch still mixes them.
const POOL: usize = 100;

/// What a target beyond a sentence's end is: it neither counts nor gives a gradient.
pub const PADDING: i64 = -1;

/// Many sequences of ids, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequences {
    ids: Vec<u32>,
    /// Where each one ends.
    ends: Vec<usize>,
}

impl Sequences {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Ids of all of them.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Appends one.
    pub fn push(&mut self, sequence: &[u32]) {
        self.ids.extend_from_slice(sequence);
        self.ends.push(self.ids.len());
    }

    /// The `index`-th, from 0.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn get(&self, index: usize) -> &[u32] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.ids[start..self.ends[index]]
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// Sources and their targets, without ends of sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdPairs {
    /// What is read.
    pub source: Sequences,
    /// What is to be written; as many.
    pub target: Sequences,
}

impl IdPairs {
    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.source.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// Appends a pair.
    pub fn push(&mut self, source: &[u32], target: &[u32]) {
        self.source.push(source);
        self.target.push(target);
    }

    /// Steps that a pair takes: the longer of the source and of the target with its end.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn steps(&self, index: usize) -> usize {
        self.source.get(index).len().max(self.target.get(index).len() + 1)
    }
}

/// How much goes into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchSize {
    /// So many pairs.
    Sentences(usize),
    /// At most so many positions, padding included: pairs times the steps of the longest of them,
    /// the longer of source and target (with its end) each. What a batch takes of memory is known
    /// before it is run; a pair that alone is longer has a batch of its own.
    Tokens(usize),
}

/// A padded batch, time-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairBatch {
    /// Which pairs, `[B]`.
    pub indices: Vec<usize>,
    /// Source ids, `[S, B]`, 0 past the end.
    pub source: Vec<u32>,
    /// Length of each source, `[B]`.
    pub source_lengths: Vec<usize>,
    /// What the decoder reads, `[T, B]`: the start symbol and the target; 0 past the end.
    pub inputs: Vec<u32>,
    /// What it is to write, `[T, B]`: the target and its end; [`PADDING`] past that.
    pub targets: Vec<i64>,
    /// Length of each target with its end, `[B]`.
    pub target_lengths: Vec<usize>,
}

impl PairBatch {
    /// The pairs `indices` as a batch; `end` both starts and ends a target.
    ///
    /// # Panics
    /// When there are no indices, or a pair is not there.
    pub fn new(pairs: &IdPairs, indices: Vec<usize>, end: u32) -> Self {
        let batch = indices.len();
        let source_lengths: Vec<usize> =
            indices.iter().map(|&index| pairs.source.get(index).len()).collect();
        let target_lengths: Vec<usize> =
            indices.iter().map(|&index| pairs.target.get(index).len() + 1).collect();
        let longest = |lengths: &[usize]| lengths.iter().copied().max().unwrap_or(1).max(1);
        let (s, t) = (longest(&source_lengths), longest(&target_lengths));
        let mut source = vec![0; s * batch];
        let mut inputs = vec![0; t * batch];
        let mut targets = vec![PADDING; t * batch];
        for (column, &index) in indices.iter().enumerate() {
            for (step, &id) in pairs.source.get(index).iter().enumerate() {
                source[step * batch + column] = id;
            }
            inputs[column] = end;
            let target = pairs.target.get(index);
            for (step, &id) in target.iter().enumerate() {
                inputs[(step + 1) * batch + column] = id;
                targets[step * batch + column] = i64::from(id);
            }
            targets[target.len() * batch + column] = i64::from(end);
        }
        Self { indices, source, source_lengths, inputs, targets, target_lengths }
    }

    /// `B`.
    pub fn size(&self) -> usize {
        self.indices.len()
    }

    /// Source `[S, B]`, decoder inputs `[T, B]` and targets `[T, B]`.
    pub fn to_tensors(&self, device: &Device) -> [Tensor<2, Int>; 3] {
        let batch = self.size();
        let ids = |ids: &[u32]| -> Vec<i64> { ids.iter().map(|&id| i64::from(id)).collect() };
        [ids(&self.source), ids(&self.inputs), self.targets.clone()].map(|values| {
            let shape = [values.len() / batch, batch];
            Tensor::from_data(TensorData::new(values, shape), device)
        })
    }
}

/// Where the batches of a run stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairPosition {
    /// Epoch, from 1.
    pub epoch: u64,
    /// Batches taken of it.
    pub taken: usize,
}

/// Batches of pairs of like length, in another order each epoch: a function of seed and epoch alone.
#[derive(Clone, Debug)]
pub struct PairBatches {
    size: BatchSize,
    seed: u64,
    position: PairPosition,
    /// Steps of each pair.
    steps: Vec<usize>,
    /// This epoch's batches.
    batches: Vec<Vec<usize>>,
}

impl PairBatches {
    /// The batches of the first epoch.
    ///
    /// # Errors
    /// [`DataError::Setting`] when there is no pair or a batch would hold nothing.
    pub fn new(pairs: &IdPairs, size: BatchSize, seed: u64) -> Result<Self> {
        let (BatchSize::Sentences(n) | BatchSize::Tokens(n)) = size;
        if n == 0 || pairs.is_empty() {
            let (key, mend) = if n == 0 {
                ("batches.size", "use at least 1")
            } else {
                ("data.train", "no pair is left to train on: give more, or raise the limits")
            };
            return Err(DataError::Setting { key, value: "0".into(), mend });
        }
        let steps = (0..pairs.len()).map(|index| pairs.steps(index)).collect();
        let position = PairPosition { epoch: 1, taken: 0 };
        let mut batches = Self { size, seed, position, steps, batches: Vec::new() };
        batches.deal();
        Ok(batches)
    }

    /// Back to the start, in the order of the next epoch.
    pub fn start_epoch(&mut self) {
        self.position = PairPosition { epoch: self.position.epoch + 1, taken: 0 };
        self.deal();
    }

    /// Where the batches stand.
    pub fn position(&self) -> PairPosition {
        self.position
    }

    /// Puts them where they stood.
    ///
    /// # Errors
    /// [`DataError::Setting`] for a position that these pairs do not have.
    pub fn restore(&mut self, position: PairPosition) -> Result<()> {
        self.position = position;
        self.deal();
        if position.taken <= self.batches.len() {
            return Ok(());
        }
        let mend = "the checkpoint stands beyond the epoch's batches: it is of other data";
        Err(DataError::Setting { key: "position", value: position.taken.to_string(), mend })
    }

    /// Batches of this epoch.
    pub fn per_epoch(&self) -> usize {
        self.batches.len()
    }

    /// Batches left of it.
    pub fn left(&self) -> usize {
        self.batches.len() - self.position.taken
    }

    /// Shuffles the pairs, sorts pools of them by length, cuts those into batches and shuffles these.
    fn deal(&mut self) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.position.epoch);
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        shuffle(&mut order, &mut rng);
        let mean = self.steps.iter().sum::<usize>().div_ceil(self.steps.len().max(1)).max(1);
        let pool = match self.size {
            BatchSize::Sentences(n) => n.saturating_mul(POOL),
            BatchSize::Tokens(n) => (n / mean).max(1).saturating_mul(POOL),
        };
        self.batches = order
            .chunks_mut(pool.min(self.steps.len()).max(1))
            .flat_map(|pool| {
                // Stable: pairs of one length stay shuffled.
                pool.sort_by_key(|&index| self.steps[index]);
                cut(pool, &self.steps, self.size)
            })
            .collect();
        shuffle(&mut self.batches, &mut rng);
    }
}

impl Iterator for PairBatches {
    type Item = Vec<usize>;

    /// The pairs of the next batch; `None` at the epoch's end.
    fn next(&mut self) -> Option<Vec<usize>> {
        let batch = self.batches.get(self.position.taken)?;
        self.position.taken += 1;
        Some(batch.clone())
    }
}

/// Cuts `order` into batches as they come; `steps` by pair.
pub fn cut(order: &[usize], steps: &[usize], size: BatchSize) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut longest = 0;
    for &index in order {
        let fits = batches.last().is_some_and(|batch| match size {
            BatchSize::Sentences(n) => batch.len() < n,
            BatchSize::Tokens(n) => (batch.len() + 1) * longest.max(steps[index]) <= n,
        });
        if fits {
            batches.last_mut().expect("it fits into one").push(index);
            longest = longest.max(steps[index]);
        } else {
            batches.push(vec![index]);
            longest = steps[index];
        }
    }
    batches
}

/// Fisher and Yates' shuffle (Durstenfeld 1964), without modulo bias.
fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        // Lemire 2019: the high half of a product, redrawn where it would be uneven.
        let bound = last as u64 + 1;
        let index = loop {
            let product = u128::from(rng.next_u64()) * u128::from(bound);
            if product as u64 >= bound.wrapping_neg() % bound {
                break (product >> 64) as usize;
            }
        };
        items.swap(last, index);
    }
}

#[cfg(test)]
mod tests;
