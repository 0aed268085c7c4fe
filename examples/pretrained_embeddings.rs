//! A language model that starts from trained word vectors, tuned or frozen, beside one that starts at random:
//!
//! ```sh
//! cargo run --release --example pretrained_embeddings
//! ```
//!
//! The vectors come from much text, the language model learns from little: that is when they help. Text is
//! the synthetic language; with a file of your own, `lampwick_embeddings::open` gives `Vectors` as well.
//! About half a minute on two cores.

use burn::module::Param;
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use lampwick::data::{BpttBatches, BpttLength, SyntheticLanguage, Tokens, Vocabulary};
use lampwick::embeddings::corpus::{self, MEMORY};
use lampwick::embeddings::training::{Model, Settings, train};
use lampwick::embeddings::{Silent, Source, Vectors, VocabularyLimits};
use lampwick::models::{
    CrossEntropyOptions, LanguageModel, LanguageModelConfig, Mode, RecurrentInit,
};

const DIM: usize = 64;
const BATCH: usize = 20; // B

/// What is done with the vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    Random,
    Tuned,
    Frozen,
}

/// Skip-gram vectors of much text.
fn vectors(language: &SyntheticLanguage) -> Result<Vectors, Box<dyn std::error::Error>> {
    let mut text = Vec::new();
    language.write_text(&mut text, 50_000, 7)?;
    let sources = vec![Source::bytes("synthetic text", text)];
    let limits = VocabularyLimits { min_count: 1, ..VocabularyLimits::default() };
    let corpus = corpus::read(sources, &limits, None, &std::env::temp_dir(), MEMORY, &Silent)?;
    let settings = Settings { dim: DIM, epochs: 3, deterministic: true, ..Settings::default() };
    let mut model = Model::new(&corpus, &settings)?;
    train(&mut model, &corpus, &Silent)?;
    Ok(model.into_parts()?.0)
}

/// The mean length of the rows that are handed over, in units of the square root of their dimensions: numbers
/// of about 1/2, which the gates of a recurrent layer tell apart.
const LENGTH: f32 = 0.5;

/// Puts a trained row in the place of each word's that has one; gives how many these are.
fn hand_over(
    model: &mut LanguageModel,
    vocabulary: &Vocabulary,
    vectors: &Vectors,
    frozen: bool,
) -> usize {
    let device = model.device();
    let mean = vectors.norms().iter().sum::<f32>() / vectors.len() as f32;
    let scale = LENGTH * (DIM as f32).sqrt() / mean;
    let rows = model.embedding.val().into_data(); // [V, E]
    let mut matrix: Vec<f32> = rows.try_to_vec().expect("the embedding is f32");
    let mut found = 0;
    for (row, word) in matrix.chunks_mut(DIM).zip(vocabulary.words()) {
        if let Some(vector) = vectors.vector(word.as_bytes()) {
            row.iter_mut().zip(vector.iter()).for_each(|(x, &v)| *x = v * scale);
            found += 1;
        }
    }
    let matrix = Tensor::from_data(TensorData::new(matrix, [vocabulary.len(), DIM]), &device);
    model.embedding = Param::from_tensor(matrix).set_require_grad(!frozen);
    found
}

/// The mean loss in nats a token on `tokens`.
fn evaluate(model: &LanguageModel, tokens: &Tokens) -> Result<f64, Box<dyn std::error::Error>> {
    let device = model.device();
    let (mut sum, mut windows, mut state) = (0.0, 0.0, None);
    for window in BpttBatches::new(tokens.clone(), BATCH, BpttLength::Fixed(35), 1)? {
        let (x, y) = window.to_tensors(&device);
        let out = model.loss(x, y, state, &CrossEntropyOptions::default(), &mut Mode::Evaluate);
        sum += f64::from(out.loss.into_scalar::<f32>());
        windows += 1.0;
        state = Some(out.state);
    }
    Ok(sum / windows)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex().autodiff();
    let language = SyntheticLanguage::default();
    let vocabulary = language.vocabulary();
    let vectors = vectors(&language)?;
    let (little, valid) = (language.tokens(15_000, 1), language.tokens(10_000, 2));
    println!("the source's own loss: {:.3} nats a token", language.score(&valid).nats_per_token());
    let config = LanguageModelConfig {
        vocabulary: vocabulary.len(),
        embedding: DIM,
        hidden: 96,
        layers: 1,
        initializer: RecurrentInit::PyTorch,
        ..LanguageModelConfig::default()
    };
    for start in [Start::Random, Start::Tuned, Start::Frozen] {
        let mut model = config.init(1, &device)?;
        if start != Start::Random {
            let found = hand_over(&mut model, vocabulary, &vectors, start == Start::Frozen);
            println!("{found} of {} words have a vector", vocabulary.len());
        }
        let mut optimizer = AdamConfig::new().init();
        let mut batches = BpttBatches::new(little.clone(), BATCH, BpttLength::Fixed(35), 1)?;
        for epoch in 1..=6 {
            let mut state = None;
            for window in batches.by_ref() {
                let (x, y) = window.to_tensors(&device);
                let mode = &mut Mode::Evaluate; // no dropout
                let out = model.loss(x, y, state, &CrossEntropyOptions::default(), mode);
                let gradients = GradientsParams::from_grads(out.loss.backward(), &model);
                model = optimizer.step(3e-3, model, gradients);
                state = Some(out.state.detach());
            }
            batches.start_epoch();
            if epoch % 2 == 0 {
                println!(
                    "{start:?}, epoch {epoch}: {:.3} nats a token",
                    evaluate(&model.valid(), &valid)?
                );
            }
        }
    }
    Ok(())
}
