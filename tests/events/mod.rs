//! What TensorBoard event files hold: read by a decoder of this test's own, and by TensorBoard.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// `[step, value]` by tag, in the order of the files.
pub(crate) type Tags = BTreeMap<String, Vec<Value>>;

/// The event files of a run.
pub(crate) fn files(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    let is_event_file =
        |path: &PathBuf| path.file_name().unwrap().to_string_lossy().contains("tfevents");
    let mut files: Vec<PathBuf> = entries.filter(is_event_file).collect();
    files.sort();
    files
}

/// What the logs of a run say, under the tags that they have in an event file.
pub(crate) fn of_logs(run: &Path) -> Tags {
    let mut tags = Tags::new();
    let mut push = |tag: &str, step: &Value, value: Value| {
        tags.entry(tag.into()).or_default().push(json!([step, value]));
    };
    for line in lines(run, "metrics.jsonl") {
        let number = |key: &str| json!(line[key].as_f64().unwrap() as f32);
        let kind = line["kind"].as_str().unwrap();
        for key in ["loss", "perplexity"] {
            push(&format!("{key}/{kind}"), &line["step"], number(key));
        }
        if kind == "train" {
            push("learning_rate", &line["step"], number("lr"));
            push("gradient_norm", &line["step"], number("gradient_norm"));
        }
    }
    let mut last = Value::Null;
    for line in lines(run, "timings.jsonl") {
        if line["step"] != last {
            let speed = json!(line["tokens_per_second"].as_f64().unwrap() as f32);
            push("tokens_per_second", &line["step"], speed);
        }
        last = line["step"].clone();
    }
    let (mut last, mut number) = (Value::Null, 0);
    for line in lines(run, "samples.jsonl") {
        number = if line["step"] == last { number + 1 } else { 1 };
        last = line["step"].clone();
        let text = format!("    {}", line["text"].as_str().unwrap());
        push(&format!("sample/{number}"), &last, json!(text));
    }
    tags
}

fn lines(run: &Path, log: &str) -> Vec<Value> {
    let text = fs::read_to_string(run.join(log)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What TensorBoard's own reader finds; a number is a float of 32 bits to it, too.
pub(crate) fn by_tensorboard(run: &Path, python: &Path) -> Tags {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/events/read.py");
    let read = Command::new(python).arg(script).arg(run).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let mut tags: Tags = serde_json::from_slice(&read.stdout).unwrap();
    for pair in tags.values_mut().flatten() {
        if let Some(number) = pair[1].as_f64() {
            pair[1] = json!(number as f32);
        }
    }
    tags
}

/// What the bytes say by the wire format; checksums are TensorBoard's to check.
pub(crate) fn decoded(run: &Path) -> Tags {
    let mut tags = Tags::new();
    for file in files(run) {
        let bytes = fs::read(file).unwrap();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let event = Message(&rest[12..12 + length]);
            rest = &rest[16 + length..];
            let step = event.fields(2).next().map_or(0, Field::number);
            for summary in event.fields(5) {
                for value in summary.message().fields(1) {
                    let value = value.message();
                    let scalar = |field: Field<'_>| {
                        json!(f32::from_le_bytes(field.bytes.try_into().unwrap()))
                    };
                    let text = |tensor: Field<'_>| {
                        let text = tensor.message().fields(8).next().unwrap().bytes;
                        json!(str::from_utf8(text).unwrap())
                    };
                    let shown = value.fields(2).next().map(scalar);
                    let shown = shown.or_else(|| value.fields(8).next().map(text)).unwrap();
                    let tag = str::from_utf8(value.fields(1).next().unwrap().bytes).unwrap();
                    tags.entry(tag.into()).or_default().push(json!([step, shown]));
                }
            }
        }
    }
    tags
}

/// A protobuf message.
#[derive(Clone, Copy)]
struct Message<'a>(&'a [u8]);

/// The value of a field; of a number its varint's bytes.
#[derive(Clone, Copy)]
struct Field<'a> {
    bytes: &'a [u8],
}

impl<'a> Field<'a> {
    fn message(self) -> Message<'a> {
        Message(self.bytes)
    }

    fn number(self) -> u64 {
        varint(self.bytes).0
    }
}

impl<'a> Message<'a> {
    /// Every field with that number.
    fn fields(self, number: u64) -> impl Iterator<Item = Field<'a>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let (key, start) = varint(rest);
                rest = &rest[start..];
                let (start, end) = match key & 7 {
                    0 => (0, varint(rest).1),
                    1 => (0, 8),
                    2 => {
                        let (length, start) = varint(rest);
                        (start, start + length as usize)
                    }
                    5 => (0, 4),
                    wire => panic!("wire type {wire}"),
                };
                let bytes = &rest[start..end];
                rest = &rest[end..];
                if key >> 3 == number {
                    return Some(Field { bytes });
                }
            }
            None
        })
    }
}

/// A number and how many bytes it takes.
fn varint(bytes: &[u8]) -> (u64, usize) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let low_first = bytes[..length].iter().rev();
    (low_first.fold(0, |number, byte| number << 7 | u64::from(byte & 0x7F)), length)
}
