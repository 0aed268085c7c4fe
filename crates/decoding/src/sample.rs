//! One path at a time: greedy decoding and ancestral sampling, under the rules that a beam follows.

use lampwick_models::NextToken;

use crate::bans::{Bans, Position};
use crate::error::DecodingError;
use crate::hypothesis::{AttentionMatrix, Hypothesis, counted};
use crate::sampling::{Sampler, Sampling};
use crate::sentence::{Asked, Rules, Sentence, check_source};

/// The target of each sentence whose every token is the likeliest.
///
/// # Errors
///
/// As [`sample`].
pub fn greedy<M: NextToken>(
    model: &M,
    state: M::State,
    sentences: &[Sentence],
    rules: &Rules,
) -> Result<Vec<Hypothesis>, DecodingError> {
    let targets = sample(model, state, sentences, rules, &Sampling::greedy(), 1)?;
    Ok(targets.into_iter().flatten().collect())
}

/// `samples` targets of each sentence, in the order of their random streams; each ends with the end,
/// or unfinished where it cannot go on. Their score is their log-probability under the model itself.
///
/// `state` is the model's state of the sentences, of which no target token was read. For sentences
/// that have their own [`Sentence::stream`], no sample depends on what is drawn beside it.
///
/// # Errors
///
/// When an option or a sentence makes no sense, a prefix has no probability, phrases are required,
/// attention is asked of a model without, or the model gives no probability at all.
pub fn sample<M: NextToken>(
    model: &M,
    mut state: M::State,
    sentences: &[Sentence],
    rules: &Rules,
    sampling: &Sampling,
    samples: usize,
) -> Result<Vec<Vec<Hypothesis>>, DecodingError> {
    if samples == 0 {
        return Err(DecodingError::Samples);
    }
    let vocabulary = model.vocabulary_size();
    let common = rules.common_phrases(vocabulary)?;
    let asked = rules.asked(sentences, &common, vocabulary)?;
    let mut paths = Vec::with_capacity(sentences.len() * samples);
    for (sentence, one) in asked.iter().enumerate() {
        if one.phrases.require() {
            return Err(DecodingError::RequiredWithoutBeam { sentence });
        }
        let source = one.sentence.source;
        if rules.attention && source.is_none() {
            return Err(DecodingError::NoSource { sentence });
        }
        for number in 0..samples as u64 {
            let sampler = Sampler::new(sampling, one.sentence.stream.wrapping_add(number))?;
            let bans = Bans { rules, common: &common, asked: one };
            let attention = rules.attention.then(|| AttentionMatrix::new(source.unwrap_or(0)));
            let result = Hypothesis { attention, ..Hypothesis::default() };
            let position = Position::default();
            paths.push(Path { sentence, row: sentence, sampler, bans, position, result });
        }
    }
    // The first step is the same for all samples of a sentence.
    let mut tokens = vec![rules.start; sentences.len()];
    let mut active: Vec<usize> = (0..paths.len()).collect();
    let (mut rows, mut log_probs, mut allowed) = (Vec::new(), Vec::new(), Vec::new());
    while !active.is_empty() {
        state = model.next(&tokens, state, &mut log_probs);
        let attention = if rules.attention { model.attention(&state) } else { None };
        if rules.attention && attention.is_none() {
            return Err(DecodingError::NoAttention);
        }
        let before = tokens.len();
        rows.clear();
        tokens.clear();
        let mut failed = None;
        active.retain(|&index| {
            let path = &mut paths[index];
            let given = &log_probs[path.row * vocabulary..(path.row + 1) * vocabulary];
            let token = match path.choose(given, &mut allowed) {
                Ok(Some(token)) => token,
                Ok(None) => return false,
                Err(error) => {
                    failed.get_or_insert(error);
                    return false;
                }
            };
            if let (Some(matrix), Some(attention)) = (&mut path.result.attention, attention) {
                match check_source(path.sentence, matrix.positions(), attention) {
                    Ok(()) => matrix.push(&attention.row(path.row)[..matrix.positions()]),
                    Err(error) => failed = Some(error),
                }
            }
            if path.push(token, given[token as usize]) {
                return false;
            }
            rows.push(path.row);
            tokens.push(token);
            path.row = rows.len() - 1;
            true
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let still = rows.len() == before && rows.iter().enumerate().all(|(at, &row)| at == row);
        if !still && !rows.is_empty() {
            state = model.select(&state, &rows);
        }
    }
    let mut paths = paths.into_iter().map(|path| path.result);
    Ok(sentences.iter().map(|_| paths.by_ref().take(samples).collect()).collect())
}

/// One target being drawn.
struct Path<'a> {
    sentence: usize,
    /// Its row of the batch.
    row: usize,
    sampler: Sampler,
    bans: Bans<'a>,
    position: Position,
    result: Hypothesis,
}

impl Path<'_> {
    /// The next token; `None` where the rules leave none, or the longest target does not end.
    fn choose(
        &mut self,
        log_probs: &[f32],
        allowed: &mut Vec<f32>,
    ) -> Result<Option<u32>, DecodingError> {
        let Asked { sentence, max, .. } = self.bans.asked;
        let length = self.result.tokens.len();
        if let Some(&token) = sentence.prefix.get(length) {
            if !counted(log_probs[token as usize]).is_finite() {
                let (sentence, position) = (self.sentence, length);
                return Err(DecodingError::ImpossiblePrefix { sentence, position, token });
            }
            return Ok(Some(token));
        }
        allowed.clear();
        allowed.extend_from_slice(log_probs);
        self.bans.apply(self.position, length, &self.result.tokens, allowed);
        match self.sampler.sample(allowed) {
            Ok(token) if token != self.bans.rules.end && length == *max => Ok(None),
            Ok(token) => Ok(Some(token)),
            Err(DecodingError::NothingToChoose) if !log_probs.iter().any(|p| p.is_nan()) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether this ends the target.
    fn push(&mut self, token: u32, log_prob: f32) -> bool {
        let log_prob = counted(log_prob);
        self.result.log_probs.push(log_prob);
        self.result.log_prob += f64::from(log_prob);
        self.result.score = self.result.log_prob;
        self.position = self.bans.advance(self.position, token);
        self.result.finished = token == self.bans.rules.end;
        if !self.result.finished {
            self.result.tokens.push(token);
        }
        self.result.finished
    }
}
