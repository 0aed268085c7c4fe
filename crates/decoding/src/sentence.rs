//! What is asked of a search: the sentences of a batch, and the rules that all follow.

use lampwick_models::Attention;
use serde::{Deserialize, Serialize};

use crate::error::DecodingError;
use crate::generate::check_tokens;
use crate::phrases::Phrases;

/// The most tokens that a length may allow: a search's tables grow with it.
pub(crate) const LONGEST: usize = 1 << 20;

/// One sentence of a batch, beside its state: what is asked of its translation alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence {
    /// Positions of the source that the model attends to: for lengths relative to it, coverage
    /// penalties and attention. `None` where there is no source (a language model).
    pub source: Option<usize>,
    /// The target begins with these tokens. Their log-probabilities count in its score; no rule
    /// forbids them.
    pub prefix: Vec<u32>,
    /// Phrases that the target contains, each at least once, in any order; they may overlap, and
    /// the prefix may hold them. Only a beam can search for them.
    pub required: Vec<Vec<u32>>,
    /// Phrases that the target does not contain, beside [`Rules::forbidden`].
    pub forbidden: Vec<Vec<u32>>,
    /// Number of its first random stream: sample `i` of it draws what stream `stream + i` of the
    /// seed draws, whatever sentences are beside it.
    pub stream: u64,
}

impl Sentence {
    /// A sentence whose source has `positions`.
    pub fn of(positions: usize) -> Self {
        Self { source: Some(positions), ..Self::default() }
    }
}

/// What every target of a batch is held to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Token that the model reads before a target's first (`<s>`); it is not scored.
    pub start: u32,
    /// Token that ends a target (`</s>`); it is scored.
    pub end: u32,
    /// How long a target may be.
    pub lengths: Lengths,
    /// Tokens that are never chosen (`<unk>`).
    pub suppress: Vec<u32>,
    /// Phrases that no target contains; the end may be the last token of one.
    pub forbidden: Vec<Vec<u32>>,
    /// No `n` tokens in a row stand twice in a target (Paulus et al. 2018, section 2.5, for 3).
    pub no_repeat_ngram: Option<usize>,
    /// Whether a hypothesis tells where the model looked at each of its tokens.
    pub attention: bool,
}

/// Bounds of a target's length in tokens, the end not counted. At its maximum a beam search goes on to the
/// end alone; a sample may end still, but is not forced to:
/// see [`Hypothesis::finished`](crate::Hypothesis::finished).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lengths {
    /// The fewest tokens.
    pub min: usize,
    /// The most tokens.
    pub max: usize,
    /// At least this many tokens for each position of the source, rounded up.
    pub min_ratio: Option<f64>,
    /// At most this many tokens for each position of the source, rounded down, and `max_offset`.
    pub max_ratio: Option<f64>,
    /// What `max_ratio` allows beyond the product, so that short sources have room.
    pub max_offset: usize,
}

impl Default for Lengths {
    /// Up to 200 tokens.
    fn default() -> Self {
        Self { min: 0, max: 200, min_ratio: None, max_ratio: None, max_offset: 0 }
    }
}

impl Lengths {
    /// From `min` to `max` tokens.
    pub fn between(min: usize, max: usize) -> Self {
        Self { min, max, ..Self::default() }
    }

    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first value that makes no sense.
    pub fn validate(&self) -> Result<(), DecodingError> {
        if self.min > self.max || self.max > LONGEST {
            return Err(DecodingError::Lengths { min: self.min, max: self.max });
        }
        for ratio in [self.min_ratio, self.max_ratio].into_iter().flatten() {
            if !(ratio.is_finite() && ratio >= 0.0) {
                return Err(DecodingError::LengthRatio(ratio));
            }
        }
        match (self.min_ratio, self.max_ratio) {
            (Some(min), Some(max)) if min > max => Err(DecodingError::LengthRatios { min, max }),
            _ => Ok(()),
        }
    }

    /// The most tokens for a source of so many positions.
    pub fn longest(&self, positions: usize) -> usize {
        let by_ratio = self
            .max_ratio
            .map(|ratio| ((ratio * positions as f64) as usize).saturating_add(self.max_offset));
        self.max.min(by_ratio.unwrap_or(usize::MAX))
    }

    /// The fewest tokens for a source of so many positions, at most [`Lengths::longest`].
    pub fn shortest(&self, positions: usize) -> usize {
        let by_ratio = self.min_ratio.map(|ratio| (ratio * positions as f64).ceil() as usize);
        self.min.max(by_ratio.unwrap_or(0)).min(self.longest(positions))
    }

    /// The fewest and the most tokens for a source; where the bounds of this source contradict each
    /// other, the most counts.
    fn of(&self, sentence: usize, source: Option<usize>) -> Result<(usize, usize), DecodingError> {
        if self.min_ratio.is_none() && self.max_ratio.is_none() {
            return Ok((self.min.min(self.max), self.max));
        }
        let source = source.ok_or(DecodingError::NoSource { sentence })?;
        Ok((self.shortest(source), self.longest(source)))
    }
}

/// A sentence whose every value was checked, with its bounds and phrases worked out.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) sentence: &'a Sentence,
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) phrases: Phrases,
}

impl Rules {
    /// Checks what can be checked without a sentence and finds the phrases that are forbidden to
    /// all.
    pub(crate) fn common_phrases(&self, vocabulary: usize) -> Result<Phrases, DecodingError> {
        self.lengths.validate()?;
        if self.no_repeat_ngram == Some(0) {
            return Err(DecodingError::NoRepeat);
        }
        for token in [self.start, self.end] {
            check_tokens(&[vec![token]], vocabulary)?;
        }
        Phrases::new(&[], &self.forbidden, None)
    }

    /// Checks each sentence.
    pub(crate) fn asked<'a>(
        &self,
        sentences: &'a [Sentence],
        common: &Phrases,
        vocabulary: usize,
    ) -> Result<Vec<Asked<'a>>, DecodingError> {
        let asked = |(index, sentence): (usize, &'a Sentence)| {
            let (min, max) = self.lengths.of(index, sentence.source)?;
            let phrases = Phrases::new(&sentence.required, &sentence.forbidden, Some(index))?;
            let asked = Asked { sentence, min, max, phrases };
            self.check_prefix(index, &asked, vocabulary)?;
            self.check_required(index, &asked, common, vocabulary)?;
            Ok(asked)
        };
        sentences.iter().enumerate().map(asked).collect()
    }

    fn check_prefix(
        &self,
        sentence: usize,
        asked: &Asked<'_>,
        vocabulary: usize,
    ) -> Result<(), DecodingError> {
        let prefix = &asked.sentence.prefix;
        if let Some(&token) = prefix.iter().find(|&&token| token as usize >= vocabulary) {
            return Err(DecodingError::UnknownToken { sequence: sentence, token, vocabulary });
        }
        if prefix.contains(&self.end) {
            return Err(DecodingError::PrefixEnds { sentence });
        }
        if prefix.len() > asked.max {
            let (length, max) = (prefix.len(), asked.max);
            return Err(DecodingError::PrefixTooLong { sentence, length, max });
        }
        Ok(())
    }

    fn check_required(
        &self,
        sentence: usize,
        asked: &Asked<'_>,
        common: &Phrases,
        vocabulary: usize,
    ) -> Result<(), DecodingError> {
        for (index, phrase) in asked.sentence.required.iter().enumerate() {
            if let Some(&token) = phrase.iter().find(|&&token| token as usize >= vocabulary) {
                return Err(DecodingError::UnknownToken { sequence: sentence, token, vocabulary });
            }
            let banned = |&token: &u32| token == self.end || self.suppress.contains(&token);
            if phrase.iter().any(banned)
                || common.forbids_within(phrase)
                || asked.phrases.forbids_within(phrase)
                || phrase.len() > asked.max
            {
                return Err(DecodingError::Contradiction { sentence, phrase: index });
            }
        }
        Ok(())
    }
}

/// Refuses a source that is longer than what the model looked at.
pub(crate) fn check_source(
    sentence: usize,
    length: usize,
    attention: Attention<'_>,
) -> Result<(), DecodingError> {
    let positions = attention.positions;
    if length > positions {
        return Err(DecodingError::SourceTooLong { sentence, length, positions });
    }
    Ok(())
}
