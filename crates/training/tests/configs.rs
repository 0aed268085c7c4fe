//! Every config of the repository loads and takes two real steps, on tiny sizes and toy text.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI32;

use lampwick_training::{Config, ConfigError, Event, Outcome, Override, RunConfig, train};

fn configs(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(configs(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn all() -> Vec<PathBuf> {
    let found = configs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs"));
    assert!(found.len() >= 7, "{found:?}");
    found
}

#[test]
fn every_config_takes_two_steps() {
    let dir = tempfile::tempdir().unwrap();
    let toy = dir.path().join("toy.txt");
    std::fs::write(&toy, "the cat sat on the mat\nthe dog ran to the cat\n".repeat(80)).unwrap();
    for (number, path) in all().iter().enumerate() {
        let text = std::fs::read_to_string(path).unwrap();
        let mut changes = vec![
            "budget.epochs=0".to_string(),
            "budget.steps=2".into(),
            "batches.size=3".into(),
            "batches.evaluation_size=3".into(),
            "model.embedding=8".into(),
            "model.hidden=8".into(),
            "sampling.count=1".into(),
            "sampling.length=5".into(),
        ];
        if text.contains("start_from") {
            changes.push("start_from=".into());
        }
        if text.contains("last_hidden") {
            changes.push("model.last_hidden=8".into());
        }
        if text.contains("source = \"text\"") {
            changes.push(format!("data.train={}", toy.display()));
            changes.push(format!("data.valid={}", toy.display()));
            changes.push("data.test=".into());
        } else {
            changes.extend([
                "data.train_tokens=2000".into(),
                "data.valid_tokens=200".into(),
                "data.test_tokens=200".into(),
            ]);
        }
        let changes: Vec<Override> = changes.iter().map(|c| c.parse().unwrap()).collect();
        let resolved = Config::load(path, &changes).unwrap_or_else(|e| panic!("{e}"));
        let run = dir.path().join(number.to_string());
        let outcome = train(&resolved.config, &run, &AtomicI32::new(0), &mut |_: &Event<'_>| {});
        match outcome {
            Ok(Outcome::Finished(summary)) => assert_eq!(summary.steps, 2, "{}", path.display()),
            other => panic!("{}: {other:?}", path.display()),
        }
    }
}

#[test]
fn every_header_is_a_promise() {
    for path in all() {
        let text = std::fs::read_to_string(&path).unwrap();
        for promise in
            ["# Command ", "# Hardware ", "# Minutes ", "# Expect ", "olerance", "# Source "]
        {
            assert!(text.contains(promise), "{}: no `{promise}`", path.display());
        }
    }
}

#[test]
fn the_recipes_keep_their_published_numbers() {
    let parameters = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/lm").join(name);
        let paths: Vec<Override> =
            ["train", "valid", "test"].map(|key| format!("data.{key}=x").parse().unwrap()).into();
        let mut model = Config::load(&path, &paths).unwrap().config.model;
        model.vocabulary = 10_000;
        model.parameters().unwrap()
    };
    // Published: 4.65 M (TensorFlow's ptb small), 20 M and 66 M (Zaremba 2014), 24 M (Merity 2017).
    for (name, millions) in [
        ("zaremba_small.toml", 4.65),
        ("zaremba_medium.toml", 19.8),
        ("zaremba_large.toml", 66.0),
        ("awd_lstm_ptb.toml", 24.2),
    ] {
        let found = parameters(name) as f64 / 1e6;
        assert!((found / millions - 1.0).abs() < 0.01, "{name}: {found} M");
    }
}

#[test]
fn penn_treebank_without_its_folder_names_the_mend() {
    if std::env::var_os("LAMPWICK_DATA").is_some() {
        return; // set on this machine: the path expands
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/lm/zaremba_small.toml");
    let ConfigError { problem, mend, .. } = Config::load(&path, &[]).unwrap_err();
    assert!(problem.contains("LAMPWICK_DATA") && mend.contains("export"), "{problem} {mend}");
}
