//! A random model of few tokens, and the search that looks at everything.
#![allow(dead_code)]

use lampwick_decoding::{
    BeamOptions, CoveragePenalty, Hypothesis, LengthPenalty, Rules, Scoring, Sentence, beam_search,
};
use lampwick_models::{Attention, NextToken};

/// Ends a target.
pub(crate) const END: u32 = 0;
/// Is read before it, and is an ordinary token otherwise.
pub(crate) const START: u32 = 1;

/// A model whose distribution, and attention, is a hash of its seed, its source and all it has read.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub seed: u64,
    pub vocabulary: usize,
    /// Nats between the likely and the unlikely.
    pub contrast: f32,
    /// Rounds log-probabilities to multiples of this, so that many are equal.
    pub grain: Option<f32>,
}

/// Of each sequence: hash, length of the source; and where they looked.
#[derive(Clone, Debug)]
pub(crate) struct TableState {
    sequences: Vec<(u64, usize)>,
    attention: Vec<f32>,
    positions: usize,
}

pub(crate) fn hash(value: u64) -> u64 {
    // SplitMix64.
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// In 0..1.
fn uniform(value: u64) -> f32 {
    (hash(value) >> 40) as f32 / (1u64 << 24) as f32
}

impl Table {
    pub(crate) fn new(seed: u64, vocabulary: usize) -> Self {
        Self { seed, vocabulary, contrast: 3.0, grain: None }
    }

    /// A batch of sources, `(name, length)` each.
    pub(crate) fn state(&self, sources: &[(u64, usize)]) -> TableState {
        let sequences = sources.iter().map(|&(name, length)| (hash(self.seed ^ name), length));
        TableState { sequences: sequences.collect(), attention: Vec::new(), positions: 0 }
    }

    fn row(&self, hashed: u64, out: &mut Vec<f32>) {
        let logit = |token: usize| self.contrast * uniform(hashed ^ (token as u64 + 1) << 20);
        let sum: f32 = (0..self.vocabulary).map(|token| logit(token).exp()).sum();
        out.extend((0..self.vocabulary).map(|token| {
            let log_prob = logit(token) - sum.ln();
            self.grain.map_or(log_prob, |grain| (log_prob / grain).round() * grain)
        }));
    }
}

impl NextToken for Table {
    type State = TableState;

    fn vocabulary_size(&self) -> usize {
        self.vocabulary
    }

    fn start(&self, batch: usize) -> TableState {
        self.state(&vec![(0, 0); batch])
    }

    fn next(&self, tokens: &[u32], mut state: TableState, log_probs: &mut Vec<f32>) -> TableState {
        assert_eq!(tokens.len(), state.sequences.len());
        state.positions = state.sequences.iter().map(|sequence| sequence.1).max().unwrap_or(0);
        log_probs.clear();
        state.attention.clear();
        for (&token, (hashed, source)) in tokens.iter().zip(&mut state.sequences) {
            *hashed = hash(*hashed ^ u64::from(token) << 32);
            self.row(*hashed, log_probs);
            let weight = |j: usize| (4.0 * uniform(*hashed ^ (j as u64 + 7) << 44)).exp();
            let sum: f32 = (0..*source).map(weight).sum();
            let weights =
                (0..state.positions).map(|j| if j < *source { weight(j) / sum } else { 0.0 });
            state.attention.extend(weights);
        }
        state
    }

    fn select(&self, state: &TableState, indices: &[usize]) -> TableState {
        let sequences = indices.iter().map(|&index| state.sequences[index]).collect();
        TableState { sequences, attention: Vec::new(), positions: 0 }
    }

    fn attention<'s>(&self, state: &'s TableState) -> Option<Attention<'s>> {
        Some(Attention { weights: &state.attention, positions: state.positions })
    }
}

/// A target found by looking at all.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub tokens: Vec<u32>,
    pub log_prob: f64,
    pub score: f64,
}

/// Every target that the rules allow, best first: written anew from the rules' definitions.
pub(crate) fn all_targets(
    model: &Table,
    source: (u64, usize),
    sentence: &Sentence,
    rules: &Rules,
    scoring: &Scoring,
) -> Vec<Found> {
    let ordinary: Vec<u32> = (0..model.vocabulary as u32).filter(|&t| t != rules.end).collect();
    let lengths = rules.lengths;
    let of_source = |ratio: f64| ratio * source.1 as f64;
    let max = lengths.max_ratio.map_or(lengths.max, |ratio| {
        lengths.max.min(of_source(ratio).floor() as usize + lengths.max_offset)
    });
    let min = lengths
        .min_ratio
        .map_or(lengths.min, |ratio| lengths.min.max(of_source(ratio).ceil() as usize))
        .min(max);
    let mut targets = vec![vec![]];
    let mut all = Vec::new();
    for length in 0..=max {
        for target in &targets {
            if length >= min && allowed(target, sentence, rules) {
                all.push(weigh(model, source, target, rules, scoring));
            }
        }
        let longer = targets.iter().flat_map(|target| {
            ordinary.iter().map(move |&token| [target.as_slice(), &[token]].concat())
        });
        targets = longer.collect();
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    all
}

fn allowed(target: &[u32], sentence: &Sentence, rules: &Rules) -> bool {
    let ended = [target, &[rules.end]].concat();
    let prefix = sentence.prefix.len();
    let contains = |phrase: &Vec<u32>| target.windows(phrase.len()).any(|window| window == phrase);
    // What lies within the prefix is not the rules' concern.
    let breaks = |phrase: &Vec<u32>| {
        (0..ended.len()).any(|at| at >= prefix && ended[..=at].ends_with(phrase))
    };
    let repeats = rules.no_repeat_ngram.is_some_and(|n| {
        (0..target.len()).any(|at| {
            let seen = &target[..=at];
            let count = seen.windows(n).filter(|window| seen.ends_with(window)).count();
            at >= prefix && at + 1 >= n && count > 1
        })
    });
    target.starts_with(&sentence.prefix)
        && sentence.required.iter().all(contains)
        && !sentence.forbidden.iter().chain(&rules.forbidden).any(breaks)
        && !ended[prefix..].iter().any(|token| rules.suppress.contains(token))
        && !repeats
}

/// A target's score by the papers' equations.
fn weigh(
    model: &Table,
    source: (u64, usize),
    target: &[u32],
    rules: &Rules,
    scoring: &Scoring,
) -> Found {
    let mut state = model.state(&[source]);
    let mut log_probs = Vec::new();
    let mut log_prob = 0.0;
    let mut coverage = vec![0.0; source.1];
    let mut read = rules.start;
    for &token in target.iter().chain(&[rules.end]) {
        state = model.next(&[read], state, &mut log_probs);
        log_prob += f64::from(log_probs[token as usize].min(0.0));
        for (sum, &weight) in coverage.iter_mut().zip(&state.attention) {
            *sum += f64::from(weight);
        }
        read = token;
    }
    let length = (target.len() + 1) as f64;
    let score = match scoring.length {
        LengthPenalty::None => log_prob,
        LengthPenalty::Gnmt { alpha } => log_prob / ((5.0 + length) / 6.0).powf(alpha),
        LengthPenalty::Power { exponent } => log_prob / length.powf(exponent),
        LengthPenalty::Reward { reward } => log_prob + reward * length,
    };
    let score = score
        + match scoring.coverage {
            CoveragePenalty::None => 0.0,
            CoveragePenalty::Gnmt { beta } => {
                beta * coverage.iter().map(|c| f64::min(*c, 1.0).ln()).sum::<f64>()
            }
            CoveragePenalty::Summary { beta } => {
                -beta * (coverage.iter().map(|c| c.max(1.0)).sum::<f64>() - source.1 as f64)
            }
        };
    Found { tokens: target.to_vec(), log_prob, score }
}

/// Every kind of penalty, alone and together.
pub(crate) fn scorings() -> Vec<Scoring> {
    let lengths = [
        LengthPenalty::None,
        LengthPenalty::Gnmt { alpha: 0.8 },
        LengthPenalty::Power { exponent: 1.0 },
        LengthPenalty::Power { exponent: 2.0 },
        LengthPenalty::Reward { reward: 0.7 },
        LengthPenalty::Reward { reward: -0.4 },
    ];
    let coverages = [
        CoveragePenalty::None,
        CoveragePenalty::Gnmt { beta: 0.5 },
        CoveragePenalty::Summary { beta: 0.5 },
    ];
    let all =
        lengths.iter().flat_map(|&length| coverages.map(|coverage| Scoring { length, coverage }));
    all.collect()
}

pub(crate) fn rules(max: usize) -> Rules {
    Rules {
        start: START,
        end: END,
        lengths: lampwick_decoding::Lengths::between(0, max),
        ..Rules::default()
    }
}

/// The targets of `sources` by a model.
pub(crate) fn search(
    model: &Table,
    sources: &[(u64, usize)],
    sentences: &[Sentence],
    rules: &Rules,
    options: &BeamOptions,
) -> Vec<Vec<Hypothesis>> {
    beam_search(model, model.state(sources), sentences, rules, options).unwrap()
}

/// Nothing is asked of any.
pub(crate) fn sentences(sources: &[(u64, usize)]) -> Vec<Sentence> {
    sources.iter().map(|source| Sentence::of(source.1)).collect()
}
