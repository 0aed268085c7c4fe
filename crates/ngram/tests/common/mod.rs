//! Random texts and models.

#![allow(dead_code, reason = "each test file uses its own part")]

use lampwick_ngram::{Settings, Silent, Source, Table, Trained, arpa, train};

/// Numbers that look random and are the same each time (xorshift64*).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

/// Sentences over `words` words, the first of them frequent.
pub(crate) fn random_text(seed: u64, sentences: usize, words: usize) -> String {
    let mut numbers = Numbers(seed * 2 + 1);
    let mut text = String::new();
    for _ in 0..sentences {
        for _ in 0..numbers.below(12) {
            let word = numbers.below(words).min(numbers.below(words));
            text += &format!("w{word} ");
        }
        text += "\n";
    }
    text
}

pub(crate) fn trained(text: impl AsRef<[u8]>, settings: &Settings) -> Trained {
    train(vec![Source::bytes("text", text.as_ref())], settings, &Silent).unwrap()
}

pub(crate) fn order(order: usize) -> Settings {
    Settings { order, ..Settings::default() }
}

pub(crate) fn arpa_text(table: &Table) -> String {
    let mut bytes = Vec::new();
    arpa::write(table, &mut bytes, &Silent).unwrap();
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn read(text: impl AsRef<[u8]>) -> lampwick_ngram::Result<Table> {
    arpa::read(Source::bytes("model.arpa", text.as_ref()), &Silent)
}
