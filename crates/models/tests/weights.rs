//! Weights in files: PyTorch's, and our own.

use std::path::{Path, PathBuf};

use burn::prelude::*;
use lampwick_kernels::{Activation, Cell, Reset};
use lampwick_models::weights::{self, WeightsError};
use lampwick_models::{LanguageModelConfig, Mode, Recurrent, RecurrentConfig};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn numbers(value: &serde_json::Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

fn close(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-6)
}

/// The stacks of `fixtures/state_dicts.py`.
fn cases() -> Vec<(&'static str, RecurrentConfig)> {
    let config = |cell| RecurrentConfig::new(cell, 3, 4);
    let gru = Cell::Gru { reset: Reset::After };
    let relu = Cell::Rnn { activation: Activation::Relu };
    vec![
        ("lstm", config(Cell::Lstm).with_layers(2)),
        ("lstm_bidirectional", config(Cell::Lstm).with_layers(2).with_bidirectional(true)),
        ("gru", config(gru).with_layers(2)),
        ("gru_bidirectional", config(gru).with_bidirectional(true)),
        ("rnn_tanh", config(Cell::Rnn { activation: Activation::Tanh }).with_layers(2)),
        ("rnn_relu_no_bias", RecurrentConfig { bias: false, ..config(relu) }),
    ]
}

/// Outputs and final states (`h`, then `c`, each `[layers * directions, B, H]`) as PyTorch's.
fn assert_gives(stack: &Recurrent, name: &str) {
    let text = std::fs::read_to_string(fixture("outputs.json")).unwrap();
    let outputs: serde_json::Value = serde_json::from_str(&text).unwrap();
    let input = TensorData::new(numbers(&outputs["input"]), [5, 2, 3]);
    let x = Tensor::from_data(input, &Device::flex());
    let out = stack.forward(x, None, None, &mut Mode::Evaluate);
    let expected = &outputs[name];
    assert!(close(&values(out.output), &numbers(&expected["output"])), "{name}: output");
    let hidden: Vec<_> = out.state.0.iter().flat_map(|s| values(s.hidden.clone())).collect();
    assert!(close(&hidden, &numbers(&expected["state"][0])), "{name}: final hidden state");
    let cell: Vec<_> = out.state.0.into_iter().filter_map(|s| s.cell).flat_map(values).collect();
    if !cell.is_empty() {
        assert!(close(&cell, &numbers(&expected["state"][1])), "{name}: final cell");
    }
}

#[test]
fn pytorch_weights_compute_what_pytorch_computes() {
    for (name, config) in cases() {
        for extension in ["pt", "safetensors"] {
            let stack = config.init(1, &Device::flex());
            let file = fixture(&format!("{name}.{extension}"));
            let stack = stack.load_state_dict(&file, "", None).unwrap();
            assert_gives(&stack, name);
        }
    }
}

#[test]
fn a_layer_inside_a_model_inside_a_checkpoint_is_found() {
    let stack = cases()[0].1.init(1, &Device::flex());
    let file = fixture("lstm_inside_a_model.pt");
    assert_gives(&stack.load_state_dict(&file, "rnn.", Some("model")).unwrap(), "lstm");
}

#[test]
fn a_state_dict_goes_round_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    for (name, config) in cases() {
        let device = Device::flex();
        let original = fixture(&format!("{name}.safetensors"));
        let stack = config.init(1, &device).load_state_dict(&original, "", None).unwrap();
        let file = folder.path().join(format!("{name}.safetensors"));
        stack.save_state_dict(&file, "a.$b.").unwrap();
        let back = config.init(2, &device).load_state_dict(&file, "a.$b.", None).unwrap();
        assert_gives(&back, name);
        stack.save_state_dict(&file, "").unwrap();
        let (ours, theirs) = (std::fs::read(&file).unwrap(), std::fs::read(&original).unwrap());
        assert_eq!(keys(&ours), keys(&theirs));
    }
}

/// Keys and shapes of a safetensors file.
fn keys(file: &[u8]) -> Vec<(String, serde_json::Value)> {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
    let entries = header.as_object().unwrap().iter();
    let tensors = entries.filter(|(key, _)| *key != "__metadata__");
    let mut keys: Vec<_> = tensors.map(|(key, v)| (key.clone(), v["shape"].clone())).collect();
    keys.sort_by(|a, b| a.0.cmp(&b.0));
    keys
}

#[test]
fn what_does_not_fit_is_named() {
    let device = Device::flex();
    let load = |config: RecurrentConfig, name: &str, prefix: &str| {
        let stack = config.init(1, &device);
        stack.load_state_dict(&fixture(name), prefix, None).unwrap_err()
    };
    let lstm = RecurrentConfig::new(Cell::Lstm, 3, 4);
    let error = load(lstm.clone(), "lstm.pt", "");
    assert!(matches!(&error, WeightsError::Unexpected { key, .. } if key.ends_with("_l1")));
    let error = load(lstm.clone().with_layers(2), "lstm.pt", "rnn.");
    let text = error.to_string();
    assert!(text.contains("`rnn.weight_ih_l0`") && text.contains("bias_hh_l0"), "{text}");
    let text = load(RecurrentConfig::new(Cell::Lstm, 3, 5), "lstm.pt", "").to_string();
    assert!(text.contains("[16, 3]") && text.contains("[20, 3]"), "{text}");
    let text = load(lstm.clone(), "outputs.json", "").to_string();
    assert!(text.contains("outputs.json"), "{text}");
    let text = load(lstm.clone(), "absent.safetensors", "").to_string();
    assert!(text.contains("absent.safetensors"), "{text}");
    let cho = RecurrentConfig::new(Cell::Gru { reset: Reset::Before }, 3, 4);
    assert!(matches!(load(cho, "gru.pt", ""), WeightsError::NotInPyTorch { .. }));
}

#[test]
fn a_language_model_goes_round_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let device = Device::flex();
    let config = LanguageModelConfig { vocabulary: 11, hidden: 8, ..Default::default() };
    let model = config.init(1, &device).unwrap();
    weights::save(&model, &file).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    weights::save(&model, &file).unwrap();
    assert_eq!(bytes, std::fs::read(&file).unwrap(), "equal parameters give equal bytes");
    let other = config.init(2, &device).unwrap();
    let back = weights::load(other, &file).unwrap();
    assert_eq!(values(back.embedding.val()), values(model.embedding.val()));
    let layer = |model: &lampwick_models::LanguageModel| {
        values(model.recurrent.layers[1].forward.hidden.val())
    };
    assert_eq!(layer(&back), layer(&model));

    let larger = LanguageModelConfig { layers: 3, ..config.clone() }.init(1, &device).unwrap();
    let text = weights::load(larger, &file).unwrap_err().to_string();
    assert!(text.contains("recurrent.layers.2.forward"), "{text}");
    let smaller = LanguageModelConfig { layers: 1, ..config.clone() }.init(1, &device).unwrap();
    let error = weights::load(smaller, &file).unwrap_err();
    assert!(matches!(error, WeightsError::Unexpected { .. }), "{error}");
}

#[test]
fn damaged_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::flex();
    let config = RecurrentConfig::new(Cell::Lstm, 3, 4).with_layers(2);
    for name in ["lstm.safetensors", "lstm.pt"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for length in [0, 1, 7, 8, 9, 100, bytes.len() / 2, bytes.len() - 1] {
            let file = folder.path().join(name);
            std::fs::write(&file, &bytes[..length]).unwrap();
            let result = config.init(1, &device).load_state_dict(&file, "", None);
            assert!(result.is_err(), "{name} cut to {length} bytes");
        }
    }
}
