use super::*;

/// Lines as lists of pieces.
fn read(reader: impl Read, cut: Cut) -> Result<Vec<Vec<String>>> {
    let mut text = TextReader::new(reader, "t", cut);
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    while let Some(piece) = text.next_piece()? {
        match piece {
            Piece::Text(text) => line.push(text.to_owned()),
            Piece::EndOfLine => lines.push(std::mem::take(&mut line)),
        }
    }
    assert!(line.is_empty());
    Ok(lines)
}

fn lines(bytes: &[u8]) -> Vec<String> {
    read(bytes, Cut::Word).unwrap().into_iter().map(|line| line.concat()).collect()
}

#[test]
fn line_ends_and_byte_order_mark() {
    assert_eq!(lines(b"a\nb\n"), ["a", "b"]);
    assert_eq!(lines(b"a\r\nb"), ["a", "b"]);
    assert_eq!(lines(b"\xEF\xBB\xBFa\r\n\r\n b\n"), ["a", "", " b"]);
    assert_eq!(lines(b"one"), ["one"]);
    assert_eq!(lines(b"\n\n"), ["", ""]);
    assert_eq!(lines(b"a\rb\n"), ["a\rb"]);
    // A mark in the middle is a character (ZERO WIDTH NO-BREAK SPACE).
    assert_eq!(lines("a\u{feff}b".as_bytes()), ["a\u{feff}b"]);
}

#[test]
fn unicode_separators_end_no_line() {
    let text = "a\u{2028}b\u{85}c\u{2029}d\n";
    assert_eq!(lines(text.as_bytes()), [text.trim_end_matches('\n')]);
}

#[test]
fn nothing_to_read_is_an_error() {
    for nothing in [b"".as_slice(), BYTE_ORDER_MARK] {
        let error = read(nothing, Cut::Word).unwrap_err();
        assert!(matches!(error, DataError::Empty { .. }), "{error}");
    }
    assert!(matches!(open("/no/such/file"), Err(DataError::Missing { .. })));
    assert!(matches!(open("/"), Err(DataError::Directory { .. })));
}

#[test]
fn bad_bytes_are_placed_by_line_and_offset() {
    let error = read(b"ab\r\nc\xFFd".as_slice(), Cut::Word).unwrap_err();
    assert!(matches!(error, DataError::InvalidUtf8 { line: 2, byte: 5, .. }), "{error}");
    assert!(error.to_string().starts_with("t:2: not UTF-8 at byte 5"), "{error}");
    let error = read(b"ab\nc\n\0d".as_slice(), Cut::Word).unwrap_err();
    assert!(matches!(error, DataError::Nul { line: 3, byte: 5, .. }), "{error}");
    // UTF-16 with its mark is caught at its first byte.
    let error = read(b"\xFF\xFEa\0b\0".as_slice(), Cut::Word).unwrap_err();
    assert!(matches!(error, DataError::Nul { .. } | DataError::InvalidUtf8 { .. }), "{error}");
    // A character cut off by the end of the file.
    let error = read(&"é".as_bytes()[..1], Cut::Character).unwrap_err();
    assert!(matches!(error, DataError::InvalidUtf8 { line: 1, byte: 0, .. }), "{error}");
}

/// Gives its bytes in reads of one to seven.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1 = self.1 % 7 + 1;
        let now = self.1.min(self.0.len()).min(buffer.len());
        buffer[..now].copy_from_slice(&self.0[..now]);
        self.0 = &self.0[now..];
        Ok(now)
    }
}

#[test]
fn long_lines_come_in_pieces_that_lose_nothing() {
    // Words of many lengths with two-, three- and four-byte letters, so that the places where a piece
    // could end fall inside characters and inside `\r\n`.
    let mut text = String::new();
    for word in 0..60_000_usize {
        text.push_str(&"ab€é𝄞x"[..[1, 2, 5, 7, 11, 12][word % 6]]);
        text.push_str([" ", "  ", "\t", "\u{2028}"][word % 4]);
        if word % 25_013 == 0 {
            text.push_str("\r\n");
        }
    }
    let expected: Vec<_> = text.split("\r\n").map(str::to_owned).collect();
    for cut in [Cut::Character, Cut::Word, Cut::PreferWord] {
        let pieces = read(text.as_bytes(), cut).unwrap();
        assert!(pieces.iter().flatten().all(|piece| piece.len() <= PIECE));
        assert!(pieces.iter().any(|line| line.len() > 1));
        let whole: Vec<_> = pieces.iter().map(|line| line.concat()).collect();
        assert_eq!(whole, expected);
        let trickled = read(Trickle(text.as_bytes(), 0), cut).unwrap();
        assert_eq!(trickled.iter().map(|line| line.concat()).collect::<Vec<_>>(), expected);
        if cut != Cut::Character {
            let words = pieces.iter().flatten().flat_map(|piece| piece.split_whitespace());
            assert!(words.eq(text.split_whitespace()));
        }
    }
}

#[test]
fn a_carriage_return_at_a_cut_still_ends_the_line() {
    for shift in 0..4 {
        let line = "x".repeat(PIECE - 2 + shift);
        let text = format!("{line}\r\ny\n");
        let read = read(text.as_bytes(), Cut::Character).unwrap();
        let read: Vec<_> = read.into_iter().map(|line| line.concat()).collect();
        assert_eq!(read, [line.as_str(), "y"]);
    }
}

#[test]
fn a_word_without_end_is_an_error_for_words_only() {
    let text = format!("ok\nb {}", "x".repeat(3 * PIECE));
    let error = read(text.as_bytes(), Cut::Word).unwrap_err();
    assert!(matches!(error, DataError::LongWord { line: 2, byte: 5, .. }), "{error:?}");
    assert_eq!(read(text.as_bytes(), Cut::PreferWord).unwrap()[1].concat().len(), 3 * PIECE + 2);
    let blank = " ".repeat(3 * PIECE);
    assert_eq!(read(blank.as_bytes(), Cut::Word).unwrap()[0].concat(), blank);
}

#[test]
fn a_line_is_handed_out_before_the_next_is_read() {
    /// A terminal: one line, then nobody types.
    struct Terminal(Option<&'static [u8]>);

    impl Read for Terminal {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let line = self.0.take().expect("nothing more may be asked for");
            buffer[..line.len()].copy_from_slice(line);
            Ok(line.len())
        }
    }

    let mut text = TextReader::new(Terminal(Some(b"a\n")), "t", Cut::Word);
    assert_eq!(text.next_piece().unwrap(), Some(Piece::Text("a")));
    assert_eq!(text.next_piece().unwrap(), Some(Piece::EndOfLine));
}
