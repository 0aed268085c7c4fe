//! The README's commands, run on toy data.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::root;

/// A fenced block that opens with this is run.
const MARK: &str = "```sh run";

/// How the README calls the program; the check puts the built binary there.
const PROGRAM: &str = "cargo run --release";

/// Cuts a training short: the check is that the reader's command works, not how far it gets.
const SHORT: &str = " budget.minutes=0.1";

/// Runs every marked block, line by line, in one empty folder that holds `my.txt`.
pub(crate) fn check() -> Result<String> {
    let readme = fs::read_to_string(root().join("README.md")).context("cannot read README.md")?;
    let commands = marked_commands(&readme);
    if commands.is_empty() {
        bail!("README.md has no block that opens with `{MARK}`");
    }
    let binary = super::program::path()?;
    let folder = tempfile::tempdir()?;
    // Relative paths of the README, such as configs/lm/..., start at the root.
    fs::write(folder.path().join("my.txt"), toy_text())?;
    copy_configs(&root().join("configs"), &folder.path().join("configs"))?;
    for command in &commands {
        println!("$ {command}");
        let program = format!("\"{}\"", binary.display());
        let mut line =
            command.replace(&format!("{PROGRAM} --"), &program).replace(PROGRAM, &program);
        if command.contains(" -- train configs/") {
            line += SHORT;
        }
        let status = Command::new("sh")
            .args(["-euc", &line])
            .current_dir(folder.path())
            .status()
            .context("cannot start sh")?;
        if !status.success() {
            bail!("README.md: `{command}` failed ({status})");
        }
    }
    Ok(format!("{} commands", commands.len()))
}

/// The commands of the marked blocks, comments and empty lines left out.
fn marked_commands(readme: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        if line.trim_end() == MARK {
            inside = true;
        } else if line.starts_with("```") {
            inside = false;
        } else if inside {
            let command = line.split(" #").next().unwrap_or_default().trim();
            if !command.is_empty() && !command.starts_with('#') {
                commands.push(command.to_owned());
            }
        }
    }
    commands
}

/// A text that stands for the reader's own: a few thousand words, the same every time.
pub(super) fn toy_text() -> String {
    let subjects = ["the lamp", "a wick", "the old keeper", "every flame", "no shadow"];
    let verbs = ["burns", "draws oil", "waits", "grows", "falls"];
    let places = ["by the door", "in the dark", "over the water", "until morning"];
    let mut text = String::new();
    for n in 0..2000_usize {
        // Co-prime strides: many different sentences without a random generator.
        let (s, v, p) = (subjects[n * 3 % 5], verbs[n * 7 / 5 % 5], places[n * 5 / 3 % 4]);
        text += &format!("{s} {v} {p}\n");
    }
    text
}

fn copy_configs(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_configs(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_blocks_are_commands() {
        let readme =
            "```sh run\n# note\ncargo run --release   # main\n\n```\n```sh\nrm -rf /\n```\n";
        assert_eq!(marked_commands(readme), ["cargo run --release"]);
    }
}
