//! Every config of the repository loads and takes two real steps, on tiny sizes and toy text.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI32;

use lampwick_training::{
    AnyConfig, Config, ConfigError, Event, Outcome, Override, RunConfig, train,
};

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
        // Recordings have no stand-in here: tests/pair_data.rs makes some.
        if text.contains("format = \"digits\"") {
            continue;
        }
        let mut changes = vec!["budget.epochs=0".to_string(), "budget.steps=2".into()];
        if text.contains("start_from") {
            changes.push("start_from=".into());
        }
        let toy = toy.display();
        changes.extend(if text.contains("\ntask = ") {
            small_encoder_decoder(&text, &toy.to_string())
        } else {
            small_language_model(&text, &toy.to_string())
        });
        let changes: Vec<Override> = changes.iter().map(|c| c.parse().unwrap()).collect();
        let resolved = AnyConfig::load(path, &changes).unwrap_or_else(|e| panic!("{e}"));
        let run = dir.path().join(number.to_string());
        let (stop, mut watch) = (AtomicI32::new(0), |_: &Event<'_>| {});
        let outcome = match &resolved.config {
            AnyConfig::LanguageModel(config) => train(&**config, &run, &stop, &mut watch),
            AnyConfig::Seq2Seq(config) => train(&**config, &run, &stop, &mut watch),
        };
        match outcome {
            Ok(Outcome::Finished(summary)) => assert_eq!(summary.steps, 2, "{}", path.display()),
            other => panic!("{}: {other:?}", path.display()),
        }
    }
}

fn small_language_model(text: &str, toy: &str) -> Vec<String> {
    let mut changes = [
        "batches.size=3",
        "batches.evaluation_size=3",
        "model.embedding=8",
        "model.hidden=8",
        "sampling.count=1",
        "sampling.length=5",
    ]
    .map(String::from)
    .to_vec();
    if text.contains("last_hidden") {
        changes.push("model.last_hidden=8".into());
    }
    if text.contains("source = \"text\"") {
        changes.extend([
            format!("data.train={toy}"),
            format!("data.valid={toy}"),
            "data.test=".into(),
        ]);
    } else {
        let tokens = ["train_tokens=2000", "valid_tokens=200", "test_tokens=200"];
        changes.extend(tokens.map(|tokens| format!("data.{tokens}")));
    }
    changes
}

fn small_encoder_decoder(text: &str, toy: &str) -> Vec<String> {
    let mut changes = [
        "batches.size={ sentences = 3 }",
        "model.embedding=8",
        "model.encoder.hidden=8",
        "model.decoder.hidden=16",
        "validation.most=3",
        "validation.test_beam=2",
    ]
    .map(String::from)
    .to_vec();
    let format = |name: &str| text.contains(&format!("format = {name:?}"));
    if format("lines") || format("corpus") {
        let of = |part: &str| format!("{part}_source = '{toy}', {part}_target = '{toy}'");
        let parts = ["train", "valid", "test"].map(of).join(", ");
        changes.push(format!("data={{ format = 'lines', {parts} }}"));
        // As many subwords as the toy text has.
        let subwords = "={ subwords = { model = \"bpe\", size = 280 } }";
        if text.contains("subwords") {
            changes.extend(["source", "target"].map(|side| format!("tokenizers.{side}{subwords}")));
        }
    }
    if format("pictures") {
        changes.extend(["data.train=6".into(), "data.valid=3".into()]);
    }
    changes
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
