//! KenLM's own output for a small text, entry by entry. The fixtures were made by
//!
//! ```sh
//! lmplz -o 3 -S 100M < lamps.txt > lamps.arpa
//! lmplz -o 4 -S 100M --discount_fallback --prune 0 0 1 < lamps.txt > lamps_pruned.arpa
//! printf 'the lamp burns low\nthe unicorn trims the wick\n\nno moth\n' > query.txt
//! query lamps.arpa < query.txt > lamps.query
//! printf 'a b\nb a z\n' | query -v summary no_unk.arpa
//! ```
//!
//! `no_unk.arpa` is written by hand, in the manner of SRILM.

mod common;

use std::collections::HashMap;
use std::sync::Mutex;

use common::{read, trained};
use lampwick_ngram::{
    BuildKind, EOS, Model, Progress, Settings, Source, Stage, Table, UNK, arpa, words,
};

const TEXT: &str = include_str!("fixtures/lamps.txt");

/// n-gram -> log10, backoff.
fn entries(arpa: &str) -> HashMap<String, (f32, f32)> {
    let mut entries = HashMap::new();
    for line in arpa.lines().filter(|line| line.contains('\t')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let backoff = fields.get(2).map_or(0.0, |text| text.parse().unwrap());
        entries.insert(fields[1].to_owned(), (fields[0].parse().unwrap(), backoff));
    }
    entries
}

fn assert_equal(ours: &str, theirs: &str) {
    let (ours, theirs) = (entries(ours), entries(theirs));
    assert_eq!(ours.len(), theirs.len());
    for (ngram, (log10, backoff)) in &theirs {
        let (p, b) = ours.get(ngram).unwrap_or_else(|| panic!("{ngram} is missing"));
        assert!((p - log10).abs() < 1e-5, "{ngram}: {p} where lmplz has {log10}");
        assert!((b - backoff).abs() < 1e-5, "{ngram}: backoff {b} where lmplz has {backoff}");
    }
}

#[test]
fn the_trigram_model_is_that_of_lmplz() {
    let settings = Settings { order: 3, as_lmplz: true, ..Settings::default() };
    let trained = trained(TEXT, &settings);
    assert_eq!(trained.table.counts(), [36, 167, 316]);
    // As lmplz printed them.
    let expected =
        [[0.473684, 0.863158, 3.0], [0.644172, 1.20034, 1.92638], [0.482072, 1.24352, 1.809]];
    for (order, expected) in trained.orders.iter().zip(expected) {
        let found = order.discounts.unwrap();
        assert!(!found.fallback);
        for (d, expected) in found.amounts.iter().zip(expected) {
            assert!((d - expected).abs() < 1e-5, "{found:?}");
        }
    }
    assert_equal(&common::arpa_text(&trained.table), include_str!("fixtures/lamps.arpa"));
}

#[test]
fn the_pruned_model_is_that_of_lmplz() {
    let prune = vec![0, 0, 1];
    let settings = Settings { order: 4, as_lmplz: true, prune, ..Settings::default() };
    let trained = trained(TEXT, &settings);
    let numbers: Vec<_> = trained.orders.iter().map(|o| (o.kept, o.counted)).collect();
    assert_eq!(numbers, [(36, 36), (167, 167), (195, 316), (215, 454)]);
    assert_equal(&common::arpa_text(&trained.table), include_str!("fixtures/lamps_pruned.arpa"));
}

/// Each word's log10 and n-gram length as `query` printed them, and the perplexities.
#[test]
fn queries_give_what_kenlm_gives() {
    let theirs = include_str!("fixtures/lamps.query");
    let table = read(include_str!("fixtures/lamps.arpa")).unwrap();
    for kind in [BuildKind::Probing, BuildKind::Trie { quantize: false }] {
        let model = Model::from_table(&table, kind).unwrap();
        let (mut sum, mut known_sum, mut tokens, mut oov) = (0.0, 0.0, 0, 0);
        for (text, line) in include_str!("fixtures/query.txt").lines().zip(theirs.lines()) {
            let mut state = model.start();
            let ids = words::split(text.as_bytes()).map(|word| model.vocabulary().id(word));
            for (id, word) in ids.chain([EOS]).zip(line.split('\t')) {
                let fields: Vec<&str> = word.rsplit(['=', ' ']).collect();
                let score = model.advance(&mut state, id);
                let expected: f32 = fields[0].parse().unwrap();
                assert!((score.log10 - expected).abs() < 2e-6, "{kind:?} {word}: {score:?}");
                assert_eq!(fields[1], score.ngram.to_string(), "{kind:?} {word}");
                sum += f64::from(score.log10);
                tokens += 1;
                if id == UNK { oov += 1 } else { known_sum += f64::from(score.log10) }
            }
        }
        let perplexity = |sum: f64, tokens: i32| 10f64.powf(-sum / f64::from(tokens));
        assert_eq!((tokens, oov), (15, 1));
        assert!((perplexity(sum, tokens) - 11.775_228).abs() < 1e-4);
        assert!((perplexity(known_sum, tokens - oov) - 8.289_186).abs() < 1e-4);
    }
}

#[derive(Default)]
struct Notices(Mutex<Vec<String>>);

impl Progress for Notices {
    fn stage(&self, _: Stage, _: Option<u64>) {}

    fn at(&self, _: u64) {}

    fn notice(&self, notice: &str) {
        self.0.lock().unwrap().push(notice.to_owned());
    }
}

/// What KenLM does with words for which an ARPA file has no probability, or one below 1e-99.
#[test]
fn unknown_words_are_as_rare_as_in_kenlm() {
    let without = include_str!("fixtures/no_unk.arpa");
    let with = without
        .replace("ngram 1=4", "ngram 1=5")
        .replace("-0.5\t</s>", "-150.5\t<unk>\n-0.5\t</s>");
    for (file, notices, including) in [(without, 1, 5.352_676e14), (&with, 0, 8.767_115e21)] {
        let said = Notices::default();
        let table = arpa::read(Source::bytes("no_unk.arpa", file), &said).unwrap();
        let said = said.0.into_inner().unwrap();
        assert_eq!(said.len(), notices, "{said:?}");
        let written = read(common::arpa_text(&table)).unwrap();
        for table in [table, written] {
            let near =
                |found: f64, kenlm: f64| assert!((found / kenlm - 1.0).abs() < 2e-6, "{found}");
            let (all, known) = perplexities(&table, &["a b", "b a z"]);
            near(all, including);
            near(known, 3.043_220);
        }
    }
}

/// With and without the words that are not known.
fn perplexities(table: &Table, sentences: &[&str]) -> (f64, f64) {
    let model = Model::from_table(table, BuildKind::Probing).unwrap();
    let (mut all, mut known) = (Vec::new(), Vec::new());
    for sentence in sentences {
        let mut state = model.start();
        let ids = sentence.split(' ').map(|word| model.vocabulary().id(word.as_bytes()));
        for word in ids.chain([EOS]) {
            let log10 = f64::from(model.advance(&mut state, word).log10);
            all.push(log10);
            if word != UNK {
                known.push(log10);
            }
        }
    }
    let perplexity = |log10: &[f64]| 10f64.powf(-log10.iter().sum::<f64>() / log10.len() as f64);
    (perplexity(&all), perplexity(&known))
}
