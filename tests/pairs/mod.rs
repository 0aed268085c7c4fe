//! A small run of pairs that the tests of encoder-decoders share.

use crate::program::Place;

/// Letters to be written backwards, from two files.
pub(crate) fn with_pairs() -> Place {
    let place = Place::new();
    let letters = ["a", "b", "c", "d", "e"];
    let word = |n: usize| -> Vec<&str> {
        // Multiplicative hashing (Knuth): letters without a pattern that could be learnt instead.
        let draw = |i: usize| ((n * 8 + i + 1) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        (0..1 + n % 4).map(|i| letters[(draw(i) % 5) as usize]).collect()
    };
    let lines = |reverse: bool, range: std::ops::Range<usize>| -> String {
        range
            .map(|n| {
                let mut word = word(n);
                if reverse {
                    word.reverse();
                }
                word.join(" ") + "\n"
            })
            .collect()
    };
    for (name, reverse, range) in [
        ("train.a", false, 0..1500),
        ("train.b", true, 0..1500),
        ("valid.a", false, 1500..1550),
        ("valid.b", true, 1500..1550),
    ] {
        place.write(name, lines(reverse, range));
    }
    let device = std::env::var("LAMPWICK_DEVICE").unwrap_or_default();
    place.write("pairs.toml", format!("device = {device:?}\n{CONFIG}"));
    place
}

const CONFIG: &str = r#"
task = "encoder_decoder"
name = "pairs"
seed = 1
[model]
embedding = 16
[model.encoder]
hidden = 16
[model.decoder]
hidden = 32
[data]
format = "lines"
train_source = "train.a"
train_target = "train.b"
valid_source = "valid.a"
valid_target = "valid.b"
test_source = "valid.a"
test_target = "valid.b"
[batches]
size = { tokens = 200 }
[optimizer]
name = "adam"
lr = 0.01
[budget]
epochs = 12
"#;

/// The same, trained.
pub(crate) fn trained() -> Place {
    let place = with_pairs();
    place.run(&["train", "pairs.toml", "--out", "run"]).expect(0);
    place
}
