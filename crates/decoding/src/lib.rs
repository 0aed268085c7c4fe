//! Text out of models: search, sampling and scoring over anything that gives next-token
//! log-probabilities ([`NextToken`](lampwick_models::NextToken)).
//!
//! Reading order:
//! - [`sampling`]: one token from a distribution (temperature, top-k, top-p, min-p, greedy);
//! - [`generate`](mod@generate): many streams at once, token by token;
//! - [`score`](mod@score): the log-probability of each token of given sequences;
//! - [`sentence`], [`hypothesis`]: what a search is asked (lengths, phrases, prefixes), and what it
//!   gives (scores, attention, alignments);
//! - [`sample`](mod@sample): greedy decoding and ancestral sampling of targets;
//! - [`beam`], [`penalties`]: beam search, and what is best;
//! - [`ngram`], [`mixture`], [`ensemble`], [`fusion`]: n-gram models, and several models as one, among
//!   the models.
//!
//! What is asked of [`generate`](mod@generate) are prompts, shown as they grow; what is asked of a
//! search are sentences with a state each, such as the encoded sources of an encoder-decoder, and
//! what it gives are whole targets.
//!
//! A result depends on the model, the sentence or prompt, the options and the stream's number only:
//! never on what is decoded beside it.

mod bans;
pub mod beam;
mod candidates;
pub mod ensemble;
mod error;
pub mod fusion;
pub mod generate;
pub mod hypothesis;
pub mod mixture;
pub mod ngram;
pub mod penalties;
mod phrases;
mod room;
pub mod sample;
pub mod sampling;
pub mod score;
pub mod sentence;

pub use beam::{BeamOptions, beam_search};
pub use ensemble::{Combination, Ensemble};
pub use error::DecodingError;
pub use fusion::ShallowFusion;
pub use generate::{Finish, GenerateOptions, Generated, Token, generate};
pub use hypothesis::{AttentionMatrix, Hypothesis};
pub use mixture::Mixture;
pub use ngram::NgramTokens;
pub use penalties::{CoveragePenalty, LengthPenalty, Scoring};
pub use sample::{greedy, sample};
pub use sampling::{Sampler, Sampling};
pub use score::{score, score_targets};
pub use sentence::{Lengths, Rules, Sentence};
