//! Measures of sequence models: pure functions on numbers and tokens.
//!
//! - [`perplexity`]: perplexity with its unit, tokens scored, out of vocabulary, bits per character

pub mod perplexity;

pub use perplexity::{Perplexity, Unit};
