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
