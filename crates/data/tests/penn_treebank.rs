//! The Penn Treebank's published figures (Mikolov's preprocessing). The text may not be passed on:
//! `LAMPWICK_DATA` names a folder with ptb/ptb.{train,valid,test}.txt.

use std::env;
use std::path::PathBuf;

use lampwick_data::{
    BpttBatches, BpttLength, EvaluationBatches, TextCounts, TokenFile, Tokenizer, TokenizerKind,
    Tokens, VocabularyLimits, prepare_corpus,
};

fn penn_treebank() -> Option<PathBuf> {
    let folder = env::var_os("LAMPWICK_DATA").map(|data| PathBuf::from(data).join("ptb"));
    let there = folder.filter(|folder| folder.join("ptb.train.txt").exists());
    if there.is_none() {
        println!("skipped: no data");
    }
    there
}

#[test]
fn words_and_tokens_are_the_published_numbers_on_ptb() {
    let Some(ptb) = penn_treebank() else { return };
    let train = ptb.join("ptb.train.txt");
    let limits = VocabularyLimits::default();
    let tokenizer = Tokenizer::train_file(&TokenizerKind::Words, &train, &limits).unwrap();
    let vocabulary = tokenizer.vocabulary();
    assert_eq!(vocabulary.len(), 10_000);
    assert_eq!((vocabulary.unk_id(), vocabulary.eos_id()), (Some(0), Some(1)));
    assert_eq!((vocabulary.word(2), vocabulary.count(2)), ("the", 50_770));
    let folder = tempfile::tempdir().unwrap();
    let expected = [("train", 929_589), ("valid", 73_760), ("test", 82_430)];
    for (part, tokens) in expected {
        let text = ptb.join(format!("ptb.{part}.txt"));
        let made = prepare_corpus(&text, &tokenizer, folder.path(), &mut |_, _| {}).unwrap();
        assert_eq!(made.counts.tokens, tokens);
        let file = TokenFile::open_for(&made.path, vocabulary).unwrap();
        let tokens = Tokens::Mapped(file);
        // Nothing beside the text's own <unk> is unknown: the vocabulary is closed.
        assert_eq!(tokens.count(0), made.counts.unknown);
        let own = std::fs::read_to_string(&text).unwrap().matches("<unk>").count();
        assert_eq!(made.counts.unknown, own as u64);
        if part == "test" {
            let scored = EvaluationBatches::new(tokens, 1, 35, vocabulary.eos_id()).unwrap();
            let all: usize = scored.map(|window| window.targets.len()).sum();
            assert_eq!(all, 82_430);
        } else if part == "train" {
            // Zaremba small: batch 20, 20 steps, 46,479 tokens a stream, 2,324 windows.
            let batches = BpttBatches::new(tokens, 20, BpttLength::Fixed(20), 0).unwrap();
            assert_eq!((batches.stream_length(), batches.tokens_cut_off()), (46_479, 9));
            assert_eq!(batches.windows_per_epoch(), 2_324);
        }
    }
}

#[test]
fn other_tokenizers_take_the_same_text_on_ptb() {
    let Some(ptb) = penn_treebank() else { return };
    let valid = ptb.join("ptb.valid.txt");
    let text = std::fs::read_to_string(&valid).unwrap();
    for kind in [TokenizerKind::Characters, TokenizerKind::Bytes] {
        let limits = VocabularyLimits::default();
        let tokenizer = Tokenizer::train_file(&kind, &valid, &limits).unwrap();
        let (tokens, counts) = Tokens::from_text_file(&tokenizer, &valid).unwrap();
        let expected = TextCounts {
            lines: 3_370,
            characters: 399_782,
            bytes: 399_782,
            tokens: 399_782,
            unknown: 0,
        };
        assert_eq!(counts, expected);
        assert_eq!(tokenizer.decode(&tokens.iter().collect::<Vec<_>>()), text);
    }
}
