//! Files that lie and texts that are odd, format by format.

use std::io::Read;

use lampwick_embeddings::corpus::{MEMORY, TextSummary, read as read_text};
use lampwick_embeddings::evaluation::analogies::{self, Questions};
use lampwick_embeddings::evaluation::similarity::{self, Pairs};
use lampwick_embeddings::evaluation::{Settings, analogies::Score};
use lampwick_embeddings::formats;
use lampwick_embeddings::formats::read::Reader;
use lampwick_embeddings::neighbours::{Query, nearest};
use lampwick_embeddings::{
    EmbeddingError, Format, Lexicon, Loaded, ReadOptions, Silent, Source, Vectors,
    VocabularyLimits, open,
};

const WORDS: [&[u8]; 4] = [b"lamp", b"\xff\xfe", b"<unk>", b"caf\xc3\xa9"];

fn vectors(matrix: Vec<f32>) -> Vectors {
    Vectors::new(WORDS.into_iter().collect::<Lexicon>(), matrix, 3).unwrap()
}

fn finite() -> Vectors {
    vectors((0..12).map(|n| n as f32 / 8.0 - 0.5).collect())
}

fn bytes(vectors: &Vectors, format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    formats::write(vectors, None, format, &mut bytes).unwrap();
    bytes
}

fn options() -> ReadOptions {
    let words = Some(WORDS.map(<[u8]>::to_vec).to_vec());
    ReadOptions { words, ..ReadOptions::default() }
}

fn read(format: Format, bytes: &[u8], options: &ReadOptions) -> Result<Loaded, EmbeddingError> {
    // Safetensors bring their words.
    let words = options.words.clone().filter(|_| format != Format::Safetensors);
    let options = ReadOptions { words, ..options.clone() };
    if format != Format::Native {
        return formats::read_as(format, Reader::of_bytes("x", bytes), &options);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    std::fs::write(&path, bytes).unwrap();
    open(&path, Some(format), &options)
}

/// What a file that was cut still says is what it said, and most cuts are found out: a header knows how
/// many rows there are, and a row how many numbers.
#[test]
fn a_text_file_that_is_cut_anywhere_is_an_error_or_says_less() {
    let whole = finite();
    for format in [Format::Word2vecText, Format::Glove, Format::Projector] {
        let bytes = bytes(&whole, format);
        let last_row = bytes[..bytes.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap();
        for cut in 0..bytes.len() {
            let Ok(loaded) = read(format, &bytes[..cut], &options()) else { continue };
            assert!(format == Format::Glove || cut > last_row, "{format:?}, {cut}");
            // The last number of what is left may be a part of one.
            let kept = loaded.vectors.len() * loaded.vectors.dim() - 1;
            if loaded.vectors.dim() == 3 {
                assert_eq!(
                    loaded.vectors.matrix()[..kept],
                    whole.matrix()[..kept],
                    "{format:?}, {cut}"
                );
            }
        }
    }
}

#[test]
fn no_byte_of_any_file_makes_a_panic_or_much_memory() {
    // The native file has a hash of its header; `formats.rs` lies behind it.
    for format in Format::ALL.into_iter().filter(|&format| format != Format::Native) {
        let whole = bytes(&finite(), format);
        for at in 0..whole.len() {
            for value in [0, b'\n', b'9', 0x7f, 0xff] {
                let mut lying = whole.clone();
                lying[at] = value;
                if let Ok(loaded) = read(format, &lying, &options()) {
                    assert!(loaded.vectors.len() <= 16, "{format:?}: {at} is {value}");
                }
            }
        }
    }
}

#[test]
fn a_header_of_safetensors_that_lies_is_found_out() {
    let good = bytes(&finite(), Format::Safetensors);
    let length = u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(good[8..8 + length].to_vec()).unwrap();
    let with = |from: &str, to: &str| {
        assert!(header.contains(from), "{header}");
        let header = header.replace(from, to);
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(header.as_bytes());
        file.extend_from_slice(&good[8 + length..]);
        let error = read(Format::Safetensors, &file, &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().starts_with("x: "), "{error}");
    };
    with("[4,3]", "[4611686018427387904,3]");
    with("[4,3]", "[2,3]");
    with("[4,3]", "[3,4]");
    with("[4,3]", "[12]");
    with("\"F32\"", "\"F16\"");
    with("words.ends", "words.end");
    let mut file = good.clone();
    file[..8].fill(0xff);
    assert!(read(Format::Safetensors, &file, &ReadOptions::default()).is_err());
}

/// A number that is none is refused with its word, or, in a file that is mapped and not read, is no answer.
#[test]
fn a_vector_with_a_nan_or_an_infinity_is_refused_by_every_reader_and_is_no_neighbour() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut matrix = finite().matrix().to_vec();
        matrix[4] = bad;
        let broken = vectors(matrix);
        for format in Format::ALL {
            let file = bytes(&broken, format);
            match read(format, &file, &options()) {
                Err(error) => assert!(error.to_string().contains("finite"), "{format:?}: {error}"),
                Ok(loaded) => {
                    assert_eq!(format, Format::Native);
                    let query = Query::word(&loaded.vectors, b"lamp").unwrap();
                    for queries in [vec![query.clone()], vec![query; 5]] {
                        for found in nearest(&loaded.vectors, &queries, 4, usize::MAX) {
                            let rows: Vec<usize> = found.iter().map(|found| found.row).collect();
                            assert!(!rows.contains(&1) && rows.len() == 2, "{bad}: {found:?}");
                        }
                    }
                    assert!(Query::word(&loaded.vectors, WORDS[1]).is_err());
                }
            }
        }
    }
}

#[test]
fn lists_of_unknown_words_give_no_score_and_say_how_many() {
    let vectors = finite();
    let questions = b": all\nlamp <unk> oil wick\na b c d\n\xff \0 x y\n";
    let questions = Questions::read("q", questions).unwrap();
    let scores = analogies::evaluate(&vectors, &questions, &Settings::default());
    assert_eq!(scores, [Score { skipped: 3, ..Score::default() }]);
    let pairs = Pairs::read("p", b"lamp\toil\t3\n\xff\t\0\t1\nlamp\t<unk>\t5\n").unwrap();
    let agreement = similarity::evaluate(&vectors, &pairs, &Settings::default()).unwrap();
    assert_eq!((agreement.known, agreement.unknown), (1, 2));
    assert_eq!((agreement.spearman, agreement.pearson), (None, None), "of one pair");
}

/// `lamp oil wick` for so many bytes, without an end of line.
struct OneLine {
    left: u64,
}

impl Read for OneLine {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        const TEXT: &[u8] = b"lamp oil wick ";
        let begin = (TEXT.len() - (self.left % TEXT.len() as u64) as usize) % TEXT.len();
        let part = buffer.len().min(TEXT.len() - begin).min(self.left as usize);
        buffer[..part].copy_from_slice(&TEXT[begin..begin + part]);
        self.left -= part as u64;
        Ok(part)
    }
}

fn one_line(bytes: u64) -> TextSummary {
    let source = Source::new("line", OneLine { left: bytes }).unwrap();
    let limits = VocabularyLimits::default();
    let temporary = std::env::temp_dir();
    read_text(vec![source], &limits, None, &temporary, MEMORY / 64, &Silent).unwrap().summary
}

/// Its ids go to a temporary file, as those of a larger text do.
#[test]
fn one_long_line_counts_whole() {
    let summary = one_line(14 * 2_000_000);
    let words = 3 * 2_000_000;
    assert_eq!(summary, TextSummary { words, known: words, lines: 1, distinct: 3 });
}

/// A gigabyte, in as little memory: `--run-ignored only`.
#[test]
#[ignore = "reads a gigabyte"]
fn a_line_of_a_gigabyte_counts_whole() {
    let summary = one_line(14 * 71_428_572);
    let words = 3 * 71_428_572;
    assert_eq!(summary, TextSummary { words, known: words, lines: 1, distinct: 3 });
}
