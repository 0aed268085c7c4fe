//! Models of fastText and gensim: read here, vector by vector as their own programs give them; and ours read
//! there. `fixtures/make.py` made the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use lampwick_embeddings::corpus::{MEMORY, read};
use lampwick_embeddings::evaluation;
use lampwick_embeddings::evaluation::similarity::{self, Pairs};
use lampwick_embeddings::formats::{fasttext, native};
use lampwick_embeddings::training::{Model, Settings, train};
use lampwick_embeddings::{
    Check, Format, Loaded, NGrams, QuantizeSettings, ReadOptions, Silent, Source, Trained, Vectors,
    VocabularyLimits, compress, formats, open,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn load(path: &Path) -> Loaded {
    open(path, None, &ReadOptions::default()).unwrap()
}

fn assert_near(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(0.1), "{what}: {found:?}, not {expected:?}");
    }
}

/// Whether all that the model's own program says is said.
fn assert_agrees(vectors: &Vectors, name: &str) {
    let expected = std::fs::read_to_string(fixture(&format!("{name}.json"))).unwrap();
    let expected: BTreeMap<String, Vec<f32>> = serde_json::from_str(&expected).unwrap();
    assert!(expected.len() > 8);
    for (word, expected) in &expected {
        match vectors.vector(word.as_bytes()) {
            Some(found) => assert_near(&found, expected, &format!("{name}, {word}")),
            // fastText says zeros of a word that it can say nothing of.
            None => assert!(expected.iter().all(|&x| x == 0.0), "{name}, {word}"),
        }
    }
}

#[test]
fn models_of_fasttext_and_gensim_give_the_vectors_that_these_give() {
    for (name, ending) in [
        ("fasttext_skipgram", "bin"),
        ("fasttext_cbow_hs", "bin"),
        ("fasttext_words", "bin"),
        ("fasttext_supervised", "bin"),
        ("fasttext_quantized", "ftz"),
        ("fasttext_pruned", "ftz"),
        ("gensim_fasttext", "bin"),
        ("gensim_word2vec", "bin"),
        ("gensim_word2vec", "vec"),
    ] {
        let loaded = load(&fixture(&format!("{name}.{ending}")));
        assert_agrees(&loaded.vectors, name);
        // And the same from our own file.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("native.lwv");
        write(&loaded, Format::Native, &path);
        assert_agrees(&load(&path).vectors, name);
        native::verify(&path).unwrap();
    }
}

#[test]
fn a_model_of_fasttext_is_written_as_it_was_read() {
    for name in ["fasttext_skipgram", "fasttext_cbow_hs", "gensim_fasttext"] {
        let original = std::fs::read(fixture(&format!("{name}.bin"))).unwrap();
        let loaded = load(&fixture(&format!("{name}.bin")));
        let mut again = Vec::new();
        fasttext::write(&loaded.vectors, loaded.trained.as_ref(), &mut again).unwrap();
        // The number of words that are told between two updates of the learning rate, which gensim has
        // not, and the number of words of the text, which gensim counts otherwise.
        let from = if name == "gensim_fasttext" { 84 } else { 0 };
        assert!(original.len() == again.len() && original[from..] == again[from..], "{name}");
    }
}

fn write(loaded: &Loaded, format: Format, path: &Path) {
    let mut bytes = Vec::new();
    formats::write(&loaded.vectors, loaded.trained.as_ref(), format, &mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A small model of ours.
fn trained(ngrams: Option<NGrams>) -> (Vectors, Trained) {
    let limits = VocabularyLimits { min_count: 1, ..VocabularyLimits::default() };
    let source = vec![Source::open(fixture("text.txt")).unwrap()];
    let corpus = read(source, &limits, None, &std::env::temp_dir(), MEMORY, &Silent).unwrap();
    let settings = Settings { dim: 12, ngrams, deterministic: true, ..Settings::default() };
    let mut model = Model::new(&corpus, &settings).unwrap();
    train(&mut model, &corpus, &Silent).unwrap();
    model.into_parts().unwrap()
}

/// What another program says of a file: a vector for each word.
fn said(kind: &str, path: &Path, words: &[&str]) -> Option<Vec<Vec<f32>>> {
    let Some(python) = std::env::var_os("LAMPWICK_EMBEDDINGS_PYTHON") else {
        println!("skipped: LAMPWICK_EMBEDDINGS_PYTHON names no Python");
        return None;
    };
    let mut command = Command::new(python);
    let output = command.arg(fixture("check.py")).arg(kind).arg(path).args(words).output().unwrap();
    assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
    let line = |line: &str| line.split(' ').map(|x| x.parse().unwrap()).collect();
    Some(String::from_utf8(output.stdout).unwrap().lines().map(line).collect())
}

#[test]
fn our_models_are_read_by_fasttext_and_gensim() {
    const WORDS: [&str; 5] = ["lamp", "caf\u{e9}", "\u{706f}\u{706b}", "New_York", "a"];
    const UNSEEN: [&str; 3] = ["lamps", "b\u{e9}b\u{e9}s", "\u{706f}\u{706f}"];
    let folder = tempfile::tempdir().unwrap();
    let ngrams = NGrams { min: 2, max: 5, buckets: 500 };
    let (vectors, trained) = trained(Some(ngrams));
    let loaded = Loaded::whole(vectors, Some(trained));
    let quantize = QuantizeSettings { part: 3, norms: true, seed: 1 };
    let small = compress(&loaded, &quantize, &Silent).unwrap();
    let compressed = Loaded::whole(small.vectors.clone(), None);
    let agree = |kind: &str, loaded: &Loaded, format: Format, name: &str, words: &[&str]| {
        let path = folder.path().join(name);
        write(loaded, format, &path);
        for (word, said) in words.iter().zip(said(kind, &path, words).into_iter().flatten()) {
            let ours = loaded.vectors.vector(word.as_bytes()).unwrap();
            assert_near(&said, &ours, &format!("{kind}, {word}"));
        }
        // Whether another program is there or not, this one reads it as well.
        let again = load(&path);
        for word in words {
            let (a, b) = (&again.vectors, &loaded.vectors);
            let of = |vectors: &Vectors| vectors.vector(word.as_bytes()).unwrap().into_owned();
            assert_near(&of(a), &of(b), word);
        }
    };
    let all = [&WORDS[..], &UNSEEN[..]].concat();
    agree("fasttext", &loaded, Format::Fasttext, "model.bin", &all);
    agree("gensim-fasttext", &loaded, Format::Fasttext, "model.bin", &all);
    agree("fasttext", &compressed, Format::Fasttext, "model.ftz", &all);
    agree("word2vec-binary", &loaded, Format::Word2vecBinary, "words.bin", &WORDS);
    agree("word2vec", &loaded, Format::Word2vecText, "words.vec", &WORDS);
    agree("glove", &loaded, Format::Glove, "glove.txt", &WORDS);
}

#[test]
fn a_compressed_file_says_what_its_codes_say() {
    for ngrams in [None, Some(NGrams { min: 2, max: 5, buckets: 500 })] {
        let (vectors, trained) = trained(ngrams);
        let loaded = Loaded::whole(vectors, Some(trained));
        let small = compress(&loaded, &QuantizeSettings::default(), &Silent).unwrap();
        assert!(small.loss.cosine > 0.9, "{:?}", small.loss);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.lwv");
        let mut bytes = Vec::new();
        native::write(&native::Contents::compressed(&small), &mut bytes).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let again = load(&path).vectors;
        assert_eq!(again.matrix(), small.vectors.matrix());
        assert_eq!(again.vector(b"lampwick"), small.vectors.vector(b"lampwick"));
        assert_eq!(again.vector(b"lampwick").is_some(), ngrams.is_some());
        assert!(
            compress(&load(&path), &QuantizeSettings::default(), &Silent).is_err()
                == ngrams.is_some()
        );
    }
}

#[test]
fn a_model_that_is_cut_anywhere_is_an_error() {
    for name in ["fasttext_skipgram.bin", "fasttext_pruned.ftz"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        let mut reader = formats::read::Reader::of_bytes(name, &whole);
        let trained =
            fasttext::read(&mut reader, &ReadOptions::default()).unwrap().trained.is_some();
        assert_eq!(trained, name.ends_with("bin"));
        // Of a classifier, the rows of labels are not read.
        let last = if trained { whole.len() } else { whole.len() - 200 };
        for cut in (0..last).step_by(3) {
            let mut reader = formats::read::Reader::of_bytes(name, &whole[..cut]);
            let error =
                fasttext::read(&mut reader, &ReadOptions::default()).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        // Any byte may lie; none makes a panic, or more memory than the file has.
        for at in 0..200.min(whole.len()) {
            for value in [0, 0x7f, 0xff] {
                let mut lying = whole.clone();
                lying[at] = value;
                let mut reader = formats::read::Reader::of_bytes(name, &lying);
                let _ = fasttext::read(&mut reader, &ReadOptions::default());
            }
        }
    }
}

/// What a word has in the file does not say whether its n-grams' rows are numbers, nor the output rows.
#[test]
fn a_nan_in_a_row_that_no_word_has_is_found_where_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let ngrams = NGrams { min: 2, max: 5, buckets: 5000 };
    let (vectors, trained) = trained(Some(ngrams));
    let loaded = Loaded::whole(vectors, Some(trained));
    let model = folder.path().join("model.bin");
    write(&loaded, Format::Fasttext, &model);
    let bytes = std::fs::read(&model).unwrap();
    let output = 1 + 8 + 8 + loaded.vectors.matrix().len() * 4;
    // The last number of the last bucket, and the last of what is predicted.
    for (matrix, end) in [("input", bytes.len() - output), ("output", bytes.len())] {
        let mut bad = bytes.clone();
        bad[end - 4..end].copy_from_slice(&f32::NAN.to_le_bytes());
        std::fs::write(&model, bad).unwrap();
        let native = folder.path().join("model.lwv");
        write(&load(&model), Format::Native, &native);
        for path in [&model, &native] {
            let open = |check, skip_not_finite| {
                open(path, None, &ReadOptions { check, skip_not_finite, ..ReadOptions::default() })
            };
            let error = open(Check::Everything, false).unwrap_err().to_string();
            assert!(error.contains(&format!("of the {matrix} matrix holds a NaN")), "{error}");
            let left = open(Check::Everything, true).unwrap();
            let kept = left.vectors.subwords().is_some();
            assert_eq!((kept, left.trained.is_some()), (matrix == "output", false));
            assert_eq!(left.lost.len(), if kept { 1 } else { 2 }, "{:?}", left.lost);
            let words = open(Check::Words, false).unwrap();
            let held = |rows: Vec<usize>| rows.len();
            assert_eq!(held(words.vectors.subwords().unwrap().not_finite()), usize::from(!kept));
            assert_eq!(held(words.trained.unwrap().not_finite()), usize::from(kept));
        }
        if matrix == "input" {
            let is_of_it = |word: &String| {
                let mut found = false;
                ngrams.buckets_of(word.as_bytes(), |bucket| found |= bucket + 1 == ngrams.buckets);
                found
            };
            let word = (0..100_000).map(|n| format!("w{n}")).find(is_of_it).unwrap();
            let vectors = load(&native).vectors;
            let error = vectors.try_vector(word.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(&word) && error.contains("NaN"), "{error}");
            let pairs = Pairs::read("pairs", format!("{word}\tlamp\t1\n").as_bytes()).unwrap();
            let with = |subwords| {
                let settings = evaluation::Settings { subwords, ..Default::default() };
                similarity::evaluate(&vectors, &pairs, &settings)
            };
            assert_eq!(with(true).unwrap_err().to_string(), error);
            assert_eq!(with(false).unwrap().unknown, 1);
        }
    }
}
