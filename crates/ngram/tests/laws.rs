//! What holds for every model: probabilities sum to 1, fast structures say what the definition says,
//! and neither memory nor threads show in the result.

mod common;

use std::collections::HashMap;

use common::{Numbers, arpa_text, order, random_text, read, trained};
use lampwick_ngram::{
    BOS, BuildKind, Distribution, EOS, Model, Settings, Smoothing, Table, VocabularyLimits, mix,
    tune,
};

const KINDS: [BuildKind; 5] = [
    BuildKind::Probing,
    BuildKind::Trie { quantize: false },
    BuildKind::Compact { quantize: false },
    BuildKind::Trie { quantize: true },
    BuildKind::Compact { quantize: true },
];

/// Those of them that round nothing.
const EXACT: usize = 3;

/// Contexts of the text and contexts that are no text.
fn contexts(table: &Table, numbers: &mut Numbers, count: usize) -> Vec<Vec<u32>> {
    let size = table.words().len();
    let mut contexts = vec![vec![], vec![BOS], vec![0]];
    for _ in 0..count {
        let length = numbers.below(table.order() + 1);
        let mut context: Vec<u32> =
            (0..length).map(|_| 3 + numbers.below(size - 3) as u32).collect();
        if numbers.below(3) == 0 {
            context.insert(0, BOS);
        }
        contexts.push(context);
    }
    contexts
}

#[test]
fn every_context_sums_to_one_whatever_the_smoothing() {
    let text = random_text(3, 400, 40);
    let smoothings = [
        Smoothing::ModifiedKneserNey,
        Smoothing::KneserNey,
        Smoothing::Absolute,
        Smoothing::WittenBell,
        Smoothing::AddK(0.1),
    ];
    for smoothing in smoothings {
        for prune in [vec![], vec![0, 0, 1], vec![1, 1, 2]] {
            for interpolate_unigrams in [true, false] {
                let settings = Settings {
                    order: 4,
                    smoothing,
                    prune: prune.clone(),
                    interpolate_unigrams,
                    ..order(4)
                };
                let table = trained(&text, &settings).table;
                for context in contexts(&table, &mut Numbers(9), 20) {
                    let sum = table.sum(&context);
                    assert!((sum - 1.0).abs() < 1e-6, "{settings:?}\n{context:?}: {sum}");
                }
            }
        }
    }
}

#[test]
fn every_order_sums_to_one_also_after_entropy_pruning() {
    let text = random_text(5, 600, 60);
    for n in 1..=9 {
        for prune_entropy in [None, Some(1e-7), Some(1e-4)] {
            let settings = Settings { prune_entropy, ..order(n) };
            let trained = trained(&text, &settings);
            for context in contexts(&trained.table, &mut Numbers(n as u64), 12) {
                let sum = trained.table.sum(&context);
                assert!(
                    (sum - 1.0).abs() < 1e-6,
                    "order {n}, {prune_entropy:?}, {context:?}: {sum}"
                );
            }
            let fewer = trained.orders.iter().any(|order| order.kept < order.counted);
            match prune_entropy {
                None => assert!(!fewer, "order {n}"),
                Some(1e-4) => assert_eq!(fewer, n > 1, "order {n}"),
                Some(_) => {}
            }
        }
    }
}

/// Maximum likelihood gives what was seen its share, and nothing to what was not.
#[test]
fn maximum_likelihood_is_the_share_of_the_counts() {
    let settings = Settings { smoothing: Smoothing::MaximumLikelihood, ..order(2) };
    let table = trained("a b\na c\na b\n", &settings).table;
    let id = |word: &str| table.words().get(word.as_bytes()).unwrap();
    let p = |context: &[u32], word: u32| 10f64.powf(f64::from(table.log10(context, word).0));
    assert!((p(&[id("a")], id("b")) - 2.0 / 3.0).abs() < 1e-6);
    assert!((p(&[], id("a")) - 3.0 / 9.0).abs() < 1e-6);
    assert!(p(&[id("a")], id("a")) < 1e-30);
}

/// Lidstone's estimate, for unigrams: (c + k) / (N + k V), V without <s>.
#[test]
fn add_k_is_lidstones_for_unigrams() {
    let settings = Settings { smoothing: Smoothing::AddK(0.5), ..order(1) };
    let table = trained("a b\na\n", &settings).table;
    let id = table.words().get(b"a").unwrap();
    // a a b </s> </s>, and <unk>: 5 tokens, 4 words.
    let expected = (2.5f64 / 7.0).log10();
    assert!((f64::from(table.log10(&[], id).0) - expected).abs() < 1e-6);
}

/// What unigrams leave free: as much for each word, all for `<unk>` (SRILM), or spread over more words
/// than there are.
#[test]
fn what_unigrams_leave_free_goes_to_all_words_or_to_unk() {
    let text = random_text(19, 200, 30);
    let p = |settings: Settings| {
        let table = trained(&text, &settings).table;
        let p = |word: u32| 10f64.powf(f64::from(table.log10(&[], word).0));
        (0..table.words().len() as u32).map(p).collect::<Vec<f64>>()
    };
    let spread = p(order(1));
    let to_unk = p(Settings { interpolate_unigrams: false, ..order(1) });
    let padded = p(Settings { vocabulary_pad: 1000, ..order(1) });
    // <s> is never predicted.
    let size = spread.len() as f64 - 1.0;
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a}, not {b}");
    near(to_unk[0], spread[0] * size);
    near(padded[0], spread[0] * size / 1000.0);
    for word in 2..spread.len() {
        near(spread[word] - to_unk[word], spread[0]);
        near(padded[word] - to_unk[word], padded[0]);
    }
}

/// n-gram -> log10, backoff.
type Ngrams = HashMap<Vec<u32>, (f32, f32)>;

/// Backoff as it is defined, over a plain map.
fn reference(ngrams: &Ngrams, context: &[u32], word: u32) -> (f32, usize) {
    let ngram: Vec<u32> = context.iter().copied().chain([word]).collect();
    match (ngrams.get(&ngram), context) {
        (Some(&(log10, _)), _) => (log10, ngram.len()),
        (None, []) => panic!("a word that is no unigram"),
        (None, [_, shorter @ ..]) => {
            let (log10, length) = reference(ngrams, shorter, word);
            (log10 + ngrams.get(context).map_or(0.0, |&(_, backoff)| backoff), length)
        }
    }
}

/// A random model as ARPA and as a map: closed or not, with backoffs of either sign.
fn random_model(seed: u64) -> (String, Ngrams, usize, u32) {
    let mut numbers = Numbers(seed * 2 + 1);
    let order = 1 + numbers.below(5);
    let words = 4 + numbers.below(30) as u32;
    let mut ngrams = Ngrams::new();
    let number = |numbers: &mut Numbers| (numbers.below(40_000) as f32 - 39_000.0) / 10_000.0;
    for word in 0..words {
        let log10 = if word == BOS { 0.0 } else { -(numbers.below(50_000) as f32) / 10_000.0 };
        ngrams.insert(vec![word], (log10, number(&mut numbers)));
    }
    for _ in 0..numbers.below(400) {
        // An n-gram with its beginnings and ends, as every tool makes models.
        let length = 1 + numbers.below(order);
        let ngram: Vec<u32> = (0..length).map(|_| numbers.below(words as usize) as u32).collect();
        for from in 0..length {
            for to in from + 1..=length {
                let log10 = -(numbers.below(50_000) as f32) / 10_000.0;
                let backoff = number(&mut numbers);
                ngrams.entry(ngram[from..to].to_vec()).or_insert((log10, backoff));
            }
        }
    }
    let name = |word: u32| match word {
        0 => "<unk>".to_owned(),
        1 => "<s>".into(),
        2 => "</s>".into(),
        word => format!("w{word}"),
    };
    let highest = ngrams.keys().map(Vec::len).max().unwrap();
    let mut text = String::from("\\data\\\n");
    let of = |n: usize| {
        let mut all: Vec<&Vec<u32>> = ngrams.keys().filter(|ngram| ngram.len() == n).collect();
        all.sort();
        all
    };
    for n in 1..=highest {
        text += &format!("ngram {n}={}\n", of(n).len());
    }
    for n in 1..=highest {
        text += &format!("\n\\{n}-grams:\n");
        for ngram in of(n) {
            let (log10, backoff) = ngrams[ngram];
            let words: Vec<String> = ngram.iter().map(|&word| name(word)).collect();
            let backoff = if n < highest { format!("\t{backoff}") } else { String::new() };
            text += &format!("{log10}\t{}{backoff}\n", words.join(" "));
        }
    }
    text += "\n\\end\\\n";
    (text, ngrams, highest, words)
}

#[test]
fn fast_scorers_say_what_the_definition_says_on_random_models() {
    for seed in 0..150 {
        let (text, ngrams, highest, words) = random_model(seed);
        let table = read(&text).unwrap();
        let exact = KINDS[..EXACT].iter().map(|&kind| Model::from_table(&table, kind).unwrap());
        let models: Vec<Model> = exact.collect();
        let mut numbers = Numbers(seed + 77);
        for _ in 0..20 {
            let sentence: Vec<u32> =
                (0..12).map(|_| numbers.below(words as usize) as u32).collect();
            for model in &models {
                let mut state = Default::default();
                for (at, &word) in sentence.iter().enumerate() {
                    let context = &sentence[at.saturating_sub(highest - 1)..at];
                    let (expected, length) = reference(&ngrams, context, word);
                    let (score, next) = model.score(&state, word);
                    assert!(
                        (score.log10 - expected).abs() < 2e-5 && score.ngram as usize == length,
                        "seed {seed}, {}: {word} behind {context:?}: {score:?}, not {expected} by {length}",
                        model.kind()
                    );
                    let (plain, plain_length) = table.log10(context, word);
                    assert!((plain - expected).abs() < 2e-5 && plain_length == length);
                    state = next;
                }
            }
        }
    }
}

#[test]
fn a_distribution_is_the_scores_of_all_words_and_a_batch_each_alone() {
    let table = trained(random_text(11, 500, 50), &order(4)).table;
    for kind in KINDS {
        let model = Model::from_table(&table, kind).unwrap();
        let mut numbers = Numbers(5);
        let (mut room, mut row) = (Distribution::default(), Vec::new());
        let mut states = vec![model.start(); 8];
        let mut scores = vec![Default::default(); 8];
        for _ in 0..30 {
            let words: Vec<u32> =
                (0..8).map(|_| 2 + numbers.below(table.words().len() - 2) as u32).collect();
            let before = states.clone();
            model.score_batch(&mut states, &words, &mut scores);
            for (lane, &word) in words.iter().enumerate() {
                assert_eq!(model.score(&before[lane], word), (scores[lane], states[lane]));
            }
            model.distribution(&states[0], &mut room, &mut row);
            let mut sum = 0.0;
            for (word, &log10) in row.iter().enumerate().filter(|&(word, _)| word as u32 != BOS) {
                let (score, _) = model.score(&states[0], word as u32);
                assert!((score.log10 - log10).abs() < 1e-5, "{kind:?} {word}");
                sum += 10f64.powf(f64::from(log10));
            }
            let tolerance = if KINDS[EXACT..].contains(&kind) { 0.05 } else { 1e-6 };
            assert!((sum - 1.0).abs() < tolerance, "{kind:?}: {sum}");
        }
    }
}

/// Sentences of any length, empty ones too, score as they do one word after the other.
#[test]
fn sentences_side_by_side_score_as_each_alone() {
    let table = trained(random_text(17, 500, 50), &order(4)).table;
    let mut numbers = Numbers(29);
    let (mut sentences, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..60 {
        let length = numbers.below(9);
        sentences.extend((0..length).map(|_| numbers.below(table.words().len() + 1) as u32));
        ends.push(sentences.len());
    }
    for kind in KINDS {
        let model = Model::from_table(&table, kind).unwrap();
        let mut scores = Vec::new();
        model.score_sentences(&sentences, &ends, &mut scores);
        let mut from = 0;
        for &end in &ends {
            let mut state = model.start();
            for at in from..end {
                assert_eq!(scores[at], model.advance(&mut state, sentences[at]), "{kind:?}, {at}");
            }
            from = end;
        }
    }
}

#[test]
fn memory_and_threads_do_not_show_in_the_model() {
    let text = random_text(7, 20_000, 500);
    let wanted = arpa_text(&trained(&text, &order(4)).table);
    let folder = tempfile::tempdir().unwrap();
    for (memory, threads) in [(0, 1), (0, 3), (1 << 20, 2), (1 << 30, 3)] {
        let settings = Settings { memory, temporary: folder.path().into(), ..order(4) };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let trained = pool.install(|| trained(&text, &settings));
        assert!(arpa_text(&trained.table) == wanted, "{memory} bytes, {threads} threads");
        assert_eq!(trained.disk_peak > 0, memory < 1 << 30);
        drop(trained);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "rubbish was left");
    }
}

#[test]
fn a_binary_trie_is_the_same_table_again() {
    let table = trained(random_text(13, 700, 70), &order(5)).table;
    for kind in [BuildKind::Trie { quantize: false }, BuildKind::Compact { quantize: false }] {
        let model = Model::from_table(&table, kind).unwrap();
        assert_eq!(model.counts(), table.counts());
        assert!(arpa_text(&model.to_table().unwrap()) == arpa_text(&table), "{kind:?}");
    }
    let probing = Model::from_table(&table, BuildKind::Probing).unwrap();
    assert!(probing.to_table().unwrap_err().to_string().contains("ARPA"));
}

#[test]
fn vocabulary_limits_map_the_rest_to_unk() {
    let text = "a a a b b c\na b\n";
    let limited = |limits: VocabularyLimits| {
        let table = trained(text, &Settings { vocabulary: limits, ..order(2) }).table;
        table
            .words()
            .iter()
            .skip(3)
            .map(|w| String::from_utf8_lossy(w).into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(limited(VocabularyLimits { min_count: 2, ..Default::default() }), ["a", "b"]);
    assert_eq!(limited(VocabularyLimits { size: Some(1), ..Default::default() }), ["a"]);
    let mut words = lampwick_ngram::Words::new();
    words.intern(b"c");
    words.intern(b"unseen");
    let allowed = VocabularyLimits { words: Some(words), ..Default::default() };
    assert_eq!(limited(allowed), ["c", "unseen"]);
}

#[test]
fn a_mixture_is_no_worse_than_its_parts_and_sums_to_one() {
    let texts = [random_text(21, 300, 30), random_text(22, 300, 60)];
    let tables = texts.map(|text| trained(text, &order(3)).table);
    let dev = random_text(23, 60, 50);
    let scores: Vec<Vec<f32>> = dev
        .lines()
        .flat_map(|line| {
            let mut scores = Vec::new();
            let mut contexts = [vec![BOS], vec![BOS]];
            for word in lampwick_ngram::words::split(line.as_bytes()).chain([&b"</s>"[..]]) {
                let each = tables.iter().zip(&mut contexts).map(|(table, context)| {
                    let id = table.words().get(word).unwrap_or(0);
                    let (log10, _) = table.log10(context, id);
                    context.push(id);
                    log10
                });
                scores.push(each.collect());
            }
            scores
        })
        .collect();
    let (weights, mean) = tune(&scores, 2);
    assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    for model in 0..2 {
        let alone = scores.iter().map(|word| f64::from(word[model])).sum::<f64>();
        assert!(mean >= alone / scores.len() as f64 - 1e-9, "{weights:?}");
    }
    let mixed = mix(&tables, &weights).unwrap();
    for context in contexts(&mixed, &mut Numbers(3), 20) {
        assert!((mixed.sum(&context) - 1.0).abs() < 1e-6, "{context:?}");
    }
    assert!(mix(&tables, &[0.5, 0.9]).is_err());
    assert!(mixed.log10(&[], EOS).0 < 0.0);
}
