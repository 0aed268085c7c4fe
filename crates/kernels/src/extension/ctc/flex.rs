//! The loss on Flex.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};

use super::super::flex::{flat, slice, tensor};
use super::{CtcKernels, CtcOps, CtcPlan};
use crate::cpu::{Ctc, Scratch};

impl CtcOps for Flex {
    fn ctc_losses(logits: FloatTensor<Self>, plan: CtcPlan) -> FloatTensor<Self> {
        Self::ctc_forward(logits, &plan, false).0
    }
}

impl CtcKernels for Flex {
    fn ctc_forward(
        logits: FlexTensor,
        plan: &CtcPlan,
        with_gradient: bool,
    ) -> (FlexTensor, Option<FlexTensor>) {
        let logits = logits.to_contiguous();
        let (steps, batch, classes) = (logits.shape()[0], logits.shape()[1], logits.shape()[2]);
        let ctc = Ctc {
            logits: slice(&logits),
            classes,
            labels: &plan.labels,
            lengths: &plan.lengths,
            blank: plan.blank,
        };
        let mut losses = Scratch::new(batch);
        if !with_gradient {
            ctc.run(&mut losses, None);
            return (flat(losses), None);
        }
        let mut gradient = Scratch::new(steps * batch * classes);
        ctc.run(&mut losses, Some(&mut gradient));
        (flat(losses), Some(tensor(gradient, [steps, batch, classes])))
    }

    fn scaled_by_sequence(mut gradient: FlexTensor, factors: FlexTensor) -> FlexTensor {
        let classes = gradient.shape()[2];
        let factors = factors.to_contiguous();
        let rows = gradient.storage_mut::<f32>().chunks_exact_mut(classes);
        for (row, &factor) in rows.zip(slice(&factors).iter().cycle()) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
        gradient
    }
}
