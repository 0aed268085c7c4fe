//! How `cargo xtask bench` talks to a side: one JSON question a line on stdin, one JSON answer a
//! line on stdout. Between two questions the process sleeps in a read.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Something to measure: each call runs it once and says how long that took and how much it did.
pub(crate) type Case = Box<dyn FnMut() -> Result<(Duration, usize), Box<dyn Error>>>;

/// Answers every question until stdin closes.
///
/// `prepare` turns a question (its `seconds` taken out) into a case; a case is kept, and warmed up
/// by one run, when its question first comes. `answer` turns the runs into the answer.
pub(crate) fn serve(
    prepare: impl Fn(&Value) -> Result<Case, Box<dyn Error>>,
    answer: impl Fn(&[(Duration, usize)]) -> Value,
) -> Result<(), Box<dyn Error>> {
    let mut cases: HashMap<String, Case> = HashMap::new();
    say(&json!({"name": concat!("Lampwick ", env!("CARGO_PKG_VERSION"))}))?;
    for line in std::io::stdin().lock().lines() {
        let mut question: Value = serde_json::from_str(&line?)?;
        if question["ask"] == "memory" {
            say(&json!({"peak_mib": peak_mib()}))?;
            continue;
        }
        let fields = question.as_object_mut().ok_or("a question is an object")?;
        let seconds = fields.remove("seconds").and_then(|seconds| seconds.as_f64()).unwrap_or(0.0);
        let key = question.to_string();
        if !cases.contains_key(&key) {
            let mut case = prepare(&question)?;
            case()?;
            cases.insert(key.clone(), case);
        }
        let case = cases.get_mut(&key).ok_or("just inserted")?;
        let mut runs = Vec::new();
        let start = Instant::now();
        while runs.len() < 2 || start.elapsed().as_secs_f64() < seconds {
            runs.push(case()?);
        }
        say(&answer(&runs))?;
    }
    Ok(())
}

/// A case that is timed as a whole.
pub(crate) fn timed(mut run: impl FnMut() -> usize + 'static) -> Case {
    Box::new(move || {
        let start = Instant::now();
        let done = run();
        Ok((start.elapsed(), done))
    })
}

fn say(answer: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")?;
    out.flush()
}

/// Largest resident memory of this process so far, where the system tells (Linux).
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}
