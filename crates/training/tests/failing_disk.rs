//! Whatever operation of the disk fails, and however, the run stops with an error that says so, what
//! was good stays, nothing half-written remains, and a resumed run ends as if nothing had happened.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicI32;

use lampwick_data::files::faults::{Done, Fault, Operation, with_fault};
use lampwick_training::checkpoint::{Files, list};
use lampwick_training::{Config, Error, Event, Outcome, RunConfig, resume, train};

/// Two epochs of three steps, with every file that a checkpoint can have.
fn config() -> Config {
    let text = r#"
        name = "disk"
        device = "flex"
        [model]
        embedding = 4
        hidden = 4
        layers = 1
        dropout_output = 0.1
        [data]
        source = "synthetic"
        train_tokens = 64
        valid_tokens = 30
        test_tokens = 30
        language = { topics = 2, words = 2, depth = 0 }
        [batches]
        size = 4
        bptt = { fixed = 5 }
        [optimizer]
        name = "adam"
        lr = 0.01
        [budget]
        epochs = 2
        [checkpoint]
        every_steps = 2
        every_minutes = 0.0
        keep = 1
        [sampling]
        count = 1
        length = 4
        [report]
        log_every = 2
    "#;
    Config::parse(text, "disk.toml", &[]).unwrap().config
}

fn start(config: &Config, dir: &Path) -> Result<Outcome, Error> {
    train(config, dir, &AtomicI32::new(0), &mut |_: &Event<'_>| {})
}

/// As a user goes on: with `--resume` where there is a run, else by the same command once more.
fn go_on(config: &Config, dir: &Path) -> Result<Outcome, Error> {
    if dir.join("config.toml").exists() {
        resume(dir, &AtomicI32::new(0), &mut |_: &Event<'_>| {})
    } else {
        start(config, dir)
    }
}

/// Every file below `dir` by its path there, but those that tell the time.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !["lock", "run.json", "report.html", "timings.jsonl"].contains(&&*name) {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn expect_nothing_unfinished(dir: &Path, what: &str) {
    for name in contents(dir).keys() {
        assert!(!name.contains(".writing-"), "{what}: {name} remains");
    }
    for checkpoint in list(&dir.join("checkpoints")) {
        let whole = Files::read(&checkpoint);
        assert!(whole.is_ok(), "{what}: {}", whole.unwrap_err());
    }
}

#[test]
fn each_operation_fails_once_in_turn() {
    let config = config();
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    let (outcome, operations) = with_fault(None, || start(&config, &whole));
    outcome.unwrap();
    let expected = contents(&whole);
    let optimizer = expected.keys().filter(|name| name.ends_with("optimizer.bpk")).count();
    assert_eq!(optimizer, list(&whole.join("checkpoints")).len());
    let has = |operation| operations.iter().any(|done| done.operation == operation);
    use Operation::{CreateFolder, Open, Remove, Rename, Resize, Sync, Write};
    assert!([CreateFolder, Open, Write, Resize, Sync, Rename, Remove].into_iter().all(has));

    for (at, Done { operation, path }) in operations.iter().enumerate() {
        let path = path.strip_prefix(place.path()).unwrap_or(path);
        for fault in [Fault::NoSpace, Fault::Io, Fault::ShortWrite] {
            let short = fault == Fault::ShortWrite;
            if short && *operation != Write {
                continue;
            }
            let what = format!("{fault:?} at {at}, {operation:?} {}", path.display());
            let dir = place.path().join(format!("{at}-{fault:?}"));
            let (outcome, _) = with_fault(Some((at, fault)), || start(&config, &dir));
            if short {
                outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
            } else {
                let text = outcome.expect_err(&what).to_string();
                let reason = fault.error().unwrap().to_string();
                assert!(text.contains("cannot write") && text.contains(&reason), "{what}: {text}");
            }
            if dir.exists() {
                expect_nothing_unfinished(&dir, &what);
            }
            let (outcome, _) = with_fault(None, || go_on(&config, &dir));
            outcome.unwrap_or_else(|error| panic!("{what}, then: {error}"));
            assert!(contents(&dir) == expected, "{what}: the run ends as another one");
            std::fs::remove_dir_all(&dir).unwrap();
        }
    }
}

#[test]
fn the_message_says_where_the_run_stands_and_how_to_go_on() {
    let config = config();
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("run");
    let (_, operations) = with_fault(None, || start(&config, &dir));
    std::fs::remove_dir_all(&dir).unwrap();
    // The last weights that are written.
    let is_model = |done: &Done| {
        done.operation == Operation::Write && done.path.ends_with("model.safetensors")
    };
    let at = operations.iter().rposition(is_model).unwrap();
    let (outcome, _) = with_fault(Some((at, Fault::NoSpace)), || start(&config, &dir));
    let error = outcome.unwrap_err();
    let Error::Stopped { step: 6, .. } = &error else { panic!("{error:?}") };
    let text = error.to_string();
    let resume = format!("lampwick train --resume {}", dir.display());
    for part in ["model.safetensors", "stopped at step 6", "last good checkpoint", &resume] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let info = lampwick_training::RunDir::open(&dir).unwrap().info().unwrap();
    assert!(info.state.starts_with("failed: cannot write"), "{}", info.state);
}
