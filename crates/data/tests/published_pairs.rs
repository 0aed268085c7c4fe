//! The published sizes and laws of the tasks of pairs: `LAMPWICK_DATA` names a folder with multi30k, scan,
//! cmudict, rnnlg and aeslc.

use std::collections::BTreeSet;
use std::env;
use std::path::PathBuf;

use lampwick_data::parallel::{Filter, PairCorpus, PairReader, Pairs, Split, rnnlg};

fn data(name: &str) -> Option<PathBuf> {
    let folder = env::var_os("LAMPWICK_DATA").map(|data| PathBuf::from(data).join(name));
    let there = folder.filter(|folder| folder.is_dir());
    if there.is_none() {
        println!("skipped: no data");
    }
    there
}

const SPLITS: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

fn read(corpus: PairCorpus, folder: &std::path::Path) -> [Pairs; 3] {
    SPLITS.map(|split| corpus.read(folder, split, &Filter::ALL).unwrap())
}

fn words(line: &str) -> usize {
    line.split_whitespace().count()
}

#[test]
fn multi30k_has_its_sizes_on_pairs() {
    let Some(folder) = data("multi30k") else { return };
    for (name, size) in [("train", 29_000), ("val", 1_014), ("test_2016_flickr", 1_000)] {
        let path = |side: &str| folder.join(format!("{name}.{side}"));
        let pairs = PairReader::files(path("en"), path("de")).unwrap();
        assert_eq!(pairs.read_all(&Filter::NOT_EMPTY).unwrap().len(), size);
    }
}

#[test]
fn scan_has_its_sizes_and_lengths_on_pairs() {
    let Some(folder) = data("scan") else { return };
    let [train, valid, test] = read(PairCorpus::ScanSimple, &folder);
    assert_eq!((train.len() + valid.len(), test.len()), (16_728, 4_182));
    let [train, valid, test] = read(PairCorpus::ScanLength, &folder);
    assert_eq!((train.len() + valid.len(), test.len()), (16_990, 3_920));
    assert!((250..450).contains(&valid.len()), "{}", valid.len());
    // Lake and Baroni: up to 22 actions in training, 24 to 48 in the test; 13 words, 6 actions.
    let actions = |pairs: &Pairs| pairs.target.iter().map(|it| words(it)).collect::<Vec<_>>();
    assert_eq!(actions(&train).into_iter().max(), Some(22));
    let of_test = actions(&test);
    assert_eq!((of_test.iter().min(), of_test.iter().max()), (Some(&24), Some(&48)));
    let vocabulary = |lines: &[String]| {
        let tokens = lines.iter().flat_map(|line| line.split(' ')).map(str::to_owned);
        tokens.collect::<BTreeSet<_>>().len()
    };
    assert_eq!((vocabulary(&train.source), vocabulary(&train.target)), (13, 6));
}

#[test]
fn cmudict_has_39_phonemes_on_pairs() {
    let Some(folder) = data("cmudict") else { return };
    let parts = read(PairCorpus::Cmudict, &folder);
    let phonemes: BTreeSet<&str> =
        parts.iter().flat_map(|part| &part.target).flat_map(|line| line.split(' ')).collect();
    assert_eq!(phonemes.len(), 39, "{phonemes:?}");
    let words = parts.each_ref().map(|part| part.source.iter().collect::<BTreeSet<_>>());
    let all: usize = words.iter().map(BTreeSet::len).sum();
    assert_eq!(words.iter().flatten().collect::<BTreeSet<_>>().len(), all, "none crosses");
    for (part, share) in words.iter().zip([0.9, 0.05, 0.05]) {
        assert!((part.len() as f64 / all as f64 - share).abs() < 0.003, "{}", part.len());
    }
}

#[test]
fn rnnlg_has_its_sizes_and_few_sources_on_pairs() {
    let Some(folder) = data("rnnlg") else { return };
    for (domain, sizes, acts) in
        [("restaurant", [3_114, 1_039, 1_039], 248), ("hotel", [3_223, 1_075, 1_075], 164)]
    {
        let parts = read(PairCorpus::Rnnlg, &folder.join(domain));
        assert_eq!(parts.each_ref().map(Pairs::len), sizes, "{domain}");
        // Wen et al. 2015: 248 and 164 distinct acts without their values.
        let sources: BTreeSet<&String> = parts.iter().flat_map(|part| &part.source).collect();
        assert!(sources.len().abs_diff(acts) <= 1, "{}", sources.len());
        let mut missed = 0;
        for part in &parts {
            for (index, target) in part.target.iter().enumerate() {
                assert!(part.references_of(index).contains(target));
                let slots = &part.slots[index];
                missed +=
                    slots.iter().filter(|(slot, _)| !words_of(target).contains(&&slot[..])).count();
                let spoken = rnnlg::lexicalise(target, slots);
                assert!(!spoken.contains("SLOT_"), "{spoken}");
            }
        }
        let slots: usize = parts.iter().flat_map(|part| &part.slots).map(Vec::len).sum();
        // The others are said in words of their own, such as `before 5`.
        assert!(missed * 20 < slots, "{missed} of {slots}");
    }
}

fn words_of(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

#[test]
fn aeslc_has_its_sizes_on_pairs() {
    let Some(folder) = data("aeslc") else { return };
    assert_eq!(read(PairCorpus::Aeslc, &folder).map(|part| part.len()), [14_436, 1_960, 1_906]);
    let filter = Filter { source_words: 237, cut_source: true, ..Filter::NOT_EMPTY };
    let train = PairCorpus::Aeslc.read(&folder, Split::Train, &filter).unwrap();
    assert!(train.source.iter().all(|line| words(line) <= 237));
    println!("{}", train.counts);
}
