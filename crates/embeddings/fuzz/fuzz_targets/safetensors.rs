//! The reader of safetensors.
#![no_main]

use lampwick_embeddings::ReadOptions;
use lampwick_embeddings::formats::read::Reader;
use lampwick_embeddings::formats::safetensors;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let reader = Reader::of_bytes("fuzz", bytes);
    let _ = safetensors::read(bytes, &reader, &ReadOptions::default());
});
