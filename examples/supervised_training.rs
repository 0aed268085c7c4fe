//! Our language model trained by burn-train's own `SupervisedTraining`, our corpus in Burn's own
//! `DataLoader`.
//!
//! ```sh
//! cargo run --release --example supervised_training
//! ```
//!
//! Each window is an example of its own here: no state is carried from one to the next, so windows
//! may be shuffled. (`lampwick train` carries it, as truncated backpropagation through time should,
//! and reaches a lower perplexity.) A few seconds on two cores; it prints Burn's summary and
//! the distance to the source's own entropy.

use burn::data::dataloader::DataLoaderBuilder;
use burn::module::Module;
use burn::optim::AdamConfig;
use burn::prelude::*;
use burn::train::metric::{LossMetric, PerplexityMetric};
use burn::train::renderer::CliMetricsRenderer;
use burn::train::{ExecutionStrategy, Learner, SupervisedTraining};
use lampwick::data::{PairBatcher, SyntheticLanguage, WindowDataset};
use lampwick::models::{LanguageModelConfig, RecurrentInit};

const STEPS: usize = 35; // T, length of a window
const BATCH: usize = 20; // B

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex();
    let language = SyntheticLanguage::default();
    let valid = language.tokens(10_000, 2);
    let source = language.score(&valid).nats_per_token();

    // Text -> windows -> Burn's loader.
    let windows = WindowDataset::new(language.tokens(150_000, 1), STEPS)?;
    let train_loader =
        DataLoaderBuilder::new(PairBatcher::default()).batch_size(BATCH).shuffle(42).build(windows);
    let windows = WindowDataset::new(valid, STEPS)?;
    let valid_loader =
        DataLoaderBuilder::new(PairBatcher::default()).batch_size(BATCH).build(windows);

    let config = LanguageModelConfig {
        vocabulary: language.vocabulary().len(),
        embedding: 96,
        hidden: 96,
        layers: 1,
        initializer: RecurrentInit::PyTorch,
        ..LanguageModelConfig::default()
    };
    let model = config.init(1, &device.clone().autodiff())?;

    let folder = tempfile::tempdir()?;
    let result = SupervisedTraining::new(folder.path(), train_loader, valid_loader)
        .metrics((LossMetric::new(), PerplexityMetric::new()))
        .with_training_strategy(ExecutionStrategy::SingleDevice(device).into())
        .with_application_logger(None)
        .renderer(Box::new(CliMetricsRenderer::new()))
        .num_epochs(3)
        .summary()
        .launch(Learner::new(model, AdamConfig::new().init(), 3e-3));
    if let Some(error) = result.error {
        return Err(error.to_string().into());
    }

    // The trained model is an ordinary `LanguageModel` again.
    println!("{} parameters on flex", result.model.num_params());
    println!("the source's own loss: {source:.3} nats per token; the model's is above it");
    Ok(())
}
