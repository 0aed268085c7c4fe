use super::*;
use std::collections::{HashMap, HashSet};

fn tiny(topics: usize, words: usize) -> SyntheticLanguage {
    let config =
        SyntheticConfig { topics, words, depth: 0, topic_strength: 0.7, ..Default::default() };
    SyntheticLanguage::new(&config).unwrap()
}

/// Adds P(topic) P(derivation) P(words) of every derivation in the grammar itself, without the
/// automaton, to its sentence's probability.
fn derive(
    language: &SyntheticLanguage,
    topic: usize,
    mut stack: Vec<Symbol>,
    (probability, sentence): (f64, Vec<u32>),
    found: &mut HashMap<Vec<u32>, f64>,
) {
    match stack.pop() {
        None => *found.entry(sentence).or_default() += probability,
        Some(Symbol::Word(class)) => {
            let class = language.automaton.classes.iter().position(|&c| c == class).unwrap();
            let words = language.emission(class as u32, topic);
            for (word, &p) in words.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                let mut longer = sentence.clone();
                longer.push(word as u32);
                derive(language, topic, stack.clone(), (probability * p, longer), found);
            }
        }
        Some(symbol) => {
            for (p, right) in grammar::rules(symbol) {
                let mut expanded = stack.clone();
                expanded.extend(right.into_iter().rev());
                let so_far = (probability * p, sentence.clone());
                derive(language, topic, expanded, so_far, found);
            }
        }
    }
}

#[test]
fn the_forward_algorithm_equals_enumeration() {
    for (topics, words) in [(1, 2), (2, 1), (3, 1)] {
        let language = tiny(topics, words);
        let mut sentences = HashMap::new();
        for (topic, &p) in language.topics.iter().enumerate() {
            derive(&language, topic, vec![Symbol::Sentence(0)], (p, vec![]), &mut sentences);
        }
        let total: f64 = sentences.values().sum();
        assert!((total - 1.0).abs() < 1e-9, "{total}");
        let mut entropy = 0.0;
        let mut length = 0.0;
        for (sentence, p) in &sentences {
            let score = language.score(&sentence.clone().into());
            assert!((score.nll + p.ln()).abs() < 1e-9, "{sentence:?}: {} {p}", score.nll);
            entropy -= p * p.ln();
            length += p * sentence.len() as f64;
        }
        assert!((length - language.mean_sentence_length()).abs() < 1e-9);
        let estimate = language.entropy_rate(4000, 3);
        let error = (estimate.nats_per_token - entropy / length) / estimate.standard_error;
        assert!(error.abs() < 3.5, "{error} standard errors");
    }
}

#[test]
fn rules_and_emissions_sum_to_one() {
    let language = SyntheticLanguage::default();
    for edges in &language.automaton.edges {
        let sum: f64 = edges.iter().map(|edge| edge.probability).sum();
        assert!(edges.is_empty() || (sum - 1.0).abs() < 1e-12);
    }
    for class in 0..language.automaton.classes.len() {
        for topic in 0..language.topics.len() {
            let sum: f64 = language.emission(class as u32, topic).iter().sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
    }
    assert_eq!(language.automaton.edges.iter().filter(|edges| edges.is_empty()).count(), 1);
}

#[test]
fn next_words_sum_to_one_after_any_prefix() {
    let language = SyntheticLanguage::default();
    for sentence in language.sentences(5).take(60) {
        let mut forward = language.forward();
        for word in sentence {
            let next = forward.probabilities();
            assert!((next.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert!((next[word as usize] - forward.advance(word)).abs() < 1e-12);
        }
    }
}

#[test]
fn a_verb_of_the_other_number_is_impossible() {
    let language = SyntheticLanguage::default();
    let pairs = lexicon::TOPICS
        .iter()
        .flat_map(|topic| topic.intransitive.iter().chain(&topic.transitive))
        .chain(&lexicon::CLAUSAL_VERBS);
    let mut other = HashMap::new();
    for &(singular, plural) in pairs {
        other.insert(language.vocabulary.id(singular).unwrap(), language.vocabulary.id(plural));
        other.insert(language.vocabulary.id(plural).unwrap(), language.vocabulary.id(singular));
    }
    let mut verbs = 0;
    for sentence in language.sentences(8).take(400) {
        assert!(language.score(&sentence.clone().into()).nll.is_finite());
        for (place, word) in sentence.iter().enumerate() {
            if let Some(&Some(other)) = other.get(word) {
                let mut wrong = sentence.clone();
                wrong[place] = other;
                assert_eq!(language.score(&wrong.into()).nll, f64::INFINITY);
                verbs += 1;
            }
        }
    }
    assert!(verbs > 600, "{verbs}");
}

#[test]
fn what_is_grammatical() {
    let language = SyntheticLanguage::default();
    let nll = |text: &str| language.score_words(text.split(' ').chain([EOS])).nll;
    for (good, bad) in [
        ("the dogs sleep .", "the dogs sleeps ."),
        ("the dog near the cats sleeps .", "the dog near the cats sleep ."),
        ("the cats that the dog chases sleep .", "the cats that the dog chases sleeps ."),
        ("does the dog that chases the cats sleep ?", "does the dog that chases the cats sleep ."),
        ("does the dog sleep ?", "does the dogs sleep ?"),
        ("if anna runs then the dog barks .", "if anna runs or the dog barks ."),
        ("the dog ( two cats ) barks .", "the dog ( two cats ] barks ."),
        ("a dog [ my cats that run ] barks .", "a dog [ my cats that run barks ."),
        ("anna says that these hens run .", "anna says that these hens runs ."),
    ] {
        assert!(nll(good).is_finite(), "{good}");
        assert_eq!(nll(bad), f64::INFINITY, "{bad}");
    }
    // The topic: after dogs, cats are likelier than roses, whichever is likelier by itself.
    let after = |first: &str, second: &str| {
        nll(&format!("the {first} touches {second} .")) - nll(&format!("{second} sleeps ."))
    };
    assert!(after("dog", "the cat") < after("rose", "the cat"));
}

#[test]
fn brackets_match_in_every_sentence() {
    let language = SyntheticLanguage::default();
    let mut seen = HashSet::new();
    for sentence in language.sentences(2).take(3000) {
        let mut open = Vec::new();
        for word in sentence {
            let word = language.vocabulary.word(word);
            match word {
                "(" => open.push(")"),
                "[" => open.push("]"),
                ")" | "]" => assert_eq!(open.pop(), Some(word)),
                _ => {}
            }
            if open.len() == 2 {
                seen.insert(word.to_owned());
            }
        }
        assert!(open.is_empty());
    }
    assert!(!seen.is_empty(), "brackets nest");
}

#[test]
fn the_entropy_is_far_below_the_unigrams() {
    let language = SyntheticLanguage::default();
    let tokens = language.tokens(60_000, 1);
    let score = language.score(&tokens);
    let mut counts = vec![0.0_f64; language.vocabulary.len()];
    tokens.iter().for_each(|token| counts[token as usize] += 1.0);
    let n = tokens.len() as f64;
    let unigram: f64 = counts.iter().filter(|c| **c > 0.0).map(|c| -c / n * (c / n).ln()).sum();
    let (source, unigram) = (score.perplexity(), unigram.exp());
    assert!((200..450).contains(&language.vocabulary.len()));
    assert!(score.bits_per_token() > 2.0 && unigram > 6.0 * source, "{source} {unigram}");
    let estimate = language.entropy_rate(3000, 9);
    let difference = estimate.nats_per_token - score.nats_per_token();
    assert!(difference.abs() < 5.0 * estimate.standard_error, "{estimate:?} {score:?}");
}

#[test]
fn seeds_decide() {
    let language = SyntheticLanguage::default();
    let text = |language: &SyntheticLanguage, seed| {
        let mut text = Vec::new();
        language.write_text(&mut text, 20, seed).unwrap();
        String::from_utf8(text).unwrap()
    };
    assert_eq!(text(&language, 1), text(&SyntheticLanguage::default(), 1));
    assert_ne!(text(&language, 1), text(&language, 2));
    let other = SyntheticConfig { seed: 2, ..Default::default() };
    assert_ne!(text(&language, 1), text(&SyntheticLanguage::new(&other).unwrap(), 1));
    let tokenizer = language.tokenizer();
    let (tokens, counts) =
        Tokens::from_text(&tokenizer, text(&language, 1).as_bytes(), "t").unwrap();
    assert_eq!((counts.lines, counts.unknown), (20, 0));
    assert!(language.score(&tokens).nll.is_finite());
}

#[test]
fn each_form_is_written_once_in_the_lexicon() {
    let mut seen = HashSet::new();
    for topic in &lexicon::TOPICS {
        let pairs = topic.nouns.iter().chain(&topic.intransitive).chain(&topic.transitive);
        let forms = pairs.flat_map(|&(a, b)| [a, b]).chain(topic.adjectives);
        for word in forms {
            assert!(seen.insert(word), "{word}");
            // `a` stands before any of them.
            assert!(
                !word.starts_with(['a', 'e', 'i', 'o', 'u'])
                    || word.ends_with('s')
                    || word.len() > 4,
                "{word}"
            );
        }
    }
    let closed = lexicon::NAMES.iter().chain(&lexicon::ADVERBS).chain(&lexicon::PREPOSITIONS);
    for word in closed.chain(lexicon::CLAUSAL_VERBS.iter().flat_map(|(a, b)| [a, b])) {
        assert!(seen.insert(word), "{word}");
    }
}

#[test]
fn impossible_configurations_are_errors() {
    let default = SyntheticConfig::default;
    for config in [
        SyntheticConfig { topics: 0, ..default() },
        SyntheticConfig { topics: 9, ..default() },
        SyntheticConfig { words: 0, ..default() },
        SyntheticConfig { depth: 4, ..default() },
        SyntheticConfig { topic_strength: f64::NAN, ..default() },
    ] {
        assert!(matches!(SyntheticLanguage::new(&config), Err(DataError::Setting { .. })));
    }
}
