//! A text to learn vectors from.

/// Two themes whose words never stand together.
pub(crate) fn themes() -> String {
    let mut text = String::new();
    for n in 0..600u32 {
        let words = if n % 2 == 0 {
            ["lamp", "wick", "oil", "glow"]
        } else {
            ["ship", "sail", "sea", "mast"]
        };
        for k in 0..9 {
            text += words[((n / 2 * 7 + k * (n % 5 + 1)) % 4) as usize];
            text.push(' ');
        }
        text.push('\n');
    }
    text
}
