//! The readers of text, with a header, without one, and tab-separated: any bytes are vectors or an error, and
//! vectors are written and read again.
#![no_main]

use lampwick_embeddings::formats::read::Reader;
use lampwick_embeddings::formats::{projector, word2vec_text};
use lampwick_embeddings::{Format, ReadOptions, formats};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Format::of_start(bytes);
    let words = bytes.split(|&b| b == b'\t').map(<[u8]>::to_vec).collect();
    let listed = ReadOptions { words: Some(words), ..ReadOptions::default() };
    let _ = projector::read(&mut Reader::of_bytes("fuzz", bytes), &listed);
    let options = ReadOptions { skip_not_finite: true, ..ReadOptions::default() };
    for read in [word2vec_text::read, word2vec_text::read_without_header] {
        let Ok(loaded) = read(&mut Reader::of_bytes("fuzz", bytes), &options) else { continue };
        let mut text = Vec::new();
        formats::write(&loaded.vectors, None, Format::Word2vecText, &mut text).unwrap();
        let again = word2vec_text::read(&mut Reader::of_bytes("again", &text), &options).unwrap();
        assert_eq!(again.vectors.matrix(), loaded.vectors.matrix());
        assert!(again.vectors.words().iter().eq(loaded.vectors.words().iter()));
    }
});
