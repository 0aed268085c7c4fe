//! A run that was stopped anywhere and resumed is, bit by bit, the run that was not.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};

use lampwick_training::config::CheckpointConfig;
use lampwick_training::{
    Config, Event, Outcome, RunConfig, RunDir, Seq2SeqConfig, TrainedModel, Which, resume, train,
};

/// Everything that has a state: dropout of every kind, Adam's moments, random windows, averaging.
fn config(more: &str) -> Config {
    let text = format!(
        r#"
        name = "resume"
        seed = 3
        device = "flex"
        [model]
        embedding = 12
        hidden = 12
        dropout_embedding = 0.1
        dropout_input = 0.2
        dropout_hidden = 0.2
        dropout_output = 0.2
        locked_dropout = true
        weight_drop = 0.2
        [data]
        source = "synthetic"
        train_tokens = 1500
        valid_tokens = 200
        test_tokens = 200
        [batches]
        size = 4
        bptt = {{ random = {{ mean = 8, std = 2.0, min = 3 }} }}
        bptt_scales_lr = true
        [checkpoint]
        every_steps = 13
        every_minutes = 0.0
        [sampling]
        count = 2
        length = 12
        [report]
        log_every = 5
        {more}
        "#
    );
    Config::parse(&text, "resume.toml", &[]).unwrap().config
}

fn whole(config: &impl RunConfig, dir: &Path) {
    let outcome = train(config, dir, &AtomicI32::new(0), &mut |_: &Event<'_>| {}).unwrap();
    assert!(matches!(outcome, Outcome::Finished(_)));
}

/// Stops at each of `steps`, as a signal would, and resumes.
fn in_pieces(config: &impl RunConfig, dir: &Path, steps: &[u64]) {
    let mut started = false;
    for &at in steps.iter().chain([&u64::MAX]) {
        let stop = AtomicI32::new(0);
        let mut watch = |event: &Event<'_>| {
            if let Event::Step(step) = event
                && step.step >= at
            {
                stop.store(15, Ordering::Relaxed);
            }
        };
        let outcome = if started {
            resume(dir, &stop, &mut watch).unwrap()
        } else {
            train(config, dir, &stop, &mut watch).unwrap()
        };
        started = true;
        match outcome {
            Outcome::Interrupted { signal, .. } => assert_eq!(signal, 15),
            _ => assert_eq!(at, u64::MAX),
        }
    }
}

/// Every checkpoint to the last byte, and the logs that hold no clock.
fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = vec![dir.join("metrics.jsonl"), dir.join("samples.jsonl")];
    for checkpoint in lampwick_training::checkpoint::list(&dir.join("checkpoints")) {
        files.extend(std::fs::read_dir(checkpoint).unwrap().map(|e| e.unwrap().path()));
    }
    let name = |path: &Path| path.strip_prefix(dir).unwrap().display().to_string();
    files.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

#[track_caller]
fn expect_same(one: &Path, other: &Path) {
    let (one, other) = (bytes(one), bytes(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in one {
        assert!(bytes == other[&name], "{name} differs");
    }
}

fn same(config: &impl RunConfig, steps: &[u64]) {
    let dir = tempfile::tempdir().unwrap();
    let (one, pieces) = (dir.path().join("one"), dir.path().join("pieces"));
    whole(config, &one);
    in_pieces(config, &pieces, steps);
    expect_same(&one, &pieces);
    // And a finished run resumed once more stays what it is.
    let before = bytes(&pieces);
    resume(&pieces, &AtomicI32::new(0), &mut |_: &Event<'_>| {}).unwrap();
    assert!(before == bytes(&pieces), "resuming a finished run changed it");
}

#[test]
fn adam_with_dropout_and_random_windows() {
    let config = config(
        "[optimizer]\nname = \"adam\"\nlr = 0.01\n[schedule]\nname = \"cosine\"\nwarmup_steps = 5\n\
         [regularization]\nclip_norm = 0.5\nar = 2.0\ntar = 1.0\n[budget]\nepochs = 3\n",
    );
    same(&config, &[1, 14, 30, 31, 77, 100]);
}

#[test]
fn non_monotone_averaging_with_a_plateau() {
    let config = config(
        "[optimizer]\nname = \"nt_asgd\"\nlr = 8.0\nnonmonotone = 1\n[schedule]\nname = \"plateau\"\n\
         [regularization]\nweight_decay = 1.2e-6\n[budget]\nepochs = 6\n",
    );
    same(&config, &[5, 60, 130, 200, 231]);
}

#[test]
fn momentum_and_accumulated_gradients_to_a_number_of_steps() {
    let config = config(
        "[optimizer]\nname = \"sgd\"\nlr = 0.5\nmomentum = 0.9\n[budget]\nepochs = 0\nsteps = 60\n",
    );
    let config = Config {
        batches: lampwick_training::config::BatchConfig { accumulate: 3, ..config.batches },
        ..config
    };
    same(&config, &[2, 17, 40]);
}

#[test]
fn streams_shared_by_several_devices() {
    let config = config("[optimizer]\nname = \"adam\"\nlr = 0.01\n[budget]\nepochs = 2\n");
    same(&Config { device: "flex,flex,flex".into(), ..config }, &[3, 14, 40]);
}

#[test]
fn patience_counts_on_over_interruptions() {
    // A rate that is too high: the validation loss rises at once, and the run ends early.
    let config =
        config("[optimizer]\nname = \"sgd\"\nlr = 30.0\n[budget]\nepochs = 20\npatience = 3\n");
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    whole(&config, &run);
    let info = RunDir::open(&run).unwrap().info().unwrap();
    assert!(info.epochs < 20, "patience ends it: {} epochs", info.epochs);
    let epoch = info.step / info.epochs;
    same(&config, &[epoch + 1, 2 * epoch + 5, info.step - 2]);
}

#[test]
fn a_second_writer_is_refused_while_the_first_runs_and_readers_are_not() {
    let config = config("[budget]\nepochs = 2\n");
    let dir = tempfile::tempdir().unwrap();
    let mut refused = Vec::new();
    let mut watch = |event: &Event<'_>| {
        if matches!(event, Event::Step(step) if step.step == 45) {
            for result in [
                resume(dir.path(), &AtomicI32::new(0), &mut |_: &Event<'_>| {}),
                train(&config, dir.path(), &AtomicI32::new(0), &mut |_: &Event<'_>| {}),
            ] {
                refused.push(result.unwrap_err().to_string());
            }
            let device = lampwick_training::device::parse("flex").unwrap();
            TrainedModel::load(dir.path(), Which::Newest, &device).unwrap();
        }
    };
    train(&config, dir.path(), &AtomicI32::new(0), &mut watch).unwrap();
    let owner = format!("being written by process {} on ", std::process::id());
    assert!(refused[0].contains(&owner), "{refused:?}");
    assert!(refused[1].contains("is not empty"), "{refused:?}");
    resume(dir.path(), &AtomicI32::new(0), &mut |_: &Event<'_>| {}).unwrap();
}

#[test]
fn the_best_that_a_kept_checkpoint_knows_of_is_kept_too() {
    // The loss falls from epoch to epoch, so each epoch's end is the best; one checkpoint is kept.
    let config = config("[optimizer]\nname = \"adam\"\nlr = 0.003\n[budget]\nepochs = 2\n");
    let config = Config { checkpoint: CheckpointConfig { keep: 1, ..config.checkpoint }, ..config };
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let names = |run: &Path| -> Vec<String> {
        let list = lampwick_training::checkpoint::list(&run.join("checkpoints"));
        list.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    let stop = AtomicI32::new(0);
    let mut watch = |event: &Event<'_>| {
        if matches!(event, Event::Step(step) if step.epoch == 2 && step.step_in_epoch == 20) {
            stop.store(15, Ordering::Relaxed);
        }
    };
    train(&config, &run, &stop, &mut watch).unwrap();
    let kept = names(&run);
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept[0].ends_with("-epoch-0001"), "the best stays beside the newest: {kept:?}");

    // The newest is damaged: the run goes back to the best, and what it writes from there on is
    // neither pruned before the damaged one nor mistaken for it.
    let checkpoints = run.join("checkpoints");
    std::fs::write(checkpoints.join(&kept[1]).join("state.json"), "{}").unwrap();
    let stop = AtomicI32::new(0);
    let mut watch = |event: &Event<'_>| {
        if matches!(event, Event::Checkpoint { .. }) {
            stop.store(15, Ordering::Relaxed);
        }
    };
    resume(&run, &stop, &mut watch).unwrap();
    let after = names(&run);
    assert_eq!(after.len(), 2, "{after:?}");
    assert_eq!(after[0], kept[0]);
    assert!(after[1] < kept[1], "{after:?}");
    assert!(checkpoints.join(format!("damaged-{}", kept[1])).exists());
    resume(&run, &AtomicI32::new(0), &mut |_: &Event<'_>| {}).unwrap();
    assert!(!checkpoints.join(format!("damaged-{}", kept[1])).exists(), "the run is past it");
    let one = dir.path().join("one");
    whole(&config, &one);
    expect_same(&one, &run);
}

#[test]
fn a_damaged_newest_checkpoint_is_passed_by_with_a_warning_and_the_run_ends_the_same() {
    let config = config("[budget]\nepochs = 2\n");
    let dir = tempfile::tempdir().unwrap();
    let (one, damaged) = (dir.path().join("one"), dir.path().join("damaged"));
    whole(&config, &one);
    let stop = AtomicI32::new(0);
    let mut watch = |event: &Event<'_>| {
        if matches!(event, Event::Step(step) if step.step == 30) {
            stop.store(2, Ordering::Relaxed);
        }
    };
    train(&config, &damaged, &stop, &mut watch).unwrap();
    let newest = lampwick_training::checkpoint::list(&damaged.join("checkpoints")).pop().unwrap();
    let path = newest.join("model.safetensors");
    let mut weights = std::fs::read(&path).unwrap();
    weights[700] ^= 4;
    std::fs::write(&path, weights).unwrap();
    // What a killed writer leaves is cleared away.
    let litter = damaged.join("checkpoints/.writing-killed");
    std::fs::create_dir(&litter).unwrap();

    let mut warnings = Vec::new();
    let mut watch = |event: &Event<'_>| {
        if let Event::Warning(text) = event {
            warnings.push((*text).to_string());
        }
    };
    resume(&damaged, &AtomicI32::new(0), &mut watch).unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("model.safetensors is damaged"), "{warnings:?}");
    assert!(!litter.exists());
    expect_same(&one, &damaged);
}

#[test]
fn with_every_checkpoint_damaged_the_error_is_typed() {
    let config = config("[budget]\nepochs = 1\n");
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    whole(&config, &run);
    for path in lampwick_training::checkpoint::list(&run.join("checkpoints")) {
        std::fs::write(path.join("state.json"), "{}").unwrap();
    }
    let error = resume(&run, &AtomicI32::new(0), &mut |_: &Event<'_>| {}).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("checkpoints can be used") && text.contains("state.json"), "{text}");
}

/// Batches by tokens in an order of each epoch's own, dropout, and words drawn from the model.
#[test]
fn an_encoder_decoder_with_scheduled_sampling() {
    let text = r#"
        task = "encoder_decoder"
        seed = 5
        device = "flex"
        [model]
        embedding = 8
        dropout_input = 0.2
        dropout_output = 0.2
        [model.encoder]
        hidden = 6
        [model.decoder]
        hidden = 12
        [data]
        format = "reversal"
        train = 200
        valid = 20
        letters = 5
        longest = 6
        [batches]
        size = { tokens = 60 }
        accumulate = 2
        [loss]
        label_smoothing = 0.1
        scheduled_sampling = { decay = "linear", k = 100.0, floor = 0.2, feed = "gumbel" }
        [optimizer]
        name = "adam"
        lr = 0.01
        [budget]
        epochs = 3
        [checkpoint]
        every_steps = 7
        every_minutes = 0.0
        [report]
        log_every = 5
    "#;
    let config = Seq2SeqConfig::parse(text, "pairs.toml", &[]).unwrap().config;
    same(&config, &[1, 8, 20]);
}
