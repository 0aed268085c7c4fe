//! Co-occurrence counts: the same however they are made.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lampwick_embeddings::corpus::{MEMORY, Vocabulary, read};
use lampwick_embeddings::glove::{self, Counts, Entries, GloveSettings, shards};
use lampwick_embeddings::training::{Checkpoint, Observer};
use lampwick_embeddings::{Corpus, Progress, Silent, Source, Stage, Vectors, VocabularyLimits};

fn text(lines: usize) -> String {
    let mut text = String::new();
    let mut random = 1u64;
    for _ in 0..lines {
        for _ in 0..20 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let word = ((random >> 33) % 200).min((random >> 45) % 200);
            text += &format!("w{word} ");
        }
        text.push('\n');
    }
    text
}

fn corpus_of(text: &str, min_count: u64) -> Corpus {
    let limits = VocabularyLimits { min_count, ..settings().vocabulary };
    let sources = vec![Source::bytes("text", text)];
    read(sources, &limits, None, &std::env::temp_dir(), MEMORY, &Silent).unwrap()
}

fn settings() -> GloveSettings {
    GloveSettings { dim: 10, window: 5, epochs: 2, deterministic: true, ..GloveSettings::default() }
}

fn vectors_of(vocabulary: &Vocabulary, counts: Counts, settings: &GloveSettings) -> Vectors {
    let entries = Entries::new(counts, settings, &Silent).unwrap();
    glove::train(vocabulary, &entries, settings, &Silent).unwrap()
}

/// A shard with all counts: what it holds is sorted and added up.
fn shard(corpus: &Corpus, counts: &Counts, settings: &GloveSettings) -> Vec<u8> {
    let mut bytes = Vec::new();
    shards::write(&corpus.vocabulary, counts, settings, &mut bytes).unwrap();
    bytes
}

#[test]
fn counts_depend_on_neither_threads_nor_memory() {
    let corpus = corpus_of(&text(3000), 1);
    for symmetric in [true, false] {
        let of = |threads: usize, memory: u64| {
            let settings = GloveSettings { symmetric, memory, ..settings() };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let counts = glove::count(&corpus, &settings, &Silent).unwrap();
                assert_eq!(counts.files() > 0, memory < 1000, "{}", counts.files());
                shard(&corpus, &counts, &settings)
            })
        };
        let expected = of(1, 1 << 30);
        assert!(expected == of(3, 1 << 30));
        assert!(expected == of(2, 0));
    }
}

#[test]
fn vectors_are_the_same_from_memory_and_from_temporary_files() {
    let corpus = corpus_of(&text(2000), 1);
    let of = |memory: u64| {
        let settings = GloveSettings { memory, ..settings() };
        let counts = glove::count(&corpus, &settings, &Silent).unwrap();
        vectors_of(&corpus.vocabulary, counts, &settings)
    };
    assert!(of(1 << 30).matrix() == of(0).matrix());
}

/// More entries than a bucket has: how many runs hold a pair, by threads, memory and parts, must not say how
/// many buckets there are, for these are the order of the training.
#[test]
fn the_order_of_training_follows_from_the_counts_alone() {
    let mut random = 1u64;
    let mut word = |_| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("w{} ", (random >> 33) % 1200)
    };
    let lines: Vec<String> =
        (0..9000).map(|_| (0..20).map(&mut word).collect::<String>() + "\n").collect();
    let corpus = corpus_of(&lines.concat(), 1);
    let settings = GloveSettings { dim: 2, epochs: 1, ..settings() };
    let of = |threads: usize, memory: u64| {
        let settings = GloveSettings { memory, ..settings.clone() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let counts = glove::count(&corpus, &settings, &Silent).unwrap();
            (counts.most(), vectors_of(&corpus.vocabulary, counts, &settings))
        })
    };
    let (pairs, expected) = of(1, 1 << 30);
    let bucket = 1 << 20;
    assert!(2 * pairs < bucket, "{pairs}");
    for (threads, memory) in [(2, 1 << 30), (3, 1 << 30), (1, 0)] {
        let (most, vectors) = of(threads, memory);
        assert!(2 * most > bucket, "{most}");
        assert!(vectors.matrix() == expected.matrix(), "{threads} threads, memory {memory}");
    }
    let shards = lines.chunks(4500).map(|lines| {
        let corpus = corpus_of(&lines.concat(), 1);
        let counts = glove::count(&corpus, &settings, &Silent).unwrap();
        Source::bytes("shard", shard(&corpus, &counts, &settings))
    });
    let (vocabulary, counts) = shards::read(shards.collect(), &settings, &Silent).unwrap();
    let merged = vectors_of(&vocabulary, counts, &settings);
    for row in 0..merged.len() {
        assert_eq!(expected.get(merged.word(row)), Some(merged.row(row)));
    }
}

#[test]
fn shards_of_parts_add_up_to_the_whole() {
    let (one, two) = (text(900), text(700).replace("w1", "v1"));
    let whole = format!("{one}{two}");
    for (symmetric, min_count) in [(true, 1), (true, 100), (false, 3)] {
        let vocabulary = VocabularyLimits { min_count, ..settings().vocabulary };
        let settings = GloveSettings { symmetric, vocabulary, ..settings() };
        let count = |text: &str| {
            let corpus = corpus_of(text, 1);
            let counts = glove::count(&corpus, &settings, &Silent).unwrap();
            Source::bytes("shard", shard(&corpus, &counts, &settings))
        };
        let from = |shards: Vec<Source>| {
            let (vocabulary, counts) = shards::read(shards, &settings, &Silent).unwrap();
            vectors_of(&vocabulary, counts, &settings)
        };
        let (merged, direct) = (from(vec![count(&one), count(&two)]), from(vec![count(&whole)]));
        assert!(merged.matrix() == direct.matrix());
        assert!(merged.words().iter().eq(direct.words().iter()));
    }
}

#[test]
fn a_neighbour_counts_by_its_distance() {
    // The authors' programs print for this text, window 3, symmetric:
    // a b 1.5, a c 1 and 0.5 and so on; here by hand.
    let corpus = corpus_of("a b c b\n", 1);
    let settings = GloveSettings { window: 2, ..settings() };
    let counts = glove::count(&corpus, &settings, &Silent).unwrap();
    let bytes = shard(&corpus, &counts, &settings);
    // Behind the header, and three words of one byte each: b (twice), a, c.
    let records: Vec<(u32, u32, f64)> = bytes[32 + 3 * 13..bytes.len() - 8]
        .chunks(16)
        .map(|it| {
            let number = |at: usize| u32::from_le_bytes(it[at..at + 4].try_into().unwrap());
            let weight = u64::from_le_bytes(it[8..].try_into().unwrap());
            (number(0), number(4), weight as f64 / f64::from(1 << 24))
        })
        .collect();
    // b-b at distance 2; b-a at 1; b-c at 1, twice; a-c at 2.
    assert_eq!(records, [(0, 0, 0.5), (0, 1, 1.0), (0, 2, 2.0), (1, 2, 0.5)]);
}

#[test]
fn damaged_and_foreign_shards_are_named() {
    let settings = settings();
    let corpus = corpus_of("a b a\n", 1);
    let counts = glove::count(&corpus, &settings, &Silent).unwrap();
    let good = shard(&corpus, &counts, &settings);
    let read = |bytes: &[u8], settings: &GloveSettings| {
        shards::read(vec![Source::bytes("x.coo", bytes)], settings, &Silent).map(|_| ())
    };
    let once = GloveSettings {
        vocabulary: VocabularyLimits { min_count: 1, ..VocabularyLimits::default() },
        ..settings.clone()
    };
    read(&good, &once).unwrap();
    for cut in 0..good.len() {
        assert!(read(&good[..cut], &once).is_err(), "cut at {cut}");
    }
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(read(&bad, &once).is_err(), "flipped at {at}");
    }
    let other = GloveSettings { window: 9, ..once };
    let error = read(&good, &other).unwrap_err().to_string();
    assert!(error.contains("x.coo") && error.contains("window of 5"), "{error}");
}

/// Stops at the n-th question, and keeps the checkpoint.
struct Stopping(AtomicU64, u64, Mutex<Vec<u8>>);

impl Progress for Stopping {
    fn stage(&self, _: Stage, _: Option<u64>) {}
    fn at(&self, _: u64) {}
}

impl Observer for Stopping {
    fn wants_pause(&self) -> bool {
        self.0.fetch_add(1, Relaxed) == self.1
    }

    fn paused(&self, model: &dyn Checkpoint) -> lampwick_embeddings::Result<bool> {
        let mut bytes = Vec::new();
        model.write_checkpoint(&mut bytes)?;
        *self.2.lock().unwrap() = bytes;
        Ok(false)
    }
}

fn entries_of(corpus: &Corpus, settings: &GloveSettings) -> Entries {
    let counts = glove::count(corpus, settings, &Silent).unwrap();
    Entries::new(counts, settings, &Silent).unwrap()
}

#[test]
fn a_training_goes_on_bit_by_bit_after_any_stop() {
    let corpus = corpus_of(&text(2000), 1);
    let settings = GloveSettings { epochs: 3, ..settings() };
    let entries = entries_of(&corpus, &settings);
    let expected = glove::train(&corpus.vocabulary, &entries, &settings, &Silent).unwrap();
    for stop in [0, 4, 11] {
        let stopping = Stopping(AtomicU64::new(0), stop, Mutex::default());
        let mut model = glove::Model::new(&corpus.vocabulary, &entries, &settings).unwrap();
        assert!(!model.train(&entries, &stopping).unwrap(), "{stop}");
        let bytes = stopping.2.into_inner().unwrap();
        let read = |bytes: &[u8]| glove::Model::read(Source::bytes("part", bytes.to_vec()));
        let mut resumed = read(&bytes).unwrap().resume(&entries).unwrap();
        assert!(resumed.train(&entries, &Silent).unwrap());
        assert!(resumed.vectors().unwrap().matrix() == expected.matrix(), "stopped at {stop}");
        // A finished one has its vectors still.
        let mut again = resumed.resume(&entries).unwrap();
        assert!(again.train(&entries, &Silent).unwrap());
        assert!(again.vectors().unwrap().matrix() == expected.matrix());
        // Of other counts, cut, damaged.
        let other = entries_of(&corpus_of(&text(1000), 1), &settings);
        let error = read(&bytes).unwrap().resume(&other).unwrap_err().to_string();
        assert!(error.contains("not those of the checkpoint"), "{error}");
        for at in [3, 40, bytes.len() / 2, bytes.len() - 1] {
            assert!(read(&bytes[..at]).unwrap_err().to_string().starts_with("part: "), "{at}");
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(read(&damaged).is_err(), "{at}");
        }
    }
}

#[test]
fn training_goes_on_with_new_words() {
    let settings = settings();
    let first = corpus_of(&text(1000), 1);
    let entries = entries_of(&first, &settings);
    let mut old = glove::Model::new(&first.vocabulary, &entries, &settings).unwrap();
    old.train(&entries, &Silent).unwrap();
    let more = Source::bytes("more", text(500).replace("w7 ", "new "));
    let limits = VocabularyLimits { min_count: 1, ..VocabularyLimits::default() };
    let known = Some(&first.vocabulary.words);
    let more = read(vec![more], &limits, known, &std::env::temp_dir(), MEMORY, &Silent).unwrap();
    let entries = entries_of(&more, &settings);
    let go_on = |settings: &GloveSettings| {
        glove::Model::continue_from(&old, &more.vocabulary, &entries, settings)
    };
    let mut model = go_on(&settings).unwrap();
    let (before, after) = (old.vectors().unwrap(), model.vectors().unwrap());
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(after.get(b"w3"), before.get(b"w3"), "begins where it ended");
    model.train(&entries, &Silent).unwrap();
    let trained = model.vectors().unwrap();
    assert_eq!(trained.get(b"w7"), before.get(b"w7"), "not in the new text");
    assert!(trained.get(b"w3") != before.get(b"w3") && trained.get(b"new") != after.get(b"new"));
    let error = go_on(&GloveSettings { dim: 11, ..settings }).unwrap_err().to_string();
    assert!(error.contains("10 dimensions"), "{error}");
}
