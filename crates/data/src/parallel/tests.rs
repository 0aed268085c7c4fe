use std::fs;
use std::io::Read;

use tempfile::TempDir;

use super::*;
use crate::error::DataError;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// Pairs of the two files `a` and `b`.
fn two(a: &[u8], b: &[u8], filter: &Filter) -> Result<Pairs, DataError> {
    let folder = folder(&[("a", a), ("b", b)]);
    PairReader::files(folder.path().join("a"), folder.path().join("b"))?.read_all(filter)
}

fn tsv(text: &[u8]) -> Result<Pairs, DataError> {
    let folder = folder(&[("a.tsv", text)]);
    PairReader::tsv(folder.path().join("a.tsv"))?.read_all(&Filter::ALL)
}

#[test]
fn two_files_and_a_table_give_the_same_pairs() {
    let files = two(b"ein Haus\nzwei\n", b"a house\ntwo", &Filter::ALL).unwrap();
    let table = tsv(b"ein Haus\ta house\nzwei\ttwo\n").unwrap();
    assert_eq!(files, table);
    assert_eq!(files.source, ["ein Haus", "zwei"]);
    assert_eq!(files.target, ["a house", "two"]);
    assert_eq!(files.references_of(1), ["two"]);
    assert!(files.references_of(2).is_empty());
    assert_eq!(files.counts, PairCounts { read: 2, kept: 2, ..PairCounts::default() });
}

#[test]
fn a_mark_and_windows_line_ends_are_no_part_of_the_text() {
    let pairs = two(b"\xef\xbb\xbfeins\r\nzwei\r\n", b"one\ntwo\n", &Filter::ALL).unwrap();
    assert_eq!(
        (&pairs.source[..], &pairs.target[..]),
        (&["eins".to_owned(), "zwei".to_owned()][..], &["one".to_owned(), "two".to_owned()][..],)
    );
    assert_eq!(tsv(b"\xef\xbb\xbfeins\tone\r\n").unwrap().target, ["one"]);
}

#[test]
fn a_line_ends_at_a_newline_only() {
    let odd = "one\u{2028}line\u{85}still\u{b}the\u{c}same\rone";
    let pairs = two(odd.as_bytes(), b"eine", &Filter::ALL).unwrap();
    assert_eq!((pairs.len(), &pairs.source[0][..]), (1, odd));
}

#[test]
fn empty_lines_are_kept_or_counted() {
    let (a, b) = (b"eins\n\ndrei\n \n", b"one\ntwo\n\n\n");
    let all = two(a, b, &Filter::ALL).unwrap();
    assert_eq!((all.len(), all.counts.empty), (4, 0));
    let some = two(a, b, &Filter::NOT_EMPTY).unwrap();
    assert_eq!((&some.source[..], some.counts.empty), (&["eins".to_owned()][..], 3));
    assert_eq!(some.counts.to_string(), "4 pairs read, 1 kept, 3 left out for an empty side");
}

#[test]
fn what_is_too_long_is_counted_and_told() {
    let (a, b) = (b"a b c\na b c d\na b c\n".as_slice(), b"x\nx y\nx y z\n".as_slice());
    let filter = Filter { source_words: 3, target_words: 2, ..Filter::ALL };
    let pairs = two(a, b, &filter).unwrap();
    assert_eq!(pairs.target, ["x"]);
    assert_eq!(
        pairs.counts.to_string(),
        "3 pairs read, 1 kept, 2 left out as too long (first: pair 2)"
    );
    // A source that is cut ends with a whole word; a target never is.
    let pairs = two(a, b, &Filter { cut_source: true, source_words: 2, ..filter }).unwrap();
    assert_eq!(
        (pairs.source, pairs.target),
        (vec!["a b".into(); 2], vec!["x".into(), "x y".into()])
    );
    assert_eq!((pairs.counts.cut, pairs.counts.too_long), (2, 1));
}

#[test]
fn unequal_files_name_both_counts_and_the_line_where_they_part() {
    let long: Vec<String> = (0..60_usize).map(|it| "wort ".repeat(it * it % 23 + 1)).collect();
    let mut short = long.clone();
    short.remove(25);
    let error = two(long.join("\n").as_bytes(), short.join("\n").as_bytes(), &Filter::ALL);
    let error = error.unwrap_err();
    let DataError::UnequalLines { first_lines, second_lines, astray, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((*first_lines, *second_lines), (60, 59));
    assert!(astray.line.abs_diff(26) <= 1, "{astray}");
    let [one, other] = astray.texts.as_ref().unwrap();
    assert!(one.starts_with("wort wort") && other.starts_with("wort"), "{astray}");
    // The same is found by what holds all lines already.
    let again = check_line_counts(("a", &long), ("b", &short)).unwrap_err().to_string();
    assert!(again.ends_with(&astray.to_string()), "{again}");

    let error = two(b"eins\nzwei\n", b"one\n", &Filter::ALL).unwrap_err().to_string();
    assert!(error.contains("/a has 2 lines and ") && error.contains("/b 1; "), "{error}");
    assert!(error.contains("before line 2"), "{error}");
}

#[test]
fn what_is_no_text_is_named_by_file_line_and_byte() {
    let error = |a: &[u8], b: &[u8]| two(a, b, &Filter::ALL).unwrap_err().to_string();
    let latin = error(b"one\ntwo\n", b"eins\nzw\xf6lf\n");
    assert!(latin.contains("/b:2: not UTF-8 at byte 7"), "{latin}");
    let nul = error(b"one\nt\0wo\n", b"eins\nzwei\n");
    assert!(nul.contains("/a:2: NUL at byte 5"), "{nul}");
    let empty = error(b"", b"eins\n");
    assert!(empty.contains("/a: is empty"), "{empty}");
    let utf_16 = error(b"\xff\xfeo\0n\0e\0\n\0", b"eins\n");
    assert!(utf_16.contains("/a:1: "), "{utf_16}");
    assert!(matches!(PairReader::tsv("nowhere"), Err(DataError::Missing { .. })));
}

#[test]
fn a_table_has_one_tab_a_line() {
    for (text, problem) in [
        (b"a\tb\nno tab\n".as_slice(), "a.tsv:2: 0 tabs"),
        (b"a\tb\tc\n", "a.tsv:1: 2 tabs"),
        (b"a\tb\n\n", "a.tsv:2: 0 tabs"),
    ] {
        let error = tsv(text).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
    assert_eq!(tsv(b"a\t\n\tb\n").unwrap().source, ["a", ""]);
}

#[test]
fn a_line_without_end_is_refused_in_bounded_memory() {
    let endless = std::io::repeat(b'a').take(1 << 40);
    let error = Lines::new(endless, "endless").read(&mut String::new()).unwrap_err();
    assert!(matches!(error, DataError::LongLine { line: 1, .. }), "{error}");
}

#[test]
fn scan_is_read_and_part_of_training_is_held_out() {
    let line = |it: usize| format!("IN: walk {it} times OUT: {}\n", "I_WALK ".repeat(it % 5 + 1));
    let train: String = (0..1000).map(line).collect();
    let test = "IN: jump twice OUT: I_JUMP I_JUMP\n";
    let folder = folder(&[
        ("tasks_train_simple.txt", train.as_bytes()),
        ("tasks_test_simple.txt", test.as_bytes()),
        ("tasks_test_length.txt", b"jump\n"),
    ]);
    let read = |split| PairCorpus::ScanSimple.read(folder.path(), split, &Filter::ALL).unwrap();
    let (train, valid, test) = (read(Split::Train), read(Split::Valid), read(Split::Test));
    assert_eq!(train.len() + valid.len(), 1000);
    assert!((5..40).contains(&valid.len()), "{}", valid.len());
    assert!(!train.source.iter().any(|command| valid.source.contains(command)));
    assert_eq!((&test.source[0][..], &test.target[0][..]), ("jump twice", "I_JUMP I_JUMP"));
    let wrong = PairCorpus::ScanLength.read(folder.path(), Split::Test, &Filter::ALL);
    let wrong = wrong.unwrap_err().to_string();
    assert!(wrong.contains("tasks_test_length.txt:1: no `IN:"), "{wrong}");
}

#[test]
fn cmudict_words_keep_their_pronunciations_together() {
    let mut text = String::from(
        ";;; a comment\n'cause K AH0 Z\na AH0\na(2) EY1\naalborg AO1 L B AO0 R G # place, danish\n\
         read R EH1 D\nread(2) R IY1 D\nread(3) R IY2 D\n",
    );
    for word in 0..500 {
        text += &format!("w{word} W AH1\nw{word}(2) W\n");
    }
    let folder = folder(&[("cmudict.dict", text.as_bytes())]);
    let read = |split| PairCorpus::Cmudict.read(folder.path(), split, &Filter::ALL).unwrap();
    let parts = [read(Split::Train), read(Split::Valid), read(Split::Test)];
    let words: Vec<Vec<&String>> = parts
        .iter()
        .map(|pairs| {
            let mut words: Vec<_> = pairs.source.iter().collect();
            words.dedup();
            words
        })
        .collect();
    assert_eq!(words.iter().map(Vec::len).sum::<usize>(), 504);
    for (index, part) in words.iter().enumerate() {
        for other in &words[index + 1..] {
            assert!(!part.iter().any(|word| other.contains(word)), "a word crosses the parts");
        }
    }
    let shares = words.iter().map(|part| part.len() as f64 / 504.0).collect::<Vec<_>>();
    assert!((shares[0] - 0.9).abs() < 0.04 && (shares[2] - 0.05).abs() < 0.03, "{shares:?}");
    // Two pairs of a word for training, one for the test; all pronunciations are references.
    assert_eq!(parts[0].len(), 2 * words[0].len() - 2, "'cause and aalborg have one");
    assert_eq!(parts[2].len(), words[2].len());
    for part in &parts {
        for index in 0..part.len() {
            assert!(part.references_of(index).contains(&part.target[index]));
            assert!(!part.target[index].contains(|c: char| c.is_ascii_digit()));
        }
    }
    let read_aloud = parts.iter().find_map(|part| {
        let place = part.source.iter().position(|word| word == "r e a d")?;
        Some(part.references_of(place))
    });
    assert_eq!(read_aloud.unwrap(), ["R EH D", "R IY D"], "stress alone makes no other");
}

#[test]
fn cmudict_words_fall_where_their_hash_says() {
    // printf a | sha256sum: ca978112ca1bbdca..., printf lamp: 9dccfb2de1bf8f4d...;
    // python3 -c 'print(0xca978112ca1bbdca % 100)'
    assert_eq!(corpora::percentile("a"), 0xca97_8112_ca1b_bdca_u64 % 100);
}

#[test]
fn rnnlg_acts_and_sentences_get_placeholders() {
    let json = br##"# a header
# of any length
[
  ["inform(name='red door cafe';area='cathedral hill or noe';kidsallowed=no)",
   "red door cafe is in noe and cathedral hill and does not allow kids .", "x"],
  ["inform(name='spruce';area='noe';kidsallowed='no')", "no kids at spruce in noe", "x"],
  ["?select(area='noe';area='noe valley')", "do you want noe or noe valley ?", "x"],
  ["?request(food)", "what food", "x"], ["goodbye()", "goodbye", "x"]
]"##;
    let folder = folder(&[
        ("test.json", json),
        ("train.json", b"# only\n[\n[\"a\"]]"),
        ("valid.json", b"#\n[\n[1]]"),
    ]);
    let read = |split| PairCorpus::Rnnlg.read(folder.path(), split, &Filter::ALL);
    let pairs = read(Split::Test).unwrap();
    assert_eq!(
        pairs.source,
        [
            "inform area=_1 kidsallowed=no name=_1",
            "inform area=_1 kidsallowed=no name=_1",
            "?select area=_1 area=_2",
            "?request food=?",
            "goodbye",
        ]
    );
    assert_eq!(
        pairs.target[..4],
        [
            "SLOT_NAME is in SLOT_AREA and does not allow kids",
            "no kids at SLOT_NAME in SLOT_AREA",
            "do you want SLOT_AREA or SLOT_AREA_2",
            "what food",
        ]
    );
    assert_eq!(pairs.references_of(0), pairs.references_of(1));
    assert_eq!(pairs.references_of(0).len(), 2);
    let spoken = rnnlg::lexicalise(&pairs.target[1], &pairs.slots[0]);
    assert_eq!(spoken, "no kids at red door cafe in cathedral hill or noe");
    let error = read(Split::Train).unwrap_err().to_string();
    assert!(error.contains("train.json:2: entry 1"), "{error}");
    let error = read(Split::Valid).unwrap_err().to_string();
    assert!(error.contains("valid.json:3: "), "{error}");
}

#[test]
fn aeslc_is_two_aligned_files_whose_sources_may_be_cut() {
    let folder =
        folder(&[("dev.email", b"Dear all, the lamp is out.\n"), ("dev.subject", b"Lamp\n")]);
    let filter = Filter { source_words: 3, cut_source: true, ..Filter::NOT_EMPTY };
    let pairs = PairCorpus::Aeslc.read(folder.path(), Split::Valid, &filter).unwrap();
    assert_eq!((&pairs.source[0][..], &pairs.target[0][..]), ("Dear all, the", "Lamp"));
    assert_eq!(pairs.counts.cut, 1);
    let missing = PairCorpus::Aeslc.read(folder.path(), Split::Test, &filter).unwrap_err();
    assert!(matches!(missing, DataError::Missing { .. }));
}

#[test]
fn corpora_have_names_in_configs() {
    let names = ["scan_simple", "scan_length", "cmudict", "rnnlg", "aeslc"];
    for name in names {
        let corpus: PairCorpus = serde_json::from_str(&format!("{name:?}")).unwrap();
        assert_eq!(serde_json::to_string(&corpus).unwrap(), format!("{name:?}"));
    }
}
