//! The loss on the tape: its gradient is computed with it, while the forward variables are there.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;

use super::{CtcKernels, CtcOps, CtcPlan};

#[derive(Debug)]
struct CtcBackward;

impl<B: CtcKernels> Backward<B, 1> for CtcBackward {
    /// The gradients for loss gradients of 1.
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |factors| {
            B::scaled_by_sequence(gradient, factors)
        });
    }
}

impl<B: CtcKernels + CtcOps, C: CheckpointStrategy> CtcOps for Autodiff<B, C> {
    fn ctc_losses(logits: FloatTensor<Self>, plan: CtcPlan) -> FloatTensor<Self> {
        let (logits, node) = logits.into_parts();
        match CtcBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (losses, gradient) = B::ctc_forward(logits, &plan, true);
                prep.finish(gradient.expect("asked for"), losses)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::ctc_forward(logits, &plan, false).0),
        }
    }
}
