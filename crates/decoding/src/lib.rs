//! Text out of models: sampling and scoring over anything that gives next-token log-probabilities
//! ([`NextToken`](lampwick_models::NextToken)).
//!
//! Reading order:
//! - [`sampling`]: one token from a distribution (temperature, top-k, top-p, greedy);
//! - [`generate`](mod@generate): many streams at once, token by token;
//! - [`score`](mod@score): the log-probability of each token of given sequences;
//! - [`ngram`], [`mixture`]: n-gram models, and two models as one, among the models.
//!
//! A sample depends on the model, the prompt, the options and the stream's number only: never on
//! how many others are drawn beside it.

mod error;
pub mod generate;
pub mod mixture;
pub mod ngram;
pub mod sampling;
pub mod score;

pub use error::DecodingError;
pub use generate::{Finish, GenerateOptions, Generated, Token, generate};
pub use mixture::Mixture;
pub use ngram::NgramTokens;
pub use sampling::{Sampler, Sampling};
pub use score::score;
