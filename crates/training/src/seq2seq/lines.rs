//! Two files aligned line by line.

use lampwick_data::text::{self, Cut, Piece, TextReader};

use super::corpus::TextPairs;
use crate::error::{Error, Result};

/// Reads both; the line ends at `\n` (or `\r\n`) only, and an empty line is an empty sentence.
///
/// # Errors
/// Those of reading a text; [`Error::Unaligned`] when one file has more lines.
pub(super) fn read(source: &str, target: &str) -> Result<TextPairs> {
    let pairs = TextPairs { source: of(source)?, target: of(target)? };
    let lines = [pairs.source.len(), pairs.target.len()];
    if lines[0] == lines[1] {
        return Ok(pairs);
    }
    Err(Error::Unaligned {
        files: [source.into(), target.into()],
        lines,
        suspicious: suspicious(&pairs),
    })
}

/// The lines of one file.
fn of(path: &str) -> Result<Vec<String>> {
    let mut reader = TextReader::new(text::open(path)?, path, Cut::PreferWord);
    let (mut lines, mut line) = (Vec::new(), String::new());
    while let Some(piece) = reader.next_piece()? {
        match piece {
            Piece::Text(text) => line.push_str(text),
            Piece::EndOfLine => lines.push(std::mem::take(&mut line)),
        }
    }
    Ok(lines)
}

/// Where the two files part, from 1: the first line from which on their lengths go together less
/// than a third as well as before it. `None` where they never went together.
fn suspicious(pairs: &TextPairs) -> Option<usize> {
    /// Lines that are looked at together.
    const WINDOW: usize = 8;
    let ratio = |source: &String, target: &String| {
        ((source.len() as f64 + 1.0) / (target.len() as f64 + 1.0)).ln()
    };
    let ratios: Vec<f64> =
        pairs.source.iter().zip(&pairs.target).map(|(s, t)| ratio(s, t)).collect();
    let spread = |ratios: &[f64]| {
        let mut sorted: Vec<f64> = ratios.iter().map(|ratio| ratio.abs()).collect();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
    };
    (WINDOW..ratios.len().saturating_sub(WINDOW))
        .find(|&at| spread(&ratios[at..at + WINDOW]) > 3.0 * spread(&ratios[..at]).max(0.1))
        .map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &std::path::Path, name: &str, text: &[u8]) -> String {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().into()
    }

    #[test]
    fn a_line_is_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let source = write(dir.path(), "a", "\u{feff}a b\r\n\nc\u{2028}d".as_bytes());
        let target = write(dir.path(), "b", b"x\ny\nz\n");
        let pairs = read(&source, &target).unwrap();
        assert_eq!(pairs.source, ["a b", "", "c\u{2028}d"]);
        assert_eq!(pairs.target, ["x", "y", "z"]);
        for bad in [&b"a\0b\nc\nd\n"[..], b"a\nb\xff\nc\n"] {
            let bad = write(dir.path(), "bad", bad);
            let error = read(&bad, &target).unwrap_err().to_string();
            assert!(error.contains("bad"), "{error}");
        }
        assert!(read("no/such/file", &target).is_err());
    }

    #[test]
    fn unequal_files_are_refused_where_they_part() {
        let dir = tempfile::tempdir().unwrap();
        let lines = |skip: usize| -> String {
            let line = |n: usize| format!("{}\n", "word ".repeat(1 + n * 7 % 19));
            (0..200).filter(|&n| n != skip).map(line).collect()
        };
        let source = write(dir.path(), "a", lines(1000).as_bytes());
        let target = write(dir.path(), "b", lines(60).as_bytes());
        let error = read(&source, &target).unwrap_err();
        let Error::Unaligned { lines, suspicious, .. } = &error else { panic!("{error}") };
        assert_eq!(*lines, [200, 199]);
        assert!((50..=62).contains(&suspicious.unwrap()), "{suspicious:?}");
        let text = error.to_string();
        assert!(text.contains("200") && text.contains("199"), "{text}");
    }
}
