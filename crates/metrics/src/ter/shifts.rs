//! Shifts: runs of words moved to where the reference has them, the best one first.

use std::cmp::Reverse;

use super::distance::Matrix;

/// The longest run that is moved.
const LONGEST: usize = 10;
/// The farthest apart that a run may stand in both sides.
const FARTHEST: usize = 50;
/// How many shifts are tried in a segment before the search ends.
const TRIALS: usize = 1000;

/// What a shift is judged by: edits saved, length of the run, where it is, where it goes.
type Rank = (i64, usize, Reverse<usize>, Reverse<usize>);

/// A run of words that both sides have.
#[derive(Clone, Copy)]
struct Run {
    hypothesis: usize,
    reference: usize,
    length: usize,
}

/// Shifts words of the matrix' hypothesis until no shift makes it cheaper; gives how many.
pub(super) fn perform(matrix: &mut Matrix<'_>) -> u64 {
    let (mut shifts, mut trials) = (0, 0);
    loop {
        let best = best(matrix, &mut trials);
        match best {
            // Where the trials have run out, what was found last is not used.
            Some((saved, order)) if trials < TRIALS && saved > 0 => {
                matrix.reorder(order);
                shifts += 1;
            }
            _ => return shifts,
        }
    }
}

/// The shift that saves the most edits, of these that of the longest run, of these the first in the
/// hypothesis, of these the one that goes farthest to the front: saved edits and words in order.
fn best(matrix: &mut Matrix<'_>, trials: &mut usize) -> Option<(i64, Vec<u32>)> {
    let words = matrix.hypothesis().to_vec();
    let before = i64::from(matrix.distance());
    let alignment = matrix.alignment();
    let mut best: Option<(Rank, Vec<u32>)> = None;
    let mut shifted = Vec::with_capacity(words.len());
    for run in runs(&words, matrix.reference()) {
        // Only what is wrong on both sides, and not within itself.
        let (start, end) = (run.hypothesis, run.hypothesis + run.length);
        let is_wrong = alignment.hypothesis_errors[start..end].contains(&true)
            && alignment.reference_errors[run.reference..][..run.length].contains(&true);
        let place = alignment.places[run.reference];
        if !is_wrong || (start + 1..=end).contains(&place) {
            continue;
        }
        // Before the place of the run's first word, and behind that of each of its words.
        let before_first = match run.reference {
            0 => 0,
            first => alignment.places[first - 1],
        };
        let behind = &alignment.places[run.reference..][..run.length];
        let mut last = None;
        for target in std::iter::once(before_first).chain(behind.iter().copied()) {
            if last.replace(target) == Some(target) {
                continue;
            }
            shift(&words, run, target, &mut shifted);
            let saved = before - i64::from(matrix.distance_of(&shifted));
            let rank = (saved, run.length, Reverse(start), Reverse(target));
            *trials += 1;
            if best.as_ref().is_none_or(|(other, _)| rank > *other) {
                best = Some((rank, shifted.clone()));
            }
        }
        if *trials >= TRIALS {
            break;
        }
    }
    best.map(|((saved, ..), order)| (saved, order))
}

/// Every run that both sides have, with its shorter beginnings.
fn runs<'a>(hypothesis: &'a [u32], reference: &'a [u32]) -> impl Iterator<Item = Run> + 'a {
    let near = |start: usize| {
        let others = start.saturating_sub(FARTHEST)..reference.len().min(start + FARTHEST + 1);
        others.map(move |other| (start, other))
    };
    let starts = (0..hypothesis.len()).flat_map(near);
    starts.flat_map(move |(start, other)| {
        let pairs = hypothesis[start..].iter().zip(&reference[other..]);
        let longest = pairs.take(LONGEST).take_while(|(one, other)| one == other).count();
        (1..=longest).map(move |length| Run { hypothesis: start, reference: other, length })
    })
}

/// The words with `run` moved to before the word at `target`; a target within the run, or at its
/// end, counts from its start in what is left.
fn shift(words: &[u32], run: Run, target: usize, shifted: &mut Vec<u32>) {
    let (start, end) = (run.hypothesis, run.hypothesis + run.length);
    let target = if target < start {
        target
    } else if target > end {
        target - run.length
    } else {
        target.min(words.len() - run.length)
    };
    shifted.clear();
    shifted.extend_from_slice(&words[..start]);
    shifted.extend_from_slice(&words[end..]);
    shifted.splice(target..target, words[start..end].iter().copied());
}
