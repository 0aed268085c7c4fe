//! The operations on the tape.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{AutodiffBackend, TensorMetadata};

use super::{
    Kept, LossPlan, Recurrent, RecurrentPlan, RecurrentResult, SequenceKernels, SequenceOps,
};

/// What the backward pass of a recurrent layer reads.
#[derive(Clone, Debug)]
struct RecurrentTape<T> {
    operands: Recurrent<T>,
    outputs: T,
    kept: Kept<T>,
    arrived: Arrived<T>,
    plan: RecurrentPlan,
}

/// Gradients of a layer's outputs and of its final state, `None` where nobody used them.
///
/// A node of the tape has one gradient, a layer two results. Each result is a node of its own, whose
/// backward step leaves the gradient here and passes a placeholder on; so nothing is copied, and
/// what nobody used costs nothing.
pub(super) type Arrived<T> = Arc<Mutex<[Option<T>; 2]>>;

#[derive(Debug)]
pub(super) struct ResultBackward;

impl<B: SequenceKernels> Backward<B, 1> for ResultBackward {
    /// Where gradients are left, and which of the two this is.
    type State = (Arrived<FloatTensor<B>>, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (arrived, which) = ops.state;
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            grads.register::<B>(parent.id, B::placeholder(&gradient));
            lock(&arrived)[which] = Some(gradient);
        }
    }
}

#[derive(Debug)]
struct RecurrentBackward;

impl<B: SequenceKernels> Backward<B, 6> for RecurrentBackward {
    type State = RecurrentTape<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 6>, grads: &mut Gradients, _: &mut Checkpointer) {
        grads.consume::<B>(&ops.node); // the placeholder
        let RecurrentTape { operands, outputs, kept, arrived, plan } = ops.state;
        let arrived = std::mem::take(&mut *lock(&arrived));
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = B::recurrent_backward(operands, outputs, kept, arrived, &plan, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct EmbeddingBackward;

impl<B: SequenceKernels> Backward<B, 1> for EmbeddingBackward {
    /// The size of the vocabulary and the tokens.
    type State = (usize, IntTensor<B>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (vocabulary, tokens) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| {
            B::table_gradient(vocabulary, tokens, gradient)
        });
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

impl<B: SequenceKernels + SequenceOps, C: CheckpointStrategy> SequenceOps for Autodiff<B, C> {
    fn recurrent_layer(
        input: FloatTensor<Self>,
        weight_input: FloatTensor<Self>,
        weight_hidden: FloatTensor<Self>,
        bias_input: FloatTensor<Self>,
        bias_hidden: FloatTensor<Self>,
        state: FloatTensor<Self>,
        plan: RecurrentPlan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
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
                let result = B::recurrent_forward(operands.clone(), &plan, true);
                let RecurrentResult { outputs, last, kept } = result;
                let kept = kept.expect("asked for");
                let arrived = Arrived::default();
                let tape = RecurrentTape {
                    operands,
                    outputs: outputs.clone(),
                    kept,
                    arrived: arrived.clone(),
                    plan,
                };
                let placeholder = B::placeholder(&outputs);
                let layer = prep.finish(tape, placeholder);
                let result = |which, value| {
                    let node = [layer.node()];
                    match ResultBackward.prepare::<C>(node).compute_bound().stateful() {
                        OpsKind::Tracked(prep) => prep.finish((arrived.clone(), which), value),
                        OpsKind::UnTracked(prep) => prep.finish(value),
                    }
                };
                (result(0, outputs), result(1, last))
            }
            OpsKind::UnTracked(prep) => {
                let result = B::recurrent_forward(operands, &plan, false);
                (prep.finish(result.outputs), Self::from_inner(result.last))
            }
        }
    }

    fn embedding_rows(weight: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self> {
        let (weight, node) = weight.into_parts();
        let vocabulary = weight.shape()[0];
        match EmbeddingBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let rows = B::embedding_rows(weight, tokens.clone());
                prep.finish((vocabulary, tokens), rows)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::embedding_rows(weight, tokens)),
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
