//! n-gram models, and mixtures, as models that text is drawn from.

use std::ops::ControlFlow;

use lampwick_decoding::{GenerateOptions, Mixture, NgramTokens, generate, score};
use lampwick_models::NextToken;
use lampwick_ngram::{BOS, BuildKind, EOS, Model, Settings, Silent, Smoothing, Source, UNK, train};

fn model(text: &str, order: usize) -> Model {
    // So small a text leaves the discounts of Kneser-Ney at their bounds.
    let settings = Settings { order, smoothing: Smoothing::WittenBell, ..Settings::default() };
    let sources = vec![Source::bytes("text", text)];
    let table = train(sources, &settings, &Silent).unwrap().table;
    Model::from_table(&table, BuildKind::Trie { quantize: false }).unwrap()
}

const TEXT: &str = "the lamp burns\nthe lamp waits\na wick burns low\nthe wick burns\n";

#[test]
fn every_row_sums_to_one_and_says_what_the_model_says() {
    let model = model(TEXT, 3);
    let tokens = NgramTokens::new(&model);
    let size = tokens.vocabulary_size();
    let ids = |text: &str| -> Vec<u32> {
        let words = text.split(' ').map(|word| model.vocabulary().id(word.as_bytes()));
        words.chain([EOS]).collect()
    };
    let sentences = vec![ids("the lamp burns"), ids("a wick waits"), ids("burns")];
    let (mut state, mut rows) = (tokens.start(2), Vec::new());
    for read in [[EOS, BOS], [3, 4], [5, 3]] {
        state = tokens.next(&read, state, &mut rows);
        for row in rows.chunks(size) {
            let sum: f64 = row.iter().map(|&p| f64::from(p).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
            assert_eq!(row[BOS as usize], f32::NEG_INFINITY);
        }
    }
    for (sentence, scores) in sentences.iter().zip(score(&tokens, &sentences, EOS).unwrap()) {
        let mut state = model.start();
        for (&word, found) in sentence.iter().zip(scores) {
            let expected = model.advance(&mut state, word).ln();
            assert!((f64::from(found) - expected).abs() < 1e-4);
        }
    }
}

#[test]
fn text_is_drawn_from_it() {
    let model = model(TEXT, 3);
    let options = GenerateOptions {
        max_tokens: 30,
        stop: Some(EOS),
        suppress: vec![UNK, BOS],
        ..GenerateOptions::default()
    };
    let prompts = vec![vec![BOS]; 50];
    let tokens = NgramTokens::new(&model);
    let drawn = generate(&tokens, &prompts, &options, |_| ControlFlow::Continue(())).unwrap();
    let begin = |word: &str| {
        let id = model.vocabulary().id(word.as_bytes());
        drawn.iter().filter(|sample| sample.tokens[0] == id).count()
    };
    // Three of four sentences begin with `the`.
    assert!(begin("the") > begin("a") + 5, "{} {}", begin("the"), begin("a"));
}

#[test]
fn a_mixture_is_the_weighted_sum() {
    let (first, second) = (model(TEXT, 3), model("the moon burns\nno lamp waits\n", 2));
    let words: Vec<&[u8]> = first.vocabulary().iter().collect();
    let map: Vec<u32> = words.iter().map(|word| second.vocabulary().id(word)).collect();
    let (a, b) = (NgramTokens::new(&first), NgramTokens::new(&second));
    let mixture = Mixture::new(a, b, 0.25, map.clone());
    let the = first.vocabulary().id(b"the");
    let mut mixed = Vec::new();
    let state = mixture.next(&[EOS], mixture.start(1), &mut mixed);
    mixture.next(&[the], state, &mut mixed);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    a.next(&[the], a.start(1), &mut left);
    b.next(&[map[the as usize]], b.start(1), &mut right);
    for (token, &other) in map.iter().enumerate() {
        let expected = 0.75 * left[token].exp() + 0.25 * right[other as usize].exp();
        assert!((mixed[token].exp() - expected).abs() < 1e-6, "{token}");
    }
}
