//! Attention on Flex.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};

use super::super::flex::{flat, slice, tensor};
use super::{AttentionKernels, AttentionOps, AttentionPlan, Operands};
use crate::cpu::{Additive, Attention, AttentionGradients, Isa, Scratch};

impl AttentionOps for Flex {
    fn attend(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        energy: FloatTensor<Self>,
        covered: FloatTensor<Self>,
        coverage: FloatTensor<Self>,
        plan: AttentionPlan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let operands = Operands { queries, keys, values, energy, covered, coverage };
        let [context, weights] = Self::attention_forward(&operands, &plan);
        (context, weights)
    }
}

impl AttentionKernels for Flex {
    fn attention_forward(operands: &Operands<FlexTensor>, plan: &AttentionPlan) -> [FlexTensor; 2] {
        let operands = dense(operands);
        let attention = kernel(&operands, plan);
        let (steps, batch) = (attention.steps, attention.lengths.len());
        let mut context = Scratch::new(steps * batch * attention.memory);
        let mut weights = Scratch::new(steps * batch * attention.source);
        attention.forward(&mut context, &mut weights);
        let (memory, source) = (attention.memory, attention.source);
        [tensor(context, [steps, batch, memory]), tensor(weights, [steps, batch, source])]
    }

    fn attention_backward(
        operands: Operands<FlexTensor>,
        weights: FlexTensor,
        gradients: [Option<FlexTensor>; 2],
        plan: &AttentionPlan,
    ) -> [Option<FlexTensor>; 6] {
        let operands = dense(&operands);
        let gradients = gradients.map(|gradient| gradient.map(|g| g.to_contiguous()));
        let attention = kernel(&operands, plan);
        let batch = attention.lengths.len();
        let Attention { steps, source, features, memory, .. } = attention;
        let when = |has: bool, n: usize| Scratch::new(if has { n } else { 0 });
        let mut d_queries = Scratch::new(steps * batch * features);
        let mut d_keys = Scratch::new(source * batch * features);
        let mut d_values = Scratch::new(source * batch * memory);
        let mut d_energy = when(plan.additive, features);
        let mut d_covered = when(plan.covers, steps * batch * source);
        let mut d_coverage = when(plan.covers, features);
        let [context_gradient, weights_gradient] = &gradients;
        attention.backward(
            slice(&weights),
            context_gradient.as_ref().map(slice),
            weights_gradient.as_ref().map(slice),
            AttentionGradients {
                queries: &mut d_queries,
                keys: &mut d_keys,
                values: &mut d_values,
                energy: &mut d_energy,
                covered: &mut d_covered,
                coverage: &mut d_coverage,
            },
        );
        [
            Some(tensor(d_queries, [steps, batch, features])),
            Some(tensor(d_keys, [source, batch, features])),
            Some(tensor(d_values, [source, batch, memory])),
            plan.additive.then(|| flat(d_energy)),
            plan.covers.then(|| tensor(d_covered, [steps, batch, source])),
            plan.covers.then(|| flat(d_coverage)),
        ]
    }
}

fn dense(operands: &Operands<FlexTensor>) -> Operands<FlexTensor> {
    let Operands { queries, keys, values, energy, covered, coverage } = operands;
    let [queries, keys, values, energy, covered, coverage] =
        [queries, keys, values, energy, covered, coverage].map(FlexTensor::to_contiguous);
    Operands { queries, keys, values, energy, covered, coverage }
}

/// The attention that a plan and its dense tensors make.
fn kernel<'a>(operands: &'a Operands<FlexTensor>, plan: &'a AttentionPlan) -> Attention<'a> {
    let (queries, values) = (operands.queries.shape(), operands.values.shape());
    let additive = plan.additive.then(|| Additive {
        energy: slice(&operands.energy),
        coverage: plan.covers.then(|| [slice(&operands.covered), slice(&operands.coverage)]),
    });
    Attention {
        isa: Isa::best(),
        lengths: &plan.lengths,
        steps: queries[0],
        source: values[0],
        features: queries[2],
        memory: values[2],
        queries: slice(&operands.queries),
        keys: slice(&operands.keys),
        values: slice(&operands.values),
        additive,
    }
}
