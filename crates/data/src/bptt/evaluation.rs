//! Batches that score a text.

use super::{BpttBatch, stream_length};
use crate::error::{DataError, Result};
use crate::tokens::Tokens;

/// Windows in which every token is a target once.
///
/// With one stream all n tokens are scored: the first is predicted after `start`, the virtual `</s>`
/// before the text that Penn Treebank's 82,430 test tokens imply. With B streams each token still
/// follows its true predecessor, but the state starts afresh at each stream and n mod B tokens at the
/// end are cut off ([`EvaluationBatches::tokens_cut_off`]); say so beside the perplexity.
///
/// ```
/// use lampwick_data::{EvaluationBatches, Tokens};
/// let tokens = Tokens::from(vec![5, 6, 7, 8, 9]);
/// let mut batches = EvaluationBatches::new(tokens, 1, 4, Some(1))?;
/// let first = batches.next().unwrap();
/// assert_eq!((first.inputs, first.targets), (vec![1, 5, 6, 7], vec![5, 6, 7, 8]));
/// assert_eq!(batches.next().unwrap().targets, [9]);
/// assert_eq!((batches.tokens_scored(), batches.tokens_cut_off()), (5, 0));
/// # Ok::<(), lampwick_data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EvaluationBatches {
    tokens: Tokens,
    start: Option<u32>,
    batch: usize,
    /// Targets in each stream.
    stream: usize,
    length: usize,
    offset: usize,
}

impl EvaluationBatches {
    /// Cuts `tokens` into `batch` streams and windows of `length`. `start` is the token before the
    /// text; without one the first token is not scored.
    ///
    /// # Errors
    /// [`DataError::Setting`] for a batch or length of zero, [`DataError::StreamTooShort`] when there
    /// are fewer targets than streams.
    pub fn new(tokens: Tokens, batch: usize, length: usize, start: Option<u32>) -> Result<Self> {
        if length == 0 {
            let mend = "must be at least 1 token";
            return Err(DataError::Setting { key: "length", value: "0".into(), mend });
        }
        let first = usize::from(start.is_none());
        stream_length(&tokens, batch, 1 + first)?;
        let stream = (tokens.len() - first) / batch;
        Ok(Self { tokens, start, batch, stream, length, offset: 0 })
    }

    /// Targets in all windows.
    pub fn tokens_scored(&self) -> usize {
        self.batch * self.stream
    }

    /// Tokens that are no target: those that fill no stream and, without a start token, the first.
    pub fn tokens_cut_off(&self) -> usize {
        self.tokens.len() - self.tokens_scored()
    }

    /// Windows from beginning to end.
    pub fn windows(&self) -> usize {
        self.stream.div_ceil(self.length)
    }
}

impl Iterator for EvaluationBatches {
    type Item = BpttBatch;

    fn next(&mut self) -> Option<BpttBatch> {
        let steps = self.length.min(self.stream - self.offset);
        if steps == 0 {
            return None;
        }
        let first = usize::from(self.start.is_none());
        let (mut inputs, mut targets) = (Vec::new(), Vec::new()); // [T, B]
        for t in self.offset..self.offset + steps {
            for b in 0..self.batch {
                let target = first + b * self.stream + t;
                let input = match target.checked_sub(1) {
                    Some(before) => self.tokens.get(before),
                    None => self.start,
                };
                inputs.extend(input);
                targets.extend(self.tokens.get(target));
            }
        }
        self.offset += steps;
        Some(BpttBatch { inputs, targets, steps, batch: self.batch })
    }
}
