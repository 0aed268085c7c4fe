//! An encoder-decoder that writes subwords: words that are asked of a target, and scores of its pieces.

mod program;

use std::fs;

use program::{Place, lines};
use serde_json::Value;

/// Sources and targets: a word, and a sentence with it at its beginning and within.
fn pairs() -> String {
    let sentence = |word: &str| format!("{word}\t{word} sees the {word} and sleeps here\n");
    ["dog", "cat", "cow", "hen"].map(sentence).concat().repeat(40)
}

/// A run that has learnt the pairs.
fn learnt() -> Place {
    let place = Place::new();
    place.write("train.tsv", pairs());
    place.write("valid.tsv", pairs().lines().take(4).map(|line| format!("{line}\n")).collect::<String>());
    place.write(
        "run.toml",
        r#"
task = "encoder_decoder"
[model]
embedding = 32
initializer = "pytorch"
[model.encoder]
hidden = 16
[model.decoder]
hidden = 32
[data]
format = "tsv"
train = "train.tsv"
valid = "valid.tsv"
[tokenizers]
source = { subwords = { model = "bpe", size = 320 } }
target = { subwords = { model = "bpe", size = 320 } }
joint = true
[batches]
size = { sentences = 16 }
[optimizer]
name = "adam"
lr = 0.01
[budget]
epochs = 12
[validation]
metric = "exact_match"
"#,
    );
    place.run(&["train", "run.toml", "--out", "run"]).expect(0);
    place
}

#[test]
fn words_are_asked_for_and_forbidden_wherever_they_stand() {
    let place = learnt();
    let translated = |options: &[&str]| {
        let all = [&["translate", "run"], options].concat();
        place.run_with_stdin(&all, b"cat\n").expect(0).stdout.trim().to_owned()
    };
    assert_eq!(translated(&[]), "cat sees the cat and sleeps here");
    // It begins the target in other pieces than it has behind a word.
    let without = translated(&["--forbid", "cat"]);
    assert!(!without.split(' ').any(|word| word == "cat"), "{without}");
    let without = translated(&["--forbid", " sees "]);
    assert!(!without.split(' ').any(|word| word == "sees"), "{without}");
    let with = translated(&["--require", "hen"]);
    assert!(with.split(' ').any(|word| word == "hen"), "{with}");
    assert!(translated(&["--prefix", "dog"]).starts_with("dog "));
}

#[test]
fn a_score_of_pieces_is_that_of_the_search() {
    let place = learnt();
    let asked = ["translate", "run", "--beam", "8", "--n-best", "8", "--json"];
    let found = place.run_with_stdin(&asked, b"hen\n").expect(0).stdout;
    let found: Value = serde_json::from_str(&found).unwrap();
    let targets = found["targets"].as_array().unwrap();
    assert!(targets.len() > 4, "{targets:?}");
    let line = |target: &Value| {
        let pieces = target["tokens"].as_array().unwrap().iter().map(|piece| piece.as_str().unwrap());
        format!("hen\t{}\n", pieces.collect::<Vec<_>>().join(" "))
    };
    let pieces: String = targets.iter().map(line).collect();
    let scored = ["score", "run", "--pieces", "--json"];
    let scored = place.run_with_stdin(&scored, pieces.as_bytes()).expect(0).stdout;
    for (target, scored) in targets.iter().zip(lines(&scored)) {
        let scored: Value = serde_json::from_str(scored).unwrap();
        if target["finished"] == Value::Bool(true) {
            assert_eq!(scored["log_prob"], target["log_prob"], "{target}");
        }
    }
    let wrong = place.run_with_stdin(&["score", "run", "--pieces"], b"hen\tpiecelessness\n").expect(1);
    wrong.says(&["piecelessness", "no token"]);
}

/// What a run is judged by is what its users get, unknown words included.
#[test]
fn validation_writes_what_translate_writes() {
    let place = Place::new();
    let rare = |n: usize| format!("w{} rare{n}\tv{} seldom{n}\n", n % 4, n % 4);
    place.write("pairs.tsv", (0..60).map(rare).collect::<String>());
    place.write(
        "run.toml",
        r#"
task = "encoder_decoder"
[model]
embedding = 8
[model.encoder]
hidden = 8
[model.decoder]
hidden = 8
[data]
format = "tsv"
train = "pairs.tsv"
valid = "pairs.tsv"
[tokenizers.vocabulary]
min_count = 2
[optimizer]
name = "adam"
lr = 0.02
[budget]
epochs = 3
[validation]
metric = "error_rate"
"#,
    );
    place.run(&["train", "run.toml", "--out", "run"]).expect(0);
    let pairs = fs::read_to_string(place.path("pairs.tsv")).unwrap();
    let side = |side: usize| -> String {
        pairs.lines().map(|line| format!("{}\n", line.split('\t').nth(side).unwrap())).collect()
    };
    place.write("reference", side(1));
    let translate = ["translate", "run", "--beam", "1", "--newest"];
    let written = place.run_with_stdin(&translate, side(0).as_bytes()).expect(0).stdout;
    assert!(!written.contains("<unk>"), "{written}");
    let metric = ["metric", "wer", "--ref", "reference", "--json"];
    let measured = place.run_with_stdin(&metric, written.as_bytes()).expect(0).stdout;
    let measured: Value = serde_json::from_str(&measured).unwrap();
    let metrics = fs::read_to_string(place.path("run/metrics.jsonl")).unwrap();
    let last = metrics.lines().rev().find(|line| line.contains("quality")).unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    let judged = last["quality"]["value"].as_f64().unwrap();
    let measured = measured["score"].as_f64().unwrap();
    assert!((judged - measured).abs() < 0.01, "{judged} in training, {measured} by translate");
}
