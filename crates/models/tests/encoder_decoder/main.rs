//! Encoder-decoders of every kind: padding, steps, gradients, the packed copy.
//!
//! - `batch`: small models of every kind, and pairs as a batch
//! - `feeding`: what a decoder is fed while it learns, and a thing learnt

use burn::optim::GradientsParams;
use burn::prelude::*;
use lampwick_models::{
    AttentionKind, Bridge, EncoderConfig, EncoderDecoder, EncoderDecoderConfig, Fed, Feeding, Mode,
    NextToken, Tie, Translator,
};

mod batch;
mod feeding;

use batch::{Batch, END, kinds, pairs, tiny};

fn close(a: &[Vec<f32>], b: &[Vec<f32>], name: &str) {
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        assert!((a - b).abs() < 2e-5, "{name}: {a} {b}");
    }
}

#[test]
fn neither_padding_nor_the_pairs_beside_it_change_a_pair() {
    for (name, config) in kinds() {
        let model = config.init(3, &Device::flex()).unwrap();
        let together = Batch::new(&pairs(), 0).nll(&model, &Feeding::Gold);
        close(&Batch::new(&pairs(), 3).nll(&model, &Feeding::Gold), &together, name);
        for (index, pair) in pairs().into_iter().enumerate() {
            let alone = Batch::new(&[pair], 0).nll(&model, &Feeding::Gold);
            close(&alone, &together[index..=index], name);
        }
    }
}

#[test]
fn all_steps_at_once_are_the_steps_one_by_one() {
    // Scheduled sampling that always takes the true word goes step by step.
    let feeding = Feeding::Scheduled { gold: 1.0, feed: Fed::Argmax };
    for (name, config) in kinds() {
        let model = config.init(4, &Device::flex()).unwrap();
        let batch = Batch::new(&pairs(), 1);
        close(&batch.nll(&model, &feeding), &batch.nll(&model, &Feeding::Gold), name);
    }
}

#[test]
fn the_packed_copy_gives_the_models_numbers_whatever_the_batch() {
    for (name, config) in kinds() {
        let model = config.init(5, &Device::flex()).unwrap();
        let expected = Batch::new(&pairs(), 0).nll(&model, &Feeding::Gold);
        let translator = Translator::new(&model);
        // The sentences of one batch in two orders, and each alone.
        let mut bits: Vec<Vec<Vec<u32>>> = Vec::new();
        for order in [vec![0, 1, 2, 3], vec![2, 3, 0, 1], vec![0], vec![1], vec![2], vec![3]] {
            let pairs: Vec<_> = order.iter().map(|&index| pairs()[index].clone()).collect();
            let got = translated(&translator, &pairs);
            let theirs: Vec<_> = order.iter().map(|&index| expected[index].clone()).collect();
            close(&got, &theirs, name);
            let mut by_pair = vec![Vec::new(); 4];
            for (&index, nll) in order.iter().zip(&got) {
                by_pair[index] = nll.iter().map(|value| value.to_bits()).collect();
            }
            bits.push(by_pair);
        }
        for other in &bits[1..] {
            for (index, one) in other.iter().enumerate().filter(|(_, one)| !one.is_empty()) {
                assert_eq!(one, &bits[0][index], "{name}: pair {index} hangs on its batch");
            }
        }
    }
}

/// `-ln p` of the targets through the packed copy.
fn translated(translator: &Translator, pairs: &[(Vec<u32>, Vec<u32>)]) -> Vec<Vec<f32>> {
    let sources: Vec<&[u32]> = pairs.iter().map(|(source, _)| source.as_slice()).collect();
    let mut state = translator.encode(&sources);
    let longest = pairs.iter().map(|(_, target)| target.len()).max().unwrap();
    let (mut nll, mut log_p) = (vec![Vec::new(); pairs.len()], Vec::new());
    let mut tokens = vec![END; pairs.len()];
    let words = translator.vocabulary_size();
    for step in 0..=longest {
        state = translator.next(&tokens, state, &mut log_p);
        for (column, (source, target)) in pairs.iter().enumerate() {
            let next = target.get(step).copied().unwrap_or(END);
            let row = &log_p[column * words..(column + 1) * words];
            let total: f32 = row.iter().map(|value| value.exp()).sum();
            assert!((total - 1.0).abs() < 1e-4, "probabilities sum to {total}");
            if step <= target.len() {
                nll[column].push(-row[next as usize]);
            }
            tokens[column] = next;
            if let Some(attention) = translator.attention(&state) {
                let row = attention.row(column);
                let sum: f32 = row.iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "attention sums to {sum}");
                assert!(row[source.len().max(1)..].iter().all(|&weight| weight == 0.0));
            }
        }
    }
    nll
}

#[test]
fn gradients_are_the_differences_of_the_loss() {
    let pairs = &pairs()[..3];
    for (name, config) in kinds() {
        let model = config.init(6, &Device::flex().autodiff()).unwrap();
        let batch = Batch::new(pairs, 1);
        let at = |model: &EncoderDecoder| -> f64 {
            f64::from(
                batch.loss(model, &Feeding::Gold, &mut Mode::Evaluate).loss.into_scalar::<f32>(),
            )
        };
        let loss = batch.loss(&model, &Feeding::Gold, &mut Mode::Evaluate).loss;
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        // Along a random direction of all parameters: d/de loss(p + e d) = g . d.
        let mut walk = Walk { gradients, slope: 0.0, sign: 1.0, step: 0.0, seed: 1 };
        let _ = model.clone().map(&mut walk);
        let slope = walk.slope;
        let mut ends = [1.0, -1.0].map(|sign| {
            let mut walk =
                Walk { gradients: GradientsParams::new(), slope: 0.0, sign, step: 2e-3, seed: 1 };
            at(&model.clone().map(&mut walk))
        });
        ends[0] -= ends[1];
        let measured = ends[0] / 4e-3;
        assert!(
            (measured - slope).abs() < 2e-2 * slope.abs().max(0.05),
            "{name}: the differences say {measured}, the gradients {slope}"
        );
    }
}

/// Moves every parameter along a pseudo-random direction of signs, and sums what the gradients say of it.
struct Walk {
    gradients: GradientsParams,
    slope: f64,
    sign: f64,
    step: f64,
    seed: u64,
}

impl burn::module::ModuleMapper for Walk {
    fn map_float<const D: usize>(
        &mut self,
        param: burn::module::Param<Tensor<D>>,
    ) -> burn::module::Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let count: usize = shape.iter().product();
        let mut direction = Vec::with_capacity(count);
        for _ in 0..count {
            self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            direction.push(if self.seed >> 63 == 0 { 1.0f32 } else { -1.0 });
        }
        if let Some(gradient) = self.gradients.get::<D>(id) {
            let values: Vec<f32> = gradient.try_into_vec_as().unwrap();
            let along = values.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d));
            self.slope += along.sum::<f64>();
        }
        let data = TensorData::new(direction, shape);
        let direction = Tensor::<D>::from_data(data, &tensor.device());
        let moved = tensor.detach() + direction * (self.sign * self.step);
        burn::module::Param::from_mapped_value(id, moved, mapper)
    }
}

#[test]
fn values_that_do_not_go_together_are_named() {
    let c = tiny();
    for (config, key) in [
        (EncoderDecoderConfig { embedding: 0, ..c.clone() }, "model.embedding"),
        (
            EncoderDecoderConfig {
                bridge: Bridge::Last,
                encoder: EncoderConfig { hidden: 5, ..c.encoder.clone() },
                ..c.clone()
            },
            "model.bridge",
        ),
        (EncoderDecoderConfig { coverage: 1.0, ..c.clone() }, "model.coverage"),
        (
            EncoderDecoderConfig { attention: AttentionKind::None, copying: true, ..c.clone() },
            "model.attention",
        ),
        (
            EncoderDecoderConfig { copying: true, source_vocabulary: 10, ..c.clone() },
            "model.copying",
        ),
        (EncoderDecoderConfig { tie: Tie::TwoWay, readout: Some(7), ..c.clone() }, "model.tie"),
        (EncoderDecoderConfig { embedding: usize::MAX / 2, ..c.clone() }, "model."),
        (EncoderDecoderConfig { dropout_input: 1.0, ..c.clone() }, "model.dropout_input"),
    ] {
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
    for (name, config) in kinds() {
        let model = config.init(1, &Device::flex()).unwrap();
        assert_eq!(config.parameters(), Some(model.num_params()), "{name}");
    }
}
