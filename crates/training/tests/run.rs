//! A run from config to report, and everything that can stop it.

use std::path::Path;
use std::sync::atomic::AtomicI32;

use lampwick_training::{
    Config, Corpus, Error, EvaluationOptions, Event, Metric, Outcome, Override, RunConfig, Summary,
    TrainedModel, Which, device, dry_run, evaluate, probe, report, train,
};

const TINY: &str = r#"
    name = "tiny <run>"
    [model]
    embedding = 16
    hidden = 16
    initializer = "pytorch"
    [data]
    source = "synthetic"
    train_tokens = 4000
    valid_tokens = 301
    test_tokens = 300
    [batches]
    size = 8
    bptt = { fixed = 10 }
    [optimizer]
    name = "adam"
    lr = 0.02
    [regularization]
    clip_norm = 1.0
    [budget]
    epochs = 3
    [sampling]
    count = 3
    length = 15
    [report]
    log_every = 5
"#;

fn config(overrides: &[&str]) -> Config {
    let overrides: Vec<Override> = overrides.iter().map(|o| o.parse().unwrap()).collect();
    Config::parse(TINY, "tiny.toml", &overrides).unwrap().config
}

fn run(config: &Config, dir: &Path) -> Result<Outcome, Error> {
    train(config, dir, &AtomicI32::new(0), &mut |_: &Event<'_>| {})
}

fn finished(config: &Config, dir: &Path) -> Summary {
    match run(config, dir).unwrap() {
        Outcome::Finished(summary) => *summary,
        other => panic!("{other:?}"),
    }
}

#[test]
fn from_config_to_report() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("run");
    let config = config(&[]);
    let mut events = Vec::new();
    let outcome = train(&config, &dir, &AtomicI32::new(0), &mut |event: &Event<'_>| {
        events.push(match event {
            Event::Started(started) => {
                assert_eq!(started.total_steps, 150);
                "started"
            }
            Event::Step(step) => {
                assert!(step.loss.is_finite() && step.gradient_norm > 0.0 && step.lr == 0.02);
                assert_eq!(step.step_in_epoch, (step.step - 1) % 50 + 1);
                "step"
            }
            Event::Validated(_) => "validated",
            Event::Checkpoint { .. } => "checkpoint",
            Event::Sample { last: true, .. } => "sample",
            Event::Tested(_) => "tested",
            Event::Report { .. } => "report",
            _ => "other",
        });
    })
    .unwrap();
    let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
    for (event, times) in [
        ("started", 1),
        ("step", 150),
        ("validated", 3),
        ("checkpoint", 3),
        ("sample", 3),
        ("tested", 1),
        ("report", 1),
    ] {
        assert_eq!(events.iter().filter(|e| **e == event).count(), times, "{event}");
    }

    // It learns, and stays above what the source allows.
    let valid = summary.valid.unwrap();
    let vocabulary = TrainedModel::load(&dir, Which::Best, &device::parse("").unwrap())
        .unwrap()
        .tokenizer
        .vocabulary()
        .len() as f64;
    assert!(valid.perplexity < vocabulary / 3.0, "{}", valid.perplexity);
    assert!(valid.bits_above_source.unwrap() > 0.0);
    // Every token is scored although 301 is no multiple of the evaluation's 10 streams.
    let corpus = Corpus::open(&config).unwrap();
    assert_eq!(valid.scored as usize, corpus.valid.tokens.len());

    let metrics: Vec<Metric> = lampwick_training::logs::read(&dir.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics.iter().filter(|m| matches!(m, Metric::Train { .. })).count(), 30);
    assert!(
        matches!(metrics.last(), Some(Metric::Test(test)) if Some(test) == summary.test.as_ref())
    );

    // The report stands on its own, escapes what it shows, and can be written again on demand.
    let page = std::fs::read_to_string(dir.join("report.html")).unwrap();
    for part in [
        "tiny &lt;run&gt;",
        "<svg",
        "validation perplexity per word",
        "[optimizer]",
        "bits per token above",
        "SHA-256",
        "prefers-color-scheme: dark",
    ] {
        assert!(page.contains(part), "no {part}");
    }
    assert!(
        !page.contains("<script") && !page.contains("src=\"http") && !page.contains("href=\"http")
    );
    std::fs::remove_file(dir.join("report.html")).unwrap();
    assert!(report::write(&dir).unwrap().is_file());

    // The run directory holds what its documentation says, and nothing else.
    let mut files: Vec<String> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        [
            "checkpoints",
            "config.toml",
            "lock",
            "metrics.jsonl",
            "report.html",
            "run.json",
            "samples.jsonl",
            "timings.jsonl",
            "tokenizer"
        ]
    );
    assert!(run(&config, &dir).unwrap_err().to_string().contains("--resume"));
}

#[test]
fn the_same_config_gives_the_same_bytes_and_another_seed_others() {
    let dir = tempfile::tempdir().unwrap();
    let metrics = |name: &str, overrides: &[&str]| {
        let path = dir.path().join(name);
        finished(&config(overrides), &path);
        std::fs::read(path.join("metrics.jsonl")).unwrap()
    };
    let a = metrics("a", &["budget.epochs=1"]);
    assert_eq!(a, metrics("b", &["budget.epochs=1"]));
    assert_ne!(a, metrics("c", &["budget.epochs=1", "seed=2"]));
}

#[test]
fn perplexity_hardly_depends_on_the_streams_and_not_at_all_on_the_window() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let config = config(&["budget.epochs=1"]);
    finished(&config, &path);
    let trained = TrainedModel::load(&path, Which::Best, &device::parse("").unwrap()).unwrap();
    let text = Corpus::open(&config).unwrap().valid;
    let score = |batch, steps| {
        let options = EvaluationOptions { batch, steps };
        evaluate(&trained.model, &text, &trained.tokenizer, options, &mut |_, _| true)
            .unwrap()
            .unwrap()
    };
    let one = score(1, 35);
    assert_eq!(one.tokens(), text.tokens.len() as u64);
    for (batch, steps) in [(1, 7), (4, 35), (7, 9), (100_000, 3)] {
        let other = score(batch, steps);
        assert_eq!(other.tokens(), one.tokens(), "every token is scored once");
        let ratio = other.value() / one.value();
        let allowed = if batch == 1 { 1e-6 } else { 0.5 };
        assert!((ratio - 1.0).abs() < allowed, "{batch} x {steps}: {ratio}");
    }
    assert!(
        evaluate(
            &trained.model,
            &text,
            &trained.tokenizer,
            EvaluationOptions { batch: 1, steps: 9 },
            &mut |_, _| false
        )
        .unwrap()
        .is_none()
    );
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_the_last_checkpoint_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let diverging = |lr: &str, more: &[&str]| {
        let lr = format!("optimizer.lr={lr}");
        let mut overrides = vec![
            "optimizer.name=sgd",
            &lr,
            "regularization.clip_norm=0.0",
            "checkpoint.every_steps=1",
        ];
        overrides.extend(more);
        config(&overrides)
    };
    let error = run(&diverging("1e18", &[]), &path).unwrap_err();
    let Error::NonFinite { step, epoch, .. } = error else { panic!("{error}") };
    assert_eq!(epoch, 1);
    let text = error.to_string();
    assert!(text.contains("was not applied") && text.contains("optimizer.lr"), "{text}");
    // The newest checkpoint is that of the step before, with weights that are numbers.
    if step > 1 {
        let (files, refused) =
            lampwick_training::checkpoint::newest_valid(&path.join("checkpoints")).unwrap();
        assert!(refused.is_empty());
        assert!(text.contains(&files.path().display().to_string()), "{text}");
        let trained = TrainedModel::load(&path, Which::Best, &device::parse("").unwrap()).unwrap();
        assert!(finite(&trained), "{text}");
    }
    let info = lampwick_training::RunDir::open(&path).unwrap().info().unwrap();
    assert!(info.state.starts_with("failed: "), "{}", info.state);

    // A first step that already ruins the weights, as a checkpoint and as a validation would see it.
    for (name, more) in [
        ("weights", &["regularization.weight_decay=1e38"][..]),
        (
            "validated",
            &["regularization.weight_decay=1e38", "checkpoint.every_steps=0", "budget.steps=1"],
        ),
    ] {
        let path = dir.path().join(name);
        let error = run(&diverging("1e38", more), &path).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::NonFinite { step: 1, epoch: 1, .. }), "{text}");
        assert!(text.contains("not saved") && text.contains("no checkpoint"), "{text}");
        assert!(lampwick_training::checkpoint::list(&path.join("checkpoints")).is_empty());
        let info = lampwick_training::RunDir::open(&path).unwrap().info().unwrap();
        assert_eq!(info.best_valid_perplexity, None);
    }
}

/// Whether every weight is a number.
fn finite(trained: &TrainedModel) -> bool {
    struct Finite(bool);
    impl burn::module::ModuleVisitor for Finite {
        fn visit_float<const D: usize>(
            &mut self,
            param: &burn::module::Param<burn::tensor::Tensor<D>>,
        ) {
            self.0 &= param.val().into_data().iter::<f64>().all(f64::is_finite);
        }
    }
    let mut all = Finite(true);
    burn::module::Module::visit(&trained.model, &mut all);
    all.0
}

#[test]
fn what_cannot_run_says_why_and_leaves_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    for (overrides, part) in [
        (&["batches.bptt.fixed=1000"][..], "batches.bptt.fixed: the training text has"),
        (&["batches.size=5000"], "batches.size: the training text has"),
        (&["sampling.prompt=zzz"], "the vocabulary has no \"zzz\""),
        (&["model.hidden=0"], "model.hidden"),
        (&["model.vocabulary=17"], "model.vocabulary"),
        (&["model.layers=1000000000"], "GiB"),
        (&["model.hidden=3000000"], "GiB"),
        (&["model.tie_weights=true", "model.embedding=8"], "tie_weights"),
        (&["device=abacus"], "abacus"),
        (
            &["schedule.name=cosine", "budget.epochs=0", "budget.minutes=1.0"],
            "schedule.total_steps",
        ),
        (&["data.language.topics=99"], "data.language.topics: is 99"),
    ] {
        let path = dir.path().join("run");
        let error = run(&config(overrides), &path).unwrap_err().to_string();
        assert!(error.contains(part), "{overrides:?}: {error}");
        assert!(!path.exists(), "{overrides:?}");
        assert_eq!(dry_run(&config(overrides), &path).unwrap_err().to_string(), error);
        assert!(!path.exists(), "{overrides:?}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_a_typed_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = run(&config(&[]), &file.join("run")).unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error}");
    // Taken away under way: the run stops with the error, not with a panic.
    let path = dir.path().join("run");
    let mut watch = |event: &Event<'_>| {
        if matches!(event, Event::Step(step) if step.step == 20) {
            std::fs::write(path.join("checkpoints"), "in the way").unwrap();
        }
    };
    let error = train(&config(&[]), &path, &AtomicI32::new(0), &mut watch).unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
}

/// What has no part in the steps: where the run would go, and what it would start from.
#[test]
fn a_dry_run_refuses_what_the_run_would() {
    let dir = tempfile::tempdir().unwrap();
    let taken = dir.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("file"), "").unwrap();
    let start_from = format!("start_from={}", dir.path().join("no").display());
    for (overrides, path) in [
        (&[][..], taken.clone()),
        (&[], taken.join("file/run")),
        (&[start_from.as_str()], dir.path().join("run")),
    ] {
        let error = dry_run(&config(overrides), &path).unwrap_err().to_string();
        assert_eq!(run(&config(overrides), &path).unwrap_err().to_string(), error);
    }
}

#[test]
fn a_dry_run_counts_and_times_and_leaves_nothing() {
    let config = config(&[]);
    let dir = tempfile::tempdir().unwrap();
    let found = dry_run(&config, &dir.path().join("a/run")).unwrap();
    assert!(!dir.path().join("a").exists());
    let v = found.vocabulary;
    // E: 16 V; two layers: 4 H (E + H + 2) each; output: 16 V + V.
    assert_eq!(found.parameters, 33 * v + 2 * 4 * 16 * (16 + 16 + 2));
    assert_eq!((found.steps_per_epoch, found.total_steps), (50, 150));
    assert!(found.seconds_per_step > 0.0 && found.tokens_per_second > 0.0);
    assert!(found.memory > 4 * 4 * found.parameters as u64, "weights, gradients, two moments");
}

#[test]
fn resuming_on_another_text_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (text, path) = (dir.path().join("own.txt"), dir.path().join("run"));
    std::fs::write(&text, "one two three\n".repeat(200)).unwrap();
    let own = format!(
        "[data]\nsource = \"text\"\ntrain = {:?}\n[budget]\nepochs = 1\n[batches]\nsize = 2\n[model]\nhidden = 8\nembedding = 8\n",
        text.display().to_string()
    );
    let config = Config::parse(&own, "own.toml", &[]).unwrap().config;
    finished(&config, &path);
    std::fs::write(&text, "one two four\n".repeat(200)).unwrap();
    let error =
        lampwick_training::resume(&path, &AtomicI32::new(0), &mut |_: &Event<'_>| {}).unwrap_err();
    assert!(matches!(error, Error::DataChanged { .. }), "{error}");
    let nowhere =
        lampwick_training::resume(&dir.path().join("no"), &AtomicI32::new(0), &mut |_: &Event<
            '_,
        >| {});
    assert!(matches!(nowhere, Err(Error::NotARun { .. })));
}

#[test]
fn the_gradient_probe_looks_before_and_after_and_is_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("run");
    let config = config(&["report.probes=[\"gradients\"]", "budget.epochs=2", "model.layers=2"]);
    finished(&config, &dir);
    let probe = probe::gradients(&dir).unwrap().unwrap();
    let epochs: Vec<u64> = probe.looks.iter().map(|look| look.epoch).collect();
    assert_eq!(epochs, [0, 1, 2]);
    // 301 tokens of validation text: three sequences of 100.
    assert_eq!(probe.sequences, 3);
    for look in &probe.looks {
        assert_eq!(look.layers.len(), 2);
        for layer in &look.layers {
            assert_eq!((layer.hidden.len(), layer.cell.len()), (100, 100));
            assert!(layer.hidden.iter().chain(&layer.cell).all(|norm| norm.is_finite()));
            assert!(layer.hidden[0] > layer.hidden[99], "a small LSTM's gradient shrinks");
        }
    }
    assert_ne!(probe.looks[0], probe.looks[2]);
    let report = std::fs::read_to_string(dir.join("report.html")).unwrap();
    for part in ["Gradient at the hidden vector", "Gradient at the memory cell", "after epoch 2"] {
        assert!(report.contains(part), "no {part:?}");
    }
    // The look changes nothing of the run.
    let plain = dir.with_file_name("plain");
    let without = Config {
        report: lampwick_training::config::ReportConfig { probes: vec![], ..config.report.clone() },
        ..config
    };
    finished(&without, &plain);
    let metrics = |dir: &Path| std::fs::read(dir.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics(&dir), metrics(&plain));
    assert!(probe::gradients(&plain).unwrap().is_none());
}
