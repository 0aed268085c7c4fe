//! A run that starts with another's best weights.

use std::path::Path;
use std::sync::atomic::AtomicI32;

use lampwick_training::{
    Config, Event, Outcome, Override, Result, RunConfig, Summary, resume, train,
};

const TINY: &str = r#"
    [model]
    embedding = 8
    hidden = 8
    layers = 1
    initializer = "pytorch"
    [data]
    source = "synthetic"
    train_tokens = 3000
    valid_tokens = 300
    test_tokens = 0
    [batches]
    size = 4
    bptt = { fixed = 10 }
    [optimizer]
    name = "asgd"
    lr = 1.0
    [budget]
    epochs = 2
    [sampling]
    count = 0
    count_per_epoch = 0
"#;

fn run(overrides: &[String], dir: &Path) -> Result<Summary> {
    let overrides: Vec<Override> = overrides.iter().map(|o| o.parse().unwrap()).collect();
    let config = Config::parse(TINY, "tiny.toml", &overrides).unwrap().config;
    match train(&config, dir, &AtomicI32::new(0), &mut |_: &Event<'_>| {})? {
        Outcome::Finished(summary) => Ok(*summary),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_begins_where_the_other_was_best_and_stands_on_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first");
    let best = run(&[], &first).unwrap().valid.unwrap();
    let from = format!("start_from={}", first.display());
    let second = dir.path().join("second");
    // At a rate of 0 the weights stay: the average of the walk, which was the best, is scored again.
    let changes = [from.clone(), "optimizer.lr=0".into(), "budget.epochs=1".into()];
    let again = run(&changes, &second).unwrap().valid.unwrap();
    assert_eq!(again.loss.to_bits(), best.loss.to_bits());

    // Other sizes are refused, and leave no folder behind.
    let third = dir.path().join("third");
    let changes = [from, "model.hidden=9".into()];
    let error = run(&changes, &third).unwrap_err().to_string();
    assert!(error.contains("start_from") && error.contains("[model]"), "{error}");
    assert!(!third.exists());
    let changes = [format!("start_from={}", dir.path().join("no").display())];
    assert!(run(&changes, &third).unwrap_err().to_string().contains("does not exist"));

    // Once it has a checkpoint it needs the other no more.
    std::fs::remove_dir_all(&first).unwrap();
    let outcome = resume(&second, &AtomicI32::new(0), &mut |_: &Event<'_>| {}).unwrap();
    assert!(matches!(outcome, Outcome::Finished(_)));
}
