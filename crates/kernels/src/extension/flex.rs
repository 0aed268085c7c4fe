//! The kernels on Flex: tensors in, slices to [`crate::cpu`], tensors out.

use std::mem::MaybeUninit;

use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{DType, Shape};
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};

use rayon::prelude::*;

use super::{
    Kept, LossPlan, Recurrent, RecurrentPlan, RecurrentResult, SequenceKernels, SequenceOps,
};
use crate::cpu::{
    Backward, CrossEntropy, Forward, Gradients, Isa, Layer, LossGradients, Matrix, Scratch, Tape,
};
use crate::cross_entropy::Reduction;

/// Floats of a tensor that one thread works on at a time.
const CHUNK: usize = 1 << 16;

impl SequenceOps for Flex {
    fn recurrent_layer(
        input: FloatTensor<Self>,
        weight_input: FloatTensor<Self>,
        weight_hidden: FloatTensor<Self>,
        bias_input: FloatTensor<Self>,
        bias_hidden: FloatTensor<Self>,
        state: FloatTensor<Self>,
        plan: RecurrentPlan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let operands =
            Recurrent { input, weight_input, weight_hidden, bias_input, bias_hidden, state };
        let RecurrentResult { outputs, last, .. } = Self::recurrent_forward(operands, &plan, false);
        (outputs, last)
    }

    fn embedding_rows(weight: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self> {
        let weight = weight.to_contiguous();
        let (vocabulary, size) = (weight.shape()[0], weight.shape()[1]);
        let tokens = indices(&tokens.to_contiguous(), vocabulary, None);
        let mut rows = Scratch::new(tokens.len() * size);
        let table = slice(&weight);
        for (row, token) in rows.chunks_exact_mut(size).zip(tokens.iter().flatten()) {
            row.copy_from_slice(&table[token * size..][..size]);
        }
        tensor(rows, [tokens.len(), size])
    }

    fn output_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: IntTensor<Self>,
        plan: LossPlan,
    ) -> FloatTensor<Self> {
        Self::cross_entropy(hidden, weight, bias, targets, &plan, false).0
    }
}

impl SequenceKernels for Flex {
    fn recurrent_forward(
        operands: Recurrent<FlexTensor>,
        plan: &RecurrentPlan,
        keep: bool,
    ) -> RecurrentResult<FlexTensor> {
        let operands = dense(operands);
        let layer = layer(plan, &operands);
        let Layer { steps, batch, hidden, .. } = layer;
        let when = |kept: bool, n: usize| Scratch::new(if kept { n } else { 0 });
        let mut outputs = Scratch::new(steps * batch * hidden);
        let mut last = Scratch::new(layer.states() * batch * hidden);
        let mut gates = when(keep, steps * batch * layer.gate_stride());
        let has_extra = layer.cell.has_cell_state() || layer.splits_candidate();
        let mut extra = when(keep && has_extra, steps * batch * hidden);
        layer.forward(Forward {
            input: slice(&operands.input),
            weight_input: matrix(&operands.weight_input),
            weight_hidden: matrix(&operands.weight_hidden),
            bias_input: slice(&operands.bias_input),
            bias_hidden: slice(&operands.bias_hidden),
            state: slice(&operands.state),
            outputs: &mut outputs,
            last: &mut last,
            tape: keep.then_some(Tape { gates: &mut gates, extra: &mut extra }),
        });
        let (steps, batch, hidden, states) =
            (layer.steps, layer.batch, layer.hidden, layer.states());
        RecurrentResult {
            outputs: tensor(outputs, [steps, batch, hidden]),
            last: tensor(last, [states, batch, hidden]),
            kept: keep.then(|| Kept { gates: flat(gates), extra: flat(extra) }),
        }
    }

    fn recurrent_backward(
        operands: Recurrent<FlexTensor>,
        outputs: FlexTensor,
        kept: Kept<FlexTensor>,
        gradients: [Option<FlexTensor>; 2],
        plan: &RecurrentPlan,
        wanted: [bool; 6],
    ) -> [Option<FlexTensor>; 6] {
        let operands = dense(operands);
        let gradients = gradients.map(|gradient| gradient.map(|g| g.to_contiguous()));
        let layer = layer(plan, &operands);
        let Layer { steps, batch, inputs, hidden, .. } = layer;
        let (states, columns) = (layer.states(), layer.columns());
        let when = |wanted: bool, n: usize| Scratch::new(if wanted { n } else { 0 });
        let mut d_input = when(wanted[0], steps * batch * inputs);
        let mut d_weight_input = when(wanted[1], inputs * columns);
        let mut d_weight_hidden = when(wanted[2], hidden * columns);
        let (mut d_bias_input, mut d_bias_hidden) = (Scratch::new(columns), Scratch::new(columns));
        let mut d_state = Scratch::new(states * batch * hidden);
        layer.backward(
            &Backward {
                input: slice(&operands.input),
                weight_input: matrix(&operands.weight_input),
                weight_hidden: matrix(&operands.weight_hidden),
                state: slice(&operands.state),
                outputs: slice(&outputs),
                gates: slice(&kept.gates),
                extra: slice(&kept.extra),
                outputs_gradient: gradients[0].as_ref().map(slice),
                last_gradient: gradients[1].as_ref().map(slice),
                packed: None,
                wants_state: wanted[5],
            },
            Gradients {
                input: &mut d_input,
                weight_input: &mut d_weight_input,
                weight_hidden: &mut d_weight_hidden,
                bias_input: &mut d_bias_input,
                bias_hidden: &mut d_bias_hidden,
                state: &mut d_state,
            },
        );
        [
            wanted[0].then(|| tensor(d_input, [steps, batch, inputs])),
            wanted[1].then(|| tensor(d_weight_input, [inputs, columns])),
            wanted[2].then(|| tensor(d_weight_hidden, [hidden, columns])),
            wanted[3].then(|| flat(d_bias_input)),
            wanted[4].then(|| flat(d_bias_hidden)),
            wanted[5].then(|| tensor(d_state, [states, batch, hidden])),
        ]
    }

    fn table_gradient(vocabulary: usize, tokens: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        let gradient = gradient.to_contiguous();
        let size = gradient.shape()[1];
        let tokens = indices(&tokens.to_contiguous(), vocabulary, None);
        let mut table = Scratch::new(vocabulary * size);
        table.par_chunks_mut(CHUNK).for_each(|chunk| chunk.fill(0.0));
        // In the tokens' order, so that a word's sum is always the same.
        for (row, token) in slice(&gradient).chunks_exact(size).zip(tokens.iter().flatten()) {
            let sums = &mut table[token * size..][..size];
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        tensor(table, [vocabulary, size])
    }

    fn placeholder(_: &FlexTensor) -> FlexTensor {
        let mut zero = Scratch::new(1);
        zero[0] = 0.0;
        flat(zero)
    }

    fn cross_entropy(
        hidden: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        targets: FlexTensor,
        plan: &LossPlan,
        with_gradients: bool,
    ) -> (FlexTensor, Option<[FlexTensor; 3]>) {
        let [hidden, bias] = [hidden, bias].map(|t| t.to_contiguous());
        let weight = unflipped(weight);
        let (count, features) = (hidden.shape()[0], hidden.shape()[1]);
        let vocabulary = bias.shape()[0];
        let targets = indices(&targets.to_contiguous(), vocabulary, plan.options.ignore_index);
        let counted = targets.iter().flatten().count();
        let loss = CrossEntropy {
            isa: Isa::best(),
            threads: rayon::current_num_threads(),
            hidden: slice(&hidden),
            features,
            weight: matrix(&weight),
            bias: slice(&bias),
            targets: &targets,
            smoothing: plan.options.label_smoothing as f32,
            scale: match plan.options.reduction {
                Reduction::Sum => 1.0,
                Reduction::Mean => 1.0 / counted.max(1) as f32,
            },
            has_bias: plan.has_bias,
        };
        let mut output = Scratch::new(1 + count);
        if !with_gradients {
            output[0] = loss.run(&mut output[1..], None);
            return (flat(output), None);
        }
        let mut d_hidden = Scratch::new(count * features);
        let mut d_weight = Scratch::new(features * vocabulary);
        let mut d_bias = Scratch::new(vocabulary);
        let gradients =
            LossGradients { hidden: &mut d_hidden, weight: &mut d_weight, bias: &mut d_bias };
        let (first, tokens) = output.split_at_mut(1);
        first[0] = loss.run(tokens, Some(gradients));
        // The gradient lies as the weight does: of a tied table it is the table's, seen transposed.
        let d_weight = if matrix(&weight).column_stride == 1 {
            tensor(d_weight, [features, vocabulary])
        } else {
            let turned = tensor(d_weight, [vocabulary, features]);
            let layout = turned.layout().transpose(0, 1);
            turned.with_layout(layout)
        };
        (flat(output), Some([tensor(d_hidden, [count, features]), d_weight, flat(d_bias)]))
    }

    fn scaled_by_first(mut tensor: FlexTensor, factors: &FlexTensor) -> FlexTensor {
        let factor = slice(&factors.to_contiguous())[0];
        if factor != 1.0 {
            tensor.storage_mut::<f32>().par_chunks_mut(CHUNK).for_each(|chunk| {
                chunk.iter_mut().for_each(|value| *value *= factor);
            });
        }
        tensor
    }
}

/// The operands that the kernels read as slices, made dense; weights are read as they lie.
fn dense(operands: Recurrent<FlexTensor>) -> Recurrent<FlexTensor> {
    Recurrent {
        input: operands.input.to_contiguous(),
        weight_input: unflipped(operands.weight_input),
        weight_hidden: unflipped(operands.weight_hidden),
        bias_input: operands.bias_input.to_contiguous(),
        bias_hidden: operands.bias_hidden.to_contiguous(),
        state: operands.state.to_contiguous(),
    }
}

/// The layer that a plan and its tensors make.
fn layer<'a>(plan: &'a RecurrentPlan, operands: &Recurrent<FlexTensor>) -> Layer<'a> {
    let (input, weight) = (operands.input.shape(), operands.weight_hidden.shape());
    Layer {
        isa: Isa::best(),
        threads: rayon::current_num_threads(),
        cell: plan.cell,
        direction: plan.direction,
        lengths: plan.lengths.as_deref(),
        steps: input[0],
        batch: input[1],
        inputs: input[2],
        hidden: weight[0],
    }
}

/// A dense tensor's values.
pub(super) fn slice(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("dense f32")
}

/// A tensor whose memory a [`Matrix`] can read in place: transposed, but not flipped.
pub(super) fn unflipped(tensor: FlexTensor) -> FlexTensor {
    let flipped = tensor.layout().strides().iter().any(|&stride| stride < 0);
    if flipped { tensor.to_contiguous() } else { tensor }
}

/// A matrix as it lies, transposed views included.
pub(super) fn matrix(tensor: &FlexTensor) -> Matrix {
    let layout = tensor.layout();
    let stride = |axis: usize| usize::try_from(layout.strides()[axis]).expect("unflipped");
    Matrix {
        start: tensor.storage::<f32>()[layout.start_offset()..].as_ptr(),
        row_stride: stride(0),
        column_stride: stride(1),
    }
}

/// Tokens as indices into the vocabulary, `None` where ignored.
fn indices(tokens: &FlexTensor, vocabulary: usize, ignored: Option<i64>) -> Vec<Option<usize>> {
    let index = |target: i64| {
        (Some(target) != ignored).then(|| {
            let index = usize::try_from(target).ok().filter(|&index| index < vocabulary);
            index.unwrap_or_else(|| {
                panic!("token {target} is outside the vocabulary, 0..{vocabulary}")
            })
        })
    };
    match tokens.dtype() {
        DType::I64 => tokens.as_slice::<i64>().expect("dense").iter().copied().map(index).collect(),
        DType::I32 => {
            let tokens = tokens.as_slice::<i32>().expect("dense");
            tokens.iter().map(|&token| index(i64::from(token))).collect()
        }
        other => panic!("tokens of type {other:?}, expected i32 or i64"),
    }
}

/// A kernel's result as a tensor; its memory goes back to the pool when the tensor is dropped.
pub(super) fn tensor<const D: usize>(data: Scratch, shape: [usize; D]) -> FlexTensor {
    let bytes = size_of_val::<[f32]>(&data);
    // SAFETY: the controller's memory is `bytes` long and initialised.
    let bytes = unsafe { Bytes::from_controller(Box::new(Pooled(data)), bytes) };
    FlexTensor::new(bytes, Layout::contiguous(Shape::from(shape)), DType::F32)
}

pub(super) fn flat(data: Scratch) -> FlexTensor {
    let n = data.len();
    tensor(data, [n])
}

/// Pool memory as a tensor's storage.
struct Pooled(Scratch);

impl AllocationController for Pooled {
    fn alloc_align(&self) -> usize {
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(
        &mut self,
        _: AccessPolicy,
    ) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let bytes = size_of_val::<[f32]>(&self.0);
        let start = self.0.as_mut_ptr().cast();
        // SAFETY: the buffer's floats as bytes, borrowed exclusively.
        Ok(unsafe { std::slice::from_raw_parts_mut(start, bytes) })
    }

    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let bytes = size_of_val::<[f32]>(&self.0);
        // SAFETY: the buffer's floats as bytes.
        Ok(unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), bytes) })
    }
}
