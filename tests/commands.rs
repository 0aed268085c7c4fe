//! Each command as a user meets it: the spawned binary on tiny data; stdout, stderr, exit code.

mod program;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use program::{Place, lines, tiny_config, tiny_text};

#[test]
fn help_teaches_and_names_the_exit_codes() {
    let place = Place::new();
    let help = place.run(&["--help"]).expect(0);
    for word in ["Examples:", "Exit codes:", "130", "143", "quickstart"] {
        assert!(help.stdout.contains(word), "no {word:?} in:\n{}", help.stdout);
    }
    for command in
        ["train", "evaluate", "score", "generate", "metric", "prepare", "devices", "report"]
    {
        let help = place.run(&[command, "--help"]).expect(0);
        assert!(help.stdout.contains("Examples:"), "{command}");
    }
    let version = place.run(&["--version"]).expect(0);
    assert_eq!(version.stdout.trim(), concat!("lampwick ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_command_line_is_code_2_and_names_the_nearest() {
    let place = Place::new();
    place.run(&["trian"]).expect(2).says(&["train"]);
    place.run(&["train"]).expect(2);
    place.run(&["generate", "run", "--temperature", "-1"]).expect(2);
}

#[test]
fn devices_lists_what_is_compiled_in() {
    let place = Place::new();
    let text = place.run(&["devices"]).expect(0).stdout;
    assert!(lines(&text).iter().any(|line| line.starts_with("flex") && line.contains("--device")));
    let json = place.run(&["devices", "--json"]).expect(0).stdout;
    let list: serde_json::Value = serde_json::from_str(&json).unwrap();
    let flex = list.as_array().unwrap().iter().find(|entry| entry["name"] == "flex").unwrap();
    assert_eq!(flex["compiled"], true);
}

#[test]
fn completions_are_a_script() {
    let script = Place::new().run(&["completions", "bash"]).expect(0).stdout;
    assert!(script.contains("_lampwick()"), "{script}");
}

#[test]
fn train_leaves_a_whole_run_and_says_what_it_did() {
    let place = Place::new().with_tiny_config();
    let done = place.run(&["train", "tiny.toml", "budget.epochs=2", "--out", "run"]).expect(0);
    done.says(&["budget.epochs: 1 -> 2"]);
    assert!(done.stdout.contains("epoch 2: valid perplexity"), "{}", done.stdout);
    assert!(done.stdout.contains("per word"), "{}", done.stdout);
    for file in ["config.toml", "run.json", "metrics.jsonl", "samples.jsonl", "report.html"] {
        assert!(place.path("run").join(file).is_file(), "no {file}");
    }
    let report = fs::read_to_string(place.path("run/report.html")).unwrap();
    assert!(!report.contains("http://") || !report.contains("<script src"), "self-contained");
    // A run is never overwritten.
    place.run(&["train", "tiny.toml", "--out", "run"]).expect(1).says(&["run", "--resume"]);
}

#[test]
fn several_devices_share_a_run_and_its_first_one_evaluates_it() {
    let place = Place::new().with_tiny_config();
    place.run(&["train", "tiny.toml", "--devices", "flex,flex", "--out", "run"]).expect(0);
    let config = fs::read_to_string(place.path("run/config.toml")).unwrap();
    assert!(config.contains("device = \"flex,flex\""), "{config}");
    let stdout = place.run(&["evaluate", "run", "text.txt"]).expect(0).stdout;
    assert!(stdout.contains("perplexity"), "{stdout}");
    for (names, wrong) in [("flex,", "`flex,`"), ("flex,abacus", "`abacus`")] {
        place.run(&["train", "tiny.toml", "--device", names]).expect(2).says(&[wrong]);
    }
}

#[test]
fn print_config_and_dry_run_train_nothing() {
    let place = Place::new().with_tiny_config();
    let printed = place.run(&["train", "tiny.toml", "model.hidden=16", "--print-config"]).expect(0);
    assert!(printed.stdout.contains("hidden = 16"), "{}", printed.stdout);
    // What is printed is a config.
    place.write("printed.toml", &printed.stdout);
    let again = place.run(&["train", "printed.toml", "--print-config"]).expect(0);
    assert_eq!(again.stdout, printed.stdout);

    let dry = place.run(&["train", "tiny.toml", "--dry-run", "--out", "run"]).expect(0);
    assert!(dry.stdout.contains("parameters"), "{}", dry.stdout);
    assert!(!place.path("run").exists());
}

#[test]
fn train_json_is_one_object_on_stdout() {
    let place = Place::new().with_tiny_config();
    let done = place.run(&["train", "tiny.toml", "--json", "--out", "run"]).expect(0);
    let summary: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert!(summary["best_valid_perplexity"].as_f64().unwrap() > 1.0, "{summary}");
    assert_eq!(summary["run"], "run");
}

#[cfg(unix)]
#[test]
fn prepare_leaves_nothing_behind_when_a_signal_ends_it() {
    let place = Place::new();
    place.write("long.txt", "a lamp burns\n".repeat(8_000_000));
    let arguments = ["prepare", "long.txt", "--tokenizer", "bytes", "--out", "out"];
    let mut command = place.command(&arguments);
    let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    while !place.path("out").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    program::send("TERM", &child);
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(!place.path("out").exists());
}

#[cfg(unix)]
#[test]
fn a_signal_writes_a_checkpoint_and_the_run_resumes_as_if_there_had_been_none() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let place = Place::new().with_tiny_config();
        let stopped = place.interrupt(signal, 2).expect(code);
        stopped.says(&["interrupted after step", "lampwick train --resume run"]);
        assert!(!program::checkpoints(&place.path("run")).is_empty());

        // As many epochs again, beside a run of that length that nobody interrupted.
        let info = fs::read_to_string(place.path("run/run.json")).unwrap();
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        let epochs = info["epochs"].as_u64().unwrap() as usize + 2;
        place.shorten(epochs);
        place.run(&["train", "--resume", "run"]).expect(0);
        let budget = format!("budget.epochs={epochs}");
        place.run(&["train", "tiny.toml", &budget, "--out", "whole"]).expect(0);
        for file in ["metrics.jsonl", "samples.jsonl"] {
            let read = |run: &str| fs::read(place.path(run).join(file)).unwrap();
            let same = read("run") == read("whole");
            assert!(same || !program::on_a_cpu(), "{file} differs after {signal}");
        }
    }
}

#[test]
fn evaluate_states_unit_tokens_oov_and_bits() {
    let place = Place::new().with_tiny_run();
    place.write("other.txt", "the lamp burns here\na stranger waits\n");
    let text = place.run(&["evaluate", "run", "other.txt"]).expect(0).stdout;
    for part in ["perplexity", "per word", "9 (with </s>)", "vocabulary  1 (", "bits per character"]
    {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let json = place.run(&["evaluate", "run", "other.txt", "--json"]).expect(0).stdout;
    let figures: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(figures["tokens"], 9);
    assert_eq!(figures["oov"], 1);
    assert_eq!(figures["unit"], "word");
    // Without a file: the run's own test set.
    place.run(&["evaluate", "run"]).expect(0);
}

#[test]
fn a_test_set_that_is_not_there_is_not_replaced_in_silence() {
    let place = Place::new().with_tiny_config();
    place.run(&["train", "tiny.toml", "data.valid=text.txt", "--out", "run"]).expect(0);
    let refused = place.run(&["evaluate", "run", "--split", "test"]).expect(1);
    refused.says(&["run: the run has no test set", "--split valid", "data.test"]);
    assert_eq!(refused.stdout, "");
    let valid = place.run(&["evaluate", "run"]).expect(0).stdout;
    assert!(valid.starts_with("the run's validation set"), "{valid}");
}

#[test]
fn score_gives_one_line_out_for_each_line_in() {
    let place = Place::new().with_tiny_run();
    let scored =
        place.run_with_stdin(&["score", "run"], b"the lamp burns\n\nthe lamp\r\nlast").expect(0);
    let scores: Vec<f64> = lines(&scored.stdout).iter().map(|l| l.parse().unwrap()).collect();
    assert_eq!(scores.len(), 4, "{}", scored.stdout);
    assert!(scores.iter().all(|&score| score < 0.0), "an empty line scores its </s>: {scores:?}");

    let tokens = place.run_with_stdin(&["score", "run", "--tokens"], b"the lamp\n\n").expect(0);
    let rows = lines(&tokens.stdout);
    assert_eq!(rows.len(), 2);
    // word, its log-probability, ...; their sum is the line's.
    assert!(rows[0].starts_with("the "), "{}", rows[0]);
    assert!(rows[0].contains("</s> "), "{}", rows[0]);
}

#[test]
fn score_gives_a_line_that_is_no_text_a_line_too() {
    let place = Place::new().with_tiny_run();
    let word = "a".repeat(70_000);
    let stdin = [b"the lamp\nthe \xe9t\xe9\nla\0mp\n".as_slice(), word.as_bytes(), b"\nthe lamp\n"];
    let done = place.run_with_stdin(&["score", "run"], &stdin.concat()).expect(1);
    done.says(&[
        "standard input:2: not UTF-8",
        "standard input:3: NUL",
        "standard input:4: a word",
    ]);
    let rows = lines(&done.stdout);
    assert_eq!(rows.len(), 5, "{}", done.stdout);
    assert_eq!(rows[1..3], ["error: not UTF-8 at byte 4", "error: NUL at byte 2"]);
    assert!(rows[3].starts_with("error: a word of more than 65536 bytes"), "{}", rows[3]);
    assert_eq!(rows[0], rows[4], "the lines after it are scored as ever");

    let done = place.run_with_stdin(&["score", "run", "--json"], &stdin.concat()).expect(1);
    let objects: Vec<serde_json::Value> =
        lines(&done.stdout).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 5);
    assert_eq!(objects[1], serde_json::json!({"error": "not UTF-8 at byte 4"}));
    assert_eq!(objects[0], objects[4]);
}

#[test]
fn score_answers_before_the_next_line_comes() {
    let place = Place::new().with_tiny_run();
    let mut child = place
        .command(&["score", "run"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    let mut from = BufReader::new(child.stdout.take().unwrap());
    for sentence in ["the lamp burns", "", "a wick waits"] {
        writeln!(to, "{sentence}").unwrap();
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        assert!(line.trim().parse::<f64>().is_ok(), "{line:?}");
    }
    drop(to);
    assert!(child.wait().unwrap().success());
}

#[test]
fn generate_is_deterministic_by_seed_and_whatever_the_number_of_samples() {
    let place = Place::new().with_tiny_run();
    let generate = |arguments: &[&str]| {
        let all = [&["generate", "run", "--length", "12"], arguments].concat();
        place.run(&all).expect(0).stdout
    };
    let three = generate(&["--samples", "3", "--seed", "7"]);
    assert_eq!(lines(&three).len(), 3, "{three}");
    assert_eq!(three, generate(&["--samples", "3", "--seed", "7"]));
    let one = generate(&["--samples", "1", "--seed", "7"]);
    assert_eq!(lines(&three)[0], lines(&one)[0], "the batch does not change a sample");
    assert_ne!(three, generate(&["--samples", "3", "--seed", "8"]));
    let prompted = generate(&["--prompt", "the lamp", "--temperature", "0"]);
    assert!(prompted.starts_with("the lamp"), "{prompted}");
}

#[test]
fn generate_json_is_one_object_a_line_for_each_sample_in_the_order_in_which_they_end() {
    let place = Place::new().with_tiny_run();
    let arguments = ["generate", "run", "--samples", "8", "--length", "12", "--prompt", "the lamp"];
    let text = place.run(&arguments).expect(0).stdout;
    let json = place.run(&[&arguments[..], &["--json"]].concat()).expect(0).stdout;
    let mut objects: Vec<serde_json::Value> =
        lines(&json).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lengths: Vec<u64> = objects.iter().map(|o| o["tokens"].as_u64().unwrap()).collect();
    assert!(lengths.is_sorted() && lengths[0] < lengths[7], "streams run abreast: {lengths:?}");
    objects.sort_by_key(|object| object["sample"].as_u64());
    for (index, (object, text)) in objects.iter().zip(lines(&text)).enumerate() {
        assert_eq!(object["sample"], index);
        assert_eq!(object["text"], text, "the same sample as without --json");
        assert!(object["log_prob"].as_f64().unwrap() < 0.0);
        let finish = if object["tokens"] == 12 { "length" } else { "stop" };
        assert_eq!(object["finish"], finish, "{object}");
    }
    assert_eq!(objects.len(), 8);
    place.run(&["generate", "run", "--length", "0"]).expect(2);
}

#[test]
fn a_prepared_corpus_trains_as_its_text_does_and_keeps_its_vocabulary() {
    let place = Place::new().with_tiny_config();
    place.write("train.txt", tiny_text());
    place.write("valid.txt", "the lamp burns here\n".repeat(20));
    let made = place.run(&["prepare", "train.txt", "valid.txt", "--out", "prepared"]).expect(0);
    assert!(made.stdout.contains("prepared/train.tokens"), "{}", made.stdout);
    let by_file = tiny_config().replace("\"text.txt\"", "\"train.txt\"\nvalid = \"valid.txt\"");
    place.write("files.toml", by_file);
    let text = "source = \"text\"\ntrain = \"text.txt\"";
    place.write(
        "prepared.toml",
        tiny_config().replace(text, "source = \"tokens\"\ndir = \"prepared\""),
    );
    place.run(&["train", "files.toml", "--out", "from-text"]).expect(0);
    place.run(&["train", "prepared.toml", "--out", "from-tokens"]).expect(0);
    let metrics = |run: &str| fs::read_to_string(place.path(run).join("metrics.jsonl")).unwrap();
    assert!(metrics("from-text") == metrics("from-tokens") || !program::on_a_cpu());

    // Another text would bring another vocabulary.
    place.write("other.txt", "words of another text\n");
    place
        .run(&["prepare", "other.txt", "--out", "prepared"])
        .expect(1)
        .says(&["vocabulary", "prepared"]);
    place.run(&["prepare", "other.txt", "--out", "prepared", "--vocabulary", "prepared"]).expect(0);
}

#[test]
fn prepare_takes_a_tokenizer_json() {
    use lampwick::data::{SubwordModel, Tokenizer, TokenizerKind, VocabularyLimits};
    let place = Place::new();
    let text = place.write("text.txt", tiny_text());
    let kind = TokenizerKind::Subwords { model: SubwordModel::Bpe, size: 270 };
    let tokenizer = Tokenizer::train_file(&kind, &text, &VocabularyLimits::default()).unwrap();
    tokenizer.save(place.path("made")).unwrap();
    fs::copy(place.path("made/tokenizer.json"), place.path("mine.json")).unwrap();
    let arguments = ["prepare", "text.txt", "--out", "out", "--vocabulary", "mine.json", "--json"];
    let made = place.run(&arguments).expect(0).stdout;
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["vocabulary"], tokenizer.vocabulary().len());
    assert_eq!(made["files"][0]["counts"]["unknown"], 0);
    let again = Tokenizer::load(place.path("out")).unwrap();
    let ids = |tokenizer: &Tokenizer| {
        let mut ids = Vec::new();
        tokenizer.encode("the lamp burns", &mut ids).unwrap();
        ids
    };
    assert_eq!(ids(&again), ids(&tokenizer));
    place
        .run(&["prepare", "text.txt", "--out", "o", "--vocabulary", "no.json"])
        .expect(1)
        .says(&["no.json"]);
}

#[test]
fn report_is_written_again() {
    let place = Place::new().with_tiny_run();
    fs::remove_file(place.path("run/report.html")).unwrap();
    let done = place.run(&["report", "run"]).expect(0);
    assert!(done.stdout.contains("report.html"), "{}", done.stdout);
    assert!(place.path("run/report.html").is_file());
}

#[cfg(unix)]
#[test]
fn a_broken_pipe_is_no_error() {
    let place = Place::new().with_tiny_run();
    let mut child = place
        .command(&["generate", "run", "--samples", "50", "--length", "200"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take()); // as `head` goes away
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A device that is full stands for every stderr that cannot be written.
#[cfg(target_os = "linux")]
#[test]
fn what_is_told_on_stderr_never_ends_a_command() {
    let place = Place::new().with_tiny_config();
    let train = ["train", "tiny.toml", "optimizer.lr=0.02", "--out", "run"];
    for (arguments, code) in [
        (&["train", "tiny.toml", "optimizer.lr=0.02", "--dry-run"][..], 0),
        (&train, 0),
        (&train, 1), // it is there now
        (&["prepare", "text.txt", "--out", "prepared"], 0),
        (&["train", "nowhere.toml"], 2),
        (&["ngram", "train", "text.txt", "--out", "text.arpa"], 0),
        (&["ngram", "build", "text.arpa", "text.bin"], 0),
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let status = place.command(arguments).stdout(Stdio::null()).stderr(full).status().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn the_tiny_text_has_the_words_that_the_tests_use() {
    for word in ["the", "lamp", "burns", "here", "waits"] {
        assert!(tiny_text().split_whitespace().any(|w| w == word), "{word}");
    }
}
