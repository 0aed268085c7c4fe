//! The layer on the tape.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{LinearKernels, LinearOps, LinearPlan};

#[derive(Debug)]
struct LinearBackward;

impl<B: LinearKernels> Backward<B, 3> for LinearBackward {
    /// x, weight and the result.
    type State = ([FloatTensor<B>; 3], LinearPlan);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let ([x, weight, result], plan) = ops.state;
        let mut wanted = ops.parents.each_ref().map(Option::is_some);
        wanted[2] &= plan.has_bias;
        let gradients = B::linear_backward(x, weight, result, gradient, plan, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: LinearKernels + LinearOps, C: CheckpointStrategy> LinearOps for Autodiff<B, C> {
    fn linear_rows(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        plan: LinearPlan,
    ) -> FloatTensor<Self> {
        let (x, n0) = x.into_parts();
        let (weight, n1) = weight.into_parts();
        let (bias, n2) = bias.into_parts();
        match LinearBackward.prepare::<C>([n0, n1, n2]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let result = B::linear_rows(x.clone(), weight.clone(), bias, plan);
                prep.finish(([x, weight, result.clone()], plan), result)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::linear_rows(x, weight, bias, plan)),
        }
    }
}
