use super::*;
use crate::vocabulary::{EOS, UNK, VocabularyLimits};

fn train(kind: &TokenizerKind, text: &str) -> Tokenizer {
    Tokenizer::train(kind, text.as_bytes(), "t", &VocabularyLimits::default()).unwrap()
}

fn ids(tokenizer: &Tokenizer, text: &[u8]) -> (Vec<u32>, TextCounts) {
    let mut ids = Vec::new();
    let counts = tokenizer.encode_text(text, "t", &mut |more| {
        ids.extend_from_slice(more);
        Ok(())
    });
    (ids, counts.unwrap())
}

#[test]
fn words_end_each_line_with_eos() {
    let tokenizer = train(&TokenizerKind::Words, " no it was n't \n\nit <unk>");
    let words: Vec<_> = tokenizer.vocabulary().words().collect();
    assert_eq!(words, [UNK, EOS, "it", "n't", "no", "was"]);
    assert_eq!(tokenizer.vocabulary().counts(), [1, 3, 2, 1, 1, 1]);
    let (ids, counts) = ids(&tokenizer, b"it was not\n <unk> \n\n");
    assert_eq!(ids, [2, 5, 0, 1, 0, 1, 1]);
    let expected = TextCounts { lines: 3, characters: 20, bytes: 20, tokens: 7, unknown: 2 };
    assert_eq!(counts, expected);
    assert_eq!(tokenizer.decode(&ids), "it was <unk>\n<unk>\n\n");
    assert_eq!(tokenizer.unknown("was <unk> not x not"), ["not", "x"]);
    assert!(tokenizer.is_oov(0) && !tokenizer.is_oov(1));
}

#[test]
fn characters_hold_the_newline() {
    let tokenizer = train(&TokenizerKind::Characters, "aé\na");
    assert_eq!(tokenizer.vocabulary().words().collect::<Vec<_>>(), [UNK, "\n", "a", "é"]);
    let (ids, counts) = ids(&tokenizer, "éx\r\na\n".as_bytes());
    assert_eq!(ids, [3, 0, 1, 2, 1]);
    assert_eq!((counts.characters, counts.bytes, counts.unknown), (5, 6, 1));
    assert_eq!(tokenizer.decode(&ids), "é<unk>\na\n");
}

#[test]
fn bytes_lose_nothing() {
    let tokenizer = Tokenizer::bytes();
    let raw: Vec<u8> = (0..=255).chain(*b"\xEF\xBB\xBF\r\n").collect();
    let (found, counts) = ids(&tokenizer, &raw);
    assert!(found.iter().map(|&id| id as u8).eq(raw.iter().copied()));
    assert_eq!((counts.lines, counts.bytes), (2, 261));
    assert_eq!(tokenizer.vocabulary().eos_id(), Some(10));
    let text = "naïve €𝄞\n";
    assert_eq!(tokenizer.decode(&ids(&tokenizer, text.as_bytes()).0), text);
    assert!(matches!(
        tokenizer.encode_text(b"".as_slice(), "t", &mut |_| Ok(())),
        Err(DataError::Empty { .. })
    ));
}

#[test]
fn a_decoder_never_prints_half_a_character() {
    let tokenizer = Tokenizer::bytes();
    let mut decoder = tokenizer.decoder();
    let printed: Vec<_> = "a€".bytes().map(|byte| decoder.push(u32::from(byte))).collect();
    assert_eq!(printed, ["a", "", "", "€"]);
    assert_eq!(decoder.push(0xE2) + &decoder.push(0x28), "\u{fffd}(");
    assert_eq!(decoder.push(0xE2) + &decoder.finish(), "\u{fffd}");
}

fn subwords(model: SubwordModel, size: usize) -> TokenizerKind {
    TokenizerKind::Subwords { model, size }
}

/// A few hundred lines with words that share parts.
fn english() -> String {
    let mut text = Vec::new();
    crate::SyntheticLanguage::default().write_text(&mut text, 400, 3).unwrap();
    String::from_utf8(text).unwrap() + "naïve café №5\n"
}

#[test]
fn subwords_are_learnt_and_reversible() {
    for (model, size) in [(SubwordModel::Bpe, 400), (SubwordModel::Unigram, 150)] {
        let tokenizer = train(&subwords(model, size), &english());
        assert_eq!(tokenizer.vocabulary().len(), size);
        let (ids, counts) = ids(&tokenizer, english().as_bytes());
        assert_eq!(counts.lines, 401);
        assert_eq!(tokenizer.decode(&ids), english());
        assert!(counts.tokens < counts.characters * 2 / 3, "parts are longer than characters");
        assert_eq!(counts.unknown, 0);
        let eos = tokenizer.vocabulary().eos_id().unwrap();
        assert_eq!(ids.iter().filter(|&&id| id == eos).count(), 401);
    }
}

#[test]
fn byte_level_subwords_know_every_text() {
    let tokenizer = train(&subwords(SubwordModel::Bpe, 300), &english());
    let text = "Ünseen  𝄞 words\tand\u{2028}spaces ";
    let mut ids = Vec::new();
    tokenizer.encode(text, &mut ids).unwrap();
    assert_eq!(tokenizer.decode(&ids), text);
    let mut decoder = tokenizer.decoder();
    for &id in &ids {
        assert!(!decoder.push(id).contains('\u{fffd}'));
    }
    assert_eq!(tokenizer.vocabulary().unk_id(), None);
    let unigram = train(&subwords(SubwordModel::Unigram, 150), &english());
    let (found, counts) = super::tests::ids(&unigram, "漢字\n".as_bytes());
    assert!(counts.unknown > 0 && unigram.is_oov(found[1]), "{found:?}");
}

#[test]
fn learning_subwords_twice_gives_the_same_whatever_the_threads() {
    // Many rare characters: the unigram model must give some of them back after pruning.
    let rare: String = ('α'..='ω').map(|c| format!("x{c}{c} ")).collect();
    let text = english() + &rare;
    for (model, size) in [(SubwordModel::Bpe, 350), (SubwordModel::Unigram, 120)] {
        let first = train(&subwords(model, size), &text);
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let again = pool.install(|| train(&subwords(model, size), &text));
            assert_eq!(first.vocabulary(), again.vocabulary());
            assert_eq!(ids(&first, text.as_bytes()), ids(&again, text.as_bytes()));
        }
    }
}

#[test]
fn impossible_subwords_are_typed_errors() {
    let try_train = |kind: &TokenizerKind, text: &str| {
        Tokenizer::train(kind, text.as_bytes(), "t", &VocabularyLimits::default())
    };
    for kind in [
        subwords(SubwordModel::Bpe, 100),
        subwords(SubwordModel::Unigram, 0),
        subwords(SubwordModel::Imported, 1000),
    ] {
        assert!(matches!(try_train(&kind, "a b"), Err(DataError::Setting { .. })));
    }
    let few = try_train(&subwords(SubwordModel::Unigram, 10), &english());
    assert!(matches!(few, Err(DataError::Subwords { .. })), "{few:?}");
    for model in [SubwordModel::Bpe, SubwordModel::Unigram] {
        // One word, one character, blank lines, one very long word.
        for text in
            ["a", "hello hello\n", &"x".repeat(200_000), &format!("a {}", "xy".repeat(70_000))]
        {
            match try_train(&subwords(model, 300), text) {
                Ok(tokenizer) => assert!(tokenizer.vocabulary().len() <= 300),
                Err(error) => assert!(
                    matches!(error, DataError::Empty { .. } | DataError::Subwords { .. }),
                    "{error}"
                ),
            }
        }
        assert!(matches!(try_train(&subwords(model, 300), "\n\n"), Err(DataError::Empty { .. })));
    }
}

#[test]
fn every_kind_is_saved_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    for (index, kind) in [
        TokenizerKind::Words,
        TokenizerKind::Characters,
        TokenizerKind::Bytes,
        subwords(SubwordModel::Bpe, 300),
        subwords(SubwordModel::Unigram, 150),
    ]
    .iter()
    .enumerate()
    {
        let tokenizer = train(kind, &english());
        let folder = folder.path().join(index.to_string());
        tokenizer.save(&folder).unwrap();
        let loaded = Tokenizer::load(&folder).unwrap();
        assert_eq!(loaded.kind(), kind);
        assert_eq!(loaded.vocabulary(), tokenizer.vocabulary());
        let text = "the dogs sleep , naïvely\nx\n".as_bytes();
        assert_eq!(ids(&loaded, text), ids(&tokenizer, text));
    }
    // Files of two tokenizers in one folder.
    let (words, bpe) = (folder.path().join("0"), folder.path().join("3"));
    std::fs::copy(words.join(VOCABULARY_FILE), bpe.join(VOCABULARY_FILE)).unwrap();
    assert!(matches!(Tokenizer::load(&bpe), Err(DataError::Malformed { .. })));
    std::fs::write(words.join(KIND_FILE), "{").unwrap();
    assert!(matches!(Tokenizer::load(&words), Err(DataError::Malformed { .. })));
    assert!(matches!(Tokenizer::load(folder.path()), Err(DataError::Missing { .. })));
}

#[test]
fn a_foreign_tokenizer_json_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    // A WordPiece file as other programs write it, without an end of text and with truncation.
    let json = serde_json::json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
        "padding": null, "added_tokens": [], "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": false},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100,
                  "vocab": {"[UNK]": 0, "play": 1, "##ing": 2, "the": 3}}
    });
    std::fs::write(&path, json.to_string()).unwrap();
    let tokenizer = Tokenizer::from_tokenizer_json(&path).unwrap();
    assert_eq!(tokenizer.kind(), &subwords(SubwordModel::Imported, 5));
    let (ids, counts) = ids(&tokenizer, b"The PLAYING z\n");
    assert_eq!(ids, [3, 1, 2, 0, 4]);
    assert_eq!((counts.unknown, tokenizer.vocabulary().word(4)), (1, EOS));
    assert_eq!(tokenizer.decode(&ids), "the playing [UNK]\n");
    std::fs::write(&path, "{\"model\": 3}").unwrap();
    let error = Tokenizer::from_tokenizer_json(&path).unwrap_err();
    assert!(matches!(error, DataError::Malformed { .. }), "{error}");
}
