//! Amounts of memory, as `-S` takes them.

use std::fs;

/// What a budget can be: `2G`, `512M`, `50%` of the machine's memory, or a number of bytes.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}`: give an amount such as 2G, 512M or 50%");
    let (number, unit) = match text.trim().trim_end_matches(['b', 'B']).trim_end_matches('i') {
        text if text.ends_with(|c: char| c.is_ascii_digit()) => (text, ""),
        text => text.split_at(text.char_indices().last().ok_or_else(wrong)?.0),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let unit = match unit {
        "" => 1.0,
        "k" | "K" => 1024.0,
        "m" | "M" => 1024.0 * 1024.0,
        "g" | "G" => 1024.0 * 1024.0 * 1024.0,
        "t" | "T" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "%" if number > 100.0 => {
            return Err(format!("`{text}`: is more than the machine has; give at most 100%"));
        }
        "%" => {
            total().ok_or("the machine does not say how much memory it has: give bytes")? / 100.0
        }
        _ => return Err(wrong()),
    };
    let bytes = number * unit;
    if bytes.is_nan() || bytes < 0.0 {
        return Err(wrong());
    }
    if bytes < SMALLEST as f64 {
        return Err(format!(
            "`{text}`: is less than any text takes; give at least {}",
            shown(SMALLEST)
        ));
    }
    // What a pointer can name; more is a slip of the hand.
    if bytes >= (1u64 << 48) as f64 {
        return Err(format!(
            "`{text}`: is more than a machine has; give an amount such as 2G or 50%"
        ));
    }
    Ok(bytes as u64)
}

/// What the program and its buffers take beside the arrays of an estimation.
pub(super) const OWN: u64 = 48 << 20;

/// The smallest budget that can be kept.
const SMALLEST: u64 = 64 << 20;

/// About how many bytes counting and estimating a text take, in memory and in temporary files together.
///
/// A word of English has five to six bytes with its space. Each is an id, a record of a sorted run, and
/// at most one n-gram of each order, of 16 bytes.
pub(crate) fn needed(text: u64, order: usize) -> u64 {
    let (words, order) = (text / 5, order as u64);
    words * (4 + 4 * (order + 2) + 16 * order)
}

/// Bytes of memory that the machine has.
fn total() -> Option<f64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0)
}

/// `1.50 GiB`.
pub(crate) fn shown(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|&(_, shift)| bytes >> shift > 0) {
        Some((unit, shift)) => format!("{:.2} {unit}", bytes as f64 / (1u64 << shift) as f64),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        assert_eq!(parse("2G"), Ok(2 << 30));
        assert_eq!(parse("1.50 GiB"), Ok(3 << 29));
        assert_eq!(parse("96.5MB"), Ok(193 << 19));
        assert_eq!(parse("64M"), Ok(SMALLEST));
        for wrong in ["0", "64", "63M", "1e30G", "101%"] {
            assert!(parse(wrong).is_err_and(|why| why.contains(wrong)), "{wrong}");
        }
        assert!(parse("50%").is_ok_and(|half| half > 1 << 20) || total().is_none());
        assert!(parse("lots").is_err() && parse("").is_err() && parse("-1G").is_err());
        assert_eq!(shown(3 << 19), "1.50 MiB");
    }
}
