//! Parallel text: pairs of a source and the target that answers it.
//!
//! - [`pairs`]: pairs with their references, which of them are kept, and what was left out
//! - [`files`]: pairs from two aligned files or from one of tab-separated values
//! - [`corpora`]: the published tasks by name, each read by a module of its own: [`scan`], [`cmudict`],
//!   [`rnnlg`], [`aeslc`]
//! - [`alignment`]: where files of unequal line counts part
//! - [`lines`]: whole lines of a file or stream

pub mod aeslc;
pub mod alignment;
pub mod cmudict;
pub mod corpora;
pub mod files;
pub mod lines;
pub mod pairs;
pub mod rnnlg;
pub mod scan;

pub use alignment::{Astray, check_line_counts};
pub use corpora::{PairCorpus, Split};
pub use files::PairReader;
pub use lines::Lines;
pub use pairs::{Filter, PairCounts, Pairs};

#[cfg(test)]
mod tests;
