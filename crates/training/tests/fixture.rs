//! A run of format 1, kept in the repository: it has to be loaded, evaluated and resumed for ever.
//! (CONTRIBUTING.md has the command that made it.)

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI32;

use common::copy_folder;
use lampwick_training::checkpoint::{Files, list};
use lampwick_training::{
    Corpus, EvaluationOptions, Event, Metric, Outcome, RunDir, TrainedModel, Which, device,
    evaluate, logs, resume,
};

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format_1")
}

#[test]
fn every_checkpoint_is_whole() {
    let checkpoints = list(&kept().join("checkpoints"));
    let names: Vec<_> = checkpoints.iter().map(|path| path.file_name().unwrap()).collect();
    let kept =
        ["step-000000000029-epoch-0001", "step-000000000030", "step-000000000040-epoch-0002"];
    assert_eq!(names, kept);
    for (checkpoint, has_carry) in checkpoints.iter().zip([false, true, false]) {
        let mut files = Files::read(checkpoint).unwrap();
        for file in ["state.json", "model.safetensors", "optimizer.bpk"] {
            assert!(files.take(file).is_some(), "{file}");
        }
        assert_eq!(files.take("carry.safetensors").is_some(), has_carry);
    }
}

#[test]
fn the_model_scores_as_it_did_when_it_was_trained() {
    let device = device::parse("flex").unwrap();
    let trained = TrainedModel::load(&kept(), Which::Best, &device).unwrap();
    assert!(trained.warnings.is_empty(), "{:?}", trained.warnings);
    let text = Corpus::open(&trained.config).unwrap().valid;
    let b = &trained.config.batches;
    let options = EvaluationOptions { batch: b.evaluation_size, steps: b.evaluation_bptt };
    let found = evaluate(&trained.model, &text, &trained.tokenizer, options, &mut |_, _| true);
    let found = found.unwrap().unwrap();
    let metrics: Vec<Metric> = logs::read(&kept().join("metrics.jsonl")).unwrap();
    let then = logs::best_valid(&metrics).unwrap();
    assert_eq!(found.tokens(), then.scored);
    // Other processors round otherwise.
    let ratio = found.value() / then.perplexity;
    assert!((ratio - 1.0).abs() < 1e-5, "{} then, {} now", then.perplexity, found.value());
}

#[test]
fn it_is_trained_on_from_its_end_and_from_within_an_epoch() {
    let place = tempfile::tempdir().unwrap();
    let mut ends = Vec::new();
    for name in ["end", "within"] {
        let run = place.path().join(name);
        copy_folder(&kept(), &run);
        if name == "within" {
            let newest = list(&run.join("checkpoints")).pop().unwrap();
            std::fs::remove_dir_all(newest).unwrap();
        }
        let config = run.join("config.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        assert!(text.contains("steps = 40\n"), "{text}");
        std::fs::write(&config, text.replace("steps = 40\n", "steps = 60\n")).unwrap();
        let mut warnings = 0;
        let mut watch =
            |event: &Event<'_>| warnings += i32::from(matches!(event, Event::Warning(_)));
        let outcome = resume(&run, &AtomicI32::new(0), &mut watch).unwrap();
        let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
        assert_eq!((summary.steps, warnings), (60, 0));
        assert_eq!(RunDir::open(&run).unwrap().info().unwrap().step, 60);
        let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        let before = std::fs::read_to_string(kept().join("metrics.jsonl")).unwrap();
        let until_30: Vec<_> = before.lines().take_while(|l| !l.contains("\"step\":40")).collect();
        assert!(until_30.len() >= 3 && metrics.starts_with(&until_30.join("\n")));
        ends.push(metrics.lines().count());
    }
    // From the end of its budget it begins a new epoch; from within one it goes on to its end.
    assert!(ends.iter().all(|&lines| lines > 4), "{ends:?}");
}
