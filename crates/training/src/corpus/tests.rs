use std::path::Path;

use lampwick_data::{DataError, Tokens};
use lampwick_metrics::Unit;

use super::Corpus;
use crate::config::{Config, Override, RunConfig};
use crate::error::Error;

fn config(overrides: &[String]) -> Config {
    let overrides: Vec<Override> = overrides.iter().map(|o| o.parse().unwrap()).collect();
    Config::parse("[data]\nsource = \"text\"\n", "test", &overrides).unwrap().config
}

#[test]
fn without_a_validation_file_the_last_lines_are_held_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.txt");
    let lines: String = (0..100).map(|i| format!("w{i} is here\n")).collect();
    std::fs::write(&path, lines).unwrap();
    let corpus = Corpus::open(&config(&[
        format!("data.train={}", path.display()),
        "data.holdout=0.1".into(),
    ]))
    .unwrap();
    let test = corpus.test.as_ref().unwrap();
    let lines = [&corpus.train, &corpus.valid, test].map(|t| t.counts.lines);
    assert_eq!(lines.iter().sum::<u64>(), 100);
    assert!(lines[1].abs_diff(10) <= 1 && lines[2].abs_diff(10) <= 1, "{lines:?}");
    // Words of the held-out lines are unknown, `is` and `here` are not.
    assert_eq!(corpus.valid.counts.unknown, corpus.valid.counts.lines);
    assert_eq!(corpus.unit(), Unit::Word);
}

#[test]
fn bad_files_are_typed_errors() {
    let dir = tempfile::tempdir().unwrap();
    let one_line = dir.path().join("one.txt");
    std::fs::write(&one_line, "only one line\n").unwrap();
    let empty = dir.path().join("empty.txt");
    std::fs::write(&empty, "").unwrap();
    let latin = dir.path().join("latin.txt");
    std::fs::write(&latin, b"caf\xe9 au lait\n".repeat(50)).unwrap();
    for (path, part) in [
        (&one_line, "data.holdout"),
        (&empty, "empty.txt"),
        (&latin, "UTF-8"),
        (&dir.path().join("missing.txt"), "missing.txt"),
    ] {
        let error = Corpus::open(&config(&[format!("data.train={}", path.display())])).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn bad_text_in_held_out_lines_is_placed_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("own.txt");
    let good = "nothing wrong here\n".repeat(96);
    let bytes = [good.as_bytes(), b"caf\xe9\n", "nor here\n".repeat(3).as_bytes()].concat();
    std::fs::write(&path, bytes).unwrap();
    let error = Corpus::open(&config(&[format!("data.train={}", path.display())])).unwrap_err();
    let Error::Data(DataError::InvalidUtf8 { line, byte, .. }) = error else { panic!("{error}") };
    assert_eq!((line, byte as usize), (97, good.len() + 3));
}

#[test]
fn a_prepared_folder_gives_what_its_texts_give() {
    let dir = tempfile::tempdir().unwrap();
    let (train, valid) = (dir.path().join("my.train.txt"), dir.path().join("my.valid.txt"));
    std::fs::write(&train, "a b c\nb c d\n").unwrap();
    std::fs::write(&valid, "a x\n").unwrap();
    let paths =
        [format!("data.train={}", train.display()), format!("data.valid={}", valid.display())];
    let from_text = Corpus::open(&config(&paths)).unwrap();
    let out = dir.path().join("prepared");
    let prepared = |path: &Path| {
        lampwick_data::prepare_corpus(path, &from_text.tokenizer, &out, &mut |_, _| {}).unwrap();
    };
    prepared(&train);
    let folder = format!("[data]\nsource = \"tokens\"\ndir = {:?}\n", out.display().to_string());
    let config = Config::parse(&folder, "test", &[]).unwrap().config;
    let error = Corpus::open(&config).unwrap_err().to_string();
    assert!(error.contains("data.valid") && error.contains("lampwick prepare"), "{error}");
    prepared(&valid);
    let corpus = Corpus::open(&config).unwrap();
    assert_eq!(corpus.train.hash(), from_text.train.hash());
    assert_eq!(corpus.valid.hash(), from_text.valid.hash());
    assert_eq!(corpus.valid.counts.unknown, 1);
    assert!(corpus.test.is_none());
}

#[test]
fn the_synthetic_corpus_knows_its_entropy_and_is_the_same_every_time() {
    let config = Config::parse("[data]\nsource = \"synthetic\"\ntrain_tokens = 2000\nvalid_tokens = 500\ntest_tokens = 0\n", "test", &[]).unwrap().config;
    let [a, b] = [0; 2].map(|_| Corpus::open(&config).unwrap());
    assert_eq!(a.train.hash(), b.train.hash());
    assert_ne!(a.train.hash(), a.valid.hash());
    assert!(a.test.is_none());
    let entropy = a.valid.source_nats.unwrap();
    // What it counts is what the same text in a file would count.
    let vocabulary = a.tokenizer.vocabulary();
    let mut ids = Vec::new();
    a.valid.tokens.copy(0..a.valid.tokens.len(), &mut ids);
    let text: String = ids
        .split_inclusive(|&id| Some(id) == vocabulary.eos_id())
        .map(|line| {
            let words = line.iter().filter(|&&id| Some(id) != vocabulary.eos_id());
            words.map(|&id| vocabulary.word(id)).collect::<Vec<_>>().join(" ") + "\n"
        })
        .collect();
    let (_, counts) = Tokens::from_text(&a.tokenizer, text.as_bytes(), "text").unwrap();
    assert_eq!(a.valid.counts, counts);
    assert!(entropy > 0.5 && entropy < (a.tokenizer.vocabulary().len() as f64).ln());
}
