//! Sequences of letters to be written backwards: what an encoder-decoder learns in a minute.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// `count` pairs of a sequence and its reverse, letters separated by spaces: lengths uniform from 1 to
/// `longest`, letters uniform among the first `letters` of the alphabet. `part` makes different texts
/// of one seed.
///
/// # Panics
/// When `longest` or `letters` is 0, or `letters` is more than 26.
pub fn reversal(
    count: usize,
    letters: usize,
    longest: usize,
    seed: u64,
    part: u64,
) -> Vec<(String, String)> {
    assert!(longest > 0 && (1..=26).contains(&letters), "1 to 26 letters, and at least one step");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(part);
    // The high half of a product: uneven by 2^-59 for so few letters.
    let mut below = |bound: usize| ((u128::from(rng.next_u64()) * bound as u128) >> 64) as usize;
    let mut pair = || {
        let length = 1 + below(longest);
        let letter = |n: usize| char::from(b'a' + n as u8).to_string();
        let letters: Vec<String> = (0..length).map(|_| letter(below(letters))).collect();
        let reverse: Vec<&str> = letters.iter().rev().map(String::as_str).collect();
        (letters.join(" "), reverse.join(" "))
    };
    (0..count).map(|_| pair()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_its_source_backwards() {
        let pairs = reversal(500, 5, 7, 1, 0);
        let mut lengths = [0; 8];
        for (source, target) in &pairs {
            let back: Vec<&str> = target.split(' ').rev().collect();
            assert_eq!(back.join(" "), *source);
            assert!(source.chars().all(|c| c == ' ' || ('a'..='e').contains(&c)), "{source}");
            lengths[back.len()] += 1;
        }
        assert!(lengths[1..].iter().all(|&count| count > 40), "{lengths:?}");
        assert_eq!(pairs, reversal(500, 5, 7, 1, 0));
        assert_ne!(pairs, reversal(500, 5, 7, 1, 1));
    }
}
