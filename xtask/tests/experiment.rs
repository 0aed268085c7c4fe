//! `cargo xtask experiment`, spawned: its table, its files and its exit code.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A finished run of `ptb-small` whose figures are given.
fn gather(out: &Path, valid: &[(u64, f64)], test: f64) -> Output {
    let run = out.join("ptb-small/lstm");
    fs::create_dir_all(&run).unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/lm/zaremba_small.toml");
    fs::copy(config, run.join("config.toml")).unwrap();
    let info = r#"{"state": "finished", "parameters": 4650000, "device": "flex", "epochs": 13,
                   "seconds": 1700.0, "tokens_per_second": 7000.0}"#;
    fs::write(run.join("run.json"), info).unwrap();
    let line = |kind: &str, epoch: u64, perplexity: f64| {
        let loss = perplexity.ln();
        format!(
            "{{\"kind\":\"{kind}\",\"epoch\":{epoch},\"step\":{},\"loss\":{loss},\
             \"perplexity\":{perplexity}}}\n",
            epoch * 2323
        )
    };
    let mut lines: String = valid.iter().map(|&(epoch, p)| line("valid", epoch, p)).collect();
    lines += &line("test", 13, test);
    fs::write(run.join("metrics.jsonl"), lines).unwrap();
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["experiment", "ptb-small", "--gather", "--out"])
        .arg(out)
        .env("LAMPWICK_DATA", out)
        .output()
        .unwrap()
}

#[test]
fn a_run_of_another_config_is_not_gathered_as_this_one() {
    let folder = tempfile::tempdir().unwrap();
    gather(folder.path(), &[(1, 182.0)], 117.2);
    let config = folder.path().join("ptb-small/lstm/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("lr = 1.0", "lr = 2.0")).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["experiment", "ptb-small", "--gather", "--out"])
        .arg(folder.path())
        .env("LAMPWICK_DATA", folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && stderr.contains("optimizer.lr: 2.0 there"), "{stderr}");
}

#[test]
fn a_figure_outside_its_tolerance_is_exit_code_1_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = [(1, 182.0), (2, 145.0), (3, 133.0), (5, 127.0), (10, 123.0), (13, 122.0)];
    let done = gather(folder.path(), &good, 117.2);
    let stdout = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{stdout}\n{}", String::from_utf8_lossy(&done.stderr));
    for file in ["results.md", "results.html"] {
        let text = fs::read_to_string(folder.path().join("ptb-small").join(file)).unwrap();
        assert!(text.contains("test, 13 epochs") && text.contains("117.2"), "{file}: {text}");
    }
    assert!(!stdout.contains("OUTSIDE"), "{stdout}");

    let done = gather(folder.path(), &good, 117.6);
    assert_eq!(done.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(stderr.contains("outside") && stderr.contains("test, 13 epochs"), "{stderr}");

    // 5 % above 131 is 137.6.
    let late = [(1, 182.0), (2, 145.0), (3, 138.0)];
    let done = gather(folder.path(), &late, 117.2);
    assert_eq!(done.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(stderr.contains("valid, epoch 3") && !stderr.contains("valid, epoch 2"), "{stderr}");
    assert!(String::from_utf8_lossy(&done.stdout).contains("not measured"), "epochs 5, 10, 13");
}

#[test]
fn list_names_every_experiment_and_an_unknown_one_is_refused() {
    let xtask = |name: &str| {
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["experiment", name]).output().unwrap()
    };
    let list = String::from_utf8(xtask("list").stdout).unwrap();
    for name in
        ["ptb-small", "ptb-medium", "ptb-awd", "rnnlm", "char", "memory", "gradients", "entropy"]
    {
        assert!(list.contains(&format!("| {name} ")), "{list}");
    }
    let unknown = xtask("ptb-smal");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("ptb-small"));
}
