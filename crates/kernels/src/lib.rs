//! Fused, differentiable recurrent layers and losses for [Burn](https://burn.dev).
//!
//! Reading order:
//! - [`cell`]: which recurrence (LSTM, GRU, RNN), its weights and its state;
//! - [`recurrent()`]: a whole sequence through one cell, forward and backward;
//! - [`SteppedRecurrent`]: the same step by step, where a step's input hangs on the one before;
//! - [`linear_cross_entropy()`]: output layer and loss in one, without an `[N, V]` tensor on the tape;
//! - [`linear()`]: a linear layer over many rows, with tanh where asked;
//! - [`attention()`]: where a decoder looks, by a dot or an additive score;
//! - [`ctc()`]: the likelihood of labels under all their alignments;
//! - [`embedding()`]: rows of a table;
//! - [`PackedRecurrent`], [`PackedLinear`], [`log_softmax`], [`exponentials`]: one step at a time on
//!   the CPU, without tensors, for generation;
//! - [`composed`]: the same functions made of ordinary Burn operations, for every device; the fused
//!   kernels are an optimisation of these and are tested against them;
//! - `extension`: how the fused kernels enter Burn's dispatch and its autodiff tape;
//! - `cpu`: the kernels themselves for the Flex backend (packing, micro-kernels, scans). They keep their
//!   working memory, at most 512 MiB, from one call to the next: `release_memory` gives it back.
//!   [`multiply_adds`] is the benchmarks' yardstick.

mod attention;
pub mod cell;
pub mod composed;
#[cfg_attr(not(feature = "flex"), allow(dead_code))] // the scans and losses serve Flex alone
mod cpu;
mod cross_entropy;
mod ctc;
mod embedding;
#[cfg(feature = "flex")]
mod extension;
mod linear;
mod recurrent;
mod stepped;

pub use cpu::{
    PackedLinear, PackedRecurrent, exponentials, log_softmax, multiply_adds, release_memory,
};

pub use attention::{Attended, Coverage, Score, attention};
pub use cell::{Activation, Cell, Direction, RecurrentState, RecurrentWeights, Reset, Sequence};
pub use cross_entropy::{CrossEntropy, CrossEntropyOptions, Reduction, linear_cross_entropy};
pub use ctc::ctc;
pub use embedding::embedding;
pub use linear::{Then, linear};
pub use recurrent::recurrent;
pub use stepped::SteppedRecurrent;
