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

/// An n-gram model beside a run of subwords is trained on text that is split as the run splits it.
#[test]
fn an_ngram_model_of_pieces_stands_beside() {
    let place = learnt();
    let text: String = pairs().lines().map(|line| line.split_once('\t').unwrap().1.to_owned() + "\n").collect();
    let tokenize = ["tokenize", "run/tokenizer/target"];
    let pieces = place.run_with_stdin(&tokenize, text.as_bytes()).expect(0).stdout;
    assert_eq!(pieces.lines().count(), text.lines().count());
    let ids = place.run_with_stdin(&[&tokenize[..], &["--ids"]].concat(), b"cat\n").expect(0).stdout;
    assert!(ids.split_whitespace().all(|id| id.parse::<u32>().is_ok()) && !ids.trim().is_empty());
    place.write("pieces", &pieces);
    place.run(&["ngram", "train", "-o", "3", "--out", "pieces.arpa", "pieces"]).expect(0);
    let best = |more: &[&str]| {
        let all = [&["translate", "run", "--json", "--length-penalty", "0"], more].concat();
        let done = place.run_with_stdin(&all, b"cat\n").expect(0);
        (serde_json::from_str::<Value>(done.stdout.trim()).unwrap()["targets"][0].clone(), done)
    };
    let (fused, done) = best(&["--lm", "pieces.arpa", "--lm-weight", "0.5"]);
    done.says(&["notice: --lm pieces.arpa", "are unknown to it"]); // bytes that no text holds
    let tokens: Vec<&str> =
        fused["tokens"].as_array().unwrap().iter().map(|token| token.as_str().unwrap()).collect();
    let ask = |command: &[&str], line: String| -> Value {
        let out = place.run_with_stdin(command, line.as_bytes()).expect(0).stdout;
        serde_json::from_str(out.lines().next().unwrap()).unwrap()
    };
    let line = tokens.join(" ");
    let pair = ask(&["score", "run", "--pieces", "--json"], format!("cat\t{line}\n"));
    let beside = ask(&["ngram", "query", "pieces.arpa", "--json"], format!("{line}\n"));
    let sum = pair["log_prob"].as_f64().unwrap() + 0.5 * beside["ln"].as_f64().unwrap();
    assert!((fused["log_prob"].as_f64().unwrap() - sum).abs() < 2e-3, "{fused} {pair} {beside}");

    // Words are another split.
    place.write("words", (0..200).map(|n| format!("word{n} cat\n")).collect::<String>());
    place.run(&["ngram", "train", "-o", "1", "--out", "words.arpa", "words"]).expect(0);
    let words = place.run_with_stdin(&["translate", "run", "--lm", "words.arpa"], b"cat\n").expect(1);
    words.says(&["words.arpa", "lacks", "lampwick tokenize"]);
    let none = place.run(&["tokenize", "run/tokenizer/none"]).expect(1);
    none.says(&["run/tokenizer/none"]);
    let partly = place.run_with_stdin(&tokenize, b"cat\n\xff\n").expect(1);
    partly.says(&["standard input:2: not UTF-8"]);
    assert_eq!(partly.stdout.lines().count(), 2);
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
