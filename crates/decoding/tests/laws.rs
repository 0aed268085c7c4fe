//! Laws of sampling, generation and scoring.

use std::ops::ControlFlow;

use lampwick_decoding::{
    DecodingError, Finish, GenerateOptions, Sampler, Sampling, generate, score,
};
use lampwick_models::NextToken;

/// A bigram model: what follows depends on the last token and on how many were read.
struct Bigram;

const VOCABULARY: usize = 7;

impl NextToken for Bigram {
    type State = Vec<u32>;

    fn vocabulary_size(&self) -> usize {
        VOCABULARY
    }

    fn start(&self, batch: usize) -> Vec<u32> {
        vec![0; batch]
    }

    fn next(&self, tokens: &[u32], state: Vec<u32>, log_probs: &mut Vec<f32>) -> Vec<u32> {
        assert_eq!(tokens.len(), state.len());
        log_probs.clear();
        for (&token, &read) in tokens.iter().zip(&state) {
            let weight = |v: usize| f64::from((v as u32 * 31 + token * 17 + read * 7) % 13) + 0.5;
            let total: f64 = (0..VOCABULARY).map(weight).sum();
            log_probs.extend((0..VOCABULARY).map(|v| (weight(v) / total).ln() as f32));
        }
        state.iter().map(|read| read + 1).collect()
    }

    fn select(&self, state: &Vec<u32>, indices: &[usize]) -> Vec<u32> {
        indices.iter().map(|&index| state[index]).collect()
    }
}

fn sampler(temperature: f64, top_k: Option<usize>, top_p: Option<f64>, stream: u64) -> Sampler {
    let sampling = Sampling { temperature, top_k, top_p, seed: 5, ..Sampling::default() };
    Sampler::new(&sampling, stream).unwrap()
}

/// `ln` of a distribution over `n` tokens with every kind of size.
fn distribution(n: usize) -> Vec<f32> {
    let weights: Vec<f64> = (0..n).map(|i| f64::from((i as u32 * 7919) % 97) + 0.3).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| (w / total).ln() as f32).collect()
}

/// Pearson's statistic is within four standard deviations of its mean.
fn assert_chi_square(counts: &[usize], expected: &[f64]) {
    let draws: usize = counts.iter().sum();
    let kept = expected.iter().filter(|&&p| p > 0.0).count();
    let mut statistic = 0.0;
    for (&count, &p) in counts.iter().zip(expected) {
        if p == 0.0 {
            assert_eq!(count, 0, "a token of probability 0 was drawn");
        } else {
            statistic += (count as f64 - p * draws as f64).powi(2) / (p * draws as f64);
        }
    }
    let freedom = (kept - 1) as f64;
    let bound = freedom + 4.0 * (2.0 * freedom).sqrt();
    assert!(statistic < bound, "chi square {statistic} over {bound} at {freedom} degrees");
}

fn frequencies(mut sampler: Sampler, log_probs: &[f32]) -> Vec<usize> {
    let mut counts = vec![0; log_probs.len()];
    for _ in 0..200_000 {
        counts[sampler.sample(log_probs).unwrap() as usize] += 1;
    }
    counts
}

fn normalised(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let weights: Vec<f64> = weights.collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

#[test]
fn frequencies_follow_the_distribution() {
    let log_probs = distribution(150);
    for temperature in [1.0, 0.5, 2.0] {
        let expected = normalised(log_probs.iter().map(|&l| (f64::from(l) / temperature).exp()));
        assert_chi_square(&frequencies(sampler(temperature, None, None, 0), &log_probs), &expected);
    }
}

#[test]
fn top_k_and_top_p_keep_the_likeliest_and_their_ratios() {
    let log_probs = distribution(150);
    let p: Vec<f64> = log_probs.iter().map(|&l| f64::from(l).exp()).collect();
    let mut sorted: Vec<usize> = (0..150).collect();
    sorted.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
    let keep = |count: usize| {
        let kept = &sorted[..count];
        normalised((0..150).map(|i| if kept.contains(&i) { p[i] } else { 0.0 }))
    };
    assert_chi_square(&frequencies(sampler(1.0, Some(9), None, 0), &log_probs), &keep(9));
    let mut sum = 0.0;
    let nucleus = 1 + sorted
        .iter()
        .position(|&i| {
            sum += p[i];
            sum >= 0.4
        })
        .unwrap();
    assert_chi_square(&frequencies(sampler(1.0, None, Some(0.4), 0), &log_probs), &keep(nucleus));
}

/// After temperature, and of what the nucleus leaves, which is one of all tokens.
#[test]
fn min_p_keeps_what_is_likely_beside_the_likeliest() {
    let log_probs = distribution(150);
    let draw = |temperature: f64, top_p, min_p| {
        let sampling =
            Sampling { temperature, top_p, min_p: Some(min_p), seed: 5, ..Sampling::default() };
        frequencies(Sampler::new(&sampling, 0).unwrap(), &log_probs)
    };
    for (temperature, min_p) in [(1.0, 0.3), (0.5, 0.3), (2.0, 0.8), (1.0, 0.0)] {
        let weights: Vec<f64> =
            log_probs.iter().map(|&l| (f64::from(l) / temperature).exp()).collect();
        let max = weights.iter().copied().fold(0.0, f64::max);
        let kept = weights.iter().map(|&w| if w >= min_p * max { w } else { 0.0 });
        assert_chi_square(&draw(temperature, None, min_p), &normalised(kept));
    }
    let nucleus = frequencies(sampler(1.0, None, Some(0.4), 0), &log_probs);
    assert_eq!(draw(1.0, Some(0.4), 1e-6), nucleus);
}

#[test]
fn cold_or_single_choice_is_greedy() {
    let log_probs = distribution(150);
    let best = (0..150).max_by(|&a, &b| log_probs[a].total_cmp(&log_probs[b])).unwrap() as u32;
    for stream in 0..50 {
        assert_eq!(sampler(0.0, None, None, stream).sample(&log_probs), Ok(best));
        assert_eq!(sampler(1e-4, None, None, stream).sample(&log_probs), Ok(best));
        assert_eq!(sampler(3.0, Some(1), None, stream).sample(&log_probs), Ok(best));
        assert_eq!(sampler(1.0, None, Some(1e-9), stream).sample(&log_probs), Ok(best));
    }
    assert_eq!(sampler(0.0, None, None, 0).sample(&[-1.0, -0.5, -0.5, -2.0]), Ok(1));
}

#[test]
fn keeping_all_changes_nothing_but_the_order_of_ids() {
    let log_probs = distribution(150);
    let p: Vec<f64> = normalised(log_probs.iter().map(|&l| f64::from(l).exp()));
    assert_chi_square(&frequencies(sampler(1.0, Some(1000), Some(1.0), 3), &log_probs), &p);
}

#[test]
fn broken_distributions_are_errors() {
    let mut sampler = sampler(1.0, None, None, 0);
    assert_eq!(sampler.sample(&[f32::NAN; 3]), Err(DecodingError::NothingToChoose));
    assert_eq!(sampler.sample(&[f32::NEG_INFINITY; 3]), Err(DecodingError::NothingToChoose));
    assert_eq!(sampler.sample(&[]), Err(DecodingError::NothingToChoose));
    for _ in 0..1000 {
        assert_eq!(sampler.sample(&[f32::NAN, 0.0, f32::NEG_INFINITY]), Ok(1));
    }
}

#[test]
fn impossible_options_are_refused() {
    let check = |sampling: Sampling| sampling.validate().unwrap_err();
    let default = Sampling::default;
    assert!(matches!(
        check(Sampling { temperature: f64::NAN, ..default() }),
        DecodingError::Temperature(_)
    ));
    assert_eq!(
        check(Sampling { temperature: -1.0, ..default() }),
        DecodingError::Temperature(-1.0)
    );
    assert_eq!(check(Sampling { top_k: Some(0), ..default() }), DecodingError::TopK);
    assert_eq!(check(Sampling { top_p: Some(0.0), ..default() }), DecodingError::TopP(0.0));
    assert_eq!(check(Sampling { top_p: Some(1.1), ..default() }), DecodingError::TopP(1.1));
    assert_eq!(check(Sampling { min_p: Some(1.1), ..default() }), DecodingError::MinP(1.1));
    assert_eq!(check(Sampling { min_p: Some(-0.1), ..default() }), DecodingError::MinP(-0.1));
}

fn run(prompts: &[Vec<u32>], options: &GenerateOptions) -> Vec<Vec<u32>> {
    let all = generate(&Bigram, prompts, options, |_| ControlFlow::Continue(())).unwrap();
    all.into_iter().map(|generated| generated.tokens).collect()
}

#[test]
fn the_batch_changes_no_sample() {
    let prompts: Vec<Vec<u32>> = vec![vec![1], vec![2, 3, 4], vec![1], vec![6, 5], vec![1]];
    let options = GenerateOptions { max_tokens: 30, stop: Some(0), ..Default::default() };
    let together = run(&prompts, &options);
    assert!(together.iter().any(|tokens| tokens.len() < 30), "some stream ends early");
    assert_ne!(together[0], together[2], "two samples of one prompt differ");
    for (index, prompt) in prompts.iter().enumerate() {
        let options = GenerateOptions { first_stream: index as u64, ..options.clone() };
        assert_eq!(run(std::slice::from_ref(prompt), &options)[0], together[index]);
    }
}

#[test]
fn streams_end_where_they_should() {
    let greedy =
        GenerateOptions { sampling: Sampling::greedy(), max_tokens: 40, ..Default::default() };
    let long = &run(&[vec![1]], &greedy)[0];
    assert_eq!(long.len(), 40);
    let stop = long[3];
    let first = long.iter().position(|&token| token == stop).unwrap();
    let options = GenerateOptions { stop: Some(stop), ..greedy.clone() };
    let all = generate(&Bigram, &[vec![1]], &options, |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(all[0].tokens, long[..=first]);
    assert_eq!(all[0].finish, Finish::Stop);
    let twice = long.iter().enumerate().filter(|(_, token)| **token == stop).nth(1).unwrap().0;
    let options = GenerateOptions { stop_count: 2, ..options };
    assert_eq!(run(&[vec![1]], &options)[0], long[..=twice]);

    let options = GenerateOptions { suppress: vec![stop], ..greedy.clone() };
    assert!(!run(&[vec![1]], &options)[0].contains(&stop));

    let mut seen = 0;
    let all = generate(&Bigram, &[vec![1], vec![2]], &greedy, |_| {
        seen += 1;
        if seen == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(all[0].tokens.len() + all[1].tokens.len(), 5);
    assert_eq!(all[0].finish, Finish::Interrupted);
    assert!(run(&[vec![1]], &GenerateOptions::default())[0].is_empty());
}

#[test]
fn what_was_generated_scores_what_it_was_given() {
    let options = GenerateOptions { max_tokens: 20, stop: Some(0), ..Default::default() };
    let prompts = vec![vec![1]; 6];
    let all = generate(&Bigram, &prompts, &options, |_| ControlFlow::Continue(())).unwrap();
    let mut sequences: Vec<_> = all.iter().map(|generated| generated.tokens.clone()).collect();
    sequences.insert(2, vec![]);
    let scores = score(&Bigram, &sequences, 1).unwrap();
    assert!(scores[2].is_empty());
    for (index, generated) in all.iter().enumerate() {
        assert_eq!(scores[index + usize::from(index >= 2)], generated.log_probs);
    }
}

#[test]
fn bad_prompts_are_errors() {
    let options = GenerateOptions { max_tokens: 3, ..Default::default() };
    let fail = |prompts: &[Vec<u32>]| {
        generate(&Bigram, prompts, &options, |_| ControlFlow::Continue(())).unwrap_err()
    };
    assert_eq!(fail(&[vec![1], vec![]]), DecodingError::EmptyPrompt(1));
    let unknown = DecodingError::UnknownToken { sequence: 0, token: 9, vocabulary: 7 };
    assert_eq!(fail(&[vec![1, 9]]), unknown);
    assert_eq!(score(&Bigram, &[vec![9]], 1), Err(unknown));
    assert!(score(&Bigram, &[vec![1]], 7).is_err());
}
