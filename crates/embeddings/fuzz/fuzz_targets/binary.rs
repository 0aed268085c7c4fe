//! The reader of word2vec's binary format.
#![no_main]

use lampwick_embeddings::ReadOptions;
use lampwick_embeddings::formats::read::Reader;
use lampwick_embeddings::formats::word2vec_binary;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions { skip_not_finite: true, ..ReadOptions::default() };
    let read = |bytes: &[u8]| word2vec_binary::read(&mut Reader::of_bytes("fuzz", bytes), &options);
    let Ok(loaded) = read(bytes) else { return };
    let mut again = Vec::new();
    word2vec_binary::write(&loaded.vectors, &mut again).unwrap();
    assert_eq!(read(&again).unwrap().vectors.matrix(), loaded.vectors.matrix());
});
