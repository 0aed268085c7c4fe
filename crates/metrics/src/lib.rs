//! Measures of sequence models: pure functions on numbers and tokens.
//!
//! - [`perplexity`]: perplexity with its unit, tokens scored, out of vocabulary, bits per character
//! - [`measure`]: what the measures below share: counts of a segment that add up to a corpus
//! - [`bleu`], [`chrf`], [`ter`]: translation, to sacreBLEU's figures and with its signatures
//! - [`rouge`]: summaries; ROUGE-1, ROUGE-2 and ROUGE-L
//! - [`error_rate`]: word and character error rate, by substitutions, deletions and insertions
//! - [`exact_match`]: the share of segments that are right in every word
//! - [`buckets`]: any of them by the length of the source
//! - [`tokenization`], [`ngrams`]: lines to tokens, tokens to counted n-grams
//! - [`figures`]: counts, perplexities, rates and times as text

pub mod bleu;
pub mod buckets;
pub mod chrf;
pub mod error_rate;
pub mod exact_match;
pub mod figures;
pub mod measure;
pub mod ngrams;
pub mod perplexity;
pub mod rouge;
pub mod ter;
pub mod tokenization;

pub use bleu::Bleu;
pub use buckets::{Bucket, LengthBuckets};
pub use chrf::Chrf;
pub use error_rate::ErrorRate;
pub use exact_match::ExactMatch;
pub use measure::{Measure, Segment};
pub use perplexity::{Perplexity, Unit};
pub use rouge::Rouge;
pub use ter::Ter;
pub use tokenization::Tokenization;
