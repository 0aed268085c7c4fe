//! What can be wrong with a request.

/// A request that cannot be decoded.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DecodingError {
    /// A temperature that is negative or not finite.
    #[error("temperature is {0}: give a finite number of at least 0 (0 is greedy, 1 the model's)")]
    Temperature(f64),
    /// A top-k of 0.
    #[error("top_k is 0: keep at least 1 token, or leave it out to keep all")]
    TopK,
    /// A top-p outside `(0, 1]`.
    #[error("top_p is {0}: it lies in 0 < p <= 1, and 1 keeps all")]
    TopP(f64),
    /// A prompt without a token.
    #[error("prompt {0} is empty: give at least the token that starts a text (</s>)")]
    EmptyPrompt(usize),
    /// A token that the model does not know.
    #[error(
        "sequence {sequence} has token {token}, but the model has {vocabulary}: use the vocabulary \
         that it was trained with"
    )]
    UnknownToken {
        /// Which sequence.
        sequence: usize,
        /// Its token.
        token: u32,
        /// Tokens that the model has.
        vocabulary: usize,
    },
    /// A distribution in which no token that may be chosen has a probability: the model gives
    /// NaN, or everything it believes in is suppressed.
    #[error(
        "no token can be chosen: the model gives no finite probability to any token that is not \
         suppressed (was its training finite?)"
    )]
    NothingToChoose,
}
