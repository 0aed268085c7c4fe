//! Laws of the language model.

use burn::optim::{GradientsParams, SgdConfig};
use burn::prelude::*;
use lampwick_kernels::CrossEntropyOptions;
use lampwick_models::{
    CellKind, LanguageModel, LanguageModelConfig, Mode, ModelConfigError, NextToken, RecurrentInit,
};

fn small() -> LanguageModelConfig {
    LanguageModelConfig { vocabulary: 11, embedding: 6, hidden: 8, ..Default::default() }
}

fn tied() -> LanguageModelConfig {
    LanguageModelConfig { tie_weights: true, last_hidden: Some(6), ..small() }
}

fn tokens(steps: usize, batch: usize, device: &Device) -> Tensor<2, Int> {
    let ids: Vec<i64> = (0..steps * batch).map(|i| (i * i + 3 * i) as i64 % 11).collect();
    Tensor::from_data(TensorData::new(ids, [steps, batch]), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().try_into_vec_as().unwrap()
}

fn close(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
}

/// `forward`, `step`, `loss` and `NextToken` are one model.
#[test]
fn all_ways_give_the_same_log_probabilities() {
    let device = Device::flex();
    for config in [small(), tied(), LanguageModelConfig { cell: CellKind::Gru, ..small() }] {
        let model = config.init(1, &device).unwrap();
        let (input, targets) = (tokens(5, 2, &device), tokens(6, 2, &device).slice(s![1..]));
        let options = CrossEntropyOptions::default();
        let loss = model.loss(input.clone(), targets.clone(), None, &options, &mut Mode::Evaluate);
        let nll = values(loss.nll);
        let (logits, _) = model.forward(input.clone(), None, &mut Mode::Evaluate);
        let log_p = burn::tensor::activation::log_softmax(logits, 2);
        let picked = log_p.clone().gather(2, targets.unsqueeze_dim(2));
        assert!(close(&values(-picked), &nll));
        let mean = nll.iter().sum::<f32>() / 10.0;
        assert!((loss.loss.into_scalar::<f32>() - mean).abs() < 1e-5);

        let ids: Vec<i64> = input.try_into_vec_as().unwrap();
        let (mut state, mut row) = (model.start(2), Vec::new());
        for t in 0..5 {
            let read = [ids[2 * t] as u32, ids[2 * t + 1] as u32];
            state = model.next(&read, state, &mut row);
            assert!(close(&row, &values(log_p.clone().slice(s![t..t + 1]))));
            for p in row.chunks(11) {
                let total: f32 = p.iter().map(|p| p.exp()).sum();
                assert!((total - 1.0).abs() < 1e-5, "probabilities sum to {total}");
            }
        }
    }
}

#[test]
fn gradients_reach_every_parameter() {
    let device = Device::flex().autodiff();
    let regularised = LanguageModelConfig {
        dropout_embedding: 0.1,
        dropout_input: 0.2,
        dropout_hidden: 0.2,
        dropout_output: 0.2,
        weight_drop: 0.3,
        locked_dropout: true,
        ..tied()
    };
    for config in [small(), tied(), regularised] {
        let model = config.init(1, &device).unwrap();
        let (x, y) = (tokens(5, 2, &device), tokens(6, 2, &device).slice(s![1..]));
        let options = CrossEntropyOptions::default();
        let loss = model.loss(x, y, None, &options, &mut Mode::train(1));
        let grads = GradientsParams::from_grads(loss.loss.backward(), &model);
        let expected = burn::module::list_param_ids(&model).len();
        assert_eq!(grads.len(), expected);
    }
}

/// A tied model's table gets the gradient of both its uses.
#[test]
fn tied_weights_sum_both_gradients() {
    let device = Device::flex().autodiff();
    let model = tied().init(1, &device).unwrap();
    let untied = LanguageModelConfig { last_hidden: Some(6), ..small() };
    let mut separate = untied.init(1, &device).unwrap();
    separate.embedding = model.embedding.clone();
    separate.recurrent = model.recurrent.clone();
    separate.output_bias = model.output_bias.clone();
    let transposed = model.embedding.val().transpose().detach();
    separate.output_weight = Some(burn::module::Param::from_tensor(transposed));
    let (x, y) = (tokens(4, 3, &device), tokens(5, 3, &device).slice(s![1..]));
    let options = CrossEntropyOptions::default();
    let table = |model: &LanguageModel| {
        let loss = model.loss(x.clone(), y.clone(), None, &options, &mut Mode::Evaluate).loss;
        let grads = loss.backward();
        let embedding = model.embedding.val().grad(&grads).unwrap();
        match &model.output_weight {
            None => values(embedding),
            Some(output) => values(embedding + output.val().grad(&grads).unwrap().transpose()),
        }
    };
    assert!(close(&table(&model), &table(&separate)));
}

#[test]
fn it_learns_a_cycle_of_words() {
    let device = Device::flex().autodiff();
    let config = LanguageModelConfig {
        initializer: RecurrentInit::PyTorch,
        forget_bias: Some(1.0),
        layers: 1,
        ..small()
    };
    let mut model = config.init(7, &device).unwrap();
    let mut optimizer = SgdConfig::new().init();
    let ids: Vec<i64> = (0..21 * 2).map(|i| (i / 2) % 5).collect();
    let stream = Tensor::<2, Int>::from_data(TensorData::new(ids, [21, 2]), &device);
    let (x, y) = (stream.clone().slice(s![..20]), stream.slice(s![1..]));
    let (mut state, mut last) = (None, f32::INFINITY);
    for _ in 0..150 {
        let options = CrossEntropyOptions::default();
        let out = model.loss(x.clone(), y.clone(), state, &options, &mut Mode::train(1));
        last = out.loss.clone().into_scalar();
        state = Some(out.state.detach());
        let grads = GradientsParams::from_grads(out.loss.backward(), &model);
        model = optimizer.step(2.0, model, grads);
    }
    assert!(last < 0.1, "a cycle of five words is certain, but the loss is {last} nats");
}

#[test]
fn a_batch_is_its_sequences() {
    let device = Device::flex();
    let model = small().init(1, &device).unwrap();
    let (mut both, mut one) = (Vec::new(), Vec::new());
    let state = model.next(&[3, 7], model.start(2), &mut both);
    let second = model.select(&state, &[1]);
    model.next(&[4, 5], state, &mut both);
    model.next(&[5], second, &mut one);
    assert!(close(&both[11..], &one));
}

#[test]
fn a_config_is_a_table_of_toml() {
    let text = toml::to_string(&tied()).unwrap();
    assert_eq!(toml::from_str::<LanguageModelConfig>(&text).unwrap(), tied());
    let unknown = toml::from_str::<LanguageModelConfig>("hiden = 3").unwrap_err();
    assert!(unknown.to_string().contains("unknown field `hiden`"), "{unknown}");
    let gru: LanguageModelConfig =
        toml::from_str("cell = \"gru\"\ninitializer = \"pytorch\"").unwrap();
    assert_eq!((gru.cell, gru.initializer), (CellKind::Gru, RecurrentInit::PyTorch));
}

#[test]
fn impossible_configs_are_refused_by_key() {
    let refused = |config: LanguageModelConfig| config.init(1, &Device::flex()).unwrap_err();
    let zero = LanguageModelConfig { hidden: 0, ..small() };
    assert_eq!(refused(zero), ModelConfigError::Zero { key: "hidden" });
    for value in [1.0, -0.1, f64::NAN] {
        let error = refused(LanguageModelConfig { dropout_output: value, ..small() });
        assert!(matches!(error, ModelConfigError::Probability { key: "dropout_output", .. }));
    }
    let sizes = LanguageModelConfig { tie_weights: true, ..small() };
    assert_eq!(refused(sizes), ModelConfigError::Tied { output: 8, embedding: 6 });
    let huge = LanguageModelConfig { hidden: usize::MAX / 2, ..small() };
    assert_eq!(refused(huge), ModelConfigError::TooLarge { key: "hidden" });
    let bound = RecurrentInit::Uniform { bound: f64::NAN };
    let error = refused(LanguageModelConfig { initializer: bound, ..small() });
    assert!(matches!(error, ModelConfigError::Bound { .. }));
}

#[test]
fn parameters_are_counted_before_they_exist() {
    let projected = LanguageModelConfig { projection: Some(5), layers: 4, ..small() };
    let no_bias = LanguageModelConfig { bias: false, output_bias: false, layers: 1, ..small() };
    for config in [small(), tied(), projected, no_bias] {
        let model = config.init(1, &Device::flex()).unwrap();
        assert_eq!(config.parameters(), Some(model.num_params()));
    }
    // Zaremba et al. (2014) do not count them; 4.65 million by their sizes.
    let zaremba = LanguageModelConfig { vocabulary: 10_000, ..Default::default() };
    assert_eq!(zaremba.parameters(), Some(2 * 2_000_000 + 10_000 + 2 * (400 * 800 + 1600)));
}

/// burn-train's step: the loss counts no ignored target and its logits are the model's.
#[cfg(feature = "train")]
#[test]
fn burn_train_sees_the_same_loss() {
    use burn::train::{InferenceStep, TrainStep};
    let device = Device::flex().autodiff();
    let model = small().init(1, &device).unwrap();
    let (x, y) = (tokens(4, 2, &device), tokens(5, 2, &device).slice(s![1..]));
    let padded = y.clone().slice_fill(s![2.., 1], -1);
    let options = CrossEntropyOptions { ignore_index: Some(-1), ..Default::default() };
    let expected = model.loss(x.clone(), padded.clone(), None, &options, &mut Mode::Evaluate);
    let trained = TrainStep::step(&model, (x.clone(), padded.clone()));
    assert!(close(&values(trained.item.loss), &values(expected.loss.clone())));
    let inner = model.valid();
    let batch = (x.clone().without_autodiff(), padded.without_autodiff());
    let evaluated = InferenceStep::step(&inner, batch);
    assert!(close(&values(evaluated.loss), &values(expected.loss)));
    let (logits, _) = model.forward(x, None, &mut Mode::Evaluate);
    assert!(close(&values(evaluated.logits), &values(logits.swap_dims(0, 1))));
}
