//! Trainings as a user sees them: what they learn, and that they are reproducible.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lampwick_embeddings::corpus::{MEMORY, Vocabulary, read};
use lampwick_embeddings::glove::{self, Counts, Entries, GloveSettings};
use lampwick_embeddings::training::{
    Architecture, Checkpoint, Model, Objective, Observer, Settings, train,
};
use lampwick_embeddings::{
    Corpus, EmbeddingError, Format, Loaded, NGrams, Progress, ReadOptions, Silent, Source, Stage,
    Vectors, VocabularyLimits, open,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Sentences about lamps or about ships: words of one theme never stand with those of the other.
fn themes(sentences: usize, seed: u64) -> String {
    themes_with_strays(sentences, 0.0, seed)
}

/// The same, but each word is one of the other theme with the probability `strays`. Without them GloVe,
/// which is not shown pairs that never stand together, has nothing to tell the themes by.
fn themes_with_strays(sentences: usize, strays: f64, seed: u64) -> String {
    let words = [
        ["lamp", "wick", "flame", "oil", "light", "glow", "burning", "lantern"],
        ["ship", "sail", "mast", "sea", "wave", "harbour", "sailing", "sailor"],
    ];
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut text = String::new();
    for _ in 0..sentences {
        let theme = random.random_range(0..2);
        for _ in 0..random.random_range(3..12) {
            let stray = strays > 0.0 && random.random_bool(strays);
            text += words[if stray { 1 - theme } else { theme }][random.random_range(0..8)];
            text.push(' ');
        }
        text += "the the\n";
    }
    text
}

fn corpus_of(text: &str, min_count: u64) -> lampwick_embeddings::Result<Corpus> {
    let limits = VocabularyLimits { min_count, ..VocabularyLimits::default() };
    let source = vec![Source::bytes("text", text)];
    read(source, &limits, None, &std::env::temp_dir(), MEMORY, &Silent)
}

fn vectors_of(vocabulary: &Vocabulary, counts: Counts, settings: &GloveSettings) -> Vectors {
    let entries = Entries::new(counts, settings, &Silent).unwrap();
    glove::train(vocabulary, &entries, settings, &Silent).unwrap()
}

fn small() -> Settings {
    Settings { dim: 20, window: 4, epochs: 3, lr: 0.05, sample: 0.0, ..Settings::default() }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The mean cosine within a theme less that between the two.
fn separation(vectors: &Vectors) -> f32 {
    let get = |word: &str| vectors.get(word.as_bytes()).unwrap();
    let lamps = ["lamp", "wick", "flame", "oil"].map(get);
    let ships = ["ship", "sail", "mast", "sea"].map(get);
    let (mut within, mut between) = (0.0, 0.0);
    for i in 0..4 {
        for j in 0..4 {
            if i != j {
                within += (cosine(lamps[i], lamps[j]) + cosine(ships[i], ships[j])) / 24.0;
            }
            between += cosine(lamps[i], ships[j]) / 16.0;
        }
    }
    within - between
}

#[test]
fn every_model_puts_words_of_a_theme_together() {
    let corpus = corpus_of(&themes(4000, 1), 1).unwrap();
    let ngrams = NGrams { buckets: 2000, ..NGrams::default() };
    let models = [
        (Architecture::SkipGram, Objective::NegativeSampling(5), None),
        (Architecture::SkipGram, Objective::HierarchicalSoftmax, None),
        (Architecture::Cbow, Objective::NegativeSampling(5), None),
        (Architecture::Cbow, Objective::HierarchicalSoftmax, None),
        (Architecture::SkipGram, Objective::NegativeSampling(5), Some(ngrams)),
        (Architecture::Cbow, Objective::NegativeSampling(5), Some(ngrams)),
    ];
    for (architecture, objective, ngrams) in models {
        let settings = Settings { architecture, objective, ngrams, deterministic: true, ..small() };
        let mut model = Model::new(&corpus, &settings).unwrap();
        assert!(train(&mut model, &corpus, &Silent).unwrap());
        let vectors = model.into_parts().unwrap().0;
        let separation = separation(&vectors);
        assert!(separation > 0.5, "{architecture:?} {objective:?} {ngrams:?}: {separation}");
        if ngrams.is_some() {
            // An inflection that was never seen is near its kin.
            let unseen = vectors.vector(b"sailings").unwrap();
            let (near, far) = (vectors.get(b"sail").unwrap(), vectors.get(b"lamp").unwrap());
            assert!(cosine(&unseen, near) > cosine(&unseen, far) + 0.3);
        } else {
            assert_eq!(vectors.vector(b"sailings"), None);
        }
    }
    let settings =
        GloveSettings { dim: 20, window: 4, deterministic: true, ..GloveSettings::default() };
    let corpus = corpus_of(&themes_with_strays(4000, 0.1, 1), 1).unwrap();
    for symmetric in [true, false] {
        let settings = GloveSettings { symmetric, ..settings.clone() };
        let counts = glove::count(&corpus, &settings, &Silent).unwrap();
        let vectors = vectors_of(&corpus.vocabulary, counts, &settings);
        let separation = separation(&vectors);
        assert!(separation > 0.3, "GloVe, symmetric: {symmetric}: {separation}");
    }
}

#[test]
fn hogwild_learns_as_well() {
    let corpus = corpus_of(&themes(4000, 2), 1).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    for objective in [Objective::NegativeSampling(5), Objective::HierarchicalSoftmax] {
        for architecture in [Architecture::SkipGram, Architecture::Cbow] {
            let settings = Settings { objective, architecture, ..small() };
            let mut model = Model::new(&corpus, &settings).unwrap();
            pool.install(|| train(&mut model, &corpus, &Silent)).unwrap();
            let separation = separation(&model.vectors().unwrap());
            assert!(separation > 0.5, "{objective:?} {architecture:?}: {separation}");
        }
    }
}

/// A model's file.
fn bytes(model: &Model) -> Vec<u8> {
    let mut bytes = Vec::new();
    model.write(&mut bytes).unwrap();
    bytes
}

/// Wants a pause at the n-th question, and stops there.
struct Stopping(AtomicU64, u64);

impl Progress for Stopping {
    fn stage(&self, _: Stage, _: Option<u64>) {}
    fn at(&self, _: u64) {}
}

impl Observer for Stopping {
    fn wants_pause(&self) -> bool {
        self.0.fetch_add(1, Relaxed) == self.1
    }
    fn paused(&self, _: &dyn Checkpoint) -> lampwick_embeddings::Result<bool> {
        Ok(false)
    }
}

fn load(bytes: &[u8]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.lwv");
    std::fs::write(&path, bytes).unwrap();
    open(&path, Some(Format::Native), &ReadOptions::default()).unwrap()
}

#[test]
fn deterministic_training_gives_the_same_bytes_for_any_threads_and_after_any_stop() {
    let corpus = corpus_of(&themes(500, 3), 1).unwrap();
    let ngrams = NGrams { buckets: 500, ..NGrams::default() };
    for (ngrams, objective) in
        [(None, Objective::NegativeSampling(5)), (Some(ngrams), Objective::HierarchicalSoftmax)]
    {
        let settings = Settings { deterministic: true, ngrams, objective, sample: 1e-3, ..small() };
        let whole = |threads: usize, settings: &Settings| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut model = Model::new(&corpus, settings).unwrap();
                train(&mut model, &corpus, &Silent).unwrap();
                bytes(&model)
            })
        };
        let expected = whole(1, &settings);
        assert!(expected == whole(3, &settings));
        assert!(expected != whole(1, &Settings { seed: 2, ..settings.clone() }));
        for stop in [0, 7, 19] {
            let mut model = Model::new(&corpus, &settings).unwrap();
            let finished = train(&mut model, &corpus, &Stopping(AtomicU64::new(0), stop)).unwrap();
            assert!(!finished && !model.state().is_finished());
            let mut resumed = Model::resume(&load(&bytes(&model)), &corpus).unwrap();
            assert!(train(&mut resumed, &corpus, &Silent).unwrap());
            assert!(bytes(&resumed) == expected, "stopped at {stop}");
        }
    }
}

#[test]
fn a_checkpoint_wants_its_own_text_and_an_end() {
    let corpus = corpus_of(&themes(200, 4), 1).unwrap();
    let other = corpus_of(&themes(200, 5), 1).unwrap();
    let settings = Settings { deterministic: true, ..small() };
    let mut model = Model::new(&corpus, &settings).unwrap();
    train(&mut model, &corpus, &Stopping(AtomicU64::new(0), 1)).unwrap();
    let error = Model::resume(&load(&bytes(&model)), &other).unwrap_err().to_string();
    assert!(error.contains("not the one of the checkpoint"), "{error}");
    train(&mut model, &corpus, &Silent).unwrap();
    let error = Model::resume(&load(&bytes(&model)), &corpus).unwrap_err().to_string();
    assert!(error.contains("finished"), "{error}");
}

#[test]
fn training_goes_on_with_new_words() {
    let settings = Settings { deterministic: true, ..small() };
    let first = corpus_of(&themes(2000, 6), 1).unwrap();
    let mut model = Model::new(&first, &settings).unwrap();
    train(&mut model, &first, &Silent).unwrap();
    let old = load(&bytes(&model));
    // A ship by another name.
    let text = themes(2000, 7).replace("mast", "spar");
    let limits = VocabularyLimits { min_count: 1, ..VocabularyLimits::default() };
    let known = old.vectors.words();
    let sources = vec![Source::bytes("more", text)];
    let more = read(sources, &limits, Some(known), &std::env::temp_dir(), MEMORY, &Silent).unwrap();
    let mut model = Model::continue_from(&old, &more, &settings).unwrap();
    assert_eq!(model.vectors().unwrap().row(3), old.vectors.row(3), "begins where it ended");
    train(&mut model, &more, &Silent).unwrap();
    let vectors = model.vectors().unwrap();
    assert_eq!(vectors.len(), old.vectors.len() + 1);
    assert!(vectors.words().iter().zip(known.iter()).all(|(new, old)| new == old));
    let get = |word: &str| vectors.get(word.as_bytes()).unwrap();
    assert!(cosine(get("spar"), get("sail")) > cosine(get("spar"), get("lamp")) + 0.5);
    assert_eq!(get("mast"), old.vectors.get(b"mast").unwrap(), "not in the new text");
    let wrong = Settings { dim: 21, ..settings };
    let error = Model::continue_from(&old, &more, &wrong).unwrap_err().to_string();
    assert!(error.contains("20 dimensions"), "{error}");
}

#[test]
fn a_text_of_one_word_and_lines_of_one_word_train_to_the_end() {
    for text in ["word", "word word word", "a\nb\na\n", "<unk> <unk> a <unk>\0"] {
        let corpus = corpus_of(text, 1).unwrap();
        for objective in [Objective::NegativeSampling(5), Objective::HierarchicalSoftmax] {
            for ngrams in [None, Some(NGrams { buckets: 10, ..NGrams::default() })] {
                let settings = Settings { objective, ngrams, ..small() };
                let mut model = Model::new(&corpus, &settings).unwrap();
                assert!(train(&mut model, &corpus, &Silent).unwrap());
                let vectors = model.vectors().unwrap();
                assert!(vectors.matrix().iter().all(|x| x.is_finite()));
            }
        }
        let settings = GloveSettings { dim: 5, ..GloveSettings::default() };
        let counts = glove::count(&corpus, &settings, &Silent).unwrap();
        let vectors = vectors_of(&corpus.vocabulary, counts, &settings);
        assert!(vectors.matrix().iter().all(|x| x.is_finite()));
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_with_the_mend() {
    let corpus = corpus_of("a b", 1).unwrap();
    let default = small();
    for (settings, mend) in [
        (Settings { dim: 0, ..default.clone() }, "--dim"),
        (Settings { window: 0, ..default.clone() }, "--window"),
        (Settings { lr: f32::NAN, ..default.clone() }, "--lr"),
        (Settings { sample: -1.0, ..default.clone() }, "--sample"),
        (Settings { objective: Objective::NegativeSampling(0), ..default.clone() }, "--negative"),
        (Settings { ngrams: Some(NGrams { min: 4, max: 3, buckets: 5 }), ..default }, "--maxn"),
    ] {
        let error = Model::new(&corpus, &settings).unwrap_err();
        assert!(matches!(error, EmbeddingError::Setting(_)) && error.to_string().contains(mend));
    }
}

#[test]
fn a_training_that_diverges_is_an_error_and_extreme_counts_are_none() {
    let corpus = corpus_of(&themes(300, 8), 1).unwrap();
    let settings = Settings { lr: 10.0, epochs: 200, dim: 3, deterministic: true, ..small() };
    let mut model = Model::new(&corpus, &settings).unwrap();
    train(&mut model, &corpus, &Silent).unwrap();
    match model.into_parts() {
        Ok((vectors, _)) => assert!(vectors.matrix().iter().all(|x| x.is_finite())),
        Err(error) => assert!(error.to_string().contains("--lr"), "{error}"),
    }
    // GloVe: a word a million times beside itself, and one that is seen once; the highest rate, no weighting.
    let text = format!("{}\nrare frequent\n", "frequent ".repeat(100_000));
    let corpus = corpus_of(&text, 1).unwrap();
    for x_max in [1e-3, 100.0, 1e30] {
        let settings =
            GloveSettings { dim: 5, lr: 10.0, x_max, epochs: 50, ..GloveSettings::default() };
        let counts = glove::count(&corpus, &settings, &Silent).unwrap();
        let vectors = vectors_of(&corpus.vocabulary, counts, &settings);
        assert!(vectors.matrix().iter().all(|x| x.is_finite()), "{x_max}");
    }
}
