//! Steps on Flex.

use std::sync::PoisonError;

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};

use super::super::SequenceKernels;
use super::super::flex::{flat, matrix, slice, tensor, unflipped};
use super::{Entry, Shared, StepKernels, StepOps, StepPlan, StepTape, Taped};
use crate::cpu::{Backward, Gradients, Isa, Layer, PackedBack, PackedRecurrent, Scratch};

impl StepOps for Flex {
    fn step_weights(
        weight_input: FloatTensor<Self>,
        weight_hidden: FloatTensor<Self>,
        bias_input: FloatTensor<Self>,
        bias_hidden: FloatTensor<Self>,
        plan: StepPlan,
    ) -> FloatTensor<Self> {
        let weights = [weight_input, weight_hidden].map(unflipped);
        let [bias_input, bias_hidden] = [bias_input, bias_hidden].map(|bias| bias.to_contiguous());
        let sizes = weights.each_ref().map(|weight| weight.shape()[0]);
        let matrices = weights.each_ref().map(matrix);
        let cell = plan.shared.cell;
        let bias_hidden = slice(&bias_hidden).to_vec();
        plan.shared.forward.get_or_init(|| {
            PackedRecurrent::pack(cell, sizes, matrices, slice(&bias_input), bias_hidden)
        });
        let token = Self::placeholder(&weights[0]);
        plan.shared.weights.get_or_init(|| weights);
        token
    }

    fn layer_step(
        input: FloatTensor<Self>,
        state: FloatTensor<Self>,
        _: FloatTensor<Self>,
        plan: StepPlan,
    ) -> FloatTensor<Self> {
        Self::step_forward(&input, &state, &plan).0
    }
}

impl StepKernels for Flex {
    fn step_forward(
        input: &FlexTensor,
        state: &FlexTensor,
        plan: &StepPlan,
    ) -> (FlexTensor, [FlexTensor; 2]) {
        let (input, state) = (input.to_contiguous(), state.to_contiguous());
        let packed = plan.shared.forward.get().expect("packed with the weights");
        let (states, batch, hidden) = (state.shape()[0], state.shape()[1], state.shape()[2]);
        let layer = packed.layer(batch);
        assert_eq!(
            [input.shape()[0], input.shape()[1], hidden],
            [batch, layer.inputs, layer.hidden],
            "stepped recurrent: input [B, I] and a state of [B, H]"
        );
        let mut next = Scratch::new(states * batch * hidden);
        let mut gates = Scratch::new(batch * layer.gate_stride());
        let mut extra = Scratch::new(if layer.splits_candidate() { batch * hidden } else { 0 });
        packed.step_kept(&layer, slice(&input), slice(&state), &mut next, &mut gates, &mut extra);
        (tensor(next, [states, batch, hidden]), [flat(gates), flat(extra)])
    }

    fn step_backward(
        tape: Taped<FlexTensor>,
        gradient: FlexTensor,
        plan: &StepPlan,
        wanted: bool,
    ) -> [FlexTensor; 2] {
        let Taped(tape) = tape;
        let gradient = gradient.to_contiguous();
        let tape = StepTape {
            input: tape.input.to_contiguous(),
            state: tape.state.to_contiguous(),
            ..tape
        };
        let shared = &plan.shared;
        let batch = tape.input.shape()[0];
        let layer = shared.forward.get().expect("packed with the weights").layer(batch);
        let weights = shared.weights.get().expect("kept with the packed ones");
        let [weight_input, weight_hidden] = weights.each_ref().map(matrix);
        let back = shared.back.get_or_init(|| PackedBack::new(&layer, weight_input, weight_hidden));
        let mut d_input = Scratch::new(batch * layer.inputs);
        let mut d_state = Scratch::new(layer.states() * batch * layer.hidden);
        let [mut d_bias_input, mut d_bias_hidden] = [(); 2].map(|()| Scratch::new(layer.columns()));
        layer.backward(
            &Backward {
                input: slice(&tape.input),
                weight_input,
                weight_hidden,
                state: slice(&tape.state),
                outputs: slice(&tape.next),
                gates: slice(&tape.kept[0]),
                extra: extra(&layer, slice(&tape.next), slice(&tape.kept[1])),
                outputs_gradient: None,
                last_gradient: Some(slice(&gradient)),
                packed: Some(back),
                wants_state: true,
            },
            Gradients {
                input: &mut d_input,
                weight_input: &mut [],
                weight_hidden: &mut [],
                bias_input: &mut d_bias_input,
                bias_hidden: &mut d_bias_hidden,
                state: &mut d_state,
            },
        );
        let (inputs, states, hidden) = (layer.inputs, layer.states(), layer.hidden);
        if wanted {
            let entry = Entry { index: plan.index, tape, gradient };
            shared.ledger.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        }
        [tensor(d_input, [batch, inputs]), tensor(d_state, [states, batch, hidden])]
    }

    fn step_weight_gradients(plan: &StepPlan) -> [FlexTensor; 4] {
        let Shared { cell, weights, ledger, .. } = &*plan.shared;
        let mut entries =
            std::mem::take(&mut *ledger.lock().unwrap_or_else(PoisonError::into_inner));
        entries.sort_by_key(|entry| entry.index);
        let weights = weights.get().expect("kept with the packed ones");
        let [weight_input, weight_hidden] = weights.each_ref().map(matrix);
        // All steps as the sequences of one: the weights' gradients are sums over both alike.
        let rows = entries.iter().map(|entry| entry.tape.input.shape()[0]).sum();
        let layer = Layer {
            isa: Isa::best(),
            threads: rayon::current_num_threads(),
            cell: *cell,
            direction: crate::cell::Direction::Forward,
            lengths: None,
            steps: 1,
            batch: rows,
            inputs: weights[0].shape()[0],
            hidden: weights[1].shape()[0],
        };
        let (inputs, hidden, columns) = (layer.inputs, layer.hidden, layer.columns());
        let part = |of: &dyn Fn(&Entry) -> FlexTensor, parts: usize| joined(&entries, of, parts);
        let states = layer.states();
        let next = part(&|entry| entry.tape.next.clone(), states);
        let kept = part(&|entry| entry.tape.kept[1].clone(), 1);
        let mut d_weight_input = Scratch::new(inputs * columns);
        let mut d_weight_hidden = Scratch::new(hidden * columns);
        let [mut d_bias_input, mut d_bias_hidden] = [(); 2].map(|()| Scratch::new(columns));
        layer.backward(
            &Backward {
                input: &part(&|entry| entry.tape.input.clone(), 1),
                weight_input,
                weight_hidden,
                state: &part(&|entry| entry.tape.state.clone(), states),
                outputs: &next,
                gates: &part(&|entry| entry.tape.kept[0].clone(), 1),
                extra: extra(&layer, &next, &kept),
                outputs_gradient: None,
                last_gradient: Some(&part(&|entry| entry.gradient.clone(), states)),
                packed: None,
                wants_state: false,
            },
            Gradients {
                input: &mut [],
                weight_input: &mut d_weight_input,
                weight_hidden: &mut d_weight_hidden,
                bias_input: &mut d_bias_input,
                bias_hidden: &mut d_bias_hidden,
                state: &mut Scratch::new(states * rows * hidden),
            },
        );
        [
            tensor(d_weight_input, [inputs, columns]),
            tensor(d_weight_hidden, [hidden, columns]),
            flat(d_bias_input),
            flat(d_bias_hidden),
        ]
    }
}

/// The extra values that a layer's backward pass reads, `[B, H]`: an LSTM's cells after the step, or what
/// was kept.
fn extra<'a>(layer: &Layer<'_>, next: &'a [f32], kept: &'a [f32]) -> &'a [f32] {
    if layer.cell.has_cell_state() { &next[layer.batch * layer.hidden..] } else { kept }
}

/// A tensor of each entry, cut into `parts`: all first parts, then all second ones.
fn joined(entries: &[Entry], of: &dyn Fn(&Entry) -> FlexTensor, parts: usize) -> Scratch {
    let tensors: Vec<FlexTensor> = entries.iter().map(of).collect();
    let mut all = Scratch::new(tensors.iter().map(|tensor| slice(tensor).len()).sum());
    let mut at = 0;
    for part in 0..parts {
        for tensor in &tensors {
            let values = slice(tensor);
            let size = values.len() / parts;
            all[at..at + size].copy_from_slice(&values[part * size..][..size]);
            at += size;
        }
    }
    all
}
