//! The readers of what vectors are measured by: analogies, pairs, sets of words, pairs of words; and of a
//! checkpoint of GloVe.
#![no_main]

use lampwick_embeddings::bias::direction::read_pairs;
use lampwick_embeddings::bias::sets::Sets;
use lampwick_embeddings::evaluation::analogies::Questions;
use lampwick_embeddings::evaluation::similarity::Pairs;
use lampwick_embeddings::glove::Model;
use lampwick_ngram::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(questions) = Questions::read("fuzz", bytes) {
        assert!(questions.sections.iter().any(|section| !section.questions.is_empty()));
    }
    if let Ok(pairs) = Pairs::read("fuzz", bytes) {
        assert!(pairs.pairs.iter().all(|pair| pair.score.is_finite()));
    }
    let _ = (Sets::read("fuzz", bytes), read_pairs("fuzz", bytes));
    let _ = Model::read(Source::bytes("fuzz", bytes));
});
