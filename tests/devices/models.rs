//! Stacks and language models: values and the gradients of every parameter.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::{DType, FloatDType};
use lampwick::kernels::Cell;
use lampwick::models::{
    CellKind, CrossEntropyOptions, LanguageModel, LanguageModelConfig, Mode, ModelConfigError,
    Precision, RecurrentConfig,
};

use super::layers::{close, random};
use super::{TOLERANCE, reference, subject, values};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The same parameters in f64.
fn widened<M: Module>(module: M) -> M {
    struct Widen;
    impl ModuleMapper for Widen {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.detach().cast(FloatDType::F64).detach().require_grad())
        }
    }
    module.map(&mut Widen)
}

/// The gradients of all parameters, in the module's order.
fn gradients<M: Module>(module: &M, of: &Tensor<1>) -> Vec<Vec<f32>> {
    struct Collect(GradientsParams, Vec<Vec<f32>>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.push(values(self.0.remove::<D>(param.id)));
        }
    }
    let mut collect = Collect(GradientsParams::from_grads(of.backward(), module), Vec::new());
    module.visit(&mut collect);
    collect.1
}

fn all_close(found: &[Vec<f32>], expected: &[Vec<f32>], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len());
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        close(a, b, tolerance, &format!("part {index} of {what}"));
    }
}

#[test]
fn a_bidirectional_stack_with_lengths() {
    let config = RecurrentConfig::new(Cell::Lstm, 7, 9).with_layers(2).with_bidirectional(true);
    let config = RecurrentConfig { projection: Some(5), dropout: 0.3, ..config };
    let x = random(&mut ChaCha8Rng::seed_from_u64(31), 6 * 3 * 7);
    let run = |stack: &lampwick::models::Recurrent, device: &Device, dtype: DType| {
        let x = Tensor::<3>::from_data(TensorData::new(x.clone(), [6, 3, 7]), (device, dtype));
        let out = stack.forward(x, None, Some(&[6, 2, 5]), &mut Mode::train(3));
        let mut parts = vec![values(Some(out.output.clone()))];
        parts.extend(out.state.into_tensors().into_iter().map(|state| values(Some(state))));
        parts.extend(gradients(stack, &out.output.square().sum()));
        parts
    };
    let (device, flex) = (subject(), reference());
    let found = run(&config.init(5, &device), &device, DType::F32);
    let expected = run(&widened(config.init(5, &flex)), &flex, DType::F64);
    all_close(&found, &expected, TOLERANCE, "the stack");
}

/// Loss, negative log-likelihoods, state and gradients of two windows, the second from the state of
/// the first.
fn two_windows(model: &LanguageModel) -> Vec<Vec<f32>> {
    let device = model.device();
    let ids: Vec<i64> = (0..13 * 3).map(|i| (i * i + 3 * i) % 23).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [13, 3]), &device); // [T, B]
    let (mut parts, mut state, mut mode) = (Vec::new(), None, Mode::train(7));
    for start in [0, 6] {
        let window = |from: usize| ids.clone().slice(s![from..from + 6, ..]);
        let options = CrossEntropyOptions::default();
        let out = model.loss(window(start), window(start + 1), state, &options, &mut mode);
        let carry = out.state.detach();
        parts.extend([values(Some(out.loss.clone())), values(Some(out.nll))]);
        parts.extend(carry.clone().into_tensors().into_iter().map(|state| values(Some(state))));
        parts.extend(gradients(model, &out.loss));
        state = Some(carry);
    }
    parts
}

/// Every kind of dropout: the masks come from the host, so they are the same on every device.
fn configs() -> [LanguageModelConfig; 2] {
    let plain = LanguageModelConfig {
        vocabulary: 23,
        embedding: 8,
        hidden: 12,
        dropout_input: 0.2,
        dropout_hidden: 0.2,
        dropout_output: 0.2,
        ..Default::default()
    };
    let tied = LanguageModelConfig {
        cell: CellKind::Gru,
        tie_weights: true,
        last_hidden: Some(8),
        locked_dropout: true,
        dropout_embedding: 0.1,
        weight_drop: 0.3,
        ..plain.clone()
    };
    [plain, tied]
}

#[test]
fn language_models_carry_their_state_over_windows() {
    for config in configs() {
        let found = two_windows(&config.init(5, &subject()).unwrap());
        let expected = two_windows(&widened(config.init(5, &reference()).unwrap()));
        all_close(&found, &expected, TOLERANCE, "the language model");
    }
}

/// Narrow products stay as near to f64 as their mantissa lets them; a device without them says so.
#[test]
fn mixed_precision_or_a_clear_refusal() {
    let device = subject();
    // Bits of the mantissa, and a few roundings in a row.
    for (precision, tolerance) in [(Precision::Bf16, 8.0 / 256.0), (Precision::F16, 8.0 / 2048.0)] {
        for config in configs() {
            let mixed = LanguageModelConfig { precision, ..config.clone() };
            if !precision.is_supported(&device) {
                println!("skipped: no {} here", precision.name());
                let error = mixed.init(5, &device).unwrap_err();
                assert!(matches!(&error, ModelConfigError::Precision { .. }), "{error}");
                assert!(error.to_string().contains("set it to \"f32\""), "{error}");
                continue;
            }
            let model = mixed.init(5, &device).unwrap();
            assert_eq!(model.embedding.val().dtype(), DType::F32, "master weights");
            let found = two_windows(&model);
            let expected = two_windows(&widened(config.init(5, &reference()).unwrap()));
            all_close(&found, &expected, tolerance, precision.name());
            let exact = two_windows(&config.init(5, &device).unwrap());
            assert_ne!(found, exact, "the products are not narrow");
        }
    }
}
