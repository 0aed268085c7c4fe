//! Bias measures beside WEFE's (fixtures and the program that made them: `fixtures/bias`), and what
//! debiasing promises.

use std::path::PathBuf;

use lampwick_embeddings::bias::debias::debias;
use lampwick_embeddings::bias::direction::{Pairs, direction, read_pairs};
use lampwick_embeddings::bias::sets::{Lookup, Sets};
use lampwick_embeddings::bias::{Draws, Test, measure};
use lampwick_embeddings::neighbours::cosine;
use lampwick_embeddings::{ReadOptions, Vectors, open};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn vectors() -> Vectors {
    open(path("evaluation/small.bin"), None, &ReadOptions::default()).unwrap().vectors
}

fn sets() -> Sets {
    Sets::read("sets.json", &std::fs::read(path("bias/sets.json")).unwrap()).unwrap()
}

fn said() -> Value {
    serde_json::from_slice(&std::fs::read(path("bias/wefe.json")).unwrap()).unwrap()
}

fn pairs() -> Pairs {
    read_pairs("pairs", said()["pairs"].to_string().as_bytes()).unwrap()
}

#[track_caller]
fn near(own: Option<f64>, said: &Value) {
    assert!((own.unwrap() - said.as_f64().unwrap()).abs() < 1e-5, "{own:?} {said}");
}

#[test]
fn measures_are_those_of_wefe() {
    let (vectors, sets) = (vectors(), sets());
    for said in said()["tests"].as_array().unwrap() {
        let names: [String; 4] = serde_json::from_value(said["test"].clone()).unwrap();
        let lookup =
            Lookup { unit: said["unit"].as_bool().unwrap(), lowercase: false, ..Lookup::default() };
        let draws = Draws { permutations: 1000, seed: 1 };
        let own = measure(&vectors, &sets, &Test::new(names), &lookup, &draws).unwrap();
        let own = own.measures.expect("enough words have vectors");
        near(Some(own.weat.statistic), &said["weat"]);
        near(own.weat.effect_size, &said["effect_size"]);
        near(own.mac, &said["mac"]);
        for i in 0..2 {
            near(own.rnd[i], &said["rnd"][i]);
            near(own.ect[i], &said["ect"][i]);
            match said.get("ripa") {
                Some(said) => near(own.ripa[i], &said[i]),
                None => assert_eq!(own.ripa[i], None, "groups of other sizes are no pairs"),
            }
        }
    }
}

#[test]
fn missing_words_are_named_and_too_many_withhold_the_result() {
    let (vectors, sets) = (vectors(), sets());
    let test = |set: &str| Test::new([set, "lands", "verbs", "past"].map(str::to_owned));
    let run = |set, lookup: &Lookup| {
        measure(&vectors, &sets, &test(set), lookup, &Draws::default()).unwrap()
    };
    let few = run("few", &Lookup::default());
    assert_eq!(few.sets[0].2, ["Atlantis", "Utopia"]);
    assert_eq!(few.measures, None);
    assert!(run("few", &Lookup { may_lack: 0.7, ..Lookup::default() }).measures.is_some());
    assert!(run("most", &Lookup::default()).measures.is_some(), "one of five is missing");
    let unknown = measure(&vectors, &sets, &test("nobody"), &Lookup::default(), &Draws::default());
    let error = unknown.unwrap_err().to_string();
    assert!(error.contains("`nobody`") && error.contains("lands"), "{error}");
}

#[test]
fn the_direction_is_that_of_wefe() {
    let (vectors, said) = (vectors(), said());
    let own = direction(&vectors, &pairs(), &Lookup::default()).unwrap();
    let theirs: Vec<f64> = serde_json::from_value(said["direction"].clone()).unwrap();
    let cosine: f64 = own.vector.iter().zip(&theirs).map(|(a, b)| a * b).sum();
    assert!((cosine.abs() - 1.0).abs() < 1e-6, "{cosine}");
    near(Some(own.share), &said["share"]);
    // It points to the first words of the pairs.
    let at = |word: &str| own.projection(&vectors, word, &Lookup::default()).unwrap();
    assert!(at("City2") > at("Land2"));
    let lost: Pairs = vec![["Atlantis".into(), "Land0".into()], ["City1".into(), "Land1".into()]];
    let error = direction(&vectors, &lost, &Lookup::default()).unwrap_err().to_string();
    assert!(error.contains("Atlantis"), "{error}");
}

/// Neutral words have no part in the direction, pairs are equally far from each of them, and all is of
/// length 1; words that are specific stay where they were.
#[test]
fn debiasing_keeps_its_promises() {
    let vectors = vectors();
    let lookup = Lookup::default();
    let along = direction(&vectors, &pairs(), &lookup).unwrap();
    let specific: Vec<String> = (0..8)
        .flat_map(|n| [format!("City{n}"), format!("Land{n}")])
        .chain(["other0".into()])
        .collect();
    let result = debias(&vectors, &along, &specific, &pairs()[..3].to_vec()).unwrap();
    // `LAND3` is held but `CITY3` is not; and lower case has `city5` alone.
    assert_eq!((result.equalised, result.neutralised), (3, vectors.len() - 17));
    let at = |word: &str| along.projection(&result.vectors, word, &lookup).unwrap();
    for n in 1..160 {
        let neutral = format!("other{n}");
        assert!(at(&neutral).abs() < 1e-6);
        let neutral = result.vectors.get(neutral.as_bytes()).unwrap();
        let to = |word: &str| cosine(neutral, result.vectors.get(word.as_bytes()).unwrap());
        assert!((to("City1") - to("Land1")).abs() < 1e-6);
    }
    assert!(at("City1") > 0.1 && (at("City1") + at("Land1")).abs() < 1e-6);
    let (before, after) = (vectors.get(b"other0").unwrap(), result.vectors.get(b"other0").unwrap());
    assert!((cosine(before, after) - 1.0).abs() < 1e-6);
    assert!(result.vectors.norms().iter().all(|norm| (norm - 1.0).abs() < 1e-5));
}

#[test]
fn files_that_are_no_sets_are_refused() {
    let error = Sets::read("sets.json", b"{\"a\": [\"x\"],\n \"b\": 3}").unwrap_err().to_string();
    assert!(error.starts_with("sets.json:2: ") && error.contains("lists of words"), "{error}");
    assert!(read_pairs("pairs.json", b"[[\"she\", \"he\", \"it\"]]").is_err());
    assert!(read_pairs("pairs.json", b"\xff\0").is_err());
}
