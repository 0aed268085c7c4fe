//! Word2Vec and fastText: a window's words, told from others.
//!
//! - [`settings`]: what a training is asked for
//! - [`mod@train`]: from a text to a model; threads, checkpoints
//! - `files`: checkpoints, and trainings that go on
//! - `unit`: the windows of a part of the text
//! - `step`: what a window does to the rows, the equations
//! - `negatives`, `huffman`: negative sampling and hierarchical softmax
//! - `word_rows`: a word's own row and those of its n-grams
//! - `hot`: rows that every window changes, copied for each thread
//! - `matrix`, `random`: rows that threads share without locks; random numbers of the inner loops

mod files;
mod hot;
pub(crate) mod huffman;
pub(crate) mod matrix;
pub(crate) mod negatives;
pub(crate) mod random;
pub mod settings;
pub(crate) mod step;
pub mod train;
pub(crate) mod unit;
pub(crate) mod word_rows;

pub use settings::{Architecture, Objective, Settings};
pub use train::{Checkpoint, Model, Observer, train};
