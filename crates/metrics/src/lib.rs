//! Measures of sequence models: pure functions on numbers and tokens.
//!
//! - [`perplexity`]: perplexity with its unit, tokens scored, out of vocabulary, bits per character
//! - [`figures`]: counts, perplexities, rates and times as text

pub mod figures;
pub mod perplexity;

pub use perplexity::{Perplexity, Unit};
