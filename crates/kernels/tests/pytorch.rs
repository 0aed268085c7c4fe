//! The layers against PyTorch's: values and all gradients, stacked, in both directions, with lengths.

mod common;

use std::collections::BTreeMap;

use burn::prelude::*;
use common::close;
use lampwick_kernels::{
    Activation, Cell, Direction, RecurrentState, RecurrentWeights, Reset, Sequence, recurrent,
};
use serde_json::Value;

/// Tensors on the tape under PyTorch's names.
struct Leaves {
    device: Device,
    parameters: BTreeMap<String, Tensor<2>>,
}

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().expect("numbers").iter().map(|x| x.as_f64().expect("number") as f32).collect()
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().expect("floats")
}

impl Leaves {
    fn tensor<const D: usize>(&self, data: &Value, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(floats(data), shape), &self.device)
    }

    /// One layer's weights from PyTorch's `[G*H, I]`.
    fn weights(&self, suffix: &str) -> RecurrentWeights {
        let get = |name: &str| self.parameters[&format!("{name}_{suffix}")].clone();
        RecurrentWeights {
            input: get("weight_ih").transpose(),
            hidden: get("weight_hh").transpose(),
            bias_input: Some(get("bias_ih").squeeze_dim(1)),
            bias_hidden: Some(get("bias_hh").squeeze_dim(1)),
        }
    }
}

fn cell(name: &str) -> Cell {
    match name {
        "lstm" => Cell::Lstm,
        "gru" => Cell::Gru { reset: Reset::After },
        "rnn_tanh" => Cell::Rnn { activation: Activation::Tanh },
        "rnn_relu" => Cell::Rnn { activation: Activation::Relu },
        other => panic!("unknown cell {other}"),
    }
}

fn check(case: &Value) {
    let cell = cell(case["cell"].as_str().expect("name"));
    let shape: Vec<usize> = floats(&case["shape"]).into_iter().map(|n| n as usize).collect();
    let [steps, batch, inputs, hidden] = shape[..] else { panic!("four sizes") };
    let layers = case["layers"].as_u64().expect("count") as usize;
    let directions = 1 + usize::from(case["bidirectional"].as_bool().expect("flag"));
    let lengths: Option<Vec<usize>> = (!case["lengths"].is_null())
        .then(|| floats(&case["lengths"]).into_iter().map(|n| n as usize).collect());
    let what = format!("{cell:?} layers {layers} directions {directions} lengths {lengths:?}");

    let device = Device::flex().autodiff();
    let mut leaves = Leaves { device, parameters: BTreeMap::new() };
    for (name, data) in case["parameters"].as_object().expect("named") {
        let rows = cell.gates() * hidden;
        let columns = data.as_array().expect("numbers").len() / rows;
        let tensor = leaves.tensor(data, [rows, columns]).require_grad();
        leaves.parameters.insert(name.clone(), tensor);
    }
    let input = leaves.tensor(&case["input"], [steps, batch, inputs]).require_grad();
    let states: Vec<Tensor<3>> = case["state"]
        .as_array()
        .expect("states")
        .iter()
        .map(|s| leaves.tensor(s, [layers * directions, batch, hidden]).require_grad())
        .collect();

    let mut x = input.clone();
    let mut last: Vec<Vec<Tensor<2>>> = vec![Vec::new(); states.len()];
    for layer in 0..layers {
        let mut outputs = Vec::new();
        for direction in 0..directions {
            let index = layer * directions + direction;
            let state =
                |which: usize| states[which].clone().slice(s![index, .., ..]).squeeze_dim(0);
            let sequence = Sequence {
                direction: [Direction::Forward, Direction::Reverse][direction],
                lengths: lengths.as_deref(),
            };
            let weights = leaves.weights(&format!("l{layer}{}", ["", "_reverse"][direction]));
            let given =
                RecurrentState { hidden: state(0), cell: cell.has_cell_state().then(|| state(1)) };
            let (y, after) = recurrent(cell, x.clone(), weights, Some(given), sequence);
            outputs.push(y);
            last[0].push(after.hidden);
            if let Some(cell) = after.cell {
                last[1].push(cell);
            }
        }
        x = Tensor::cat(outputs, 2);
    }

    close(&flat(x.clone()), &floats(&case["outputs"]), 1e-5, &format!("outputs, {what}"));
    let mut loss = (x * leaves.tensor(&case["pull"], [steps, batch, directions * hidden])).sum();
    for (which, last) in last.into_iter().enumerate() {
        let last: Tensor<3> = Tensor::stack(last, 0);
        let expected = floats(&case["final"][which]);
        close(&flat(last.clone()), &expected, 1e-5, &format!("final state {which}, {what}"));
        let pull = leaves.tensor(&case["pull_state"][which], [layers * directions, batch, hidden]);
        loss = loss + (last * pull).sum();
    }
    let mut grads = loss.backward();
    let got = flat(input.grad_remove(&mut grads).expect("tracked"));
    close(&got, &floats(&case["input_gradient"]), 1e-5, &format!("d input, {what}"));
    for (which, state) in states.iter().enumerate() {
        let got = flat(state.grad_remove(&mut grads).expect("tracked"));
        let expected = floats(&case["state_gradient"][which]);
        close(&got, &expected, 1e-5, &format!("d state {which}, {what}"));
    }
    for (name, parameter) in &leaves.parameters {
        let got = flat(parameter.grad_remove(&mut grads).expect("tracked"));
        let expected = floats(&case["gradients"][name]);
        close(&got, &expected, 1e-5, &format!("d {name}, {what}"));
    }
}

#[test]
fn layers_equal_pytorch_in_values_and_gradients() {
    let cases: Value =
        serde_json::from_str(include_str!("fixtures/pytorch.json")).expect("the fixture is JSON");
    let cases = cases.as_array().expect("cases");
    assert_eq!(cases.len(), 20);
    cases.iter().for_each(check);
}
