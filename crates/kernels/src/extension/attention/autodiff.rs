//! Attention on the tape.

use burn::backend::AutodiffBackend;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::super::autodiff::{Arrived, ResultBackward, lock};
use super::{AttentionKernels, AttentionOps, AttentionPlan, Operands};

/// What the backward pass reads.
#[derive(Clone, Debug)]
struct AttentionTape<T> {
    operands: Operands<T>,
    weights: T,
    arrived: Arrived<T>,
    plan: AttentionPlan,
}

#[derive(Debug)]
struct AttentionBackward;

impl<B: AttentionKernels> Backward<B, 6> for AttentionBackward {
    type State = AttentionTape<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 6>, grads: &mut Gradients, _: &mut Checkpointer) {
        grads.consume::<B>(&ops.node); // the placeholder
        let AttentionTape { operands, weights, arrived, plan } = ops.state;
        let arrived = std::mem::take(&mut *lock(&arrived));
        let gradients = B::attention_backward(operands, weights, arrived, &plan);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: AttentionKernels + AttentionOps, C: CheckpointStrategy> AttentionOps for Autodiff<B, C> {
    fn attend(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        energy: FloatTensor<Self>,
        covered: FloatTensor<Self>,
        coverage: FloatTensor<Self>,
        plan: AttentionPlan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (queries, n0) = queries.into_parts();
        let (keys, n1) = keys.into_parts();
        let (values, n2) = values.into_parts();
        let (energy, n3) = energy.into_parts();
        let (covered, n4) = covered.into_parts();
        let (coverage, n5) = coverage.into_parts();
        let operands = Operands { queries, keys, values, energy, covered, coverage };
        let [context, weights] = B::attention_forward(&operands, &plan);
        let nodes = [n0, n1, n2, n3, n4, n5];
        match AttentionBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let arrived = Arrived::default();
                let tape = AttentionTape {
                    operands,
                    weights: weights.clone(),
                    arrived: arrived.clone(),
                    plan,
                };
                let looked = prep.finish(tape, B::placeholder(&weights));
                let result = |which, value| {
                    let node = [looked.node()];
                    match ResultBackward.prepare::<C>(node).compute_bound().stateful() {
                        OpsKind::Tracked(prep) => prep.finish((arrived.clone(), which), value),
                        OpsKind::UnTracked(prep) => prep.finish(value),
                    }
                };
                (result(0, context), result(1, weights))
            }
            OpsKind::UnTracked(prep) => (prep.finish(context), Self::from_inner(weights)),
        }
    }
}
