//! Sequence models as [Burn](https://burn.dev) modules: recurrent stacks and language models.
//!
//! Reading order:
//! - [`mode`]: training or evaluation, and the random stream of the dropout masks;
//! - [`dropout`]: element, locked (variational), embedding and weight dropout;
//! - [`initializer`]: named initialisations, drawn from a seed and equal on every device;
//! - [`precision`]: the float type of the matrix products;
//! - [`recurrent`]: a stack of recurrent layers over the kernels of `lampwick-kernels`;
//! - [`config`] and [`language_model`]: embedding, stack, tied or untied output; loss, logits, step;
//! - [`encoder_decoder`]: sequence to sequence, with attention; [`ctc`]: labels from a CTC head;
//! - [`gradient_flow`]: how much of a loss reaches the states before it;
//! - [`next_token`]: the interface that decoding uses, free of Burn's types;
//! - [`generator`]: that interface over weights packed for one token at a time on a CPU;
//! - `supervised`: the language model in burn-train's own loop (feature `train`);
//! - [`weights`]: safetensors files and PyTorch `state_dict`s.
//!
//! Random numbers never come from a global: initial values from the seed given to `init`, dropout
//! masks from the [`Mode`] that every forward pass is given. Evaluation passes [`Mode::Evaluate`].
//! (`supervised` alone draws from Burn's generator, since burn-train has no place for a stream.)

pub mod config;
pub mod ctc;
pub mod dropout;
pub mod encoder_decoder;
pub mod generator;
pub mod gradient_flow;
pub mod initializer;
pub mod language_model;
pub mod layer_norm;
pub mod mode;
pub mod next_token;
pub mod precision;
pub mod recurrent;
#[cfg(feature = "train")]
pub mod supervised;
pub mod weights;

pub use config::{CellKind, LanguageModelConfig, ModelConfigError};
pub use encoder_decoder::{
    AttentionKind, Bridge, DecoderConfig, EncoderConfig, EncoderDecoder, EncoderDecoderBatch,
    EncoderDecoderConfig, EncoderDecoderLoss, Fed, Feeding, Source, SourceKind, Tie, Translator,
    TranslatorState,
};
pub use generator::{Generator, GeneratorState};
pub use gradient_flow::GradientFlow;
pub use initializer::RecurrentInit;
pub use lampwick_kernels::{CrossEntropyOptions, Reduction, exponentials, log_softmax};
pub use language_model::{LanguageModel, LanguageModelHidden, LanguageModelLoss};
pub use layer_norm::LayerNorm;
pub use mode::{DropoutRng, Mode};
pub use next_token::{Attention, NextToken};
pub use precision::Precision;
pub use recurrent::{Recurrent, RecurrentConfig, RecurrentOutput, RecurrentStepper, StackState};
pub use weights::WeightsError;
