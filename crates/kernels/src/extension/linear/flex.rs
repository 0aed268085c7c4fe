//! The layer on Flex.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};

use super::super::flex::{flat, matrix, slice, tensor, unflipped};
use super::{LinearKernels, LinearOps, LinearPlan};
use crate::cpu::{Isa, Linear, LinearGradients, Scratch};

impl LinearOps for Flex {
    fn linear_rows(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        plan: LinearPlan,
    ) -> FloatTensor<Self> {
        let (x, weight, bias) = (x.to_contiguous(), unflipped(weight), bias.to_contiguous());
        let layer = layer(&x, &weight, plan);
        let shape = [x.shape()[0], layer.columns];
        let mut result = Scratch::new(shape[0] * shape[1]);
        layer.forward(plan.has_bias.then(|| slice(&bias)), &mut result);
        tensor(result, shape)
    }
}

impl LinearKernels for Flex {
    fn linear_backward(
        x: FlexTensor,
        weight: FlexTensor,
        result: FlexTensor,
        gradient: FlexTensor,
        plan: LinearPlan,
        wanted: [bool; 3],
    ) -> [Option<FlexTensor>; 3] {
        let (x, weight, gradient) =
            (x.to_contiguous(), unflipped(weight), gradient.to_contiguous());
        let layer = layer(&x, &weight, plan);
        let (rows, inputs, columns) = (x.shape()[0], layer.inputs, layer.columns);
        let sizes = [rows * inputs, inputs * columns, columns];
        let mut buffers: [Option<Scratch>; 3] =
            std::array::from_fn(|i| wanted[i].then(|| Scratch::new(sizes[i])));
        let [dx, d_weight, d_bias] = buffers.each_mut().map(|buffer| buffer.as_deref_mut());
        let gradients = LinearGradients { x: dx, weight: d_weight, bias: d_bias };
        layer.backward(slice(&result), slice(&gradient), gradients);
        let [dx, d_weight, d_bias] = buffers;
        [
            dx.map(|dx| tensor(dx, [rows, inputs])),
            d_weight.map(|d_weight| tensor(d_weight, [inputs, columns])),
            d_bias.map(flat),
        ]
    }
}

fn layer<'a>(x: &'a FlexTensor, weight: &FlexTensor, plan: LinearPlan) -> Linear<'a> {
    Linear {
        isa: Isa::best(),
        x: slice(x),
        inputs: x.shape()[1],
        weight: matrix(weight),
        columns: weight.shape()[1],
        tanh: plan.tanh,
    }
}
