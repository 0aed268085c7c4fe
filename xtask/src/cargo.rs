//! Calling cargo: the same binary that runs this task, from the workspace's root.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_path_buf()
}

/// A cargo command that will run in the root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Whether `cargo NAME` exists on this machine.
pub(crate) fn installed(name: &str) -> bool {
    cargo(&[name, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs to the end, output to the terminal; a failure is an error that repeats the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs to the end, passing every line on and giving it to `look`.
///
/// Both streams are read, each by its own thread, so that neither can fill up and block.
pub(crate) fn watch(
    command: &mut Command,
    mut look: impl FnMut(&str) + Send,
) -> Result<ExitStatus> {
    let shown = show(command);
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let send_err = send.clone();
        scope.spawn(move || {
            for line in BufReader::new(out).lines().map_while(std::io::Result::ok) {
                let _ = send.send((false, line));
            }
        });
        scope.spawn(move || {
            for line in BufReader::new(err).lines().map_while(std::io::Result::ok) {
                let _ = send_err.send((true, line));
            }
        });
        for (is_error, line) in receive {
            // A closed pipe on our side must not stop the tests.
            let _ = if is_error {
                writeln!(std::io::stderr(), "{line}")
            } else {
                writeln!(std::io::stdout(), "{line}")
            };
            look(&strip_colours(&line));
        }
    });
    Ok(child.wait()?)
}

/// The folder that cargo builds into, which a user may have moved.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let metadata = metadata()?;
    let path = metadata["target_directory"].as_str().context("cargo metadata has no target")?;
    Ok(PathBuf::from(path))
}

/// Builds an example of the `lampwick` crate in release and gives its path.
pub(crate) fn example(name: &str) -> Result<PathBuf> {
    // `--workspace` keeps the features, and so the built Burn, of the tests.
    run(&mut cargo(&["build", "--quiet", "--release", "--workspace", "--example", name]))?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    Ok(target_directory()?.join("release").join("examples").join(file))
}

/// `cargo metadata` of the workspace's own packages.
pub(crate) fn metadata() -> Result<serde_json::Value> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot start `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The command as a user would type it.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let arguments = command.get_args().map(std::ffi::OsStr::to_string_lossy);
    std::iter::once(name.into()).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn strip_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' {
            // An escape sequence of colours ends at its first letter.
            let _ = characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_stripped() {
        assert_eq!(strip_colours("\u{1b}[32;1m PASS\u{1b}[0m x"), " PASS x");
    }
}
