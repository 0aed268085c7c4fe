use super::*;
use crate::error::DataError;
use crate::vocabulary::{EOS, UNK, Vocabulary};
use std::fs;
use std::path::PathBuf;

fn vocabulary(size: usize) -> Vocabulary {
    let mut words = vec![UNK.to_owned(), EOS.to_owned()];
    words.extend((2..size).map(|id| format!("w{id}")));
    Vocabulary::from_words(words, vec![], Some(UNK), Some(EOS)).unwrap()
}

fn written(folder: &tempfile::TempDir, vocabulary: &Vocabulary, ids: &[u32]) -> PathBuf {
    let path = folder.path().join("text.tokens");
    let mut writer = TokenFileWriter::create(&path, vocabulary).unwrap();
    for piece in ids.chunks(7) {
        writer.append(piece).unwrap();
    }
    writer.finish(TextCounts { lines: 3, unknown: 1, ..Default::default() }, [9; 32]).unwrap();
    path
}

#[test]
fn both_widths_come_back() {
    let folder = tempfile::tempdir().unwrap();
    for (size, width) in [(65_536, 2), (65_537, 4)] {
        let vocabulary = vocabulary(size);
        let ids: Vec<u32> =
            (0..100).map(|i| (i * 7919) % size as u32).chain([size as u32 - 1]).collect();
        let path = written(&folder, &vocabulary, &ids);
        assert_eq!(fs::metadata(&path).unwrap().len(), 160 + width * 101);
        let file = TokenFile::open_for(&path, &vocabulary).unwrap();
        assert_eq!((file.len(), file.vocabulary_size()), (101, size));
        assert_eq!((file.counts().tokens, file.counts().lines), (101, 3));
        assert_eq!(file.vocabulary_hash(), vocabulary.hash());
        assert_eq!(file.source_hash(), "09".repeat(32));
        let (mapped, memory) = (Tokens::Mapped(file), Tokens::from(ids));
        assert!(mapped.iter().eq(memory.iter()));
        for range in [0..0, 3..9, 95..500, 500..600, 101..101] {
            let (mut a, mut b) = (vec![1], vec![1]);
            mapped.copy(range.clone(), &mut a);
            memory.copy(range, &mut b);
            assert_eq!(a, b);
        }
        assert_eq!((mapped.get(100), mapped.get(101)), (memory.get(100), None));
        assert_eq!(mapped.count(0), memory.count(0));
    }
}

#[test]
fn the_vocabulary_of_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, &vocabulary(10), &[1, 2, 3]);
    let error = TokenFile::open_for(&path, &vocabulary(11)).unwrap_err();
    assert!(matches!(
        error,
        DataError::VocabularyMismatch { expected_size: 11, found_size: 10, .. }
    ));
    assert!(error.to_string().contains("pass the vocabulary of that run"), "{error}");
}

#[test]
fn truncated_and_flipped_files_are_typed_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, &vocabulary(300), &[1, 2, 299, 4]);
    let whole = fs::read(&path).unwrap();
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        TokenFile::open(&path)
    };
    for length in 0..whole.len() {
        let error = open(&whole[..length]).unwrap_err();
        assert!(matches!(error, DataError::Malformed { .. } | DataError::Empty { .. }), "{error}");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert!(matches!(open(&longer), Err(DataError::Malformed { .. })));
    // Any bit of the head.
    for bit in 0..160 * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(open(&flipped), Err(DataError::Malformed { .. })), "bit {bit}");
    }
    // An id that no word has.
    let mut flipped = whole.clone();
    flipped[160 + 5] ^= 0x80;
    let error = open(&flipped).unwrap_err();
    assert!(error.to_string().contains("token 2 is beyond the 300 words"), "{error}");
    assert!(open(&whole).is_ok());
    assert!(matches!(TokenFile::open(folder.path()), Err(DataError::Directory { .. })));
    assert!(matches!(TokenFile::open(folder.path().join("x")), Err(DataError::Missing { .. })));
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.tokens");
    let mut writer = TokenFileWriter::create(&path, &vocabulary(5)).unwrap();
    assert!(matches!(writer.append(&[5]), Err(DataError::Setting { .. })));
    drop(writer);
    let writer = TokenFileWriter::create(&path, &vocabulary(5)).unwrap();
    assert!(matches!(writer.finish(TextCounts::default(), [0; 32]), Err(DataError::Empty { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
