//! Every file under configs/ loads and takes two steps; toy text stands in for its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::readme::toy_text;
use crate::cargo::root;

/// Runs each config for two steps with the release binary.
pub(crate) fn check() -> Result<String> {
    let configs = toml_files(&root().join("configs"))?;
    if configs.is_empty() {
        bail!("no config under configs/");
    }
    let binary = super::program::path()?;
    let folder = tempfile::tempdir()?;
    for name in ["toy.txt", "train.txt", "valid.txt"] {
        fs::write(folder.path().join(name), toy_text())?;
    }
    prepare(&binary, folder.path())?;
    let mut failed = Vec::new();
    for (number, config) in configs.iter().enumerate() {
        let name = config.strip_prefix(root()).unwrap_or(config).display().to_string();
        if let Err(error) = two_steps(&binary, folder.path(), config, number) {
            eprintln!("{name}: {error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("no two steps of {}", failed.join(", "));
    }
    Ok(format!("{} configs", configs.len()))
}

/// Token files of the toy text, for configs that train on prepared data.
fn prepare(binary: &Path, folder: &Path) -> Result<()> {
    let done = Command::new(binary)
        .args(["prepare", "train.txt", "valid.txt", "--out", "prepared"])
        .current_dir(folder)
        .output()?;
    if !done.status.success() {
        bail!("`lampwick prepare` failed: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(())
}

fn two_steps(binary: &Path, folder: &Path, config: &Path, number: usize) -> Result<()> {
    let text = fs::read_to_string(config)?;
    let parsed: toml::Table = toml::from_str(&text)?;
    let run = format!("run-{number}");
    let mut command = Command::new(binary);
    command.arg("train").arg(config).current_dir(folder).args(["--out", &run]);
    command.args(["budget.steps=2", "budget.epochs=0"]);
    // The run that it starts from is not here.
    command.args(parsed.contains_key("start_from").then_some("start_from="));
    // Its own text, and so its vocabulary, may not be on this machine.
    if parsed.contains_key("task") {
        command.args(["batches.size={ sentences = 3 }", "validation.most=3"]);
        if key(&parsed, "format") == Some("lines") {
            for part in ["train", "valid", "test"] {
                command
                    .args(["source", "target"].map(|side| format!("data.{part}_{side}=toy.txt")));
            }
            let words = ["tokenizers.source=words", "tokenizers.target=words"];
            command.args(words);
        }
    } else {
        command.args(["sampling.count=1", "sampling.length=5"]);
        command.args(match key(&parsed, "source").unwrap_or("synthetic") {
            "text" => {
                &["data.train=toy.txt", "data.valid=toy.txt", "data.test=", "model.vocabulary=0"][..]
            }
            "tokens" => &["data.dir=prepared", "model.vocabulary=0"][..],
            _ => &["data.valid_tokens=2000", "data.test_tokens=2000"][..],
        });
    }
    let done = command.output().context("cannot start lampwick")?;
    if !done.status.success() {
        bail!("{}", String::from_utf8_lossy(&done.stderr).trim_end());
    }
    Ok(())
}

/// A key of `[data]`.
fn key<'a>(config: &'a toml::Table, key: &str) -> Option<&'a str> {
    config.get("data")?.as_table()?.get(key)?.as_str()
}

/// Every `.toml` below `folder`, in order.
fn toml_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(toml_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
