//! What real files hold, through the whole way from a file to batches: each either works or is a
//! typed error that says where and what to do.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use lampwick_data::{
    BpttBatches, BpttLength, DataError, SubwordModel, TextCounts, TokenFile, Tokenizer,
    TokenizerKind, Tokens, Vocabulary, VocabularyLimits, prepare_corpus,
};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// Trains a tokenizer on the file and encodes it.
fn whole_way(kind: &TokenizerKind, path: &PathBuf) -> Result<(Tokenizer, TextCounts), DataError> {
    let tokenizer = Tokenizer::train_file(kind, path, &VocabularyLimits::default())?;
    let (_, counts) = Tokens::from_text_file(&tokenizer, path)?;
    Ok((tokenizer, counts))
}

fn kinds() -> [TokenizerKind; 5] {
    [
        TokenizerKind::Words,
        TokenizerKind::Characters,
        TokenizerKind::Bytes,
        TokenizerKind::Subwords { model: SubwordModel::Bpe, size: 270 },
        TokenizerKind::Subwords { model: SubwordModel::Unigram, size: 40 },
    ]
}

#[test]
fn a_missing_file_and_a_folder() {
    let folder = Folder::new();
    for kind in kinds() {
        let missing = whole_way(&kind, &folder.0.path().join("no.txt")).unwrap_err();
        assert!(matches!(missing, DataError::Missing { .. }));
        assert!(missing.to_string().contains("no.txt: no such file"), "{missing}");
        let directory = whole_way(&kind, &folder.0.path().to_path_buf()).unwrap_err();
        assert!(matches!(directory, DataError::Directory { .. }), "{directory}");
    }
}

#[test]
fn an_empty_file() {
    let folder = Folder::new();
    let path = folder.file("empty.txt", b"");
    for kind in kinds() {
        // The bytes tokenizer needs no training text; encoding the empty file fails all the same.
        let error = whole_way(&kind, &path).unwrap_err();
        assert!(matches!(error, DataError::Empty { .. }));
        assert!(error.to_string().contains("empty.txt: is empty"), "{error}");
    }
}

#[test]
fn a_single_line_with_and_without_its_end() {
    let folder = Folder::new();
    let text = b"the cat and the hat and the bat";
    let bare = folder.file("bare.txt", text);
    let ended = folder.file("ended.txt", &[text.as_slice(), b"\n"].concat());
    for kind in kinds() {
        let (tokenizer, counts) = whole_way(&kind, &bare).unwrap();
        assert!(counts.tokens > 0);
        let same = counts == whole_way(&kind, &ended).unwrap().1;
        assert_eq!(same, kind != TokenizerKind::Bytes, "bytes take the file as it is");
        let (tokens, _) = Tokens::from_text_file(&tokenizer, &ended).unwrap();
        // Too little for the usual batches, and the error says what would do.
        let error = BpttBatches::new(tokens, 20, BpttLength::Fixed(35), 1).unwrap_err();
        assert!(matches!(error, DataError::StreamTooShort { batch: 20, needed: 36, .. }));
        assert!(error.to_string().contains("use a shorter BPTT length or more text"), "{error}");
    }
}

#[test]
fn bytes_that_are_no_text() {
    let folder = Folder::new();
    let latin = folder.file("latin.txt", b"plain\ncaf\xE9 au lait\n");
    let nul = folder.file("nul.txt", b"plain\nmore\nca\0fe\n");
    let wide: Vec<u8> = "wide\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = folder.file("wide.txt", &[&[0xFF, 0xFE], wide.as_slice()].concat());
    for kind in kinds() {
        if kind == TokenizerKind::Bytes {
            for path in [&latin, &nul, &wide] {
                let (_, counts) = whole_way(&kind, path).unwrap();
                assert_eq!(counts.tokens, fs::metadata(path).unwrap().len());
            }
            continue;
        }
        let error = whole_way(&kind, &latin).unwrap_err();
        assert!(matches!(error, DataError::InvalidUtf8 { line: 2, byte: 9, .. }), "{error:?}");
        assert!(error.to_string().contains("latin.txt:2: not UTF-8 at byte 9"), "{error}");
        assert!(error.to_string().contains("iconv"), "{error}");
        let error = whole_way(&kind, &nul).unwrap_err();
        assert!(matches!(error, DataError::Nul { line: 3, byte: 13, .. }), "{error:?}");
        assert!(error.to_string().contains("nul.txt:3: NUL at byte 13"), "{error}");
        let error = whole_way(&kind, &wide).unwrap_err();
        assert!(matches!(error, DataError::InvalidUtf8 { .. } | DataError::Nul { .. }));
        assert!(error.to_string().contains("UTF-16"), "{error}");
    }
}

#[test]
fn byte_order_marks_and_foreign_line_ends() {
    let folder = Folder::new();
    let plain = folder.file("plain.txt", b"the cat\nthe hat sat\n\nthe end\n");
    let windows = b"\xEF\xBB\xBFthe cat\r\nthe hat sat\r\n\r\nthe end\r\n";
    let windows = folder.file("windows.txt", windows);
    for kind in kinds().into_iter().filter(|kind| *kind != TokenizerKind::Bytes) {
        let (a, counts) = whole_way(&kind, &plain).unwrap();
        let (b, windows_counts) = whole_way(&kind, &windows).unwrap();
        assert_eq!((a.vocabulary(), counts), (b.vocabulary(), windows_counts));
        assert_eq!((counts.lines, counts.characters), (4, 29));
    }
}

#[test]
fn the_vocabulary_of_another_run() {
    let folder = Folder::new();
    let ours = folder.file("ours.txt", b"a b c d e f\n");
    let theirs = folder.file("theirs.txt", b"a b c d x\n");
    let out = folder.0.path().join("out");
    let tokenizer = |path: &PathBuf| {
        Tokenizer::train_file(&TokenizerKind::Words, path, &VocabularyLimits::default()).unwrap()
    };
    let made = prepare_corpus(&ours, &tokenizer(&ours), &out, &mut |_, _| {}).unwrap();
    let other: Vocabulary = tokenizer(&theirs).vocabulary().clone();
    for error in [
        TokenFile::open_for(&made.path, &other).unwrap_err(),
        prepare_corpus(&ours, &tokenizer(&theirs), &out, &mut |_, _| {}).unwrap_err(),
    ] {
        assert!(
            matches!(error, DataError::VocabularyMismatch { expected_size: 7, found_size: 8, .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("was made with another vocabulary"), "{error}");
    }
}

/// A line of `left` bytes that never lies anywhere as a whole: words of 999 letters.
struct OneLine {
    left: u64,
    at: u64,
}

impl Read for OneLine {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let now = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        buffer[..now].fill(b'a');
        let mut space = (999 - self.at % 1000) as usize;
        while space < now {
            buffer[space] = b' ';
            space += 1000;
        }
        self.at += now as u64;
        self.left -= now as u64;
        Ok(now)
    }
}

/// The most memory that this process has ever used, in MiB (Linux).
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

#[test]
fn a_line_of_a_gigabyte_in_bounded_memory() {
    const GIB: u64 = 1 << 30;
    let sizes = [
        (TokenizerKind::Words, GIB, GIB / 1000 + 2),
        (TokenizerKind::Bytes, GIB, GIB),
        // The same code as words up to the pieces; less of it, because each character is looked up.
        (TokenizerKind::Characters, GIB / 64, GIB / 64 + 1),
    ];
    for (kind, size, tokens) in sizes {
        let line = |left| OneLine { left, at: 0 };
        let limits = VocabularyLimits::default();
        let tokenizer = Tokenizer::train(&kind, line(GIB / 256), "line", &limits).unwrap();
        let mut longest = 0;
        let counts = tokenizer.encode_text(line(size), "line", &mut |ids| {
            longest = longest.max(ids.len());
            Ok(())
        });
        assert_eq!(counts.unwrap().tokens, tokens);
        assert!(longest <= 2 * lampwick_data::text::PIECE, "{longest}");
    }
    if let Some(peak) = peak_memory() {
        assert!(peak < 256, "{peak} MiB");
    }
}

#[test]
fn a_word_of_many_megabytes() {
    let endless = || std::io::repeat(b'x').take(5_000_000);
    let limits = VocabularyLimits::default();
    let error = Tokenizer::train(&TokenizerKind::Words, endless(), "x", &limits).unwrap_err();
    assert!(matches!(error, DataError::LongWord { line: 1, byte: 0, .. }), "{error}");
    assert!(error.to_string().contains("put spaces between the words"), "{error}");
    let tokenizer = Tokenizer::train(&TokenizerKind::Characters, endless(), "x", &limits).unwrap();
    assert_eq!(tokenizer.vocabulary().len(), 3);
}
