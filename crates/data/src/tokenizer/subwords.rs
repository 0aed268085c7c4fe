//! Subwords through the `tokenizers` crate.

use std::collections::HashMap;
use std::path::Path;

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::models::unigram::{Unigram, UnigramTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::{
    AddedToken, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    PreTokenizerWrapper,
};

use super::SubwordModel;
use crate::error::{DataError, Result};
use crate::vocabulary::{EOS, UNK, Vocabulary};

/// Longer words do not take part in the training: they are no words, and the cost of the unigram
/// model's lattice grows with them.
pub(super) const LONGEST_WORD: usize = 4096;

/// A tokenizer of the `tokenizers` crate with what this crate needs to know of it.
#[derive(Clone, Debug)]
pub(super) struct Subwords {
    inner: tokenizers::Tokenizer,
}

/// Splits text into the words whose parts a model learns.
pub(super) fn pre_tokenizer(model: SubwordModel) -> PreTokenizerWrapper {
    match model {
        SubwordModel::Unigram => Metaspace::new('▁', PrependScheme::Always, true).into(),
        // GPT-2's expression; no space is added before the first word of a line.
        SubwordModel::Bpe | SubwordModel::Imported => ByteLevel::new(false, true, true).into(),
    }
}

/// The words of `text`, as the pre-tokenizer writes them.
pub(super) fn words_of(
    splitter: &PreTokenizerWrapper,
    text: &str,
    name: &str,
) -> Result<Vec<String>> {
    let mut split = PreTokenizedString::from(text);
    splitter.pre_tokenize(&mut split).map_err(|error| refused(name, &error))?;
    let splits = split.get_splits(OffsetReferential::Original, OffsetType::Byte);
    Ok(splits.into_iter().map(|(word, _, _)| word.to_owned()).collect())
}

/// Learns a model from counts of words.
pub(super) fn learn(
    model: SubwordModel,
    size: usize,
    counts: HashMap<String, u64>,
    name: &str,
) -> Result<Subwords> {
    let smallest = match model {
        SubwordModel::Bpe => 257, // every byte, and </s>
        SubwordModel::Unigram => 3,
        SubwordModel::Imported => {
            return Err(DataError::Setting {
                key: "tokenizer.subwords.model",
                value: "imported".into(),
                mend: "cannot be trained; choose bpe or unigram, or load a tokenizer.json",
            });
        }
    };
    if size < smallest || u32::try_from(size).is_err() {
        return Err(DataError::Setting {
            key: "tokenizer.subwords.size",
            value: size.to_string(),
            mend: "must be at least 257 for bpe (every byte and </s>), for unigram more than the \
                   distinct characters of the text, and below 2^32",
        });
    }
    if counts.is_empty() {
        return Err(DataError::Empty { name: name.to_owned() });
    }
    let splitter = pre_tokenizer(model);
    let special = |word: &str| AddedToken::from(word, true);
    let mut inner = if model == SubwordModel::Bpe {
        let mut bpe = BPE::default();
        let trainer = BpeTrainer::builder()
            .show_progress(false)
            .vocab_size(size)
            .special_tokens(vec![special(EOS)])
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build();
        let counts = counts.into_iter().map(|(word, count)| (word.into(), count)).collect();
        trainer.do_train(&counts, &mut bpe).map_err(|error| refused(name, &error))?;
        let mut inner = tokenizers::Tokenizer::new(bpe);
        inner.with_decoder(Some(ByteLevel::new(false, true, true)));
        inner.add_special_tokens(&[special(EOS)]);
        inner
    } else {
        let unigram = learn_unigram(size as u32, counts, name)?;
        let mut inner = tokenizers::Tokenizer::new(unigram);
        inner.with_decoder(Some(Metaspace::new('▁', PrependScheme::Always, true)));
        inner.add_special_tokens(&[special(UNK), special(EOS)]);
        inner
    };
    inner.with_pre_tokenizer(Some(splitter));
    Ok(Subwords { inner })
}

/// Trains a unigram model so that the same counts give the same model: in order, on one thread (sums
/// of floats depend on their order), and with the library's remaining arbitrariness sorted away.
fn learn_unigram(size: u32, counts: HashMap<String, u64>, name: &str) -> Result<Unigram> {
    let trainer = UnigramTrainer::builder()
        .show_progress(false)
        .vocab_size(size)
        .special_tokens(vec![AddedToken::from(UNK, true), AddedToken::from(EOS, true)])
        .unk_token(Some(UNK.to_owned()))
        .build()
        .map_err(|error| refused(name, &error))?;
    let mut words: Vec<(String, u32)> = counts
        .into_iter()
        .map(|(word, count)| (word, u32::try_from(count).unwrap_or(u32::MAX)))
        .collect();
    words.sort_unstable();
    let mut model = Unigram::default();
    // The trainer cuts its work by the size of the pool that it runs in, even without threads.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let alone = alone.map_err(|error| refused(name, &error))?;
    let trained = alone.install(|| trainer.do_train(words, &mut model));
    trained.map_err(|error| refused(name, &error))?;

    let (specials, mut pieces): (Vec<_>, Vec<_>) =
        model.iter().cloned().enumerate().partition(|(id, _)| *id < 2);
    // Characters that lost their place are given back, scored upwards from the lowest score in steps
    // of 1e-4 in the order of a hash table: give those scores out in the order of the characters.
    let lowest = pieces.iter().map(|(_, (_, score))| *score).fold(f64::INFINITY, f64::min);
    let is_character = |piece: &str| piece.chars().nth(1).is_none();
    let mut given: Vec<usize> = Vec::new();
    let mut step = 0.0;
    loop {
        let so_far = given.len();
        given.extend((0..pieces.len()).filter(|&index| {
            let (_, (piece, score)) = &pieces[index];
            *score == lowest + step && is_character(piece)
        }));
        if given.len() == so_far {
            break;
        }
        step += 0.0001;
    }
    let scores: Vec<f64> = given.iter().map(|&index| pieces[index].1.1).collect();
    given.sort_unstable_by(|&a, &b| pieces[a].1.0.cmp(&pieces[b].1.0));
    for (index, score) in given.into_iter().zip(scores) {
        pieces[index].1.1 = score;
    }
    pieces.sort_by(|(_, a), (_, b)| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let pieces = specials.into_iter().chain(pieces).map(|(_, piece)| piece).collect();
    Unigram::from(pieces, Some(0), false).map_err(|error| refused(name, &error))
}

impl Subwords {
    /// Reads a `tokenizer.json`. Its padding and truncation are for models of fixed length and are
    /// switched off; a file without any end-of-text token gets `</s>`.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let json = std::fs::read(path).map_err(|error| DataError::open(path, error))?;
        let inner = tokenizers::Tokenizer::from_bytes(json);
        let mut inner = inner.map_err(|error| DataError::Malformed {
            path: path.into(),
            problem: format!("is no tokenizer.json: {error}"),
            mend: "export it again from the `tokenizers` library",
        })?;
        inner.with_padding(None);
        let untruncated = inner.with_truncation(None);
        untruncated.map_err(|error| refused(&path.to_string_lossy(), &error))?;
        if END_OF_TEXT.iter().all(|token| inner.token_to_id(token).is_none()) {
            inner.add_special_tokens(&[AddedToken::from(EOS, true)]);
        }
        Ok(Self { inner })
    }

    pub(super) fn to_json(&self, name: &str) -> Result<String> {
        self.inner.to_string(true).map_err(|error| refused(name, &error))
    }

    /// The tokens as a vocabulary; ids that the file leaves out are named `<unused N>`.
    pub(super) fn vocabulary(&self) -> Result<Vocabulary> {
        let tokens = self.inner.get_vocab(true);
        let size = tokens.values().max().map_or(0, |&id| id as usize + 1);
        if size > 2 * tokens.len() + 1000 {
            return Err(refused("tokenizer.json", &"its ids have gaps larger than its vocabulary"));
        }
        let mut words: Vec<String> = (0..size).map(|id| format!("<unused {id}>")).collect();
        for (token, id) in tokens {
            words[id as usize] = token;
        }
        let known = |names: &[&'static str]| {
            names.iter().copied().find(|name| self.inner.token_to_id(name).is_some())
        };
        Vocabulary::from_words(words, Vec::new(), known(&UNKNOWN), known(&END_OF_TEXT))
    }

    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        let encoding =
            self.inner.encode_fast(text, false).map_err(|error| refused("text", &error))?;
        ids.extend_from_slice(encoding.get_ids());
        Ok(())
    }

    /// The text of `ids`; what cannot be decoded is left out.
    pub(super) fn decode(&self, ids: &[u32]) -> String {
        self.inner.decode(ids, false).unwrap_or_default()
    }
}

/// Tokens that end a text, as known tokenizers spell them; the first that a file has is taken.
const END_OF_TEXT: [&str; 6] = [EOS, "<|endoftext|>", "<|end_of_text|>", "<eos>", "[SEP]", "[EOS]"];
const UNKNOWN: [&str; 3] = [UNK, "[UNK]", "<|unk|>"];

fn refused(name: &str, reason: &dyn std::fmt::Display) -> DataError {
    DataError::Subwords { name: name.to_owned(), reason: reason.to_string() }
}
