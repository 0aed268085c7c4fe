//! Whatever a text or a model file holds: a model, or an error that says what, where and the mend.

mod common;

use std::io::Write;

use common::{arpa_text, order, read, trained};
use lampwick_ngram::{
    BuildKind, EOS, Model, NO_UNK, NgramError, Settings, Silent, Source, UNK, UnkInText, arpa,
    build, train,
};

fn error(result: lampwick_ngram::Result<impl Sized>) -> String {
    match result {
        Err(error) => error.to_string(),
        Ok(_) => panic!("this is no error"),
    }
}

#[test]
fn an_empty_text_is_an_error_and_one_short_line_is_a_model() {
    let empty = train(vec![Source::bytes("empty.txt", "")], &order(5), &Silent);
    assert!(error(empty).contains("empty.txt: is empty"));
    for text in ["a", "a\n", "\n", " \t \n"] {
        let trained = trained(text, &order(5));
        assert_eq!(trained.text.sentences, 1, "{text:?}");
        assert!((trained.table.sum(&[1]) - 1.0).abs() < 1e-6);
        for kind in [
            BuildKind::Probing,
            BuildKind::Trie { quantize: true },
            BuildKind::Compact { quantize: true },
        ] {
            let model = Model::from_table(&trained.table, kind).unwrap();
            assert!(model.score(&model.start(), EOS).0.log10 > -2.0, "{text:?}");
        }
        assert!(read(arpa_text(&trained.table)).is_ok(), "{text:?}");
    }
}

#[test]
fn undefined_discounts_fall_back_or_are_an_error_that_names_the_order() {
    let text = "a b a b\n".repeat(30);
    let fallen = trained(&text, &order(3));
    assert!(fallen.orders[0].undefined.as_ref().unwrap().contains("count 3"), "{fallen:?}");
    assert_eq!(fallen.orders[0].discounts.unwrap().amounts, [0.5, 1.0, 1.5]);
    let strict = Settings { strict: true, ..order(3) };
    let problem = error(train(vec![Source::bytes("text", text)], &strict, &Silent));
    assert!(problem.contains("order 1") && problem.contains("--strict"), "{problem}");
}

#[test]
fn only_words_that_are_not_known_are_still_scored() {
    let table = trained("a b\nb a\n", &order(3)).table;
    let model = Model::from_table(&table, BuildKind::Probing).unwrap();
    let mut state = model.start();
    for _ in 0..10 {
        assert_eq!(model.vocabulary().id(b"never"), UNK);
        let score = model.advance(&mut state, UNK);
        assert!(score.log10.is_finite() && score.ngram == 1);
    }
    // An id that the vocabulary does not have is that of <unk>.
    assert_eq!(model.score(&state, u32::MAX).0, model.score(&state, UNK).0);
}

#[test]
fn words_are_bytes_of_any_kind_and_length() {
    let long = vec![b'x'; 1 << 20];
    let mut text = b"caf\xe9 la\0mp \xff\xfe ".to_vec();
    text.extend(&long);
    text.extend(b" end\r\n\0\n");
    let table = trained(&text, &order(3)).table;
    for word in [&b"caf\xe9"[..], b"la\0mp", b"\xff\xfe", &long, b"\0", b"end"] {
        assert!(table.words().get(word).is_some());
    }
    let mut file = Vec::new();
    arpa::write(&table, &mut file, &Silent).unwrap();
    let again = read(&file).unwrap();
    assert_eq!(again.counts(), table.counts());
    for kind in [BuildKind::Probing, BuildKind::Trie { quantize: false }] {
        let model = Model::from_table(&again, kind).unwrap();
        assert_eq!(model.vocabulary().word(model.vocabulary().id(b"caf\xe9")), b"caf\xe9");
        assert_ne!(model.vocabulary().id(&long), UNK);
    }
}

#[test]
fn unk_and_sentence_marks_in_the_text() {
    let text = "a <unk> b\n<s> a b </s>\n";
    let with = |unk_in_text| Settings { unk_in_text, ..order(2) };
    let kept = trained(text, &with(UnkInText::Keep));
    assert_eq!((kept.text.unk, kept.text.sentence_marks, kept.text.words), (1, 2, 5));
    assert_eq!(trained(text, &with(UnkInText::Drop)).text.words, 4);
    let sources =
        vec![Source::bytes("one.txt", "a\n"), Source::bytes("two.txt", format!("a\n{text}"))];
    let problem = error(train(sources, &with(UnkInText::Error), &Silent));
    assert!(problem.contains("two.txt:2"), "{problem}");
}

const GOOD: &str = "\\data\\\nngram 1=4\nngram 2=2\n\n\\1-grams:\n-1\t<unk>\t0\n0\t<s>\t-0.3\n\
                    -0.5\t</s>\t0\n-0.7\ta\t-0.2\n\n\\2-grams:\n-0.1\t<s> a\n-0.2\ta </s>\n\n\\end\\\n";

#[test]
fn arpa_that_is_not_as_it_should_be_is_named_by_line() {
    assert!(read(GOOD).is_ok());
    let cases = [
        ("ngram 2=2", "ngram 2=3", "2 2-grams, where the header promises 3"),
        ("ngram 2=2", "ngram 2=1", "more than the 1 2-grams"),
        ("ngram 2=2", "ngram 2=99999999999999999", "promises 99999999999999999"),
        ("ngram 2=2", "ngram 3=2", "ngram 2=COUNT"),
        ("ngram 2=2", "ngram 2=many", "ngram 2=COUNT"),
        ("\\data\\", "data", "no line `\\data\\`"),
        ("\\1-grams:", "\\one-grams:", "`\\1-grams:` should be here"),
        ("\\2-grams:\n-0.1\t<s> a\n-0.2\ta </s>\n", "", "where `\\2-grams:`"),
        ("\\end\\", "", "(was it cut?)"),
        ("-0.7\ta", "0.7\ta", "probability above 1"),
        ("-0.7\ta", "nan\ta", "`nan` should be a base-10 logarithm"),
        ("-0.7\ta", "x\ta", "`x` should be a base-10 logarithm"),
        ("-0.2\n\n\\2", "nan\n\n\\2", "`nan` should be a base-10 logarithm"),
        ("-0.2\n\n\\2", "-0.2\tmore\n\n\\2", "more than a number"),
        ("<s> a", "<s>", "fewer than the 2 words"),
        ("<s> a", "<s> b", "`b` is not among the words"),
        ("-0.2\ta </s>", "-0.2\t<s> a", "stands twice"),
        ("-0.5\t</s>", "-0.5\ta", "stands twice"),
        ("-0.5\t</s>", "-0.5\tz", "`</s>` is not among the words"),
        ("\n0\t<s>", "\n0\tz", "`<s>` is not among the words"),
        ("\\data\\", "mmap lm http://kheafield.com/code format version 5", "binary model of KenLM"),
    ];
    for (good, bad, says) in cases {
        assert!(GOOD.contains(good), "{good}");
        let problem = error(read(GOOD.replacen(good, bad, 1)));
        let says = says.strip_prefix("where ").map_or(says, |_| "should be here");
        assert!(problem.starts_with("model.arpa:") && problem.contains(says), "{bad}: {problem}");
    }
    assert!(error(read("")).contains("no line"));
    assert!(error(read(&GOOD[..GOOD.find("-0.2\ta").unwrap()])).contains("was it cut?"));
}

#[test]
fn arpa_of_other_tools_is_read() {
    let score = |text: &str| {
        let table = read(text).unwrap();
        let id = |word: &str| table.words().get(word.as_bytes()).unwrap();
        (table.log10(&[1], id("a")), table.log10(&[id("a")], EOS), table.counts())
    };
    let wanted = score(GOOD);
    assert_eq!(score(&GOOD.replace('\n', "\r\n")), wanted, "CRLF");
    assert_eq!(score(&GOOD.replace("\n0\t<s>", "\n-99\t<s>")), wanted, "SRILM's <s>");
    assert_eq!(score(&format!("made by someone\n\n{GOOD}")), wanted, "a comment in front");
    assert_eq!(score(&GOOD.replace('\t', " ")), wanted, "spaces for tabs");
    assert_eq!(score(&GOOD.replace("<unk>", "<UNK>")), wanted, "<UNK>");
    assert_eq!(score(&format!("\u{feff}{GOOD}")), wanted, "a byte order mark");
    // No <unk>, and a trigram whose beginning and end are missing.
    let odd = "\\data\\\nngram 1=3\nngram 2=0\nngram 3=1\n\n\\1-grams:\n-99\t<s>\t-0.3\n-0.5\t</s>\n\
               -0.7\ta\t-0.2\n\n\\2-grams:\n\n\\3-grams:\n-0.05\t<s> a </s>\n\n\\end\\\n";
    let table = read(odd).unwrap();
    assert_eq!(table.counts(), [4, 2, 1]);
    let a = table.words().get(b"a").unwrap();
    let near = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-6, "{found}");
    near(table.log10(&[1, a], EOS).0, -0.05);
    near(table.log10(&[1], a).0, -0.3 - 0.7);
    near(table.log10(&[a], EOS).0, -0.2 - 0.5);
    near(table.log10(&[], UNK).0, NO_UNK);
}

/// A bigram that lacks, behind a backoff far above 1, is put in with a probability, not with more.
#[test]
fn what_is_put_in_has_no_probability_above_1() {
    let text = "\\data\\\nngram 1=3\nngram 2=0\nngram 3=1\n\n\\1-grams:\n-99\t<s>\t60.3\n-0.5\t</s>\n\
                -0.7\ta\t-0.2\n\n\\2-grams:\n\n\\3-grams:\n-0.05\t<s> a </s>\n\n\\end\\\n";
    let table = read(text).unwrap();
    let a = table.words().get(b"a").unwrap();
    assert_eq!(table.log10(&[1], a), (0.0, 2));
    assert!(read(arpa_text(&table)).is_ok());
}

/// Beginnings and ends that lack at two orders at once, one of which a bigram of the file is.
#[test]
fn what_a_4_gram_begins_and_ends_with_is_put_in_once() {
    let text = "\\data\\\nngram 1=6\nngram 2=1\nngram 3=0\nngram 4=1\n\n\\1-grams:\n-99\t<s>\n\
                -0.5\t</s>\n-0.7\ta\n-0.8\tb\t-0.4\n-0.9\tc\n-1\tz\t-0.1\n\n\\2-grams:\n-0.3\tb c\n\n\
                \\3-grams:\n\n\\4-grams:\n-0.05\tz a b c\n\n\\end\\\n";
    let table = read(text).unwrap();
    assert_eq!(table.counts(), [7, 3, 2, 1]);
    let ids = [b"z", b"a", b"b", b"c"].map(|word| table.words().get(word).unwrap());
    for (from, log10) in [(0, -0.05), (1, -0.3), (2, -0.3)] {
        let (found, length) = table.log10(&ids[from..3], ids[3]);
        assert!((found - log10).abs() < 1e-6 && length == 4 - from, "{from}: {found}");
    }
}

#[test]
fn gzip_is_unpacked_and_a_cut_one_named() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(GOOD.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let open = |length: usize| {
        Source::new("model.arpa", std::io::Cursor::new(packed[..length].to_vec())).unwrap()
    };
    assert_eq!(arpa::read(open(packed.len()), &Silent).unwrap().counts(), [4, 2]);
    let cut = error(arpa::read(open(packed.len() - 20), &Silent));
    assert!(cut.contains("cannot read model.arpa"), "{cut}");
    // Behind the last byte of the text: its checksum and its length.
    for missing in 1..=8 {
        let cut = error(arpa::read(open(packed.len() - missing), &Silent));
        assert!(cut.contains("cannot read model.arpa"), "{missing}: {cut}");
    }
    let mut flipped = packed.clone();
    let trailer = flipped.len() - 6;
    flipped[trailer] ^= 1;
    let flipped = Source::new("model.arpa", std::io::Cursor::new(flipped)).unwrap();
    assert!(error(arpa::read(flipped, &Silent)).contains("cannot read model.arpa"));
    let text = train(vec![open(packed.len() - 9)], &order(2), &Silent);
    assert!(matches!(text, Err(NgramError::Read { .. })));
}

#[test]
fn a_binary_file_that_lies_is_refused_or_harmless() {
    let table = trained("the lamp burns\nthe lamp waits\na wick burns low\n", &order(3)).table;
    for kind in [
        BuildKind::Probing,
        BuildKind::Trie { quantize: false },
        BuildKind::Trie { quantize: true },
        BuildKind::Compact { quantize: false },
        BuildKind::Compact { quantize: true },
    ] {
        let mut good = Vec::new();
        build(&table, kind, &mut good, &Silent).unwrap();
        let open = |bytes: &[u8]| Model::from_bytes(bytes, "model.bin");
        open(&good).unwrap().verify().unwrap();
        // Every cut, and every byte of the header: an error, never more memory than the file.
        for length in 1..good.len().min(2000) {
            assert!(open(&good[..length]).is_err(), "cut at {length}");
        }
        let header = 28 + 24 * u32::from_le_bytes(good[24..28].try_into().unwrap()) as usize + 8;
        for at in 0..header {
            let mut bad = good.clone();
            bad[at] ^= 0x41;
            let problem = error(open(&bad));
            assert!(problem.starts_with("model.bin: "), "{problem}");
        }
        // Behind it: opened, found by its checksum, and asked without harm.
        for at in (header.next_multiple_of(64)..good.len()).step_by(5) {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            let Ok(model) = open(&bad) else { continue };
            let mut state = model.start();
            for word in 0..model.vocabulary().len() as u32 + 2 {
                model.advance(&mut state, word);
                model.vocabulary().id(b"lamp");
            }
            let _ = model.to_table();
        }
        let mut bad = good.clone();
        let last = bad.len() - 65;
        bad[last] ^= 1;
        if let Ok(model) = open(&bad)
            && good[last] != bad[last]
        {
            let _ = model.verify();
        }
    }
}

#[test]
fn another_version_and_another_byte_order_are_named() {
    let table = trained("a b\n", &order(2)).table;
    let mut good = Vec::new();
    build(&table, BuildKind::Probing, &mut good, &Silent).unwrap();
    let mut newer = good.clone();
    newer[12] = 2;
    assert!(error(Model::from_bytes(&newer, "m")).contains("version 2"));
    let mut swapped = good.clone();
    swapped[8..12].reverse();
    assert!(error(Model::from_bytes(&swapped, "m")).contains("byte order"));
    assert!(error(Model::from_bytes(b"\\data\\", "m")).contains("ngram build"));
}

#[test]
fn a_damaged_section_is_found_by_its_checksum() {
    let table = trained("a b\nb a\n", &order(2)).table;
    let mut bytes = Vec::new();
    build(&table, BuildKind::Trie { quantize: false }, &mut bytes, &Silent).unwrap();
    // The vocabulary's bytes begin with <unk>.
    let at = bytes.windows(5).position(|window| window == b"<unk>").unwrap();
    bytes[at] = b'[';
    let model = Model::from_bytes(&bytes, "m").unwrap();
    assert!(model.verify().unwrap_err().contains("checksum"));
}

#[test]
fn settings_that_make_no_sense_say_why() {
    let settings = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        error(settings.validate())
    };
    assert!(settings(|s| s.order = 0).contains("order 0"));
    assert!(settings(|s| s.order = 10).contains("1 to 9"));
    assert!(settings(|s| s.prune = vec![1, 0]).contains("fall"));
    assert!(settings(|s| s.prune = vec![0; 6]).contains("6 pruning thresholds"));
    assert!(settings(|s| s.prune_entropy = Some(f64::NAN)).contains("entropy"));
    assert!(settings(|s| s.fallback = [2.0, 1.0, 1.0]).contains("D1"));
    assert!(settings(|s| s.smoothing = lampwick_ngram::Smoothing::AddK(0.0)).contains("k = 0"));
}
