//! The Penn Treebank's figures, as KenLM has them (Mikolov's preprocessing). The text may not be
//! passed on: `LAMPWICK_DATA` names a folder with ptb/ptb.{train,valid,test}.txt.

mod common;

use std::env;
use std::fs;
use std::path::PathBuf;

use common::trained;
use lampwick_ngram::{BOS, BuildKind, EOS, Model, Settings, Table, UNK, words};

fn penn_treebank() -> Option<PathBuf> {
    let folder = env::var_os("LAMPWICK_DATA").map(|data| PathBuf::from(data).join("ptb"));
    let there = folder.filter(|folder| folder.join("ptb.train.txt").exists());
    if there.is_none() {
        println!("skipped: no data");
    }
    there
}

fn perplexity(table: &Table, text: &[u8]) -> f64 {
    let model = Model::from_table(table, BuildKind::Probing).unwrap();
    let (mut sum, mut tokens) = (0.0, 0u64);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let mut state = model.start();
        for id in words::split(line).map(|word| model.vocabulary().id(word)).chain([EOS]) {
            sum += f64::from(model.advance(&mut state, id).log10);
            tokens += 1;
        }
    }
    10f64.powf(-sum / tokens as f64)
}

/// Perplexities of orders 2 to 6, n-gram counts and discounts of the 5-gram model. lmplz refuses
/// `<unk>` in the text, so the figures were made with another word in its place.
#[test]
fn orders_2_to_6_are_as_published_on_ptb() {
    let Some(ptb) = penn_treebank() else { return };
    let text = |part: &str| fs::read_to_string(ptb.join(format!("ptb.{part}.txt"))).unwrap();
    let [train, valid, test] =
        ["train", "valid", "test"].map(|part| text(part).replace("<unk>", "UNKNOWN"));
    let published = [
        (2, 199.02, 185.70),
        (3, 157.77, 148.28),
        (4, 149.90, 142.72),
        (5, 148.01, 141.19),
        (6, 147.36, 140.84),
    ];
    for (order, on_valid, on_test) in published {
        let settings = Settings { order, as_lmplz: true, ..Settings::default() };
        let trained = trained(&train, &settings);
        for (text, expected) in [(&valid, on_valid), (&test, on_test)] {
            let found = perplexity(&trained.table, text.as_bytes());
            assert!((found - expected).abs() < 0.0051, "order {order}: {found}, not {expected}");
        }
        if order == 5 {
            assert_eq!(trained.table.counts(), [10_002, 264_990, 586_558, 717_733, 737_952]);
            let expected = [
                [0.25656, 0.82888, 1.26492],
                [0.727802, 1.09876, 1.4713],
                [0.868879, 1.25462, 1.44822],
                [0.942828, 1.38314, 1.43173],
                [0.959671, 1.3879, 1.24171],
            ];
            for (order, expected) in trained.orders.iter().zip(expected) {
                let found = order.discounts.unwrap().amounts;
                let near = |(d, e): (&f64, f64)| (d - e).abs() < 1e-5;
                assert!(found.iter().zip(expected).all(near), "{found:?}, not {expected:?}");
            }
        }
    }
}

/// With `<unk>` as the word that it is in this text, nothing else changes: one entry less, the same
/// perplexities; and 8 bits are enough for each number, in 3.5 bytes an n-gram (KenLM: 5.25), or 2.4 (as tongrams).
#[test]
fn unk_is_a_word_like_any_other_on_ptb() {
    let Some(ptb) = penn_treebank() else { return };
    let text = |part: &str| fs::read(ptb.join(format!("ptb.{part}.txt"))).unwrap();
    let trained = trained(text("train"), &Settings::default());
    assert_eq!(trained.table.counts(), [10_001, 264_990, 586_558, 717_733, 737_952]);
    assert!(trained.text.unk > 40_000 && trained.table.words().get(b"<unk>") == Some(UNK));
    assert!((perplexity(&trained.table, &text("test")) - 141.19).abs() < 0.0051);
    let sizes = [
        (BuildKind::Trie { quantize: false }, 8.5),
        (BuildKind::Trie { quantize: true }, 3.5),
        (BuildKind::Compact { quantize: false }, 5.6),
        (BuildKind::Compact { quantize: true }, 2.4),
    ];
    for (kind, most) in sizes {
        let small = Model::from_table(&trained.table, kind).unwrap();
        let ngrams: u64 = small.counts().iter().sum();
        assert!((small.bytes() as f64) < most * ngrams as f64, "{kind:?}: {} bytes", small.bytes());
        let state = small.start();
        assert_ne!(small.score(&state, 5).1, small.score(&state, BOS).1);
    }
}
