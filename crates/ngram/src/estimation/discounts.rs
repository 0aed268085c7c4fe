//! Discounts from counts of counts.

/// Discounts of one order, and where they come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Discounts {
    /// What is taken off a count of 1, of 2, and of 3 or more.
    pub amounts: [f64; 3],
    /// Whether the text left them undefined, so that these are the fallback.
    pub fallback: bool,
}

impl Discounts {
    /// What is taken off a count.
    #[inline]
    pub(crate) fn of(&self, count: u64) -> f64 {
        match count {
            0 => 0.0,
            1 => self.amounts[0],
            2 => self.amounts[1],
            _ => self.amounts[2],
        }
    }
}

/// The three discounts of modified Kneser-Ney (Chen and Goodman 1999, equation 26), from `n[k]`
/// n-grams of count k:
///
/// ```text
/// Y = n1 / (n1 + 2 n2)    D1 = 1 - 2 Y n2/n1    D2 = 2 - 3 Y n3/n2    D3+ = 3 - 4 Y n4/n3
/// ```
///
/// # Errors
///
/// Which counts leave them undefined, in words.
pub fn modified(n: &[u64; 5]) -> Result<[f64; 3], String> {
    if let Some(zero) = (1..=3).find(|&k| n[k] == 0) {
        return Err(format!("no n-gram has the count {zero}; {}", listed(n)));
    }
    let count = n.map(|n| n as f64);
    let y = count[1] / (count[1] + 2.0 * count[2]);
    let amount = |k: usize| k as f64 - (k as f64 + 1.0) * y * count[k + 1] / count[k];
    let amounts = [amount(1), amount(2), amount(3)];
    for (index, d) in amounts.iter().enumerate() {
        let most = index as f64 + 1.0;
        if !(0.0..=most).contains(d) {
            return Err(format!("D{most} would be {d:.3}, outside of 0 to {most}; {}", listed(n)));
        }
    }
    Ok(amounts)
}

/// The one discount of Kneser-Ney and of absolute discounting, `n1 / (n1 + 2 n2)`.
///
/// # Errors
///
/// Which counts leave it undefined, in words.
pub fn single(n: &[u64; 5]) -> Result<[f64; 3], String> {
    match (n[1], n[2]) {
        (0, _) | (_, 0) => Err(format!("no n-gram has the count 1, or none 2; {}", listed(n))),
        (n1, n2) => Ok([n1 as f64 / (n1 as f64 + 2.0 * n2 as f64); 3]),
    }
}

fn listed(n: &[u64; 5]) -> String {
    format!("n-grams with the counts 1, 2, 3, 4: {}, {}, {}, {}", n[1], n[2], n[3], n[4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_equations() {
        let d = modified(&[0, 100, 30, 15, 9]).unwrap();
        let y = 100.0 / 160.0;
        assert!((d[0] - (1.0 - 2.0 * y * 0.3)).abs() < 1e-12);
        assert!((d[1] - (2.0 - 3.0 * y * 0.5)).abs() < 1e-12);
        assert!((d[2] - (3.0 - 4.0 * y * 0.6)).abs() < 1e-12);
        assert!((single(&[0, 100, 30, 15, 9]).unwrap()[2] - y).abs() < 1e-12);
    }

    #[test]
    fn counts_that_leave_them_undefined_are_named() {
        assert!(modified(&[0, 5, 0, 1, 1]).unwrap_err().contains("count 2"));
        assert!(modified(&[0, 1, 1, 90, 1]).unwrap_err().contains("D2"));
        assert!(single(&[9, 0, 1, 0, 0]).is_err());
    }
}
