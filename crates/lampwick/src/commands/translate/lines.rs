//! What comes in: lines of text, or of JSON.

use std::io::{BufRead, BufReader};
use std::sync::mpsc::{self, Receiver, SyncSender};

use serde::Deserialize;

use super::TOGETHER;

/// One line, with what is asked of it alone.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) text: String,
    /// What its target begins with.
    #[serde(default)]
    pub(super) prefix: String,
    /// Words that its target contains.
    #[serde(default)]
    pub(super) require: Vec<String>,
    /// Words that its target does not contain.
    #[serde(default)]
    pub(super) forbid: Vec<String>,
}

/// Reads a line, or tells what is wrong with it.
pub(super) fn read(line: &[u8], json: bool) -> Result<Line, String> {
    let text = text(line).map_err(|problem| format!("{problem} of the line"))?;
    if !json || text.trim().is_empty() {
        return Ok(Line { text, ..Line::default() });
    }
    if !text.trim_start().starts_with('{') {
        return Err("--json-lines: no JSON object; give {\"text\": ...}".into());
    }
    let line: Line = serde_json::from_str(&text).map_err(|error| {
        // The text is one line: where in it is what tells something.
        let problem = error.to_string().replace(" at line 1 column ", " at byte ");
        format!("--json-lines: {problem}")
    })?;
    if line.text.contains('\0') {
        return Err("NUL in the text of the line".into());
    }
    Ok(line)
}

/// The lines of stdin without their ends, read by a thread of their own.
pub(in crate::commands) fn read_ahead() -> Receiver<std::io::Result<Vec<u8>>> {
    let (sender, lines): (SyncSender<_>, _) = mpsc::sync_channel(TOGETHER);
    std::thread::spawn(move || {
        let mut stdin = BufReader::new(std::io::stdin());
        loop {
            let mut line = Vec::new();
            let read = stdin.read_until(b'\n', &mut line);
            if line.ends_with(b"\n") {
                line.pop();
            }
            if line.ends_with(b"\r") {
                line.pop();
            }
            match read {
                Ok(0) => break,
                Ok(_) if sender.send(Ok(line)).is_err() => break,
                Ok(_) => {}
                Err(error) => {
                    let _ = sender.send(Err(error));
                    break;
                }
            }
        }
    });
    lines
}

/// A line as text, or what is wrong with it.
pub(in crate::commands) fn text(line: &[u8]) -> Result<String, String> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    if let Some(at) = line.iter().position(|&byte| byte == 0) {
        return Err(format!("NUL at byte {at}"));
    }
    match std::str::from_utf8(line) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(format!("not UTF-8 at byte {}", error.valid_up_to())),
    }
}
