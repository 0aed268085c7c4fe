//! Steps and their weights on the tape.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{StepKernels, StepOps, StepPlan, StepTape, Taped};

#[derive(Debug)]
struct WeightsBackward;

impl<B: StepKernels> Backward<B, 4> for WeightsBackward {
    type State = StepPlan;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        grads.consume::<B>(&ops.node); // the placeholder
        let gradients = B::step_weight_gradients(&ops.state);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct StepBackward;

impl<B: StepKernels> Backward<B, 3> for StepBackward {
    type State = (Taped<FloatTensor<B>>, StepPlan);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let (tape, plan) = ops.state;
        let [input, state, weights] = ops.parents;
        if let Some(weights) = &weights {
            grads.register::<B>(weights.id, B::placeholder(&gradient));
        }
        let gradients = B::step_backward(tape, gradient, &plan, weights.is_some());
        for (parent, gradient) in [input, state].into_iter().zip(gradients) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: StepKernels + StepOps, C: CheckpointStrategy> StepOps for Autodiff<B, C> {
    fn step_weights(
        weight_input: FloatTensor<Self>,
        weight_hidden: FloatTensor<Self>,
        bias_input: FloatTensor<Self>,
        bias_hidden: FloatTensor<Self>,
        plan: StepPlan,
    ) -> FloatTensor<Self> {
        let (weight_input, n0) = weight_input.into_parts();
        let (weight_hidden, n1) = weight_hidden.into_parts();
        let (bias_input, n2) = bias_input.into_parts();
        let (bias_hidden, n3) = bias_hidden.into_parts();
        let token =
            B::step_weights(weight_input, weight_hidden, bias_input, bias_hidden, plan.clone());
        match WeightsBackward.prepare::<C>([n0, n1, n2, n3]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(plan, token),
            OpsKind::UnTracked(prep) => prep.finish(token),
        }
    }

    fn layer_step(
        input: FloatTensor<Self>,
        state: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        plan: StepPlan,
    ) -> FloatTensor<Self> {
        let (input, n0) = input.into_parts();
        let (state, n1) = state.into_parts();
        let (_, n2) = weights.into_parts();
        let (next, kept) = B::step_forward(&input, &state, &plan);
        match StepBackward.prepare::<C>([n0, n1, n2]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let tape = Taped(StepTape { input, state, next: next.clone(), kept });
                prep.finish((tape, plan), next)
            }
            OpsKind::UnTracked(prep) => prep.finish(next),
        }
    }
}
