//! The operations on the tape.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};

use super::{Kept, LossPlan, Recurrent, RecurrentPlan, SequenceKernels, SequenceOps};

/// What the backward pass of a recurrent layer reads.
#[derive(Clone, Debug)]
struct RecurrentTape<T> {
    operands: Recurrent<T>,
    output: T,
    kept: Kept<T>,
    plan: RecurrentPlan,
}

#[derive(Debug)]
struct RecurrentBackward;

impl<B: SequenceKernels> Backward<B, 6> for RecurrentBackward {
    type State = RecurrentTape<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 6>, grads: &mut Gradients, _: &mut Checkpointer) {
        let output_gradient = grads.consume::<B>(&ops.node);
        let RecurrentTape { operands, output, kept, plan } = ops.state;
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients =
            B::recurrent_backward(operands, output, kept, output_gradient, &plan, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct CrossEntropyBackward;

impl<B: SequenceKernels> Backward<B, 3> for CrossEntropyBackward {
    /// The gradients for a loss gradient of 1, computed with the loss while its logits were there.
    type State = [FloatTensor<B>; 3];

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let output_gradient = grads.consume::<B>(&ops.node); // [1 + N]; the tokens' part is off the tape
        for (parent, gradient) in ops.parents.into_iter().zip(ops.state) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, B::scaled_by_first(gradient, &output_gradient));
            }
        }
    }
}

impl<B: SequenceKernels, C: CheckpointStrategy> SequenceOps for Autodiff<B, C> {
    fn recurrent_layer(
        input: FloatTensor<Self>,
        weight_input: FloatTensor<Self>,
        weight_hidden: FloatTensor<Self>,
        bias_input: FloatTensor<Self>,
        bias_hidden: FloatTensor<Self>,
        state: FloatTensor<Self>,
        plan: RecurrentPlan,
    ) -> FloatTensor<Self> {
        let (input, n0) = input.into_parts();
        let (weight_input, n1) = weight_input.into_parts();
        let (weight_hidden, n2) = weight_hidden.into_parts();
        let (bias_input, n3) = bias_input.into_parts();
        let (bias_hidden, n4) = bias_hidden.into_parts();
        let (state, n5) = state.into_parts();
        let operands =
            Recurrent { input, weight_input, weight_hidden, bias_input, bias_hidden, state };
        let nodes = [n0, n1, n2, n3, n4, n5];
        match RecurrentBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (output, kept) = B::recurrent_forward(operands.clone(), &plan, true);
                let kept = kept.expect("asked for");
                let tape = RecurrentTape { operands, output: output.clone(), kept, plan };
                prep.finish(tape, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::recurrent_forward(operands, &plan, false).0),
        }
    }

    fn output_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        plan: LossPlan,
    ) -> FloatTensor<Self> {
        let (hidden, n0) = hidden.into_parts();
        let (weight, n1) = weight.into_parts();
        let (bias, n2) = bias.into_parts();
        match CrossEntropyBackward.prepare::<C>([n0, n1, n2]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (output, gradients) =
                    B::cross_entropy(hidden, weight, bias, targets, &plan, true);
                prep.finish(gradients.expect("asked for"), output)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::cross_entropy(hidden, weight, bias, targets, &plan, false).0)
            }
        }
    }
}
