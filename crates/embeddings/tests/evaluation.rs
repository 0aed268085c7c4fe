//! The evaluations and neighbours beside gensim's (fixtures and the program that made them:
//! `fixtures/evaluation`).

use std::path::PathBuf;

use lampwick_embeddings::evaluation::analogies::{self, Questions};
use lampwick_embeddings::evaluation::similarity::{self, Pairs};
use lampwick_embeddings::evaluation::{Settings, analogies::Score};
use lampwick_embeddings::neighbours::{Query, nearest};
use lampwick_embeddings::{ReadOptions, Vectors, open};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/evaluation").join(name)
}

fn vectors() -> Vectors {
    open(path("small.bin"), None, &ReadOptions::default()).unwrap().vectors
}

fn said() -> Value {
    serde_json::from_slice(&std::fs::read(path("gensim.json")).unwrap()).unwrap()
}

fn every(vectors: &Vectors) -> [(&'static str, Settings); 3] {
    let all = Settings::default();
    [
        ("folded", all),
        ("restricted", Settings { vocabulary: vectors.len() - 2, ..all }),
        ("case", Settings { case_sensitive: true, ..all }),
    ]
}

#[test]
fn analogies_are_answered_as_by_gensim() {
    let (vectors, said) = (vectors(), said());
    let bytes = std::fs::read(path("questions.txt")).unwrap();
    let questions = Questions::read("questions.txt", &bytes).unwrap();
    assert_eq!(questions.invalid.len(), 1);
    for (name, settings) in every(&vectors) {
        let scores = analogies::evaluate(&vectors, &questions, &settings);
        let said = &said[name];
        let total = scores.iter().fold(Score::default(), |sum, score| sum.plus(score));
        for (score, said) in scores.iter().chain([&total]).zip(said["add"].as_array().unwrap()) {
            let number = |i: usize| said[i].as_u64().unwrap() as usize;
            assert_eq!((score.add, score.asked), (number(1), number(1) + number(2)), "{name}");
        }
        let all: usize = questions.sections.iter().map(|it| it.questions.len()).sum();
        assert_eq!(total.asked + total.skipped, all);
        if let Some(mul) = said.get("mul") {
            assert_eq!(mul, &serde_json::json!([total.mul, total.asked]));
        }
    }
}

#[test]
fn answers_do_not_depend_on_threads() {
    let vectors = vectors();
    let bytes = std::fs::read(path("questions.txt")).unwrap();
    let questions = Questions::read("questions.txt", &bytes).unwrap();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let query = Query::word(&vectors, b"Land0").unwrap();
            let near = nearest(&vectors, &[query], 20, usize::MAX);
            (analogies::evaluate(&vectors, &questions, &Settings::default()), near)
        })
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn similarities_agree_as_gensim_says() {
    let (vectors, said) = (vectors(), said());
    let pairs = Pairs::read("pairs.tsv", &std::fs::read(path("pairs.tsv")).unwrap()).unwrap();
    assert_eq!(pairs.invalid.len(), 1);
    for (name, settings) in every(&vectors) {
        let agreement = similarity::evaluate(&vectors, &pairs, &settings).unwrap();
        let number = |what: &str| said[name][what].as_f64().unwrap();
        assert!((agreement.spearman.unwrap() - number("spearman")).abs() < 1e-4, "{name}");
        assert!((agreement.pearson.unwrap() - number("pearson")).abs() < 1e-4, "{name}");
        let oov = 100.0 * agreement.unknown as f64 / pairs.pairs.len() as f64;
        assert!((oov - number("oov")).abs() < 1e-9, "{name}");
    }
}

#[test]
fn neighbours_are_those_of_gensim() {
    let (vectors, said) = (vectors(), said());
    let mut asked: Vec<(Query, &Value)> = said["nearest"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(word, said)| (Query::word(&vectors, word.as_bytes()).unwrap(), said))
        .collect();
    let analogy = Query::analogy(&vectors, [b"Land0", b"City0", b"Land4"]).unwrap();
    asked.push((analogy, &said["analogy"]));
    // One at a time, and all at once: two ways through the rows.
    let queries: Vec<Query> = asked.iter().map(|(query, _)| query.clone()).collect();
    let together = nearest(&vectors, &queries, 5, usize::MAX);
    for ((query, said), together) in asked.into_iter().zip(together) {
        for found in [together, nearest(&vectors, &[query], 5, usize::MAX).remove(0)] {
            assert_eq!(found.len(), 5);
            for (found, said) in found.iter().zip(said.as_array().unwrap()) {
                assert_eq!(vectors.word(found.row), said[0].as_str().unwrap().as_bytes());
                assert!((f64::from(found.similarity) - said[1].as_f64().unwrap()).abs() < 1e-5);
            }
        }
    }
}
