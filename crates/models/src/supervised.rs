//! The language model in burn-train's `SupervisedTraining`, where state is not carried from one
//! batch to the next (lines, shuffled windows).
//!
//! A batch is `(tokens, targets)`, each `[T, B]`; a target of [`IGNORED`] does not count. For
//! carried state, truncated BPTT and exact resume use the loop of `lampwick-training`.

use burn::prelude::*;
use burn::tensor::Distribution;
use burn::train::{InferenceStep, SequenceOutput, TrainOutput, TrainStep};
use lampwick_kernels::CrossEntropyOptions;

use crate::language_model::{LanguageModel, LanguageModelLoss};
use crate::mode::Mode;

/// Target that stands beyond a sequence's end.
pub const IGNORED: i64 = -1;

/// Inputs and targets, `[T, B]` each.
pub type Batch = (Tensor<2, Int>, Tensor<2, Int>);

impl LanguageModel {
    /// The loss on the tape, and the logits that burn-train's metrics read beside it.
    fn sequence_output(&self, (tokens, targets): Batch, mode: &mut Mode) -> SequenceOutput {
        let options =
            CrossEntropyOptions { ignore_index: Some(IGNORED), ..CrossEntropyOptions::default() };
        let LanguageModelLoss { loss, output, .. } =
            self.loss(tokens, targets.clone(), None, &options, mode);
        let [steps, batch, features] = output.dims();
        let rows = output.detach().reshape([steps * batch, features]);
        let logits = self.logits(rows).detach(); // [T*B, V]
        let logits = logits.reshape([steps, batch, self.config().vocabulary]);
        // burn-train has the batch first.
        SequenceOutput::new(loss, logits.swap_dims(0, 1), None, targets.transpose())
    }
}

impl TrainStep for LanguageModel {
    type Input = Batch;
    type Output = SequenceOutput;

    fn step(&self, batch: Batch) -> TrainOutput<SequenceOutput> {
        // burn-train keeps no place for a stream of masks, so its seed comes from where Burn's own
        // dropout draws.
        let draw = Tensor::<1>::random([1], Distribution::Uniform(0.0, 1.0), &self.device());
        let seed = draw.into_scalar::<f32>().to_bits();
        let output = self.sequence_output(batch, &mut Mode::train(u64::from(seed)));
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for LanguageModel {
    type Input = Batch;
    type Output = SequenceOutput;

    fn step(&self, batch: Batch) -> SequenceOutput {
        self.sequence_output(batch, &mut Mode::Evaluate)
    }
}
