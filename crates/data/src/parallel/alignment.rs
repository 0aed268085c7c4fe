//! Files whose lines answer each other, and where they part when they have not equally many.

use std::fmt;

use crate::error::{DataError, Result};

/// The most offsets between two files that are tried.
const OFFSETS: usize = 64;
/// What a change of the offset costs, in units of a line whose length is e times what is expected:
/// enough not to be worth it for a few lines of odd lengths.
const CHANGE: f64 = 2.0;
/// What a lost end costs: less, for a file that was not written to its end is what happens most.
const LOST_END: f64 = CHANGE / 2.0;
/// How much of a line an error message shows, in characters.
const SHOWN: usize = 40;

/// The first line that does not seem to belong where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Astray {
    /// Its number, from 1.
    pub line: u64,
    /// How it begins in both files; none where the shorter one has ended.
    pub texts: Option<[String; 2]>,
}

impl fmt::Display for Astray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        match &self.texts {
            Some([one, other]) => write!(
                f,
                "by their lengths they seem to part near line {line} ({one:?} beside {other:?}): look \
                 around there for a line that was lost, split or doubled"
            ),
            None => write!(
                f,
                "they seem to agree up to where one ends, before line {line}: was it written to its \
                 end?"
            ),
        }
    }
}

/// Checks that two texts have equally many lines.
///
/// # Errors
/// [`DataError::UnequalLines`], with both counts and the first line that seems out of place.
pub fn check_line_counts(
    (first, first_lines): (&str, &[String]),
    (second, second_lines): (&str, &[String]),
) -> Result<()> {
    if first_lines.len() == second_lines.len() {
        return Ok(());
    }
    let lengths = |lines: &[String]| lines.iter().map(|line| length(line)).collect::<Vec<_>>();
    let index = parting(&lengths(first_lines), &lengths(second_lines));
    let texts = first_lines.get(index).zip(second_lines.get(index));
    Err(DataError::UnequalLines {
        first: first.into(),
        first_lines: first_lines.len() as u64,
        second: second.into(),
        second_lines: second_lines.len() as u64,
        astray: Box::new(Astray {
            line: index as u64 + 1,
            texts: texts.map(|(one, other)| [beginning(one), beginning(other)]),
        }),
    })
}

/// What a line counts for: its characters.
pub(crate) fn length(line: &str) -> u32 {
    u32::try_from(line.chars().count()).unwrap_or(u32::MAX)
}

/// A line as an error message shows it.
pub(crate) fn beginning(line: &str) -> String {
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

/// The index of the first line at which two files of other line counts part, judged by the lengths of
/// their lines alone; the shorter one's line count where it seems to have lost its end.
///
/// The longer file has lines too many. How many of them lie before a line is that line's offset; it
/// grows from 0, and the cheapest way for it to grow is found line by line:
///
/// ```text
/// cost = sum over lines of |ln(longer / shorter) - ln(mean ratio)| + CHANGE for each change of the offset
/// ```
///
/// (and [`LOST_END`] instead of the last change where the surplus lies behind the shorter one's end).
pub(crate) fn parting(first: &[u32], second: &[u32]) -> usize {
    let (longer, shorter) =
        if first.len() > second.len() { (first, second) } else { (second, first) };
    let surplus = longer.len() - shorter.len();
    let mut offsets: Vec<usize> = (0..=surplus.min(OFFSETS)).collect();
    if surplus > OFFSETS {
        offsets.push(surplus);
    }
    let sum = |lengths: &[u32]| lengths.iter().map(|&it| f64::from(it) + 1.0).sum::<f64>();
    let mean = |lengths: &[u32]| (sum(lengths) / lengths.len().max(1) as f64).max(1.0).ln();
    let expected = mean(longer) - mean(shorter);
    let cost = |longer: u32, shorter: u32| {
        let ratio = (f64::from(longer) + 1.0).ln() - (f64::from(shorter) + 1.0).ln();
        (ratio - expected).abs()
    };

    // For each offset: the cost of the best way to it, and the line at which that left offset 0.
    let mut ways = vec![(f64::INFINITY, shorter.len()); offsets.len()];
    ways[0].0 = 0.0;
    for (index, &length) in shorter.iter().enumerate() {
        let mut changed = (f64::INFINITY, shorter.len());
        for (way, &offset) in ways.iter_mut().zip(&offsets) {
            let kept = *way;
            if changed.0 < way.0 {
                *way = (changed.0, changed.1.min(index));
            }
            if kept.0 + CHANGE < changed.0 {
                changed = (kept.0 + CHANGE, kept.1);
            }
            way.0 += cost(longer[index + offset], length);
        }
    }
    // What is left of the longer file's surplus lies behind the end.
    let whole = ways.len() - 1;
    for way in &mut ways[..whole] {
        way.0 += LOST_END;
    }
    ways.iter().min_by(|one, other| one.0.total_cmp(&other.0)).map_or(0, |way| way.1)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Lengths of lines, and of lines that answer them.
    fn lengths(lines: usize, seed: u64) -> (Vec<u32>, Vec<u32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..lines)
            .map(|_| {
                let length: u32 = rng.random_range(10..120);
                let answer = f64::from(length) * 1.3 * rng.random_range(0.8..1.25);
                (length, answer as u32)
            })
            .unzip()
    }

    #[test]
    fn a_lost_line_is_found_within_a_few() {
        for seed in 0..20 {
            let (first, mut second) = lengths(1000, seed);
            let lost = 37 + 45 * seed as usize;
            second.remove(lost);
            let found = parting(&first, &second);
            assert!(found.abs_diff(lost) <= 4, "{lost} {found}");
            assert_eq!(parting(&second, &first), found);
        }
    }

    #[test]
    fn of_several_lost_lines_the_first_is_found() {
        for seed in 0..10 {
            let (mut first, second) = lengths(1000, seed);
            for lost in [900, 700, 300 + seed as usize] {
                first.remove(lost);
            }
            let found = parting(&first, &second);
            assert!(found.abs_diff(300 + seed as usize) <= 4, "{seed} {found}");
            // A hole of more lines than offsets are tried.
            let (first, mut second) = lengths(1000, seed);
            second.drain(500..600);
            let found = parting(&first, &second);
            assert!(found.abs_diff(500) <= 4, "{seed} {found}");
        }
    }

    #[test]
    fn a_lost_end_is_told_from_a_lost_line() {
        let (first, second) = lengths(500, 3);
        // The last line may as well be the one after it.
        assert!(parting(&first, &second[..490]).abs_diff(490) <= 1);
        assert_eq!(parting(&first, &[]), 0);
        assert_eq!(parting(&[7, 7], &[7]), 1);
    }

    #[test]
    fn the_error_says_both_counts_and_the_line() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let whole: Vec<String> = (0..40_usize).map(|it| "word ".repeat(it * it % 17 + 1)).collect();
        let mut less = whole.clone();
        less.remove(20);
        let error = check_line_counts(("a.de", &whole), ("a.en", &less)).unwrap_err().to_string();
        assert!(error.starts_with("a.de has 40 lines and a.en 39; "), "{error}");
        assert!(error.contains("seem to part near line 21 (\"word word word"), "{error}");
        let (two, one) = (lines("one\ntwo"), lines("one"));
        let error = check_line_counts(("a", &two), ("b", &one)).unwrap_err().to_string();
        assert!(error.contains("before line 2"), "{error}");
        assert!(check_line_counts(("a", &two), ("b", &two)).is_ok());
    }
}
