//! The reader of files of co-occurrences.
#![no_main]

use lampwick_embeddings::glove::{GloveSettings, shards};
use lampwick_embeddings::{Silent, VocabularyLimits};
use lampwick_ngram::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let settings = GloveSettings {
        vocabulary: VocabularyLimits { min_count: 1, ..VocabularyLimits::default() },
        memory: 1 << 20,
        ..GloveSettings::default()
    };
    let _ = shards::read(vec![Source::bytes("fuzz", bytes)], &settings, &Silent);
});
