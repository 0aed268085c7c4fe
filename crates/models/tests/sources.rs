//! Sources that are not words: images, and frames of speech with a CTC head beside the decoder.

use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use lampwick_models::{
    AttentionKind, CrossEntropyOptions, DecoderConfig, EncoderConfig, EncoderDecoder,
    EncoderDecoderBatch, EncoderDecoderConfig, EncoderDecoderLoss, Feeding, Mode, NextToken,
    Source, SourceKind, Tie, Translator, ctc,
};

const END: u32 = 0;
const PADDING: i64 = -1;
const FEATURES: usize = 5;
const SIDE: usize = 16;

/// Numbers of a stream: uniform below a bound, or in -1..1.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % bound
    }

    fn noise(&mut self) -> f32 {
        self.below(1 << 20) as f32 / (1 << 19) as f32 - 1.0
    }
}

fn images() -> EncoderDecoderConfig {
    EncoderDecoderConfig {
        reads: SourceKind::Image { height: SIDE, width: SIDE, channels: vec![8, 12, 16] },
        target_vocabulary: 9,
        embedding: 8,
        attention: AttentionKind::Bahdanau,
        decoder: DecoderConfig { hidden: 16, ..DecoderConfig::default() },
        ..EncoderDecoderConfig::default()
    }
}

fn speech() -> EncoderDecoderConfig {
    EncoderDecoderConfig {
        reads: SourceKind::Frames { features: FEATURES, joined: vec![2, 2] },
        target_vocabulary: 6,
        embedding: 8,
        ctc: 0.5,
        encoder: EncoderConfig { hidden: 12, layers: 2, bidirectional: true, residual: false },
        decoder: DecoderConfig { hidden: 24, ..DecoderConfig::default() },
        ..EncoderDecoderConfig::default()
    }
}

/// A square of a colour (1..=3) in a quarter (4..=7) of the image: `[3, SIDE, SIDE]`.
fn square(numbers: &mut Numbers) -> (Vec<f32>, Vec<u32>) {
    let (colour, quarter) = (numbers.below(3), numbers.below(4));
    let mut pixels = vec![0.0; 3 * SIDE * SIDE];
    let at = |half: u64, n: &mut Numbers| (half * 8 + n.below(4)) as usize;
    let (top, left) = (at(quarter / 2, numbers), at(quarter % 2, numbers));
    for row in top..top + 5 {
        for column in left..left + 5 {
            pixels[(colour as usize * SIDE + row) * SIDE + column] = 1.0;
        }
    }
    (pixels, vec![1 + colour as u32, 4 + quarter as u32])
}

/// Some labels (1..=5, none twice running), each six to eight noisy frames: `[S, FEATURES]`.
fn utterance(numbers: &mut Numbers) -> (Vec<f32>, Vec<u32>) {
    let mut labels: Vec<u32> =
        (0..1 + numbers.below(4)).map(|_| 1 + numbers.below(5) as u32).collect();
    labels.dedup();
    let mut frames = Vec::new();
    for &label in &labels {
        for _ in 0..6 + numbers.below(3) {
            for feature in 0..FEATURES {
                let said = f32::from(u8::from(feature + 1 == label as usize));
                frames.push(said + 0.2 * numbers.noise());
            }
        }
    }
    (frames, labels)
}

struct Batch {
    source: Source,
    source_lengths: Vec<usize>,
    targets: Vec<Vec<u32>>,
}

impl Batch {
    fn of_images(examples: &[(Vec<f32>, Vec<u32>)], device: &Device) -> Self {
        let pixels: Vec<f32> = examples.iter().flat_map(|(pixels, _)| pixels.clone()).collect();
        let pixels = TensorData::new(pixels, [examples.len(), 3, SIDE, SIDE]);
        Self {
            source: Source::Image(Tensor::from_data(pixels, device)),
            source_lengths: vec![0; examples.len()],
            targets: examples.iter().map(|(_, target)| target.clone()).collect(),
        }
    }

    /// `extra` steps of `padding` past the longest.
    fn of_frames(
        examples: &[(Vec<f32>, Vec<u32>)],
        extra: usize,
        padding: f32,
        device: &Device,
    ) -> Self {
        let source_lengths: Vec<usize> =
            examples.iter().map(|(frames, _)| frames.len() / FEATURES).collect();
        let steps = source_lengths.iter().max().unwrap() + extra;
        let mut frames = vec![padding; steps * examples.len() * FEATURES];
        for (column, (from, _)) in examples.iter().enumerate() {
            for (step, row) in from.chunks(FEATURES).enumerate() {
                frames[(step * examples.len() + column) * FEATURES..][..FEATURES]
                    .copy_from_slice(row);
            }
        }
        let frames = TensorData::new(frames, [steps, examples.len(), FEATURES]);
        Self {
            source: Source::Frames(Tensor::from_data(frames, device)),
            source_lengths,
            targets: examples.iter().map(|(_, target)| target.clone()).collect(),
        }
    }

    fn loss(&self, model: &EncoderDecoder, mode: &mut Mode) -> EncoderDecoderLoss {
        let size = self.targets.len();
        let target_lengths: Vec<usize> = self.targets.iter().map(|t| t.len() + 1).collect();
        let steps = *target_lengths.iter().max().unwrap();
        let (mut inputs, mut targets) = (vec![0i64; steps * size], vec![PADDING; steps * size]);
        for (column, target) in self.targets.iter().enumerate() {
            for (step, &id) in target.iter().enumerate() {
                inputs[(step + 1) * size + column] = i64::from(id);
                targets[step * size + column] = i64::from(id);
            }
            targets[target.len() * size + column] = i64::from(END);
        }
        let [inputs, targets] = [inputs, targets].map(|ids| {
            let ids = TensorData::new(ids, [steps, size]);
            Tensor::<2, Int>::from_data(ids, &model.device())
        });
        let batch = EncoderDecoderBatch {
            source: self.source.clone(),
            source_lengths: &self.source_lengths,
            inputs,
            targets,
            target_lengths: &target_lengths,
        };
        let options =
            CrossEntropyOptions { ignore_index: Some(PADDING), ..CrossEntropyOptions::default() };
        model.loss(&batch, &options, &Feeding::Gold, mode)
    }

    /// `-ln p` of each target's tokens.
    fn nll(&self, model: &EncoderDecoder) -> Vec<Vec<f32>> {
        let nll: Vec<f32> = self.loss(model, &mut Mode::Evaluate).nll.try_into_vec_as().unwrap();
        let size = self.targets.len();
        let column = |c: usize| (0..=self.targets[c].len()).map(|t| nll[t * size + c]).collect();
        (0..size).map(column).collect()
    }
}

/// Each source of a batch as a batch of one, as long as it is.
fn each(batch: &Batch) -> Vec<Source> {
    let column = |c: usize| match &batch.source {
        Source::Image(pixels) => Source::Image(pixels.clone().slice(s![c..=c, .., .., ..])),
        Source::Frames(frames) => {
            let length = batch.source_lengths[c];
            Source::Frames(frames.clone().slice(s![..length, c..=c, ..]))
        }
        Source::Words(_) => panic!("not of words"),
    };
    (0..batch.targets.len()).map(column).collect()
}

fn trained(
    config: &EncoderDecoderConfig,
    steps: usize,
    mut batch: impl FnMut(&Device) -> Batch,
) -> EncoderDecoder {
    let device = Device::flex().autodiff();
    let mut model = config.init(1, &device).unwrap();
    let mut optimizer = AdamConfig::new().with_epsilon(1e-8).init();
    for step in 0..steps {
        let loss = batch(&device).loss(&model, &mut Mode::train(1)).loss;
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let rate = if step < steps * 2 / 3 { 1e-2 } else { 2e-3 };
        model = optimizer.step(rate, model, gradients);
    }
    model.valid()
}

/// The likeliest word at each step, without the end.
fn written(translator: &Translator, model: &EncoderDecoder, batch: &Batch) -> Vec<Vec<u32>> {
    let mut state = translator.encode_with(model, &each(batch));
    let count = batch.targets.len();
    let (mut tokens, mut log_p) = (vec![END; count], Vec::new());
    let mut written: Vec<Vec<u32>> = vec![Vec::new(); count];
    let words = translator.vocabulary_size();
    for _ in 0..8 {
        state = translator.next(&tokens, state, &mut log_p);
        for (stream, row) in log_p.chunks_exact(words).enumerate() {
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            tokens[stream] = best as u32;
            written[stream].push(best as u32);
        }
    }
    let before_end = |ids: Vec<u32>| ids.into_iter().take_while(|&id| id != END).collect();
    written.into_iter().map(before_end).collect()
}

#[test]
fn the_packed_copy_gives_the_models_numbers() {
    let device = Device::flex();
    let mut numbers = Numbers(2);
    let pictures: Vec<_> = (0..4).map(|_| square(&mut numbers)).collect();
    let said: Vec<_> = (0..4).map(|_| utterance(&mut numbers)).collect();
    for (config, batch) in [
        (images(), Batch::of_images(&pictures, &device)),
        (speech(), Batch::of_frames(&said, 3, f32::NAN, &device)),
    ] {
        let model = config.init(3, &device).unwrap();
        assert_eq!(config.parameters(), Some(model.num_params()), "{:?}", config.reads);
        let expected = batch.nll(&model);
        let translator = Translator::new(&model);
        let mut bits: Vec<Vec<u32>> = vec![Vec::new(); 4];
        for order in [vec![0, 1, 2, 3], vec![3, 1], vec![2], vec![0]] {
            let all = each(&batch);
            let sources: Vec<Source> = order.iter().map(|&index| all[index].clone()).collect();
            let mut state = translator.encode_with(&model, &sources);
            let (mut tokens, mut log_p) = (vec![END; order.len()], Vec::new());
            let mut nll = vec![Vec::new(); order.len()];
            let longest = batch.targets.iter().map(Vec::len).max().unwrap();
            for step in 0..=longest {
                state = translator.next(&tokens, state, &mut log_p);
                for (stream, &index) in order.iter().enumerate() {
                    let target = &batch.targets[index];
                    let next = target.get(step).copied().unwrap_or(END);
                    if step <= target.len() {
                        let at = stream * translator.vocabulary_size() + next as usize;
                        nll[stream].push(-log_p[at]);
                    }
                    tokens[stream] = next;
                }
            }
            for (nll, &index) in nll.iter().zip(&order) {
                for (a, b) in nll.iter().zip(&expected[index]) {
                    assert!((a - b).abs() < 2e-5, "{:?}: {a} {b}", config.reads);
                }
                let found: Vec<u32> = nll.iter().map(|value| value.to_bits()).collect();
                if bits[index].is_empty() {
                    bits[index] = found;
                } else {
                    assert_eq!(bits[index], found, "{:?}: hangs on its batch", config.reads);
                }
            }
        }
    }
}

/// Also what is no number, and also in the CTC head.
#[test]
fn padding_changes_no_utterance() {
    let device = Device::flex();
    let model = speech().init(4, &device).unwrap();
    let mut numbers = Numbers(5);
    let said: Vec<_> = (0..5).map(|_| utterance(&mut numbers)).collect();
    let loss =
        |batch: &Batch| -> f32 { batch.loss(&model, &mut Mode::Evaluate).loss.into_scalar() };
    let plain = Batch::of_frames(&said, 0, 0.0, &device);
    for (extra, padding) in [(0, f32::NAN), (1, 7.0), (5, f32::NAN)] {
        let padded = Batch::of_frames(&said, extra, padding, &device);
        assert!((loss(&padded) - loss(&plain)).abs() < 1e-5, "{extra} {padding}");
        for (a, b) in padded.nll(&model).iter().flatten().zip(plain.nll(&model).iter().flatten()) {
            assert!((a - b).abs() < 1e-5, "{extra} {padding}: {a} {b}");
        }
    }
    // The loss is half the decoder's and half CTC's, each a sum over the tokens' number.
    let tokens: usize = said.iter().map(|(_, target)| target.len() + 1).sum();
    let alone = said.iter().map(|one| {
        let batch = Batch::of_frames(std::slice::from_ref(one), 0, 0.0, &device);
        loss(&batch) * (one.1.len() + 1) as f32
    });
    let sum: f32 = alone.sum();
    assert!((sum / tokens as f32 - loss(&plain)).abs() < 1e-5);
}

#[test]
fn a_tiny_model_learns_to_say_what_it_sees() {
    let mut numbers = Numbers(6);
    let model = trained(&images(), 150, |device| {
        let squares: Vec<_> = (0..32).map(|_| square(&mut numbers)).collect();
        Batch::of_images(&squares, device)
    });
    let squares: Vec<_> = (0..50).map(|_| square(&mut numbers)).collect();
    let batch = Batch::of_images(&squares, &model.device());
    let found = written(&Translator::new(&model), &model, &batch);
    let right = found.iter().zip(&batch.targets).filter(|(found, target)| found == target).count();
    assert_eq!(right, 50, "{:?} for {:?}", &found[..4], &batch.targets[..4]);
}

#[test]
fn a_tiny_model_learns_to_write_what_it_hears_by_both_heads() {
    let mut numbers = Numbers(7);
    let model = trained(&speech(), 270, |device| {
        let said: Vec<_> = (0..16).map(|_| utterance(&mut numbers)).collect();
        Batch::of_frames(&said, 0, 0.0, device)
    });
    let said: Vec<_> = (0..50).map(|_| utterance(&mut numbers)).collect();
    let batch = Batch::of_frames(&said, 0, 0.0, &model.device());
    let found = written(&Translator::new(&model), &model, &batch);
    let right = found.iter().zip(&batch.targets).filter(|(found, target)| found == target).count();
    assert!(right >= 48, "decoder: {right} of 50");

    let encoded = model.encode(batch.source.clone(), &batch.source_lengths, &mut Mode::Evaluate);
    let lengths = encoded.memory.lengths.clone();
    let log_p = model.ctc_log_probs(&encoded).expect("has a head");
    let [steps, count, classes] = log_p.dims();
    let log_p: Vec<f32> = log_p.try_into_vec_as().unwrap();
    let blank = classes as u32 - 1;
    let (mut greedy, mut beam) = (0, 0);
    for (column, target) in batch.targets.iter().enumerate() {
        let row = |step: usize| &log_p[(step * count + column) * classes..][..classes];
        assert!(lengths[column] <= steps);
        let own: Vec<f32> = (0..lengths[column]).flat_map(row).copied().collect();
        greedy += usize::from(&ctc::best_path(&own, classes, blank).labels == target);
        let best = &ctc::prefix_beam_search(&own, classes, blank, 8)[0];
        beam += usize::from(&best.labels == target);
    }
    assert!(greedy >= 45 && beam >= 45, "CTC: {greedy} greedily, {beam} by a beam, of 50");
}

#[test]
fn what_does_not_go_together_is_named() {
    let (image, frames) = (images(), speech());
    for (config, key) in [
        (EncoderDecoderConfig { copying: true, ..image.clone() }, "model.copying"),
        (
            EncoderDecoderConfig { tie: Tie::ThreeWay, readout: Some(8), ..frames.clone() },
            "model.tie",
        ),
        (EncoderDecoderConfig { reverse_source: true, ..frames.clone() }, "model.reverse_source"),
        (EncoderDecoderConfig { ctc: -0.5, ..frames.clone() }, "model.ctc is -0.5"),
        // Of a whole head nothing is left that the decoder would learn from.
        (EncoderDecoderConfig { ctc: 1.0, ..frames.clone() }, "model.ctc is 1"),
        (
            EncoderDecoderConfig {
                reads: SourceKind::Frames { features: 0, joined: vec![2] },
                ..frames.clone()
            },
            "model.reads.frames.features is 0",
        ),
        (
            EncoderDecoderConfig {
                reads: SourceKind::Frames { features: 3, joined: vec![2, 2, 2] },
                ..frames
            },
            "model.reads.frames.joined",
        ),
        (
            EncoderDecoderConfig {
                reads: SourceKind::Image { height: 8, width: 0, channels: vec![4] },
                ..image.clone()
            },
            "model.reads.image.width is 0",
        ),
        (
            EncoderDecoderConfig {
                reads: SourceKind::Image { height: 8, width: 8, channels: vec![] },
                ..image.clone()
            },
            "model.reads.image.channels is empty",
        ),
        (
            EncoderDecoderConfig {
                reads: SourceKind::Image { height: usize::MAX, width: 8, channels: vec![4] },
                ..image
            },
            "model.reads.image.height",
        ),
    ] {
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
        // The mend is of the key that is named.
        assert!(!error.contains("two_way") || key == "model.tie", "{error}");
    }
    let config: EncoderDecoderConfig = toml::from_str(
        "reads = { image = { height = 32, width = 32, channels = [16, 32] } }\ntarget_vocabulary = 5",
    )
    .unwrap();
    assert_eq!(config.validate(), Ok(()));
}
