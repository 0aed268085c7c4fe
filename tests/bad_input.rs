//! Whatever the user gives, the program ends with a message that says what, where and the mend,
//! and with a documented code; never with a panic.

mod program;

use std::fs;

use program::{Place, checkpoints, tiny_config, tiny_text};

#[test]
fn missing_and_empty_texts() {
    let place = Place::new().with_tiny_config();
    place.run(&["train", "tiny.toml", "data.train=nowhere.txt"]).expect(1).says(&["nowhere.txt"]);
    place.write("empty.txt", "");
    let empty = place.run(&["train", "tiny.toml", "data.train=empty.txt"]);
    assert!(empty.code == 1 || empty.code == 2, "{empty:?}");
    empty.says(&["empty.txt"]);
    place.run(&["train", "nowhere.toml"]).expect(2).says(&["nowhere.toml"]);
}

#[test]
fn a_text_of_one_line_is_too_short_to_hold_any_out() {
    let place = Place::new().with_tiny_config();
    place.write("one.txt", "only one line\n");
    let done = place.run(&["train", "tiny.toml", "data.train=one.txt"]);
    assert!(done.code == 1 || done.code == 2, "{done:?}");
    done.says(&["one.txt"]);
}

#[test]
fn bytes_that_are_no_text_are_named_by_file_and_line() {
    let place = Place::new().with_tiny_config();
    let mut latin = tiny_text().into_bytes();
    latin.extend(b"caf\xe9 au lait\n");
    latin.extend(tiny_text().bytes());
    place.write("latin.txt", latin);
    place.run(&["train", "tiny.toml", "data.train=latin.txt"]).expect(1).says(&[
        "latin.txt",
        ":301",
        "UTF-8",
    ]);
}

#[test]
fn a_mark_crlf_and_nul_are_read_or_named() {
    let place = Place::new().with_tiny_config();
    let windows = format!("\u{feff}{}", tiny_text().replace('\n', "\r\n"));
    place.write("windows.txt", windows);
    place.run(&["train", "tiny.toml", "data.train=windows.txt", "--out", "windows"]).expect(0);
    place.run(&["train", "tiny.toml", "--out", "unix"]).expect(0);
    let hash = |run: &str| {
        let text = fs::read_to_string(place.path(run).join("run.json")).unwrap();
        let info: serde_json::Value = serde_json::from_str(&text).unwrap();
        info["vocabulary_hash"].clone()
    };
    assert_eq!(hash("windows"), hash("unix"), "BOM and CRLF are not part of the words");

    place.write("nul.txt", tiny_text().replace("lamp", "la\0mp"));
    let done = place.run(&["train", "tiny.toml", "data.train=nul.txt", "--out", "nul"]);
    assert!(done.code <= 1 && !done.stderr.contains("panicked"), "{done:?}");
}

#[test]
fn one_endless_line_ends_in_bounded_memory() {
    let place = Place::new().with_tiny_config();
    // No white space at all: a word that is none.
    place.write("run-on.txt", "a".repeat(3_000_000));
    let done = place.run(&["train", "tiny.toml", "data.train=run-on.txt", "data.valid=text.txt"]);
    done.expect(1).says(&["run-on.txt:1", "a word of more than"]);
    // The same as characters is a text like any other.
    let characters = ["data.tokenizer=characters", "budget.steps=3", "budget.epochs=0"];
    let valid = ["data.train=run-on.txt", "data.valid=run-on.txt", "--dry-run"];
    let all = [&["train", "tiny.toml"], &characters[..], &valid[..]].concat();
    place.run(&all).expect(0);
    // And a line of many words is read by `evaluate` without being held whole.
    place.write("line.txt", "the lamp burns here ".repeat(2_000));
    let place = place.trained();
    let done = place.run(&["evaluate", "run", "line.txt"]).expect(0);
    assert!(done.stdout.contains("8,001 (with </s>)"), "{}", done.stdout);
}

#[test]
fn the_vocabulary_of_another_run_is_refused() {
    let place = Place::new().with_tiny_run();
    place.write("other.txt", "other words of another text altogether\n".repeat(60));
    place.run(&["train", "tiny.toml", "data.train=other.txt", "--out", "other"]).expect(0);
    fs::remove_dir_all(place.path("run/tokenizer")).unwrap();
    fs::rename(place.path("other/tokenizer"), place.path("run/tokenizer")).unwrap();
    for command in ["evaluate", "generate"] {
        place.run(&[command, "run"]).expect(1).says(&["vocabulary", "words"]);
    }
}

#[test]
fn texts_that_would_become_one_file_are_refused_before_anything_is_written() {
    let place = Place::new();
    place.write("my.txt", tiny_text());
    fs::create_dir(place.path("dd")).unwrap();
    place.write("dd/my.txt", "other words\n");
    let refused = place.run(&["prepare", "dd/my.txt", "my.txt", "--out", "out"]).expect(2);
    refused.says(&["dd/my.txt and my.txt", "my.tokens"]);
    assert!(!place.path("out").exists());
    place.write("empty.txt", "");
    place.run(&["prepare", "empty.txt", "--tokenizer", "bytes", "--out", "out/deep"]).expect(1);
    assert!(!place.path("out").exists());
    place.write("bad.txt", b"caf\xe9\n");
    place.run(&["prepare", "my.txt", "bad.txt", "--out", "out"]).expect(1).says(&["bad.txt:1"]);
    assert!(!place.path("out").exists(), "nor does the good one stay");
}

#[test]
fn a_name_does_not_lead_out_of_the_runs_folder() {
    let place = Place::new().with_tiny_config();
    for name in ["../../evil", "/tmp/evil", ".."] {
        let refused = place.run(&["train", "tiny.toml", &format!("name={name}")]).expect(2);
        refused.says(&["name = ", name, "--out"]);
    }
    assert!(!place.path("runs").exists());
}

#[test]
fn an_unknown_key_names_the_nearest_with_file_and_line() {
    let place = Place::new().with_tiny_config();
    place.write("typo.toml", tiny_config().replace("hidden = 8", "hiden = 8"));
    place.run(&["train", "typo.toml"]).expect(2).says(&["typo.toml:8", "hiden", "hidden"]);
    place.run(&["train", "tiny.toml", "optimizer.lrr=1"]).expect(2).says(&["lrr", "`lr`"]);
    place.run(&["train", "tiny.toml", "no-equals-sign"]).expect(2);
}

#[test]
fn impossible_configs_say_which_key() {
    let place = Place::new().with_tiny_config();
    for (change, part) in [
        ("model.hidden=0", "hidden"),
        ("optimizer.lr=nan", "lr"),
        ("batches.size=0", "size"),
        ("batches.bptt.fixed=0", "bptt"),
        ("model.dropout_input=1.5", "dropout_input"),
    ] {
        place.run(&["train", "tiny.toml", change]).expect(2).says(&[part]);
    }
    let long = place.run(&["train", "tiny.toml", "batches.bptt.fixed=100000", "--out", "long"]);
    assert!(long.code == 1 || long.code == 2, "{long:?}");
    long.says(&["bptt", "100000"]);
}

#[test]
fn a_device_that_is_not_compiled_in_names_its_feature() {
    let place = Place::new().with_tiny_config();
    place.run(&["train", "tiny.toml", "--device", "abacus"]).expect(2).says(&["abacus", "flex"]);
    if !cfg!(feature = "cuda") {
        place
            .run(&["train", "tiny.toml", "--device", "cuda:1"])
            .expect(2)
            .says(&["cuda", "--features cuda"]);
    }
}

#[test]
fn a_device_that_this_machine_lacks_names_those_it_has() {
    let place = Place::new().with_tiny_config();
    let named = std::env::var("LAMPWICK_DEVICE").unwrap_or_default();
    let backend = named.split(':').next().filter(|name| !name.is_empty()).unwrap_or("flex");
    // One alone, and one beside another that is there.
    for missing in [format!("{backend}:99"), format!("{backend},{backend}:99")] {
        let finished = place.run(&["train", "tiny.toml", "--devices", &missing, "--out", "run"]);
        finished.expect(2).says(&[&format!("`{backend}:99`"), "lampwick devices"]);
        assert!(!place.path("run").exists(), "nothing was begun");
    }
}

#[test]
fn what_is_no_run_is_named() {
    let place = Place::new();
    for command in ["evaluate", "score", "generate", "report"] {
        place.run(&[command, "nowhere"]).expect(1).says(&["nowhere", "lampwick train"]);
    }
    place.run(&["train", "--resume", "nowhere"]).expect(1).says(&["nowhere"]);
    place.run(&["report", "run", "./run", "run"]).expect(2).says(&["run is named twice"]);
}

#[cfg(unix)]
#[test]
fn a_damaged_checkpoint_falls_back_to_the_one_before_with_a_warning() {
    let place = Place::new().with_tiny_config();
    place.interrupt("INT", 3).expect(130);
    let newest = checkpoints(&place.path("run")).pop().unwrap();
    let weights = newest.join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&weights, &bytes).unwrap();

    place.run(&["generate", "run"]).expect(0).says(&["warning", "model.safetensors"]);
    place.shorten(4);
    let resumed = place.run(&["train", "--resume", "run"]).expect(0);
    resumed.says(&["warning", "model.safetensors", "older checkpoint"]);
}

#[cfg(unix)]
#[test]
fn a_recipe_that_was_changed_under_a_run_is_told_and_a_longer_budget_is_not() {
    let place = Place::new().with_tiny_config();
    place.interrupt("INT", 2).expect(130);
    place.shorten(3);
    let longer = place.run(&["train", "--resume", "run"]).expect(0);
    assert!(!longer.stderr.contains("was changed"), "{}", longer.stderr);
    let config = place.path("run/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("epochs = 3", "epochs = 4").replace("seed = ", "seed = 1"))
        .unwrap();
    let other = place.run(&["train", "--resume", "run"]).expect(0);
    other.says(&["warning", "config.toml was changed", "what it says now"]);
}

#[test]
fn a_run_whose_checkpoints_are_all_damaged_is_a_typed_error() {
    let place = Place::new().with_tiny_run();
    for checkpoint in checkpoints(&place.path("run")) {
        let weights = checkpoint.join("model.safetensors");
        let bytes = fs::read(&weights).unwrap();
        fs::write(&weights, &bytes[..bytes.len() / 3]).unwrap();
    }
    place
        .run(&["evaluate", "run"])
        .expect(1)
        .says(&["none of the 1 checkpoints", "model.safetensors is damaged"]);
    place.run_with_stdin(&["score", "run"], b"the lamp\n").expect(1);
    place.run(&["train", "--resume", "run"]).expect(1);
}

#[test]
fn a_prompt_with_unknown_words_names_them() {
    let place = Place::new().with_tiny_run();
    place.run(&["generate", "run", "--prompt", "the zeppelin burns"]).expect(1).says(&["zeppelin"]);
}

#[cfg(unix)]
#[test]
fn an_output_that_cannot_be_written_is_named() {
    let place = Place::new().with_tiny_config();
    place.write("file", "in the way");
    place.run(&["train", "tiny.toml", "--out", "file/run"]).expect(1).says(&["file/run"]);
    place.run(&["prepare", "text.txt", "--out", "file/prepared"]).expect(1).says(&["file"]);
}

#[test]
fn a_text_of_nothing_but_unknown_words_is_scored_as_unknown() {
    let place = Place::new().with_tiny_run();
    place.write("strange.txt", "xyzzy plugh\n");
    let done = place.run(&["evaluate", "run", "strange.txt"]).expect(0);
    assert!(done.stdout.contains("out of vocabulary  2"), "{}", done.stdout);
    place.write("empty.txt", "");
    place.run(&["evaluate", "run", "empty.txt"]).expect(1).says(&["empty.txt"]);
}
