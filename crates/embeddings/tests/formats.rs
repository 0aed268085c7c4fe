//! Files of vectors: written and read again, and those that lie.

use std::fs;
use std::path::Path;

use lampwick_embeddings::formats::read::Reader;
use lampwick_embeddings::formats::{self, projector, word2vec_binary, word2vec_text};
use lampwick_embeddings::neighbours::Query;
use lampwick_embeddings::{
    Check, Format, Index, IndexSettings, Lexicon, Loaded, ReadOptions, Silent, Vectors, open,
};

fn vectors() -> Vectors {
    let words: Lexicon =
        [&b"lamp"[..], b"caf\xc3\xa9", b"\xff\xfe", b"<unk>", b"</s>", b"1", b"la\0mp"]
            .into_iter()
            .collect();
    let numbers = (0..21).map(|n| [0.1, -2.5, 1e-30, 3e7, -0.0, 1.0 / 3.0][n % 6] * n as f32);
    Vectors::new(words, numbers.collect::<Vec<f32>>(), 3).unwrap()
}

fn bytes(vectors: &Vectors, format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    formats::write(vectors, None, format, &mut bytes).unwrap();
    bytes
}

fn read(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    open(&path, None, options).map_err(|error| error.to_string())
}

fn refused(name: &str, bytes: &[u8], says: &[&str]) {
    let error = read(name, bytes, &ReadOptions::default()).unwrap_err();
    for part in says.iter().chain([&name]) {
        assert!(error.contains(part), "`{error}` does not say `{part}`");
    }
}

#[test]
fn every_format_gives_back_what_it_was_given() {
    let vectors = vectors();
    let words = vectors.words().iter().map(<[u8]>::to_vec).collect();
    let listed = ReadOptions { words: Some(words), ..ReadOptions::default() };
    for format in Format::ALL {
        let given = match format {
            // Its words end at NUL.
            Format::Fasttext => {
                let words: Lexicon = vectors.words().iter().take(6).collect();
                Vectors::new(words, vectors.matrix()[..18].to_vec(), 3).unwrap()
            }
            _ => vectors.clone(),
        };
        let options =
            if format == Format::Projector { listed.clone() } else { ReadOptions::default() };
        // Seen from the first bytes, not from the name.
        let loaded = read("x", &bytes(&given, format), &options).unwrap();
        assert_eq!(loaded.vectors.matrix(), given.matrix(), "{format:?}");
        assert!(loaded.vectors.words().iter().eq(given.words().iter()), "{format:?}");
        assert_eq!(loaded.vectors.row_of(b"\xff\xfe"), Some(2));
    }
    let mut list = Vec::new();
    projector::write_words(&vectors, &mut list).unwrap();
    assert!(list.starts_with(b"lamp\ncaf\xc3\xa9\n\xff\xfe\n<unk>\n"));
}

#[test]
fn words_may_hold_spaces_where_a_format_allows_it() {
    let text = b"2 2\nNew York 1 2\n. . . 3 4\n";
    let loaded = read("x", text, &ReadOptions::default()).unwrap();
    assert_eq!(loaded.vectors.get(b"New York"), Some(&[1.0, 2.0][..]));
    assert_eq!(loaded.vectors.get(b". . ."), Some(&[3.0, 4.0][..]));
    // GloVe's large file has such lines; the header is missing, and the shortest line says the dimensions.
    let text = b". . . 3 4\nlamp 1 2\n. 5 6\nat name@domain.com 7 8\n";
    let glove = read("x", text, &ReadOptions::default()).unwrap().vectors;
    assert_eq!((glove.dim(), glove.get(b"at name@domain.com")), (2, Some(&[7.0, 8.0][..])));
    for format in [Format::Native, Format::Safetensors, Format::Word2vecText] {
        let again = read("x", &bytes(&glove, format), &ReadOptions::default()).unwrap();
        assert!(again.vectors.words().iter().eq(glove.words().iter()));
    }
    let error = formats::write(&glove, None, Format::Word2vecBinary, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("another format"));
}

#[test]
fn lines_of_windows_and_trailing_spaces_are_no_trouble() {
    let text = b"2 2\r\nlamp 1 2 \r\nwick\t3\t4\r\n\n";
    let loaded = read("x", text, &ReadOptions::default()).unwrap().vectors;
    assert_eq!(loaded.get(b"wick"), Some(&[3.0, 4.0][..]));
    // word2vec's binary rows end in a line's end, or do not.
    for end in ["", "\n"] {
        let mut bytes = b"2 1\n".to_vec();
        for word in ["a", "b"] {
            bytes.extend_from_slice(word.as_bytes());
            bytes.extend_from_slice(b" \0\0\x80\x3f");
            bytes.extend_from_slice(end.as_bytes());
        }
        let loaded = read("x", &bytes, &ReadOptions::default()).unwrap().vectors;
        assert_eq!((loaded.len(), loaded.get(b"b")), (2, Some(&[1.0][..])));
    }
}

#[test]
fn a_word_that_comes_twice_counts_once_and_is_told() {
    let text = b"3 1\na 1\nb 2\na 3\n";
    let loaded = read("x", text, &ReadOptions::default()).unwrap();
    assert_eq!((loaded.vectors.len(), loaded.duplicates), (2, 1));
    assert_eq!(loaded.vectors.get(b"a"), Some(&[1.0][..]));
}

#[test]
fn numbers_that_are_none_are_refused_or_left_out() {
    let text = b"3 2\na 1 2\nb nan 2\nc 1 inf\n";
    refused("x.vec", text, &["x.vec:3", "`b`", "NaN", "--skip-not-finite"]);
    let options = ReadOptions { skip_not_finite: true, ..ReadOptions::default() };
    let loaded = read("x", text, &options).unwrap();
    assert_eq!((loaded.vectors.len(), loaded.not_finite), (1, 2));
    let mut bytes = b"1 1\na ".to_vec();
    bytes.extend_from_slice(&f32::NAN.to_le_bytes());
    refused("x.bin", &bytes, &["row 1", "NaN"]);
}

/// Our own file is mapped and not read: its rows are looked at when they are used, or as `Check` says.
#[test]
fn numbers_that_are_none_are_found_in_mapped_files_when_they_are_used() {
    let words: Lexicon = [&b"lamp"[..], b"wick", b"oil"].into_iter().collect();
    let matrix = vec![1.0, 2.0, f32::NAN, 1.0, 3.0, f32::MAX];
    let file =
        bytes(&Vectors::new(words, matrix, 2).unwrap().with_counts(vec![9, 8, 7]), Format::Native);
    let read = |check, skip_not_finite| {
        read("x.lwv", &file, &ReadOptions { check, skip_not_finite, ..ReadOptions::default() })
    };
    let vectors = read(Check::Nothing, false).unwrap().vectors;
    assert_eq!(vectors.not_finite(), [1]);
    for error in [vectors.finite_vector(b"wick").err(), Query::word(&vectors, b"wick").err()] {
        let error = error.unwrap().to_string();
        assert!(error.contains("`wick`") && error.contains("NaN"), "{error}");
    }
    assert_eq!(&*vectors.finite_vector(b"oil").unwrap(), [3.0, f32::MAX]);
    let error = read(Check::Words, false).unwrap_err();
    assert!(error.contains("x.lwv, row 2: the vector of `wick` holds NaN"), "{error}");
    let left = read(Check::Words, true).unwrap();
    assert_eq!((left.vectors.len(), left.not_finite), (2, 1));
    assert_eq!(left.vectors.counts(), Some(&[9, 7][..]));
    assert_eq!(left.vectors.get(b"oil"), Some(&[3.0, f32::MAX][..]));
}

#[test]
fn headers_that_lie_are_found_out_and_allocate_nothing() {
    let huge = "99999999999 1048576\na 1\n";
    refused("x", huge.as_bytes(), &[":2", "what is before the last 1 is `a`"]);
    refused("x", b"3 2\na 1 2\nb 1 2\n", &["says words: 3", "has 2", "was it cut"]);
    refused("x", b"1 2\na 1 2\nb 1 2\n", &["says words: 1", "has 2; correct the header"]);
    refused("x", b"-1 2\na 1 2\n", &[":1", "no header of two numbers", "-1 2"]);
    refused("x", b"2 2\na 1 2\nb 1 x\n", &[":3", "`x`"]);
    refused("x", b"2 2\na 1 2\nb 1\n", &[":3"]);
    refused("x", b"0 2\n", &["no vectors"]);
    refused("x", b"", &["is empty"]);
    refused("x", b"\n\n", &["is empty"]);
    let options = ReadOptions::default();
    for header in ["18446744073709551615 100000\n", "4000000000 1\n"] {
        let mut reader = Reader::of_bytes("x", format!("{header}a ....").as_bytes());
        let error = word2vec_binary::read(&mut reader, &options).unwrap_err().to_string();
        assert!(error.contains("row 1") || error.contains("row 2"), "{error}");
    }
    for text in ["", "3\n", "a b\n", "5 0\n", "5 99999999\n", "-1 5\n"] {
        for reads in [word2vec_binary::read, word2vec_text::read] {
            let mut reader = Reader::of_bytes("x", text.as_bytes());
            assert!(reads(&mut reader, &options).unwrap_err().to_string().contains("x:1"));
        }
    }
}

#[test]
fn a_binary_file_that_is_cut_anywhere_is_an_error_and_no_panic() {
    let vectors = vectors();
    for format in [Format::Word2vecBinary, Format::Native, Format::Safetensors] {
        let whole = bytes(&vectors, format);
        // Padding or a last line's end may be missing.
        let last = whole.len() - if format == Format::Native { 64 } else { 1 };
        for cut in (0..last).step_by(if format == Format::Native { 7 } else { 1 }) {
            assert!(read("x", &whole[..cut], &ReadOptions::default()).is_err(), "{format:?} {cut}");
        }
    }
}

#[test]
fn a_native_file_whose_bytes_lie_never_panics() {
    let vectors = vectors().with_counts(vec![5; 7]);
    let index = Index::build(&vectors, &IndexSettings::default(), &Silent).unwrap();
    let vectors = vectors.with_index(index);
    let whole = bytes(&vectors, Format::Native);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.lwv");
    for at in 0..whole.len() {
        let mut lying = whole.clone();
        lying[at] = [0, 0x7f, 0xff][at % 3];
        lampwick_embeddings::fuzzing::seal(&mut lying);
        fs::write(&path, &lying).unwrap();
        if let Ok(loaded) = open(&path, None, &ReadOptions::default()) {
            let vectors = &loaded.vectors;
            for row in 0..vectors.len() {
                let word = vectors.word(row).to_vec();
                let _ = (vectors.row_of(&word), vectors.vector(&word), vectors.row(row));
            }
            let query = |row| Query::new(vectors.row(row), vec![row]).ok();
            let queries: Vec<Query> = (0..vectors.len()).filter_map(query).collect();
            if let Some(index) = vectors.index() {
                let found = index.nearest(vectors, &queries, 3, 5);
                assert!(found.iter().all(|found| found.len() <= 3));
            }
        }
    }
}

#[test]
fn a_graph_goes_with_its_vectors() {
    let vectors = vectors();
    let index = Index::build(&vectors, &IndexSettings::default(), &Silent).unwrap();
    let vectors = vectors.with_index(index);
    let read = read("x.lwv", &bytes(&vectors, Format::Native), &ReadOptions::default());
    let read = read.unwrap().vectors;
    let query = [Query::new(vectors.row(1), vec![1]).unwrap()];
    let found = |vectors: &Vectors| vectors.index().unwrap().nearest(vectors, &query, 5, 10);
    assert_eq!(found(&read), found(&vectors));
    assert_eq!(found(&read)[0].len(), 5);
}

#[test]
fn damage_is_found_when_it_is_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.lwv");
    let mut whole = bytes(&vectors(), Format::Native);
    fs::write(&path, &whole).unwrap();
    formats::native::verify(&path).unwrap();
    let at = whole.len() - 100;
    whole[at] ^= 1;
    fs::write(&path, &whole).unwrap();
    let error = formats::native::verify(&path).unwrap_err().to_string();
    assert!(error.contains("checksum"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = open(Path::new("/no/such.vec"), None, &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("/no/such.vec"));
}
