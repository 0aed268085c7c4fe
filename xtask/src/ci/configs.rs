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
    let pairs: String = toy_text().lines().map(|line| format!("{line}\t{line}\n")).collect();
    fs::write(folder.path().join("toy.tsv"), pairs)?;
    speak(&folder.path().join("spoken"))?;
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

/// Silence in the names of the Free Spoken Digit Dataset: each digit for training, validation and test.
fn speak(folder: &Path) -> Result<()> {
    const RATE: u32 = 8000;
    const BYTES: u32 = 1600;
    fs::create_dir(folder)?;
    // Mono, 16 bits.
    let mut wav =
        [b"RIFF", &(36 + BYTES).to_le_bytes()[..], b"WAVEfmt ", &16_u32.to_le_bytes()].concat();
    wav.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    wav.extend([RATE, 2 * RATE].map(u32::to_le_bytes).concat());
    wav.extend([2_u16, 16].map(u16::to_le_bytes).concat());
    wav.extend([b"data", &BYTES.to_le_bytes()[..]].concat());
    wav.resize(wav.len() + BYTES as usize, 0);
    for digit in 0..10 {
        for index in [0, 5, 10] {
            fs::write(folder.join(format!("{digit}_nobody_{index}.wav")), &wav)?;
        }
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
        command.args(match key(&parsed, "format") {
            Some("lines" | "corpus") => &[
                "data={ format = 'tsv', train = 'toy.tsv', valid = 'toy.tsv', test = 'toy.tsv' }",
                "tokenizers.source=words",
                "tokenizers.target=words",
            ][..],
            Some("digits") => &["data.folder=spoken", "data.train=6", "data.valid=3"],
            Some("pictures") => &["data.train=6", "data.valid=3"],
            _ => &[],
        });
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
