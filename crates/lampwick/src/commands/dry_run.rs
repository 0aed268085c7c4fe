//! `lampwick train CONFIG --dry-run`: what the run would take.

use std::io::Write;

use lampwick::metrics::figures::{clock, count};
use lampwick::training::DryRun;
use serde_json::json;

use crate::exit::Exit;

/// Prints the findings.
pub(super) fn say(found: &DryRun, as_json: bool) -> anyhow::Result<Exit> {
    let mut out = crate::output::stdout();
    let [train, valid, test] = found.tokens;
    if as_json {
        let object = json!({
            "parameters": found.parameters,
            "vocabulary": found.vocabulary,
            "tokens": {"train": train, "valid": valid, "test": test},
            "tokens_cut_off": found.tokens_cut_off,
            "notes": found.notes,
            "steps_per_epoch": found.steps_per_epoch,
            "total_steps": found.total_steps,
            "memory_bytes": found.memory,
            "seconds_per_step": found.seconds_per_step,
            "tokens_per_second": found.tokens_per_second,
            "seconds": found.seconds,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
        return Ok(Exit::Done);
    }
    for note in &found.notes {
        tell!("notice: {note}");
    }
    let number = |value: usize| count(value as u64);
    writeln!(out, "parameters   {}", number(found.parameters))?;
    writeln!(out, "vocabulary   {}", number(found.vocabulary))?;
    writeln!(
        out,
        "tokens       {} to train on ({} cut off), {} to validate, {} to test",
        number(train),
        number(found.tokens_cut_off),
        number(valid),
        number(test)
    )?;
    let total = match found.total_steps {
        0 => "until the budget ends".to_owned(),
        steps => format!("{} in all", count(steps)),
    };
    writeln!(out, "steps        {} an epoch, {total}", count(found.steps_per_epoch))?;
    writeln!(out, "memory       about {}", size(found.memory))?;
    write!(out, "speed        {} tokens/s, measured", count(found.tokens_per_second as u64))?;
    match found.seconds {
        Some(time) => writeln!(out, "; training takes about {}", clock(time))?,
        None => writeln!(out)?,
    }
    Ok(Exit::Done)
}

/// Bytes, to two significant places or so.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes.div_ceil(1_000_000)),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(size(1), "1 kB");
        assert_eq!(size(12_300_000), "13 MB");
        assert_eq!(size(2_500_000_000), "2.5 GB");
    }
}
