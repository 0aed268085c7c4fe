//! Laws of recurrent stacks.

use burn::prelude::*;
use lampwick_kernels::{Activation, Cell, Reset};
use lampwick_models::initializer::InitialValues;
use lampwick_models::{DropoutRng, Mode, Recurrent, RecurrentConfig, RecurrentInit, StackState};

const CELLS: [Cell; 5] = [
    Cell::Lstm,
    Cell::Gru { reset: Reset::Before },
    Cell::Gru { reset: Reset::After },
    Cell::Rnn { activation: Activation::Tanh },
    Cell::Rnn { activation: Activation::Relu },
];

fn noise<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    InitialValues::new(seed, &Device::flex()).uniform(shape, 1.0).val()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

fn assert_close<const D: usize>(a: Tensor<D>, b: Tensor<D>, tolerance: f32) {
    assert_eq!(a.dims(), b.dims());
    for (i, (a, b)) in values(a).iter().zip(values(b)).enumerate() {
        assert!((a - b).abs() <= tolerance, "element {i}: {a} and {b}");
    }
}

#[test]
fn steps_give_what_the_sequence_gives() {
    let device = Device::flex();
    for cell in CELLS {
        for (projection, layer_norm) in [(None, false), (Some(3), false), (Some(3), true)] {
            let config = RecurrentConfig {
                layers: 3,
                last_hidden: Some(4),
                projection,
                layer_norm,
                ..RecurrentConfig::new(cell, 5, 7)
            };
            let stack = config.init(1, &device);
            let x = noise([6, 2, 5], 2);
            let whole = stack.forward(x.clone(), None, None, &mut Mode::Evaluate);
            let mut state = None;
            for t in 0..6 {
                let step = x.clone().slice(s![t..t + 1]).reshape([2, 5]);
                let (y, next) = stack.step(step, state);
                let expected = whole.output.clone().slice(s![t..t + 1]);
                assert_close(y.unsqueeze_dim::<3>(0), expected, 1e-6);
                state = Some(next);
            }
            let (stepped, whole) = (state.unwrap().into_tensors(), whole.state.into_tensors());
            for (a, b) in stepped.into_iter().zip(whole) {
                assert_close(a, b, 1e-6);
            }
        }
    }
}

/// A padded batch gives what each sequence gives alone, in both directions.
#[test]
fn padding_changes_nothing() {
    let device = Device::flex();
    let lengths = [2, 5, 1];
    for cell in CELLS {
        let config = RecurrentConfig::new(cell, 3, 4).with_layers(2).with_bidirectional(true);
        let config = RecurrentConfig { layer_norm: cell == Cell::Lstm, ..config };
        let mut stack = config.init(3, &device);
        for norm in stack.layers.iter_mut().filter_map(|layer| layer.norm.as_mut()) {
            norm.bias = burn::module::Param::from_tensor(noise([1, 1, 8], 9).reshape([8]));
        }
        let x = noise([5, 3, 3], 4);
        let padded = stack.forward(x.clone(), None, Some(&lengths), &mut Mode::Evaluate);
        for (b, &length) in lengths.iter().enumerate() {
            let alone = x.clone().slice(s![..length, b..b + 1]);
            let alone = stack.forward(alone, None, None, &mut Mode::Evaluate);
            let found = padded.output.clone().slice(s![.., b..b + 1]);
            assert_close(found.clone().slice(s![..length]), alone.output, 1e-6);
            assert!(values(found.slice(s![length.., ..])).iter().all(|&v| v == 0.0));
            let index = Tensor::<1, Int>::from_data([b as i64], &device);
            let state = padded.state.clone().select(&index).into_tensors();
            for (a, b) in state.into_iter().zip(alone.state.into_tensors()) {
                assert_close(a, b, 1e-6);
            }
        }
    }
}

/// Ba et al. (2016), eq. 4, by hand.
#[test]
fn a_normalised_layer_has_mean_0_and_variance_1() {
    let config = RecurrentConfig {
        layer_norm: true,
        ..RecurrentConfig::new(Cell::Gru { reset: lampwick_kernels::Reset::After }, 3, 6)
    };
    let plain = RecurrentConfig { layer_norm: false, ..config.clone() };
    let x = noise([4, 2, 3], 8);
    let [normed, plain] = [config, plain].map(|config| {
        let stack = config.init(7, &Device::flex());
        values(stack.forward(x.clone(), None, None, &mut Mode::Evaluate).output)
    });
    for (normed, plain) in normed.chunks(6).zip(plain.chunks(6)) {
        let mean = plain.iter().sum::<f32>() / 6.0;
        let variance = plain.iter().map(|y| (y - mean).powi(2)).sum::<f32>() / 6.0;
        for (found, y) in normed.iter().zip(plain) {
            assert!((found - (y - mean) / (variance + 1e-5).sqrt()).abs() < 1e-5);
        }
    }
}

/// And a padded batch stepped until each sequence's end.
#[test]
fn steps_give_what_lengths_give() {
    let stack = RecurrentConfig::new(Cell::Lstm, 3, 4).with_layers(2).init(5, &Device::flex());
    let x = noise([4, 2, 3], 6);
    let whole = stack.forward(x.clone(), None, Some(&[4, 2]), &mut Mode::Evaluate);
    let mut state = None;
    for t in 0..2 {
        let step = x.clone().slice(s![t..t + 1, 1..2]).reshape([1, 3]);
        let (y, next) = stack.step(step, state);
        assert_close(y, whole.output.clone().slice(s![t..t + 1, 1..2]).reshape([1, 4]), 1e-6);
        state = Some(next);
    }
}

#[test]
fn a_carried_state_continues_the_sequence() {
    let stack = RecurrentConfig::new(Cell::Lstm, 3, 4).with_layers(2).init(1, &Device::flex());
    let x = noise([6, 2, 3], 2);
    let whole = stack.forward(x.clone(), None, None, &mut Mode::Evaluate).output;
    let first = stack.forward(x.clone().slice(s![..4]), None, None, &mut Mode::Evaluate);
    let tensors = first.state.detach().into_tensors();
    let state = StackState::from_tensors(Cell::Lstm, tensors);
    let second = stack.forward(x.slice(s![4..]), state, None, &mut Mode::Evaluate);
    assert_close(Tensor::cat(vec![first.output, second.output], 0), whole, 1e-6);
}

#[test]
fn equal_seeds_give_equal_weights() {
    let device = Device::flex();
    let initializers =
        [RecurrentInit::Uniform { bound: 0.05 }, RecurrentInit::PyTorch, RecurrentInit::Orthogonal];
    for initializer in initializers {
        let config = RecurrentConfig::new(Cell::Lstm, 3, 4).with_initializer(initializer);
        let weights = |seed, device: &Device| {
            values(config.init(seed, device).layers[0].forward.hidden.val().without_autodiff())
        };
        assert_eq!(weights(1, &device), weights(1, &device.clone().autodiff()));
        assert_ne!(weights(1, &device), weights(2, &device));
    }
}

#[test]
fn the_forget_gate_sees_the_bias_asked_for() {
    let config =
        RecurrentConfig { forget_bias: Some(1.0), ..RecurrentConfig::new(Cell::Lstm, 3, 4) };
    let layer = &config.init(1, &Device::flex()).layers[0].forward;
    let bias = |parameter: &Option<burn::module::Param<Tensor<1>>>| {
        values(parameter.as_ref().unwrap().val())
    };
    let (input, hidden) = (bias(&layer.bias_input), bias(&layer.bias_hidden));
    assert!((4..8).all(|i| input[i] + hidden[i] == 1.0));
    assert!((0..4).all(|i| input[i] + hidden[i] != 1.0));
}

fn dropping_stack(locked: bool) -> Recurrent {
    RecurrentConfig {
        dropout: 0.5,
        locked,
        ..RecurrentConfig::new(Cell::Lstm, 3, 8).with_layers(2)
    }
    .init(1, &Device::flex())
}

#[test]
fn evaluation_never_drops_and_training_always_does() {
    for locked in [false, true] {
        let stack = dropping_stack(locked);
        let plain = RecurrentConfig::new(Cell::Lstm, 3, 8).with_layers(2).init(1, &Device::flex());
        let x = noise([4, 2, 3], 2);
        let run = |stack: &Recurrent, mode: &mut Mode| {
            values(stack.forward(x.clone(), None, None, mode).output)
        };
        let expected = run(&plain, &mut Mode::Evaluate);
        assert_eq!(run(&stack, &mut Mode::Evaluate), expected);
        assert_ne!(run(&stack, &mut Mode::train(1)), expected);
        assert_eq!(run(&stack, &mut Mode::train(1)), run(&stack, &mut Mode::train(1)));
    }
}

/// Locked: the same units are missing at every step; others for the other sequence.
#[test]
fn a_locked_mask_holds_over_time_and_differs_over_the_batch() {
    let ones = Tensor::<3>::ones([5, 2, 64], &Device::flex());
    let mut mode = Mode::Train(DropoutRng::new(1));
    let locked = values(lampwick_models::dropout::locked_dropout(ones.clone(), 0.5, &mut mode));
    let row = |t: usize, b: usize| &locked[(t * 2 + b) * 64..(t * 2 + b + 1) * 64];
    assert!((1..5).all(|t| row(t, 0) == row(0, 0) && row(t, 1) == row(0, 1)));
    assert_ne!(row(0, 0), row(0, 1));
    let element = values(lampwick_models::dropout::element_dropout(ones, 0.5, &mut mode));
    assert_ne!(element[..128], element[128..256]);
}

/// A dropped connection gets no gradient, a kept one does, at the first step of a run already; and
/// one mask serves the whole sequence.
#[test]
fn weight_drop_reaches_the_first_gradient() {
    let device = Device::flex().autodiff();
    let config = RecurrentConfig { weight_drop: 0.5, ..RecurrentConfig::new(Cell::Lstm, 3, 6) };
    let stack = config.init(1, &device);
    let x = Tensor::from_inner(noise([4, 2, 3], 2));
    let mut mode = Mode::train(9);
    let output = stack.forward(x, None, None, &mut mode).output;
    let grads = output.sum().backward();
    let hidden = stack.layers[0].forward.hidden.val();
    let grad = values(hidden.grad(&grads).unwrap());
    let zeros = grad.iter().filter(|&&g| g == 0.0).count();
    assert!((40..104).contains(&zeros), "{zeros} of 144 gradients are 0");
    let ones = Tensor::<2>::ones([6, 24], &Device::flex());
    let mask = lampwick_models::dropout::weight_drop(ones, 0.5, &mut Mode::train(9));
    for (mask, grad) in values(mask).iter().zip(grad) {
        assert_eq!(*mask == 0.0, grad == 0.0);
    }
}

#[test]
fn a_bidirectional_stack_reads_the_mirror_image() {
    let stack =
        RecurrentConfig::new(Cell::Lstm, 3, 4).with_bidirectional(true).init(1, &Device::flex());
    let mut mirrored = stack.clone();
    let layer = &mut mirrored.layers[0];
    let reverse = layer.reverse.take().unwrap();
    layer.reverse = Some(std::mem::replace(&mut layer.forward, reverse));
    let x = noise([5, 2, 3], 2);
    let y = stack.forward(x.clone(), None, None, &mut Mode::Evaluate).output;
    let z = mirrored.forward(x.flip([0]), None, None, &mut Mode::Evaluate).output.flip([0]);
    let swapped = Tensor::cat(vec![z.clone().slice(s![.., .., 4..]), z.slice(s![.., .., ..4])], 2);
    assert_close(y, swapped, 1e-6);
}
