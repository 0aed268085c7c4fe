//! The laws that beam search keeps at any width.

mod common;

use common::{END, START, Table, hash, rules, scorings, search, sentences};
use lampwick_decoding::{
    BeamOptions, CoveragePenalty, DecodingError, Hypothesis, LengthPenalty, Lengths, Rules,
    Scoring, Sentence, beam_search, greedy, score_targets,
};
use lampwick_models::NextToken;

#[test]
fn phrases_are_met_in_a_narrow_beam() {
    let model = Table { contrast: 6.0, ..Table::new(31, 40) };
    let sources: Vec<(u64, usize)> = (0..12).map(|name| (name, 8)).collect();
    let mut finished = 0;
    for width in [1, 2, 5, 8] {
        let ask = |&(name, _): &(u64, usize)| {
            let token = |i: u64| 2 + (hash(name * 10 + i) % 38) as u32;
            let required = vec![vec![token(0), token(1)], vec![token(2)], vec![token(1), token(3)]];
            Sentence { required, ..Sentence::of(8) }
        };
        let asked: Vec<Sentence> = sources.iter().map(ask).collect();
        let options = BeamOptions { width, ..BeamOptions::default() };
        for (best, asked) in
            search(&model, &sources, &asked, &rules(40), &options).iter().zip(&asked)
        {
            finished += usize::from(best[0].finished);
            for phrase in &asked.required {
                assert!(best[0].tokens.windows(phrase.len()).any(|window| window == phrase));
            }
        }
    }
    assert!(finished > 24, "{finished} of 48 are finished");
}

#[test]
fn stopping_early_changes_nothing() {
    let mut stopped = 0;
    for seed in 0..60u64 {
        let grain = (seed % 3 == 0).then_some(0.25); // ties
        let contrast = [2.0, 6.0][seed as usize % 2];
        let model =
            Counting { model: Table { grain, contrast, ..Table::new(seed, 12) }, read: 0.into() };
        let sources: Vec<(u64, usize)> = (0..4).map(|name| (name, 1 + name as usize)).collect();
        for (index, scoring) in scorings().into_iter().enumerate() {
            let (width, groups) =
                [(1, 1), (3, 1), (6, 1), (6, 3), (4, 2)][(seed as usize + index) % 5];
            let n_best = 1 + index % width;
            let options = BeamOptions { width, groups, n_best, scoring, ..BeamOptions::default() };
            let mut asked = sentences(&sources);
            asked[1].required = vec![vec![3, 4]];
            let run = |exhaustive| {
                let options = BeamOptions { exhaustive, ..options.clone() };
                let state = model.model.state(&sources);
                let found = beam_search(&model, state, &asked, &rules(15), &options).unwrap();
                (found, model.read.take())
            };
            let ((early, fewer), (late, all)) = (run(false), run(true));
            assert_eq!(early, late, "{options:?}");
            assert!(fewer <= all);
            stopped += usize::from(fewer < all);
        }
    }
    assert!(stopped > 500, "only {stopped} of 1080 searches stopped early");
}

/// Counts the rows that it is asked for.
struct Counting {
    model: Table,
    read: std::cell::Cell<usize>,
}

impl NextToken for Counting {
    type State = common::TableState;

    fn vocabulary_size(&self) -> usize {
        self.model.vocabulary_size()
    }

    fn start(&self, batch: usize) -> Self::State {
        self.model.start(batch)
    }

    fn next(&self, tokens: &[u32], state: Self::State, log_probs: &mut Vec<f32>) -> Self::State {
        self.read.set(self.read.get() + tokens.len());
        self.model.next(tokens, state, log_probs)
    }

    fn select(&self, state: &Self::State, indices: &[usize]) -> Self::State {
        self.model.select(state, indices)
    }

    fn attention<'s>(&self, state: &'s Self::State) -> Option<lampwick_models::Attention<'s>> {
        self.model.attention(state)
    }
}

/// Options that use everything at once.
fn everything() -> (Rules, BeamOptions) {
    let scoring = Scoring {
        length: LengthPenalty::Gnmt { alpha: 0.9 },
        coverage: CoveragePenalty::Gnmt { beta: 0.2 },
    };
    let lengths = Lengths { max_ratio: Some(3.0), max_offset: 2, ..Lengths::between(1, 14) };
    let rules = Rules {
        lengths,
        suppress: vec![2],
        forbidden: vec![vec![5, 6], vec![7]],
        no_repeat_ngram: Some(2),
        attention: true,
        ..rules(14)
    };
    (rules, BeamOptions { width: 6, n_best: 4, groups: 2, scoring, ..BeamOptions::default() })
}

fn asked_for_everything(sources: &[(u64, usize)]) -> Vec<Sentence> {
    let ask = |&(name, length): &(u64, usize)| Sentence {
        prefix: if name % 3 == 0 { vec![4, START] } else { vec![] },
        required: if name % 4 == 1 { vec![vec![9, 8], vec![3]] } else { vec![] },
        forbidden: if name % 2 == 0 { vec![vec![6]] } else { vec![] },
        ..Sentence::of(length)
    };
    sources.iter().map(ask).collect()
}

#[test]
fn the_batch_changes_no_bit() {
    let model = Table::new(5, 12);
    let (rules, options) = everything();
    let sources: Vec<(u64, usize)> =
        (0..40).map(|name| (name, 1 + hash(name) as usize % 9)).collect();
    let together = search(&model, &sources, &asked_for_everything(&sources), &rules, &options);
    for size in [1, 2, 7, 40] {
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by_key(|&index| hash(index as u64 ^ size));
        for part in order.chunks(size as usize) {
            let some: Vec<(u64, usize)> = part.iter().map(|&index| sources[index]).collect();
            let found = search(&model, &some, &asked_for_everything(&some), &rules, &options);
            for (found, &index) in found.iter().zip(part) {
                assert_eq!(found, &together[index]);
            }
        }
    }
}

/// Large enough that sentences are worked on in parallel.
#[test]
fn neither_does_the_number_of_threads() {
    let model = Table::new(6, 20_000);
    let sources: Vec<(u64, usize)> = (0..24).map(|name| (name, 3)).collect();
    let options = BeamOptions { n_best: 3, ..BeamOptions::default() };
    let together = search(&model, &sources, &sentences(&sources), &rules(4), &options);
    for (source, expected) in sources.iter().zip(&together).step_by(5) {
        let alone = search(&model, &[*source], &sentences(&[*source]), &rules(4), &options);
        assert_eq!(&alone[0], expected);
    }
}

#[test]
fn scores_are_those_of_the_pairs_by_force() {
    let model = Table::new(7, 12);
    let sources: Vec<(u64, usize)> = (0..30).map(|name| (name, 1 + name as usize % 6)).collect();
    let (rules, options) = everything();
    for scoring in scorings() {
        let options = BeamOptions { scoring, ..options.clone() };
        let asked = asked_for_everything(&sources);
        let found = search(&model, &sources, &asked, &rules, &options);
        let pairs: Vec<(usize, &Hypothesis)> = found
            .iter()
            .enumerate()
            .flat_map(|(index, best)| best.iter().map(move |hypothesis| (index, hypothesis)))
            .filter(|(_, hypothesis)| hypothesis.finished)
            .collect();
        assert!(pairs.len() > 60, "{}", pairs.len());
        let repeated: Vec<(u64, usize)> = pairs.iter().map(|(index, _)| sources[*index]).collect();
        let asked = sentences(&repeated);
        let targets: Vec<Vec<u32>> = pairs.iter().map(|(_, h)| h.tokens.clone()).collect();
        let state = model.state(&repeated);
        let forced = score_targets(&model, state, &asked, &targets, &rules, &scoring).unwrap();
        for ((_, found), forced) in pairs.iter().zip(forced) {
            assert_eq!(Hypothesis { group: found.group, ..forced }, **found);
        }
    }
}

#[test]
fn the_list_is_sorted_and_distinct() {
    for seed in 0..20 {
        let model = Table { grain: Some(0.5), ..Table::new(seed, 9) };
        for groups in [1, 2, 4] {
            let options = BeamOptions { width: 8, n_best: 8, groups, ..BeamOptions::default() };
            let sources = [(seed, 4), (seed + 1, 2)];
            for best in search(&model, &sources, &sentences(&sources), &rules(12), &options) {
                assert!(best.is_sorted_by(|a, b| a.score >= b.score));
                let mut tokens: Vec<_> = best.iter().map(|hypothesis| &hypothesis.tokens).collect();
                tokens.sort();
                assert!(tokens.is_sorted_by(|a, b| a < b), "one comes twice");
            }
        }
    }
}

#[test]
fn diverse_groups_differ_and_the_first_is_a_beam_of_its_own() {
    let find = |seed: u64, options: &BeamOptions| {
        let model = Table::new(seed, 9);
        let sources = [(seed, 3)];
        let mut found =
            search(&model, &sources, &sentences(&sources), &rules(10), options).remove(0);
        found.retain(|hypothesis| hypothesis.finished);
        found
    };
    let first_tokens = |found: &[Hypothesis]| {
        let mut tokens: Vec<Option<u32>> =
            found.iter().map(|hypothesis| hypothesis.tokens.first().copied()).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens.len()
    };
    let (mut differ, mut alike) = (0, 0);
    for seed in 0..30 {
        let options = BeamOptions { width: 8, n_best: 8, groups: 4, ..BeamOptions::default() };
        let narrow = BeamOptions { width: 2, n_best: 2, ..BeamOptions::default() };
        let alone = find(seed, &narrow);
        let diverse = find(seed, &BeamOptions { diversity: 50.0, ..options.clone() });
        let of_first: Vec<_> = diverse.iter().filter(|found| found.group == 0).cloned().collect();
        assert_eq!(of_first, alone);
        // Without a price all groups are the first, so that nothing of them is left.
        let free = find(seed, &BeamOptions { diversity: 0.0, ..options });
        assert_eq!(free, alone);
        differ += first_tokens(&diverse);
        alike += first_tokens(&free);
    }
    assert!(differ > 2 * alike, "{differ} first tokens against {alike}");
}

#[test]
fn there_is_always_a_hypothesis() {
    let model = Table::new(9, 10);
    let sources = [(1, 3), (2, 0), (3, 5)];
    let options = BeamOptions { width: 3, n_best: 3, ..BeamOptions::default() };
    // The end is never allowed.
    let rules = Rules { suppress: vec![END], attention: true, ..rules(6) };
    let asked = sentences(&sources);
    for best in search(&model, &sources, &asked, &rules, &options) {
        assert_eq!(best.len(), 1);
        assert!(!best[0].finished);
        assert_eq!((best[0].tokens.len(), best[0].log_probs.len()), (6, 6));
        assert_eq!(best[0].attention.as_ref().unwrap().alignment().len() % 6, 0);
        assert_eq!(best[0].score, best[0].log_prob);
    }
    for one in greedy(&model, model.state(&sources), &asked, &rules).unwrap() {
        assert!(!one.finished);
        assert_eq!((one.tokens.len(), one.log_probs.len()), (6, 6));
    }
    // Nothing at all is allowed.
    let rules = Rules { suppress: (0..10).collect(), ..rules };
    for best in search(&model, &sources, &asked, &rules, &options) {
        assert_eq!((best.len(), best[0].tokens.len(), best[0].score), (1, 0, 0.0));
    }
    assert!(greedy(&model, model.state(&sources), &asked, &rules).unwrap()[0].tokens.is_empty());
    // The longest target is empty: only the end can follow.
    let rules = Rules { lengths: Lengths::between(0, 0), suppress: (1..10).collect(), ..rules };
    for best in search(&model, &sources, &asked, &rules, &options) {
        assert!(best[0].finished && best[0].tokens.is_empty() && best[0].log_prob < 0.0);
    }
    assert!(search(&model, &[], &[], &rules, &options).is_empty());
}

#[test]
fn targets_of_the_longest_length_end_there() {
    for (seed, width) in (0..30).flat_map(|seed| [1, 2, 5].map(|width| (seed, width))) {
        let model = Table::new(seed, 9);
        let rules = Rules { lengths: Lengths::between(3, 3), ..rules(3) };
        let options = BeamOptions { width, n_best: width, ..BeamOptions::default() };
        let found = search(&model, &[(seed, 3)], &sentences(&[(seed, 3)]), &rules, &options);
        assert_eq!(found[0].len(), width);
        assert!(found[0].iter().all(|one| one.finished && one.tokens.len() == 3));
    }
}

#[test]
fn attention_is_that_of_each_token() {
    let model = Table::new(11, 12);
    let sources = [(1, 4), (2, 7)];
    let rules = Rules { attention: true, ..rules(8) };
    let options = BeamOptions { n_best: 3, ..BeamOptions::default() };
    for (best, source) in
        search(&model, &sources, &sentences(&sources), &rules, &options).iter().zip(sources)
    {
        for hypothesis in best {
            let matrix = hypothesis.attention.as_ref().unwrap();
            assert_eq!(matrix.positions(), source.1);
            assert_eq!(matrix.rows().count(), hypothesis.tokens.len() + 1);
            let mut state = model.state(&[source]);
            let mut log_probs = Vec::new();
            let read = [&[START], &hypothesis.tokens[..]].concat();
            for ((token, row), aligned) in
                read.into_iter().zip(matrix.rows()).zip(matrix.alignment())
            {
                state = model.next(&[token], state, &mut log_probs);
                assert_eq!(row, model.attention(&state).unwrap().row(0));
                assert!(row.iter().all(|&weight| weight <= row[aligned]));
            }
        }
    }
}

#[test]
fn a_broken_model_is_an_error() {
    struct Broken;
    impl NextToken for Broken {
        type State = ();
        fn vocabulary_size(&self) -> usize {
            5
        }
        fn start(&self, _: usize) {}
        fn next(&self, tokens: &[u32], (): (), log_probs: &mut Vec<f32>) {
            log_probs.clear();
            log_probs.resize(5 * tokens.len(), f32::NAN);
        }
        fn select(&self, (): &(), _: &[usize]) {}
    }
    let sentence = [Sentence::default()];
    let options = BeamOptions::default();
    let nothing = DecodingError::NothingToChoose;
    assert_eq!(beam_search(&Broken, (), &sentence, &rules(5), &options), Err(nothing.clone()));
    assert_eq!(greedy(&Broken, (), &sentence, &rules(5)), Err(nothing));
    let prefix = [Sentence { prefix: vec![2], ..Sentence::default() }];
    let impossible = DecodingError::ImpossiblePrefix { sentence: 0, position: 0, token: 2 };
    assert_eq!(beam_search(&Broken, (), &prefix, &rules(5), &options), Err(impossible.clone()));
    assert_eq!(greedy(&Broken, (), &prefix, &rules(5)), Err(impossible));
    let looking = Rules { attention: true, ..rules(5) };
    let sentence = [Sentence::of(2)];
    let without = DecodingError::NoAttention;
    assert_eq!(beam_search(&Broken, (), &sentence, &looking, &options), Err(without.clone()));
    assert_eq!(greedy(&Broken, (), &sentence, &looking), Err(without));
}

#[test]
fn options_are_read_from_a_config() {
    let text = "width = 12\nn_best = 3\n[scoring.length]\nkind = \"gnmt\"\nalpha = 0.8\n\
                [scoring.coverage]\nkind = \"summary\"\nbeta = 5.0\n";
    let scoring = Scoring {
        length: LengthPenalty::Gnmt { alpha: 0.8 },
        coverage: CoveragePenalty::Summary { beta: 5.0 },
    };
    let expected = BeamOptions { width: 12, n_best: 3, scoring, ..BeamOptions::default() };
    assert_eq!(toml::from_str::<BeamOptions>(text).unwrap(), expected);
    let written = toml::to_string(&expected).unwrap();
    assert_eq!(toml::from_str::<BeamOptions>(&written).unwrap(), expected);
    assert!(toml::from_str::<BeamOptions>("[scoring.length]\nkind = \"none\"\n").is_ok());
    assert!(toml::from_str::<BeamOptions>("widht = 12").is_err());
    let wrong = "[scoring.length]\nkind = \"gnmt\"\nbeta = 0.8\n";
    assert!(toml::from_str::<BeamOptions>(wrong).is_err());
}
