//! The log-probability of each token of given sequences.

use lampwick_models::NextToken;

use crate::error::DecodingError;
use crate::generate::check_tokens;
use crate::hypothesis::{AttentionMatrix, Hypothesis, counted};
use crate::penalties::Scoring;
use crate::sentence::{Rules, Sentence, check_source};

/// `ln p(w_i | start, w_1 .. w_(i-1))` for each token of each sequence, natural logarithms.
///
/// `start` is read first and not scored: for a text of lines it is `</s>`, which ended the line
/// before. Sequences may differ in length and be empty; a batch gives what each gives alone.
///
/// # Errors
///
/// When a sequence or `start` holds a token that the model does not know.
pub fn score<M: NextToken>(
    model: &M,
    sequences: &[Vec<u32>],
    start: u32,
) -> Result<Vec<Vec<f32>>, DecodingError> {
    let vocabulary = model.vocabulary_size();
    check_tokens(&[vec![start]], vocabulary)?;
    check_tokens(sequences, vocabulary)?;
    let mut scores: Vec<Vec<f32>> =
        sequences.iter().map(|sequence| Vec::with_capacity(sequence.len())).collect();
    let state = model.start(sequences.len());
    let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
    follow(model, state, &sequences, start, |sequence, log_prob, _, _| {
        scores[sequence].push(log_prob);
        Ok(())
    })?;
    Ok(scores)
}

/// Given targets as a search would give them: what it says of a hypothesis is, bit by bit, what this
/// says of its tokens. The end is scored after each; of `rules` only `start`, `end` and `attention`
/// are read.
///
/// `state` is that of the sentences, of which no target token was read.
///
/// # Errors
///
/// When there is another number of targets than of sentences, a token is unknown, or attention is
/// needed and the model or the sentence has none.
pub fn score_targets<M: NextToken>(
    model: &M,
    state: M::State,
    sentences: &[Sentence],
    targets: &[Vec<u32>],
    rules: &Rules,
    scoring: &Scoring,
) -> Result<Vec<Hypothesis>, DecodingError> {
    scoring.validate()?;
    let vocabulary = model.vocabulary_size();
    check_tokens(&[vec![rules.start], vec![rules.end]], vocabulary)?;
    check_tokens(targets, vocabulary)?;
    if targets.len() != sentences.len() {
        let (targets, sentences) = (targets.len(), sentences.len());
        return Err(DecodingError::TargetCount { targets, sentences });
    }
    let attends = rules.attention || scoring.needs_coverage();
    let mut matrices = Vec::with_capacity(sentences.len());
    for (sentence, asked) in sentences.iter().enumerate() {
        if attends && asked.source.is_none() {
            return Err(DecodingError::NoSource { sentence });
        }
        matrices.push(AttentionMatrix::new(asked.source.unwrap_or(0)));
    }
    let ended: Vec<Vec<u32>> =
        targets.iter().map(|target| target.iter().copied().chain([rules.end]).collect()).collect();
    let read: Vec<&[u32]> = ended.iter().map(Vec::as_slice).collect();
    let mut log_probs = vec![Vec::new(); sentences.len()];
    follow(model, state, &read, rules.start, |sentence, log_prob, row, state| {
        log_probs[sentence].push(counted(log_prob));
        if attends {
            let attention = model.attention(state).ok_or(DecodingError::NoAttention)?;
            let length = matrices[sentence].positions();
            check_source(sentence, length, attention)?;
            matrices[sentence].push(&attention.row(row)[..length]);
        }
        Ok(())
    })?;
    let each = targets.iter().zip(log_probs).zip(matrices);
    let hypothesis = |((tokens, log_probs), matrix): ((&Vec<u32>, Vec<f32>), AttentionMatrix)| {
        let log_prob = log_probs.iter().fold(0.0, |sum, &log_prob| sum + f64::from(log_prob));
        let score = scoring.score(log_prob, log_probs.len(), &matrix.coverage());
        let attention = rules.attention.then_some(matrix);
        let (tokens, finished, group) = (tokens.clone(), true, 0);
        Hypothesis { tokens, log_probs, log_prob, score, finished, group, attention }
    };
    Ok(each.map(hypothesis).collect())
}

/// Reads sequences under a state and tells of each token: its sequence, its log-probability, its row
/// of the state, and the state.
fn follow<M: NextToken>(
    model: &M,
    mut state: M::State,
    sequences: &[&[u32]],
    start: u32,
    mut tell: impl FnMut(usize, f32, usize, &M::State) -> Result<(), DecodingError>,
) -> Result<(), DecodingError> {
    let vocabulary = model.vocabulary_size();
    let mut rows: Vec<usize> = (0..sequences.len()).filter(|&i| !sequences[i].is_empty()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    if rows.len() < sequences.len() {
        state = model.select(&state, &rows);
    }
    let mut read = vec![start; rows.len()];
    let (mut log_probs, mut kept) = (Vec::new(), Vec::new());
    for position in 0.. {
        state = model.next(&read, state, &mut log_probs);
        kept.clear();
        read.clear();
        for (row, &sequence) in rows.iter().enumerate() {
            let token = sequences[sequence][position];
            tell(sequence, log_probs[row * vocabulary + token as usize], row, &state)?;
            if position + 1 < sequences[sequence].len() {
                kept.push(row);
                read.push(token);
            }
        }
        if kept.is_empty() {
            break;
        }
        if kept.len() < rows.len() {
            state = model.select(&state, &kept);
            rows = kept.iter().map(|&row| rows[row]).collect();
        }
    }
    Ok(())
}
