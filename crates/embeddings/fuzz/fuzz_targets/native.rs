//! Lampwick's own file, its header's hash put right so that what it says is looked at.
#![no_main]

use lampwick_embeddings::formats::native;
use lampwick_embeddings::fuzzing::seal;
use lampwick_embeddings::neighbours::Query;
use lampwick_embeddings::{Check, Format, ReadOptions, open};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    seal(&mut bytes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzz.lwv");
    std::fs::write(&path, &bytes).unwrap();
    let _ = native::verify(&path);
    let Ok(loaded) = native::open(&path) else { return };
    let vectors = &loaded.vectors;
    for row in 0..vectors.len().min(100) {
        let word = vectors.word(row).to_vec();
        let _ = (vectors.row_of(&word), vectors.vector(&word), vectors.row(row));
    }
    let _ = vectors.vector(b"lampwick");
    if let (Some(index), true) = (vectors.index(), vectors.len() > 0)
        && let Ok(query) = Query::new(vectors.row(0), vec![0])
    {
        let _ = index.nearest(vectors, &[query], 5, 20);
    }
    let options =
        ReadOptions { check: Check::Everything, skip_not_finite: true, ..ReadOptions::default() };
    if let Ok(left) = open(&path, Some(Format::Native), &options) {
        assert!(left.vectors.matrix().iter().all(|x| x.is_finite()));
        assert!(left.trained.is_none_or(|trained| trained.not_finite().is_empty()));
    }
});
