//! The reader of fastText's models.
#![no_main]

use lampwick_embeddings::ReadOptions;
use lampwick_embeddings::formats::fasttext;
use lampwick_embeddings::formats::read::Reader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = |name, bytes| fasttext::read(&mut Reader::of_bytes(name, bytes), &ReadOptions::default());
    let Ok(loaded) = read("fuzz", bytes) else { return };
    let _ = loaded.vectors.vector(b"lampwick");
    let mut again = Vec::new();
    fasttext::write(&loaded.vectors, loaded.trained.as_ref(), &mut again).unwrap();
    let again = read("again", &again).unwrap();
    assert!(again.vectors.words().iter().eq(loaded.vectors.words().iter()));
});
