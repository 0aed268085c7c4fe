//! A tiny suite through the program itself.

use std::fs;

use tempfile::TempDir;

use super::*;

const TINY: &str = r#"
name = "tiny"
[model]
embedding = 8
hidden = 8
layers = 1
[data]
source = "synthetic"
train_tokens = 4000
valid_tokens = 300
test_tokens = 300
[batches]
size = 4
bptt = { fixed = 10 }
[optimizer]
name = "adam"
lr = 0.01
[budget]
epochs = 60
[sampling]
count = 0
count_per_epoch = 0
"#;

fn suite() -> (TempDir, Session, Run) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("tiny.toml");
    fs::write(&config, TINY).unwrap();
    // The runner has built it with these tests; else it is built now.
    let beside = std::env::current_exe().unwrap();
    let beside = beside.ancestors().nth(2).unwrap().join("lampwick");
    let program = beside.is_file().then_some(beside);
    let session = Session::new(&folder.path().join("out"), None, None, false).unwrap();
    let session = Session { program, ..session };
    let run = Run {
        folder: "tiny/whole".into(),
        config: config.display().to_string(),
        overrides: vec!["seed=7".into()],
    };
    (folder, session, run)
}

#[test]
fn a_suite_stops_resumes_and_leaves_what_is_finished() {
    let (_folder, session, whole) = suite();
    let run = Run { folder: "tiny/halved".into(), ..whole.clone() };
    let path = session.path(&run);

    // Stopped by its budget once an epoch is validated: a checkpoint, and no error.
    let validated =
        || fs::read_to_string(path.join("metrics.jsonl")).is_ok_and(|text| text.contains("valid"));
    session.train_until(&run, validated).unwrap();
    let stopped = Trained::read(&path).unwrap().unwrap();
    assert!(!stopped.finished(), "{:?}", stopped.info);
    assert!((1..60).contains(&stopped.valid.len()), "{}", stopped.valid.len());
    let test = session.test_so_far(&stopped).unwrap().unwrap();
    assert!(test > 1.0 && test < 359.0, "{test}");

    // Resumed, it ends as the one that nobody stopped.
    let both = session.train(&[run.clone(), whole]).unwrap();
    let [resumed, whole] = both.try_into().unwrap();
    let (resumed, whole) = (resumed.unwrap(), whole.unwrap());
    assert!(resumed.finished() && whole.finished());
    assert_eq!(resumed.valid.len(), 60);
    let metrics = |run: &Trained| fs::read(run.path.join("metrics.jsonl")).unwrap();
    assert!(metrics(&resumed) == metrics(&whole));
    assert_eq!(session.test_so_far(&whole).unwrap(), whole.test.map(|test| test.perplexity));

    // Once more: nothing is trained.
    let again = session.train(std::slice::from_ref(&run)).unwrap().pop().unwrap().unwrap();
    assert_eq!(again.info.seconds, resumed.info.seconds);

    // The same directory for another run is refused, by the key that differs.
    let other = Run { overrides: vec!["seed=7".into(), "optimizer.lr=0.5".into()], ..run };
    let error = session.train(&[other]).unwrap_err().to_string();
    assert!(error.contains("optimizer.lr: 0.01 there, 0.5 here"), "{error}");
}

#[test]
fn a_signal_stops_the_training_with_a_checkpoint_and_then_the_suite() {
    let (_folder, session, run) = suite();
    let path = session.path(&run);
    let sent = std::cell::Cell::new(false);
    let error = session.train_until(&run, || {
        let metrics = fs::read_to_string(path.join("metrics.jsonl")).unwrap_or_default();
        if metrics.contains("valid") && !sent.replace(true) {
            signal_hook::low_level::raise(SIGTERM).unwrap();
        }
        false
    });
    let error = error.unwrap_err();
    assert_eq!(error.downcast_ref::<Stopped>().map(|stopped| stopped.signal), Some(SIGTERM));
    assert_eq!(Trained::read(&path).unwrap().unwrap().info.state, "interrupted");
    assert!(fs::read_dir(path.join("checkpoints")).unwrap().count() > 0);
}

#[test]
fn gathering_and_a_spent_budget_train_nothing() {
    let (_folder, session, run) = suite();
    let gathering = Session { gather: true, ..session };
    assert!(gathering.train(std::slice::from_ref(&run)).unwrap()[0].is_none());
    let spent = Session { gather: false, deadline: Some(Instant::now()), ..gathering };
    assert!(spent.train(std::slice::from_ref(&run)).unwrap()[0].is_none());
}

#[test]
fn a_run_that_fails_names_its_command() {
    let (_folder, session, mut run) = suite();
    run.overrides.push("optimizer.lr=1e30".into());
    let error = session.train(&[run]).unwrap_err().to_string();
    assert!(error.contains("lampwick train") && error.contains("1e30"), "{error}");
}

#[test]
fn differences_are_named_and_indifferent_keys_are_not() {
    let table = |text: &str| toml::from_str::<Table>(text).unwrap();
    let here = table("name = 'a'\n[model]\nhidden = 8\nvocabulary = 0\n[report]\nlog_every = 1");
    let there = table("name = 'b'\n[model]\nhidden = 9\nvocabulary = 10\nbias = true");
    assert_eq!(
        differences(&here, &there, ""),
        ["model.bias: true there, unset here", "model.hidden: 9 there, 8 here"]
    );
}
