//! Greedy decoding and sampling of targets.

mod common;

use common::{END, START, Table, all_targets, hash, rules};
use lampwick_decoding::{
    DecodingError, Hypothesis, Rules, Sampling, Scoring, Sentence, greedy, sample, score_targets,
};
use lampwick_models::NextToken;

/// Sentences whose streams do not overlap.
fn sentences(sources: &[(u64, usize)]) -> Vec<Sentence> {
    let ask = |&(name, length): &(u64, usize)| Sentence {
        prefix: if name % 3 == 0 { vec![4, 4, START] } else { vec![] },
        stream: name * 1000,
        ..Sentence::of(length)
    };
    sources.iter().map(ask).collect()
}

fn strict() -> Rules {
    Rules {
        suppress: vec![2],
        forbidden: vec![vec![3, 3], vec![5, END]],
        no_repeat_ngram: Some(2),
        attention: true,
        lengths: lampwick_decoding::Lengths::between(1, 9),
        ..rules(9)
    }
}

#[test]
fn targets_come_as_often_as_they_are_likely() {
    let model = Table::new(1, 4);
    let source = (5, 2);
    let all = all_targets(&model, source, &Sentence::of(2), &rules(2), &Scoring::default());
    let draws = 20_000;
    let sampling = Sampling::default();
    let sentences = [Sentence::of(2)];
    let drawn =
        sample(&model, model.state(&[source]), &sentences, &rules(2), &sampling, draws).unwrap();
    assert_eq!(drawn[0].len(), draws);
    let mut statistic = 0.0;
    let mut finished = 0;
    for target in &all {
        let seen = |one: &&Hypothesis| one.finished && one.tokens == target.tokens;
        let count = drawn[0].iter().filter(seen).count();
        let expected = target.log_prob.exp() * draws as f64;
        statistic += (count as f64 - expected).powi(2) / expected;
        finished += count;
    }
    let expected = all.iter().map(|target| target.log_prob.exp()).sum::<f64>() * draws as f64;
    let others = draws as f64 - expected;
    statistic += ((draws - finished) as f64 - others).powi(2) / others;
    let freedom = all.len() as f64;
    assert!(statistic < freedom + 4.0 * (2.0 * freedom).sqrt(), "{statistic} of {freedom}");
}

#[test]
fn the_batch_changes_no_sample() {
    let model = Table::new(2, 12);
    let sources: Vec<(u64, usize)> = (0..24).map(|name| (name, 1 + name as usize % 5)).collect();
    let sampling = Sampling { temperature: 0.8, top_p: Some(0.95), seed: 3, ..Sampling::default() };
    let draw = |sources: &[(u64, usize)], samples| {
        let state = model.state(sources);
        sample(&model, state, &sentences(sources), &strict(), &sampling, samples).unwrap()
    };
    let together = draw(&sources, 5);
    assert!(together.iter().flatten().filter(|one| one.finished).count() > 20);
    assert_ne!(together[0][0], together[0][1]);
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&index| hash(index as u64));
    for part in order.chunks(7) {
        let some: Vec<(u64, usize)> = part.iter().map(|&index| sources[index]).collect();
        for (found, &index) in draw(&some, 3).iter().zip(part) {
            assert_eq!(found, &together[index][..3]);
        }
    }
}

#[test]
fn rules_hold_and_scores_are_those_by_force() {
    let model = Table::new(3, 9);
    let sources: Vec<(u64, usize)> = (0..40).map(|name| (name, 1 + name as usize % 5)).collect();
    let (rules, scoring) = (strict(), Scoring::default());
    let (asked, sampling) = (sentences(&sources), Sampling::default());
    let drawn = sample(&model, model.state(&sources), &asked, &rules, &sampling, 1).unwrap();
    let mut finished = 0;
    for ((one, source), asked) in drawn.iter().flatten().zip(&sources).zip(&asked) {
        assert!(one.tokens.starts_with(&asked.prefix));
        let free = &one.tokens[asked.prefix.len()..];
        assert!(!free.contains(&2) && one.tokens.len() <= 9);
        assert!(!one.tokens.windows(2).skip(2).any(|pair| pair == [3, 3]));
        assert!(!one.finished || !one.tokens.is_empty() && !one.tokens.ends_with(&[5]));
        if one.finished {
            let asked = std::slice::from_ref(asked);
            let (state, tokens) = (model.state(&[*source]), vec![one.tokens.clone()]);
            let forced = score_targets(&model, state, asked, &tokens, &rules, &scoring).unwrap();
            assert_eq!(&forced[0], one);
            finished += 1;
        }
    }
    assert!(finished > 10);
}

#[test]
fn greedy_takes_the_likeliest_of_each_step() {
    let model = Table::new(4, 9);
    let sources: Vec<(u64, usize)> = (0..10).map(|name| (name, 2)).collect();
    let asked: Vec<Sentence> = sources.iter().map(|source| Sentence::of(source.1)).collect();
    for (one, source) in
        greedy(&model, model.state(&sources), &asked, &rules(12)).unwrap().iter().zip(&sources)
    {
        let (mut state, mut log_probs) = (model.state(&[*source]), Vec::new());
        let mut read = START;
        let ended = one.tokens.iter().copied().chain(one.finished.then_some(END));
        for (token, given) in ended.zip(&one.log_probs) {
            state = model.next(&[read], state, &mut log_probs);
            assert!(log_probs.iter().all(|&other| other <= log_probs[token as usize]));
            assert_eq!(*given, log_probs[token as usize]);
            read = token;
        }
        assert!(one.finished || one.tokens.len() == 12);
    }
}

#[test]
fn what_a_single_path_cannot_do_is_refused() {
    let model = Table::new(5, 9);
    let sources = [(1, 2), (2, 2)];
    let fail = |sentences: &[Sentence], rules: &Rules, samples| {
        let sampling = Sampling::default();
        sample(&model, model.state(&sources), sentences, rules, &sampling, samples).unwrap_err()
    };
    let plain = Sentence::of(2);
    let required = Sentence { required: vec![vec![3]], ..plain.clone() };
    let without = DecodingError::RequiredWithoutBeam { sentence: 1 };
    assert_eq!(fail(&[plain.clone(), required], &rules(5), 1), without);
    assert_eq!(fail(&[plain.clone(), plain], &rules(5), 0), DecodingError::Samples);
    let two = [Sentence::default(), Sentence::default()];
    let looking = Rules { attention: true, ..rules(5) };
    assert_eq!(fail(&two, &looking, 1), DecodingError::NoSource { sentence: 0 });
    let long = [Sentence::of(3), Sentence::of(2)];
    let too_long = DecodingError::SourceTooLong { sentence: 0, length: 3, positions: 2 };
    assert_eq!(fail(&long, &looking, 1), too_long);
}
