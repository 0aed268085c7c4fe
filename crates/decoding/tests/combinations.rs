//! Several models as one.

mod common;

use common::{END, START, Table, rules};
use lampwick_decoding::{
    BeamOptions, Combination, DecodingError, Ensemble, LengthPenalty, Lengths, NgramTokens, Rules,
    Scoring, Sentence, ShallowFusion, beam_search, greedy, score_targets,
};
use lampwick_models::{Attention, NextToken};
use lampwick_ngram::{BOS, BuildKind, EOS, Model, Settings, Silent, Smoothing, Source, UNK, train};

const SOURCES: [(u64, usize); 3] = [(1, 4), (2, 2), (3, 0)];

fn tables(count: u64) -> Vec<Table> {
    (0..count).map(|seed| Table::new(seed, 300)).collect()
}

/// What each model says after some tokens, and what they say together.
fn said(combination: Combination, weights: &[f32]) -> (Vec<Vec<f32>>, Vec<f32>) {
    let models = tables(weights.len() as u64);
    let ensemble = Ensemble::new(models.clone(), weights.to_vec(), combination).unwrap();
    let mut together = ensemble.state(models.iter().map(|model| model.state(&SOURCES)).collect());
    let mut alone: Vec<_> = models.iter().map(|model| model.state(&SOURCES)).collect();
    let (mut rows, mut log_probs) = (vec![Vec::new(); models.len()], Vec::new());
    for (tokens, indices) in [([START; 3], [2, 0, 1]), ([5, 6, 7], [0, 1, 2])] {
        together = ensemble.next(&tokens, together, &mut log_probs);
        together = ensemble.select(&together, &indices);
        for ((model, state), row) in models.iter().zip(&mut alone).zip(&mut rows) {
            *state = model.next(&tokens, state.clone(), row);
            *state = model.select(state, &indices);
        }
    }
    (rows, log_probs)
}

#[test]
fn a_linear_ensemble_is_the_weighted_sum() {
    let weights = [2.0, 1.0, 5.0];
    let (rows, together) = said(Combination::Linear, &weights);
    assert_eq!(together.len(), 900);
    for (index, &found) in together.iter().enumerate() {
        let each = rows.iter().zip(weights);
        let expected: f64 =
            each.map(|(row, w)| f64::from(w) / 8.0 * f64::from(row[index]).exp()).sum();
        assert!((f64::from(found).exp() - expected).abs() < 1e-6);
    }
}

#[test]
fn a_log_linear_ensemble_is_the_normalised_product() {
    let weights = [1.0, 3.0];
    let (rows, together) = said(Combination::LogLinear, &weights);
    for (row, found) in together.chunks(300).enumerate() {
        let product: Vec<f64> = (row * 300..(row + 1) * 300)
            .map(|i| (0.25 * f64::from(rows[0][i]) + 0.75 * f64::from(rows[1][i])).exp())
            .collect();
        let sum: f64 = product.iter().sum();
        for (&found, expected) in found.iter().zip(product) {
            assert!((f64::from(found).exp() - expected / sum).abs() < 1e-6);
        }
    }
}

/// The same row for every sequence.
#[derive(Clone)]
struct Fixed(Vec<f32>);

impl NextToken for Fixed {
    type State = usize;

    fn vocabulary_size(&self) -> usize {
        self.0.len()
    }

    fn start(&self, batch: usize) -> usize {
        batch
    }

    fn next(&self, tokens: &[u32], batch: usize, log_probs: &mut Vec<f32>) -> usize {
        assert_eq!(tokens.len(), batch);
        *log_probs = self.0.repeat(batch);
        batch
    }

    fn select(&self, _: &usize, indices: &[usize]) -> usize {
        indices.len()
    }
}

#[test]
fn what_is_unlikely_keeps_its_digits_and_what_is_impossible_stays_so() {
    let half = 0.5f32.ln();
    let first = Fixed(vec![half, half, -200.0, f32::NEG_INFINITY, f32::NEG_INFINITY]);
    let second = Fixed(vec![half, f32::NEG_INFINITY, -202.0, half, f32::NEG_INFINITY]);
    let says = |combination| {
        let both = vec![first.clone(), second.clone()];
        let ensemble = Ensemble::new(both, vec![1.0, 1.0], combination).unwrap();
        let mut log_probs = Vec::new();
        ensemble.next(&[0], ensemble.start(1), &mut log_probs);
        log_probs
    };
    let linear = says(Combination::Linear);
    assert!((linear[0] - half).abs() < 1e-6);
    assert!((linear[1] - 0.25f32.ln()).abs() < 1e-6 && (linear[3] - linear[1]).abs() < 1e-6);
    assert!((linear[2] - (half - 200.0 + (1.0 + (-2.0f32).exp()).ln())).abs() < 1e-4);
    assert_eq!(linear[4], f32::NEG_INFINITY);
    let product = says(Combination::LogLinear);
    assert!(product[0].abs() < 1e-6 && (product[2] + 201.0 + half).abs() < 1e-4);
    assert!([1, 3, 4].iter().all(|&token: &usize| product[token] == f32::NEG_INFINITY));
}

#[test]
fn an_ensemble_of_one_finds_what_its_member_finds() {
    let model = Table::new(4, 10);
    let sentences: Vec<Sentence> = SOURCES.iter().map(|source| Sentence::of(source.1)).collect();
    let options = BeamOptions { n_best: 3, ..BeamOptions::default() };
    let rules = Rules { attention: true, ..rules(9) };
    let alone = beam_search(&model, model.state(&SOURCES), &sentences, &rules, &options).unwrap();
    for combination in [Combination::Linear, Combination::LogLinear] {
        let ensemble = Ensemble::new(vec![&model], vec![3.0], combination).unwrap();
        let state = ensemble.state(vec![model.state(&SOURCES)]);
        let found = beam_search(&ensemble, state, &sentences, &rules, &options).unwrap();
        for (found, alone) in found.iter().flatten().zip(alone.iter().flatten()) {
            assert_eq!((&found.tokens, &found.attention), (&alone.tokens, &alone.attention));
            assert!((found.score - alone.score).abs() < 1e-5);
        }
    }
}

#[test]
fn an_ensemble_looks_where_its_members_look() {
    let models = tables(2);
    let ensemble =
        Ensemble::new(models.iter().collect(), vec![1.0, 3.0], Combination::Linear).unwrap();
    let state = ensemble.state(models.iter().map(|model| model.state(&SOURCES)).collect());
    assert_eq!(ensemble.attention(&state), None);
    let state = ensemble.next(&[START; 3], state, &mut Vec::new());
    let Attention { weights, positions } = ensemble.attention(&state).unwrap();
    let alone = models.iter().map(|model| {
        let state = model.next(&[START; 3], model.state(&SOURCES), &mut Vec::new());
        model.attention(&state).unwrap().weights.to_vec()
    });
    let alone: Vec<Vec<f32>> = alone.collect();
    assert_eq!((weights.len(), positions), (12, 4));
    for (index, weight) in weights.iter().enumerate() {
        assert!((weight - 0.25 * alone[0][index] - 0.75 * alone[1][index]).abs() < 1e-6);
    }
}

#[test]
fn fusion_adds_the_language_model() {
    let (translator, language) = (Table::new(1, 6), Table::new(2, 9));
    // The language model knows the end and the start by other names.
    let map = vec![8, 7, 3, 3, 1, 0];
    let fused = ShallowFusion::new(&translator, &language, 0.4, map.clone()).unwrap();
    let sentences: Vec<Sentence> = SOURCES.iter().map(|source| Sentence::of(source.1)).collect();
    let state = fused.state(translator.state(&SOURCES), language.start(3));
    let options = BeamOptions { width: 8, n_best: 4, ..BeamOptions::default() };
    let found = beam_search(&fused, state, &sentences, &rules(7), &options).unwrap();
    for ((best, source), sentence) in found.iter().zip(SOURCES).zip(sentences) {
        let mut scores = Vec::new();
        for hypothesis in best.iter().filter(|hypothesis| hypothesis.finished) {
            let score = |model: &Table, state, rules: &Rules, tokens: Vec<u32>| {
                let sentence = std::slice::from_ref(&sentence);
                let none = lampwick_decoding::Scoring::default();
                score_targets(model, state, sentence, &[tokens], rules, &none).unwrap()[0].log_prob
            };
            let tokens = hypothesis.tokens.clone();
            let first = score(&translator, translator.state(&[source]), &rules(7), tokens);
            let tokens = hypothesis.tokens.iter().map(|&token| map[token as usize]).collect();
            let names = Rules { start: map[START as usize], end: map[END as usize], ..rules(7) };
            let second = score(&language, language.start(1), &names, tokens);
            assert!((hypothesis.log_prob - first - 0.4 * second).abs() < 1e-4);
            scores.push(hypothesis.log_prob);
        }
        assert!(scores.len() > 1 && scores.is_sorted_by(|a, b| a >= b));
    }
    let state = fused.state(translator.state(&SOURCES), language.start(3));
    let looking = Rules { attention: true, ..rules(7) };
    let sentences: Vec<Sentence> = SOURCES.iter().map(|source| Sentence::of(source.1)).collect();
    let one = greedy(&fused, state, &sentences, &looking).unwrap();
    assert_eq!(one[0].attention.as_ref().unwrap().positions(), 4);
}

/// The likeliest sentences of an n-gram model, alone and beside a model that knows nothing: fused, a
/// reward gives back what the other takes for each token.
#[test]
fn an_ngram_model_is_searched_and_fused() {
    const TEXT: &str = "the lamp burns\nthe lamp waits\na wick burns low\nthe wick burns\n";
    let settings = Settings { order: 3, smoothing: Smoothing::WittenBell, ..Settings::default() };
    let table = train(vec![Source::bytes("text", TEXT)], &settings, &Silent).unwrap().table;
    let model = Model::from_table(&table, BuildKind::Trie { quantize: false }).unwrap();
    let language = NgramTokens::new(&model);
    let rules = Rules {
        start: BOS,
        end: EOS,
        lengths: Lengths::between(1, 8),
        suppress: vec![UNK, BOS],
        ..Rules::default()
    };
    let options = BeamOptions { width: 20, n_best: 5, ..BeamOptions::default() };
    let asked = [Sentence::default()];
    let alone = beam_search(&language, language.start(1), &asked, &rules, &options).unwrap();
    // Every burning lamp may burn low, every waiting one just waits.
    let likeliest = ["the", "lamp", "waits"].map(|word| model.vocabulary().id(word.as_bytes()));
    assert_eq!(alone[0][0].tokens, likeliest);
    for hypothesis in &alone[0] {
        let mut state = model.start();
        let ended = hypothesis.tokens.iter().chain(&[EOS]);
        let expected: f64 = ended.map(|&word| model.advance(&mut state, word).ln()).sum();
        assert!((hypothesis.log_prob - expected).abs() < 1e-4);
    }
    // Nothing of up to four words is likelier.
    let size = language.vocabulary_size() as u32;
    let mut open = vec![(model.start(), 0.0)];
    for _ in 1..=4 {
        let longer = open.iter().flat_map(|&(state, log_prob)| {
            let model = &model;
            (0..size).filter(|word| ![UNK, BOS, EOS].contains(word)).map(move |word| {
                let mut state = state;
                let log_prob = log_prob + model.advance(&mut state, word).ln();
                (state, log_prob)
            })
        });
        open = longer.collect();
        for &(mut state, log_prob) in &open {
            let whole = log_prob + model.advance(&mut state, EOS).ln();
            assert!(whole < alone[0][0].log_prob + 1e-4);
        }
    }
    let size = language.vocabulary_size();
    let ignorant = Fixed(vec![-(size as f32).ln(); size]);
    let fused = ShallowFusion::new(ignorant, language, 1.0, (0..size as u32).collect()).unwrap();
    let length = LengthPenalty::Reward { reward: (size as f64).ln() };
    let scoring = Scoring { length, ..Scoring::default() };
    let options = BeamOptions { scoring, ..options };
    let found = beam_search(&fused, fused.start(1), &asked, &rules, &options).unwrap();
    for (found, alone) in found[0].iter().zip(&alone[0]) {
        assert_eq!(found.tokens, alone.tokens);
        assert!((found.score - alone.score).abs() < 1e-4);
    }
}

#[test]
fn models_that_do_not_fit_are_refused() {
    let new = |models: Vec<Table>, weights: &[f32]| {
        Ensemble::new(models, weights.to_vec(), Combination::Linear).map(|_| ()).unwrap_err()
    };
    let size = |models, weights| DecodingError::EnsembleSize { models, weights };
    assert_eq!(new(vec![], &[]), size(0, 0));
    assert_eq!(new(tables(2), &[1.0]), size(2, 1));
    for weight in [0.0, -1.0, f32::INFINITY] {
        let expected = DecodingError::Weight { model: 1, weight };
        assert_eq!(new(tables(2), &[1.0, weight]), expected);
        let fused = ShallowFusion::new(Table::new(0, 2), Table::new(0, 2), weight, vec![0, 1]);
        assert_eq!(fused.map(|_| ()).unwrap_err(), expected);
    }
    assert!(matches!(new(tables(1), &[f32::NAN]), DecodingError::Weight { model: 0, .. }));
    assert_eq!(
        new(vec![Table::new(0, 3), Table::new(0, 4)], &[1.0, 1.0]),
        DecodingError::EnsembleVocabulary { model: 1, found: 4, expected: 3 }
    );
    for map in [vec![0, 2], vec![0], vec![0, 1, 1]] {
        let fused = ShallowFusion::new(Table::new(0, 2), Table::new(0, 2), 1.0, map);
        assert!(matches!(fused.map(|_| ()).unwrap_err(), DecodingError::TokenMap { .. }));
    }
}
