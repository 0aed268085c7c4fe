//! Figures as text: the one formatter, of the program and of the reports.

/// `929589` -> `929,589`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1, word` -> `1 word`; `1234, word` -> `1,234 words`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A perplexity or another positive figure: two decimals below 1000, none above, a power of ten where
/// nobody would count the digits.
pub fn figure(value: f64) -> String {
    if value.is_finite() && value.abs() >= 1000.0 && value < 1e15 {
        count(value.round() as u64)
    } else if value.is_finite() && value.abs() >= 1e15 {
        format!("{value:.4e}")
    } else {
        format!("{value:.2}")
    }
}

/// A perplexity to compare: four decimals, above ten million as a power of ten.
pub fn perplexity(value: f64) -> String {
    if value.is_finite() && value >= 1e7 { format!("{value:.4e}") } else { format!("{value:.4}") }
}

/// A learning rate: up to three significant digits, no zeros behind them.
pub fn rate(value: f64) -> String {
    if value == 0.0 || (1e-4..1e4).contains(&value) {
        let digits = 2 - if value == 0.0 { 0 } else { value.log10().floor() as i32 };
        let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(0));
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        }
    } else {
        format!("{value:.2e}")
    }
}

/// Seconds as on a clock: `0:07`, `12:34`, `1:02:03`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds as u64; // whole seconds; what is below zero or no number is zero
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(figure(114.523), "114.52");
        assert_eq!(figure(10_001.4), "10,001");
        assert_eq!(figure(1e40), "1.0000e40");
        assert_eq!(perplexity(141.187_34), "141.1873");
        assert_eq!(perplexity(9_999_999.0), "9999999.0000");
        assert_eq!(perplexity(3.25e41), "3.2500e41");
        assert_eq!(perplexity(f64::INFINITY), "inf");
        assert_eq!(rate(20.0), "20");
        assert_eq!(rate(0.25), "0.25");
        assert_eq!(rate(0.001), "0.001");
        assert_eq!(rate(1.5e-7), "1.50e-7");
        assert_eq!(rate(0.0), "0");
        assert_eq!(clock(3723.9), "1:02:03");
        assert_eq!(clock(7.0), "0:07");
        assert_eq!((clock(-1.0), clock(f64::NAN)), ("0:00".into(), "0:00".into()));
    }
}
