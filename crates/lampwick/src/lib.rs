//! Lampwick: train and use sequence models on [Burn](https://burn.dev).
//!
//! This crate is the program `lampwick` and, as a library, one name for the crates behind it.
//! Import it whole, or only the crate that you need:
//!
//! | module | crate | what it holds |
//! |---|---|---|
//! | [`kernels`] | `lampwick-kernels` | fused, differentiable LSTM, GRU and RNN; output layer with its loss |
//! | [`models`] | `lampwick-models` | Burn modules: recurrent stacks, language models; PyTorch import |
//! | [`data`] | `lampwick-data` | text, vocabularies, token files, batches, pairs, speech; a language of known entropy |
//! | [`ngram`] | `lampwick-ngram` | counting, modified Kneser-Ney, pruning, ARPA and binary files, queries |
//! | [`embeddings`] | `lampwick-embeddings` | Word2Vec, fastText, GloVe: training and files |
//! | [`metrics`] | `lampwick-metrics` | perplexity that says its unit; BLEU, chrF, TER, ROUGE, WER, CER |
//! | [`decoding`] | `lampwick-decoding` | beam search, sampling and scoring over any next-token model |
//! | [`training`] | `lampwick-training` | one TOML config = one run: loop, checkpoints, report |
//!
//! Reading order: [`models::LanguageModel`] (what is trained), [`training`] (how),
//! [`kernels`] (why it is fast), then the rest. The examples show the two ways in:
//! `supervised_training` (our model under Burn's own trainer) and `replace_burn_lstm` (our layer
//! in another model).
//!
//! Nothing but these names lives here; the program's own code is private to it.

pub use lampwick_data as data;
pub use lampwick_decoding as decoding;
pub use lampwick_embeddings as embeddings;
pub use lampwick_kernels as kernels;
pub use lampwick_metrics as metrics;
pub use lampwick_models as models;
pub use lampwick_ngram as ngram;
pub use lampwick_training as training;

/// The README's Rust, as a test.
#[cfg(all(doctest, feature = "flex"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
