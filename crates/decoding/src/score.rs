//! The log-probability of each token of given sequences.

use lampwick_models::NextToken;

use crate::error::DecodingError;
use crate::generate::check_tokens;

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
    let mut rows: Vec<usize> = (0..sequences.len()).filter(|&i| !sequences[i].is_empty()).collect();
    if rows.is_empty() {
        return Ok(scores);
    }
    let mut state = model.start(rows.len());
    let mut read = vec![start; rows.len()];
    let mut log_probs = Vec::new();
    for position in 0.. {
        state = model.next(&read, state, &mut log_probs);
        let (mut kept, mut next) = (Vec::new(), Vec::new());
        for (row, &sequence) in rows.iter().enumerate() {
            let token = sequences[sequence][position];
            scores[sequence].push(log_probs[row * vocabulary + token as usize]);
            if position + 1 < sequences[sequence].len() {
                kept.push(row);
                next.push(token);
            }
        }
        if kept.is_empty() {
            break;
        }
        if kept.len() < rows.len() {
            state = model.select(&state, &kept);
            rows = kept.iter().map(|&row| rows[row]).collect();
        }
        read = next;
    }
    Ok(scores)
}
