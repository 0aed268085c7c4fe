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
    /// A min-p outside `[0, 1]`.
    #[error("min_p is {0}: it lies in 0 <= p <= 1, and 0 keeps all")]
    MinP(f64),
    /// No sample of a sentence.
    #[error("samples is 0: draw at least 1 of each sentence")]
    Samples,
    /// A beam of no place, or of too many.
    #[error("the beam's width is {0}: give 1 to 65536 places (5 is usual)")]
    BeamWidth(usize),
    /// More hypotheses than places.
    #[error("n_best is {n_best} of a beam of {width}: ask for 1 to {width}, or widen the beam")]
    NBest {
        /// Hypotheses asked for.
        n_best: usize,
        /// Places of the beam.
        width: usize,
    },
    /// Groups that do not share the beam.
    #[error("{groups} groups do not share a beam of {width} equally: give a divisor of it")]
    Groups {
        /// Groups asked for.
        groups: usize,
        /// Places of the beam.
        width: usize,
    },
    /// A diversity that is negative or not finite.
    #[error("diversity is {0}: give a finite number of at least 0 (0.5 is usual)")]
    Diversity(f64),
    /// An alpha or an exponent that is negative or not finite.
    #[error("the length penalty is {0}: give a finite number of at least 0 (0.6 to 1 are usual)")]
    LengthPenalty(f64),
    /// A reward that is not finite.
    #[error("the reward of a token is {0}: give a finite number of nats")]
    WordReward(f64),
    /// A beta that is negative or not finite.
    #[error("the coverage penalty is {0}: give a finite number of at least 0 (0.2 is usual)")]
    CoveragePenalty(f64),
    /// A minimum above the maximum, or a maximum that no table could hold.
    #[error("lengths of {min} to {max} tokens: the first is at most the second, that at most 2^20")]
    Lengths {
        /// The fewest tokens.
        min: usize,
        /// The most tokens.
        max: usize,
    },
    /// A ratio that is negative or not finite.
    #[error("a length of {0} times the source: give a finite number of at least 0")]
    LengthRatio(f64),
    /// A minimum ratio above the maximum.
    #[error("lengths of {min} to {max} times the source: the first is at most the second")]
    LengthRatios {
        /// The fewest tokens a position.
        min: f64,
        /// The most tokens a position.
        max: f64,
    },
    /// n-grams of no token that may not repeat.
    #[error("no_repeat_ngram is 0: give at least 1 token, or leave it out to let all repeat")]
    NoRepeat,
    /// A phrase without a token.
    #[error("{}holds a phrase without a token: give at least 1, or no phrase", place(.sentence))]
    EmptyPhrase {
        /// Which sentence; `None`: the rules of all.
        sentence: Option<usize>,
    },
    /// More required phrases than are followed.
    #[error("sentence {sentence} requires {count} phrases: at most 64 can be followed")]
    TooManyPhrases {
        /// Which sentence.
        sentence: usize,
        /// Its phrases.
        count: usize,
    },
    /// A required phrase that no target may contain.
    #[error(
        "sentence {sentence} requires phrase {phrase}, which no target may hold: it has a suppressed \
         token, a forbidden phrase or the end in it, or is longer than the longest target"
    )]
    Contradiction {
        /// Which sentence.
        sentence: usize,
        /// Which of its phrases.
        phrase: usize,
    },
    /// Required phrases where there is no beam.
    #[error("sentence {sentence} requires phrases, which only a beam can search for: use one")]
    RequiredWithoutBeam {
        /// Which sentence.
        sentence: usize,
    },
    /// A prefix with the end in it.
    #[error("the prefix of sentence {sentence} holds the end of a target: cut it there")]
    PrefixEnds {
        /// Which sentence.
        sentence: usize,
    },
    /// A prefix that leaves no room.
    #[error(
        "the prefix of sentence {sentence} has {length} tokens, and its longest target {max}: \
         shorten it, or allow more"
    )]
    PrefixTooLong {
        /// Which sentence.
        sentence: usize,
        /// Tokens of its prefix.
        length: usize,
        /// Tokens of its longest target.
        max: usize,
    },
    /// A prefix of no probability.
    #[error(
        "the model gives no probability to token {token} at {position} of the prefix of sentence \
         {sentence}: leave it out"
    )]
    ImpossiblePrefix {
        /// Which sentence.
        sentence: usize,
        /// Where in its prefix.
        position: usize,
        /// The token.
        token: u32,
    },
    /// Attention is asked of a model that has none.
    #[error(
        "the model does not attend: attention and coverage penalties are of models that do; leave \
         them out"
    )]
    NoAttention,
    /// A length of a source is needed and not given.
    #[error(
        "sentence {sentence} has no source: lengths relative to it, attention and coverage penalties \
         need its length"
    )]
    NoSource {
        /// Which sentence.
        sentence: usize,
    },
    /// A source longer than what the model attends to.
    #[error(
        "sentence {sentence} is said to have {length} positions, but the model looks at {positions}: \
         give the positions that its encoder gives"
    )]
    SourceTooLong {
        /// Which sentence.
        sentence: usize,
        /// Positions that it is said to have.
        length: usize,
        /// Positions that the model looks at.
        positions: usize,
    },
    /// Another number of targets than of sentences.
    #[error("{targets} targets for {sentences} sentences: give one for each")]
    TargetCount {
        /// Targets.
        targets: usize,
        /// Sentences.
        sentences: usize,
    },
    /// An ensemble of no model, or with other weights than models.
    #[error(
        "{models} models and {weights} weights: give at least one model, and a weight for each"
    )]
    EnsembleSize {
        /// Models.
        models: usize,
        /// Weights.
        weights: usize,
    },
    /// Models that cannot be combined.
    #[error(
        "model {model} has {found} tokens, and the first {expected}: combine models of one vocabulary"
    )]
    EnsembleVocabulary {
        /// Which model.
        model: usize,
        /// Its tokens.
        found: usize,
        /// The first's.
        expected: usize,
    },
    /// A weight that is not allowed.
    #[error("model {model} has the weight {weight}: give a finite number above 0, or leave it out")]
    Weight {
        /// Which model.
        model: usize,
        /// Its weight.
        weight: f32,
    },
    /// A map of tokens that does not fit both models.
    #[error(
        "{given} tokens of the second model are given for {first} of the first, up to {largest} of \
         {second}: give one that it knows for each"
    )]
    TokenMap {
        /// Tokens given.
        given: usize,
        /// Tokens of the first model.
        first: usize,
        /// The largest token given.
        largest: u32,
        /// Tokens of the second model.
        second: usize,
    },
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

/// Where a phrase stands.
fn place(sentence: &Option<usize>) -> String {
    sentence.map_or_else(
        || "a list for all sentences ".into(),
        |sentence| format!("sentence {sentence} "),
    )
}
