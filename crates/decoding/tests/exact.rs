//! Beam search against looking at everything: the beam that holds all is exact, and a beam of one is greedy.

mod common;

use common::{END, Table, all_targets, rules, scorings, search, sentences};
use lampwick_decoding::{
    BeamOptions, Hypothesis, LengthPenalty, Lengths, Rules, Scoring, Sentence, greedy,
};

/// As wide as all targets of five ordinary tokens of three, and one token of four after them.
const FULL: usize = 972;

/// The beam that holds everything finds what looking at everything finds.
fn assert_exact(seed: u64, sentence: &Sentence, rules: &Rules, scoring: Scoring) {
    let model = Table::new(seed, 4);
    let source = (seed + 100, sentence.source.unwrap());
    let all = all_targets(&model, source, sentence, rules, &scoring);
    let options = BeamOptions { width: FULL, n_best: 10, scoring, ..BeamOptions::default() };
    let found =
        search(&model, &[source], std::slice::from_ref(sentence), rules, &options).remove(0);
    if all.is_empty() {
        assert_eq!(found.len(), 1);
        assert!(!found[0].finished);
        return;
    }
    assert_eq!(found.len(), all.len().min(10), "{sentence:?} {rules:?}");
    for (found, expected) in found.iter().zip(&all) {
        assert!(found.finished);
        assert!((found.score - expected.score).abs() < 1e-9, "{found:?} {expected:?} {scoring:?}");
        let same = all.iter().find(|other| other.tokens == found.tokens).expect("it is allowed");
        assert!((same.score - found.score).abs() < 1e-9);
        assert_eq!(same.log_prob, found.log_prob);
    }
}

#[test]
fn the_full_beam_is_exact_under_every_penalty() {
    for seed in 0..6 {
        for scoring in scorings() {
            assert_exact(seed, &Sentence::of(1 + seed as usize % 4), &rules(5), scoring);
        }
    }
}

#[test]
fn the_full_beam_is_exact_under_every_rule() {
    let scoring = Scoring { length: LengthPenalty::Gnmt { alpha: 1.0 }, ..Scoring::default() };
    let ratios = Lengths {
        min_ratio: Some(0.5),
        max_ratio: Some(1.0),
        max_offset: 1,
        ..Lengths::between(1, 5)
    };
    let plain = Sentence::of(3);
    for seed in 10..16 {
        let with = |lengths| Rules { lengths, ..rules(5) };
        assert_exact(seed, &plain, &with(Lengths::between(3, 5)), scoring);
        assert_exact(seed, &plain, &with(Lengths::between(0, 0)), scoring);
        assert_exact(seed, &plain, &with(ratios), scoring);
        assert_exact(seed, &Sentence::of(1), &with(ratios), scoring);
        assert_exact(seed, &plain, &Rules { suppress: vec![2, 77], ..rules(5) }, scoring);
        for n in 1..4 {
            assert_exact(seed, &plain, &Rules { no_repeat_ngram: Some(n), ..rules(5) }, scoring);
        }
        let forbidden = vec![vec![1, 2], vec![3, END], vec![2, 2, 3], vec![3, 3]];
        let rules = Rules { forbidden, ..rules(5) };
        assert_exact(seed, &plain, &rules, scoring);
        let own = Sentence { forbidden: vec![vec![1]], ..plain.clone() };
        assert_exact(seed, &own, &rules, scoring);
        let begun = Sentence { prefix: vec![1, 2, 1], ..plain.clone() };
        assert_exact(seed, &begun, &Rules { no_repeat_ngram: Some(2), ..rules }, scoring);
    }
}

#[test]
fn the_full_beam_is_exact_with_required_phrases() {
    let phrases: [&[&[u32]]; 7] = [
        &[&[2]],
        &[&[1, 2], &[2, 3]], // one target holds both in three tokens
        &[&[1, 1, 2], &[1, 2]],
        &[&[3, 1], &[1, 3], &[2]],
        &[&[2, 2, 2, 2, 2]],
        &[&[1, 2, 3], &[3, 2, 1]],
        &[&[1], &[1]],
    ];
    for seed in 20..24 {
        for (scoring, required) in scorings().iter().zip(phrases.iter().cycle()) {
            let required: Vec<Vec<u32>> = required.iter().map(|phrase| phrase.to_vec()).collect();
            let sentence = Sentence { required, ..Sentence::of(3) };
            assert_exact(seed, &sentence, &rules(5), *scoring);
            let forbidden = vec![vec![3, 3], vec![2, 1, 2]];
            assert_exact(seed, &sentence, &Rules { forbidden, ..rules(5) }, *scoring);
            let begun = Sentence { prefix: vec![1, 2], ..sentence };
            assert_exact(seed, &begun, &rules(5), *scoring);
        }
    }
    // Nothing holds all three.
    let required = vec![vec![1, 1, 1], vec![2, 2, 2], vec![3, 3, 3]];
    assert_exact(24, &Sentence { required, ..Sentence::of(3) }, &rules(5), Scoring::default());
}

#[test]
fn a_beam_of_one_is_greedy_and_one_that_holds_all_is_no_worse() {
    for seed in 0..30 {
        let model = Table::new(seed, 4);
        let sources = [(1, 2)];
        let state = model.state(&sources);
        let one = greedy(&model, state, &sentences(&sources), &rules(5)).unwrap().remove(0);
        // Whatever a penalty would say of a longer target.
        for scoring in scorings() {
            let options = BeamOptions { width: 1, scoring, ..BeamOptions::default() };
            let beam =
                search(&model, &sources, &sentences(&sources), &rules(5), &options).remove(0);
            if one.finished {
                let score = beam[0].score;
                assert_eq!(beam, [Hypothesis { score, ..one.clone() }], "a beam of one is greedy");
            }
        }
        let options = BeamOptions::default();
        let options = BeamOptions { width: FULL, ..options };
        let full = search(&model, &sources, &sentences(&sources), &rules(5), &options);
        assert!(!one.finished || full[0][0].log_prob >= one.log_prob);
    }
}
