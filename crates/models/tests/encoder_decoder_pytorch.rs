//! Encoder-decoders against the same written in PyTorch: losses and all gradients
//! (`fixtures/encoder_decoder.py` made `fixtures/encoder_decoder.json`).

use std::collections::BTreeMap;

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use lampwick_models::{
    CrossEntropyOptions, EncoderDecoderBatch, EncoderDecoderConfig, EncoderDecoderLoss, Feeding,
    Mode,
};
use serde_json::Value;

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().expect("numbers").iter().map(|x| x.as_f64().expect("number") as f32).collect()
}

fn sizes(value: &Value) -> Vec<usize> {
    value.as_array().expect("sizes").iter().map(|x| x.as_u64().expect("size") as usize).collect()
}

/// Puts values at the parameters' paths.
struct Put {
    path: Vec<String>,
    values: BTreeMap<String, Vec<f32>>,
}

impl ModuleMapper for Put {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.join(".");
        let values = self.values.remove(&path).unwrap_or_else(|| panic!("no {path}"));
        let (id, tensor, mapper) = param.consume();
        let values = TensorData::new(values, tensor.dims());
        let value = Tensor::from_data(values, &tensor.device()).require_grad();
        Param::from_mapped_value(id, value, mapper)
    }
}

/// Gradients by the parameters' paths.
struct Take<'a> {
    path: Vec<String>,
    gradients: &'a GradientsParams,
    taken: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Take<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(param.id).expect("every parameter has a gradient");
        let gradient = gradient.try_into_vec_as::<f32>().expect("floats");
        self.taken.insert(self.path.join("."), gradient);
    }
}

#[test]
fn losses_and_gradients_are_pytorchs() {
    let cases: Value = serde_json::from_str(include_str!("fixtures/encoder_decoder.json")).unwrap();
    for case in cases.as_array().expect("cases") {
        let name = case["name"].as_str().expect("name");
        let config: EncoderDecoderConfig = serde_json::from_value(case["config"].clone()).unwrap();
        let device = Device::flex().autodiff();
        let parameters = case["parameters"].as_object().expect("by path");
        let values = parameters.iter().map(|(path, data)| (path.clone(), floats(data))).collect();
        let mut put = Put { path: Vec::new(), values };
        let model = config.init(1, &device).unwrap().map(&mut put);
        assert!(put.values.is_empty(), "{name}: {:?} are nobody's", put.values.keys());

        let (sources, targets) = (sizes(&case["source_lengths"]), sizes(&case["target_lengths"]));
        let ids = |key: &str| {
            let ids: Vec<i64> = floats(&case[key]).into_iter().map(|id| id as i64).collect();
            let shape = [ids.len() / sources.len(), sources.len()];
            Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &device)
        };
        let batch = EncoderDecoderBatch {
            source: ids("source").into(),
            source_lengths: &sources,
            inputs: ids("inputs"),
            targets: ids("targets"),
            target_lengths: &targets,
        };
        let options = CrossEntropyOptions {
            ignore_index: Some(-1),
            label_smoothing: case["smoothing"].as_f64().expect("number"),
            ..CrossEntropyOptions::default()
        };
        let EncoderDecoderLoss { loss, nll } =
            model.loss(&batch, &options, &Feeding::Gold, &mut Mode::Evaluate);
        let close = |found: &[f32], expected: &[f32], what: &str| {
            assert_eq!(found.len(), expected.len(), "{name}: {what}");
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 2e-6, "{name}, {what}: {a}, PyTorch {b}");
            }
        };
        let expected = case["loss"].as_f64().expect("number") as f32;
        close(&[loss.clone().into_scalar::<f32>()], &[expected], "loss");
        close(&nll.try_into_vec_as::<f32>().unwrap(), &floats(&case["nll"]), "nll");

        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let mut take = Take { path: Vec::new(), gradients: &gradients, taken: BTreeMap::new() };
        model.visit(&mut take);
        for (path, expected) in case["gradients"].as_object().expect("by path") {
            close(&take.taken[path], &floats(expected), path);
        }
    }
}
