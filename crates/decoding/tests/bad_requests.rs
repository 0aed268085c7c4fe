//! Every option of a search that makes no sense, and the error that it is.

mod common;

use common::{END, Table, rules};
use lampwick_decoding::{
    BeamOptions, CoveragePenalty, DecodingError, LengthPenalty, Lengths, Rules, Scoring, Sentence,
    beam_search, score_targets,
};

fn fail(sentence: Sentence, rules: &Rules, options: &BeamOptions) -> DecodingError {
    let model = Table::new(1, 6);
    let sentences = [Sentence::of(2), sentence];
    let state = model.state(&[(1, 2), (2, 2)]);
    beam_search(&model, state, &sentences, rules, options).unwrap_err()
}

fn option(options: &BeamOptions) -> DecodingError {
    fail(Sentence::of(2), &rules(5), options)
}

fn rule(rules: &Rules) -> DecodingError {
    fail(Sentence::of(2), rules, &BeamOptions::default())
}

fn sentence(sentence: Sentence) -> DecodingError {
    fail(sentence, &rules(5), &BeamOptions::default())
}

#[test]
fn of_the_beam() {
    let default = BeamOptions::default;
    for width in [0, 100_000] {
        assert_eq!(option(&BeamOptions { width, ..default() }), DecodingError::BeamWidth(width));
    }
    for n_best in [0, 6] {
        let expected = DecodingError::NBest { n_best, width: 5 };
        assert_eq!(option(&BeamOptions { n_best, ..default() }), expected);
    }
    for groups in [0, 2, 10] {
        let expected = DecodingError::Groups { groups, width: 5 };
        assert_eq!(option(&BeamOptions { groups, ..default() }), expected);
    }
    for diversity in [-1.0, f64::INFINITY] {
        let expected = DecodingError::Diversity(diversity);
        assert_eq!(option(&BeamOptions { diversity, ..default() }), expected);
    }
    assert!(matches!(
        option(&BeamOptions { diversity: f64::NAN, ..default() }),
        DecodingError::Diversity(_)
    ));
}

#[test]
fn of_the_penalties() {
    let length = |length| {
        let scoring = Scoring { length, ..Scoring::default() };
        option(&BeamOptions { scoring, ..BeamOptions::default() })
    };
    for bad in [-0.5, f64::INFINITY] {
        let expected = DecodingError::LengthPenalty(bad);
        assert_eq!(length(LengthPenalty::Gnmt { alpha: bad }), expected);
        assert_eq!(length(LengthPenalty::Power { exponent: bad }), expected);
        for coverage in
            [CoveragePenalty::Gnmt { beta: bad }, CoveragePenalty::Summary { beta: bad }]
        {
            let scoring = Scoring { coverage, ..Scoring::default() };
            let options = BeamOptions { scoring, ..BeamOptions::default() };
            assert_eq!(option(&options), DecodingError::CoveragePenalty(bad));
        }
    }
    let reward = f64::NEG_INFINITY;
    assert_eq!(length(LengthPenalty::Reward { reward }), DecodingError::WordReward(reward));
}

#[test]
fn of_the_rules() {
    let lengths = |lengths| rule(&Rules { lengths, ..rules(5) });
    for (min, max) in [(4, 3), (0, usize::MAX)] {
        assert_eq!(lengths(Lengths::between(min, max)), DecodingError::Lengths { min, max });
    }
    for ratio in [-1.0, f64::INFINITY] {
        let expected = DecodingError::LengthRatio(ratio);
        assert_eq!(lengths(Lengths { min_ratio: Some(ratio), ..Lengths::default() }), expected);
        assert_eq!(lengths(Lengths { max_ratio: Some(ratio), ..Lengths::default() }), expected);
    }
    let (min, max) = (2.0, 1.0);
    let ratios = Lengths { min_ratio: Some(min), max_ratio: Some(max), ..Lengths::default() };
    assert_eq!(lengths(ratios), DecodingError::LengthRatios { min, max });
    assert_eq!(rule(&Rules { no_repeat_ngram: Some(0), ..rules(5) }), DecodingError::NoRepeat);
    let unknown = DecodingError::UnknownToken { sequence: 0, token: 6, vocabulary: 6 };
    assert_eq!(rule(&Rules { start: 6, ..rules(5) }), unknown);
    assert_eq!(rule(&Rules { end: 6, ..rules(5) }), unknown);
    let forbidden = vec![vec![3], vec![]];
    let empty = DecodingError::EmptyPhrase { sentence: None };
    assert_eq!(rule(&Rules { forbidden, ..rules(5) }), empty);
    assert!(empty.to_string().starts_with("a list for all sentences holds a phrase without"));
}

#[test]
fn of_a_sentence() {
    let plain = || Sentence::of(2);
    let unknown = DecodingError::UnknownToken { sequence: 1, token: 6, vocabulary: 6 };
    assert_eq!(sentence(Sentence { prefix: vec![6], ..plain() }), unknown);
    assert_eq!(sentence(Sentence { required: vec![vec![3, 6]], ..plain() }), unknown);
    let ends = DecodingError::PrefixEnds { sentence: 1 };
    assert_eq!(sentence(Sentence { prefix: vec![3, END], ..plain() }), ends);
    let too_long = DecodingError::PrefixTooLong { sentence: 1, length: 6, max: 5 };
    assert_eq!(sentence(Sentence { prefix: vec![3; 6], ..plain() }), too_long);
    let empty = DecodingError::EmptyPhrase { sentence: Some(1) };
    assert_eq!(sentence(Sentence { required: vec![vec![]], ..plain() }), empty);
    assert_eq!(sentence(Sentence { forbidden: vec![vec![]], ..plain() }), empty);
    let many = DecodingError::TooManyPhrases { sentence: 1, count: 65 };
    assert_eq!(sentence(Sentence { required: vec![vec![3]; 65], ..plain() }), many);
    assert!(fails_to_search_for(vec![vec![3]; 64]).is_none());
}

/// With the rules and the other phrases, a required one may contradict itself.
fn fails_to_search_for(required: Vec<Vec<u32>>) -> Option<DecodingError> {
    let model = Table::new(1, 6);
    let rules = Rules { suppress: vec![2], forbidden: vec![vec![3, 4]], ..rules(5) };
    let sentences = [Sentence { required, forbidden: vec![vec![5, 5]], ..Sentence::of(2) }];
    let state = model.state(&[(1, 2)]);
    beam_search(&model, state, &sentences, &rules, &BeamOptions::default()).err()
}

#[test]
fn of_what_contradicts_itself() {
    let contradiction = Some(DecodingError::Contradiction { sentence: 0, phrase: 1 });
    for impossible in [vec![2], vec![1, END], vec![1, 3, 4], vec![5, 5, 1], vec![1; 6]] {
        assert_eq!(fails_to_search_for(vec![vec![1], impossible]), contradiction);
    }
    assert_eq!(fails_to_search_for(vec![vec![1], vec![4, 3]]), None);
}

#[test]
fn of_sources() {
    let bare = Sentence::default;
    let missing = DecodingError::NoSource { sentence: 1 };
    let ratio = Lengths { max_ratio: Some(2.0), ..Lengths::default() };
    let default = BeamOptions::default();
    assert_eq!(fail(bare(), &Rules { lengths: ratio, ..rules(5) }, &default), missing);
    let looking = Rules { attention: true, ..rules(5) };
    assert_eq!(fail(bare(), &looking, &default), missing);
    let coverage = CoveragePenalty::Gnmt { beta: 0.2 };
    let scoring = Scoring { coverage, ..Scoring::default() };
    let covering = BeamOptions { scoring, ..BeamOptions::default() };
    assert_eq!(fail(bare(), &rules(5), &covering), missing);
    let too_long = DecodingError::SourceTooLong { sentence: 1, length: 3, positions: 2 };
    assert_eq!(fail(Sentence::of(3), &looking, &default), too_long);

    let model = Table::new(1, 6);
    let force = |sentences: &[Sentence], targets: &[Vec<u32>]| {
        let state = model.state(&[(1, 2)]);
        score_targets(&model, state, sentences, targets, &looking, &scoring).unwrap_err()
    };
    let one = vec![vec![3]];
    assert_eq!(force(&[bare()], &one), DecodingError::NoSource { sentence: 0 });
    let count = DecodingError::TargetCount { targets: 1, sentences: 0 };
    assert_eq!(force(&[], &one), count);
    let unknown = DecodingError::UnknownToken { sequence: 0, token: 9, vocabulary: 6 };
    assert_eq!(force(&[Sentence::of(2)], &[vec![9]]), unknown);
}
