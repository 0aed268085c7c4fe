//! The synthetic language's sentences, with their entropy.

use lampwick_data::{DataError, SyntheticLanguage, TextCounts, Tokenizer, Tokens, Vocabulary};

use super::{Part, Text};
use crate::config::{ConfigError, SyntheticData};
use crate::error::{Error, Result};

/// The language's own words.
pub(super) fn tokenizer(data: &SyntheticData) -> Result<Tokenizer> {
    Ok(SyntheticLanguage::new(&data.language).map_err(by_config_key)?.tokenizer())
}

/// One of the texts, in the words of [`tokenizer`].
pub(super) fn text(
    data: &SyntheticData,
    tokenizer: &Tokenizer,
    part: Part,
) -> Result<Option<Text>> {
    let language = SyntheticLanguage::new(&data.language).map_err(by_config_key)?;
    // The grammar's seed decides the language; these decide which sentences of it.
    let (tokens, seed) = match part {
        Part::Train => (data.train_tokens, 1),
        Part::Valid => (data.valid_tokens, 2),
        Part::Test => (data.test_tokens, 3),
    };
    if tokens == 0 {
        return Ok(None);
    }
    let tokens = language.tokens(tokens, seed);
    let source = language.score(&tokens);
    let eos = tokenizer.vocabulary().eos_id();
    let lines = eos.map_or(0, |eos| tokens.count(eos));
    let (characters, bytes) = written_length(&tokens, tokenizer.vocabulary());
    let counts = TextCounts { lines, characters, bytes, tokens: tokens.len() as u64, unknown: 0 };
    Ok(Some(Text { tokens, counts, source_nats: Some(source.nats_per_token()) }))
}

/// Characters and bytes of the ids as text: a space or the line's end after each word.
fn written_length(tokens: &Tokens, vocabulary: &Vocabulary) -> (u64, u64) {
    let eos = vocabulary.eos_id();
    let mut ids = Vec::new();
    tokens.copy(0..tokens.len(), &mut ids);
    let words = ids.iter().filter(|&&id| Some(id) != eos).map(|&id| vocabulary.word(id));
    words.fold((0, 0), |(characters, bytes), word| {
        (characters + word.chars().count() as u64 + 1, bytes + word.len() as u64 + 1)
    })
}

/// A setting's error under the key that the config has it at.
fn by_config_key(error: DataError) -> Error {
    match error {
        DataError::Setting { key, value, mend } => {
            let key = format!("data.language.{}", key.trim_start_matches("synthetic."));
            ConfigError::value("config", &key, &format!("is {value}"), &format!("it {mend}")).into()
        }
        other => other.into(),
    }
}
