//! Numbers in ARPA files.

use crate::table::NEVER;

/// Decimals that are written: a logarithm is exact to half a unit of the seventh.
const SCALE: f64 = 1e7;

/// Writes a logarithm with at most seven decimals, without zeros at the end.
pub(crate) fn push(out: &mut Vec<u8>, value: f32) {
    if value < NEVER {
        // Rare, and beyond what whole numbers hold.
        out.extend_from_slice(format!("{}", value.max(f32::MIN)).as_bytes());
        return;
    }
    let scaled = (f64::from(value) * SCALE).round() as i64;
    if scaled < 0 {
        out.push(b'-');
    }
    let scaled = scaled.unsigned_abs();
    let (whole, mut part) = (scaled / SCALE as u64, scaled % SCALE as u64);
    push_whole(out, whole);
    if part > 0 {
        out.push(b'.');
        let mut digits = [b'0'; 7];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (part % 10) as u8;
            part /= 10;
        }
        let length = digits.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1);
        out.extend_from_slice(&digits[..length]);
    }
}

fn push_whole(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Reads a number; `None` for what is none, or not a number.
pub(crate) fn parse(text: &[u8]) -> Option<f32> {
    let value: f32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!value.is_nan()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut text = Vec::new();
        for value in [
            0.0, -0.5, -1.2345678, -12.000001, 0.25, -99.0, -4.9e-8, 3.0e-7, -7.5e-1, -150.5, -1e30,
        ] {
            text.clear();
            push(&mut text, value);
            let read = parse(&text).unwrap();
            assert!((read - value).abs() <= 1.2e-6, "{value}: {}", String::from_utf8_lossy(&text));
        }
        text.clear();
        push(&mut text, -0.25);
        assert_eq!(text, b"-0.25");
        assert_eq!(parse(b"nan"), None);
        assert_eq!(parse(b"-1.5x"), None);
        assert_eq!(parse(b"-inf"), Some(f32::NEG_INFINITY));
    }
}
