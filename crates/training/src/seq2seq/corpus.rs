//! `[data]` and `[tokenizers]` -> pairs of token ids, and the texts that output is held against.

use burn::prelude::*;
use lampwick_data::parallel::Pairs;
use lampwick_data::{IdPairs, PairBatch, Sequences, Tokenizer};
use lampwick_models::Source;
use sha2::{Digest, Sha256};

use super::media::Media;
use super::reading::{Read, needed, read};
use crate::config::{ConfigError, Seq2SeqConfig, TokenizersConfig};
use crate::corpus::Part;
use crate::error::Result;
use crate::run_dir::{DataInfo, RunDir};

/// One part of the data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Portion {
    pub(crate) text: Pairs,
    /// Of media the sources are as many zeros as they have steps.
    pub(crate) ids: IdPairs,
    pub(crate) media: Option<Media>,
    /// Pairs that were left out as too long.
    pub(crate) left_out: usize,
    /// Target tokens that the vocabulary does not have.
    oov: u64,
}

/// The tokenizers of both sides.
#[derive(Clone, Debug)]
pub(crate) struct Tokenizers {
    pub(crate) source: Tokenizer,
    pub(crate) target: Tokenizer,
}

/// A run's pairs.
pub(crate) struct PairCorpus {
    pub(crate) tokenizers: Tokenizers,
    /// The target's end of a sentence, which also starts one.
    pub(crate) end: u32,
    pub(crate) train: Portion,
    pub(crate) valid: Portion,
    pub(crate) test: Option<Portion>,
}

impl PairCorpus {
    /// Reads the texts, and learns the tokenizers from the training text unless `saved` has them.
    pub(crate) fn open(config: &Seq2SeqConfig, saved: Option<&RunDir>) -> Result<Self> {
        let train = needed(config, Part::Train)?;
        let tokenizers = match saved {
            Some(run) => Tokenizers::load(run)?,
            None => Tokenizers::learn(&config.tokenizers, &train)?,
        };
        let Some(end) = tokenizers.target.vocabulary().eos_id() else {
            let problem = "has no end of a sentence, so that no output could end";
            let mend = "use words, characters, bytes, or subwords learnt here";
            return Err(ConfigError::value("config", "tokenizers.target", problem, mend).into());
        };
        let longest = config.tokenizers.longest;
        let train = tokenizers.encode(train, longest)?;
        if train.ids.is_empty() {
            let problem = format!("is {longest}, and every training pair has more tokens");
            let mend = "raise it, or set 0 for no limit";
            return Err(ConfigError::value("config", "tokenizers.longest", &problem, mend).into());
        }
        let valid = needed(config, Part::Valid)?;
        Ok(Self {
            train,
            valid: tokenizers.encode(valid, 0)?,
            test: match read(config, Part::Test)? {
                Some(read) => Some(tokenizers.encode(read, 0)?),
                None => None,
            },
            end,
            tokenizers,
        })
    }

    /// One part.
    pub(crate) fn portion(&self, part: Part) -> Option<&Portion> {
        match part {
            Part::Train => Some(&self.train),
            Part::Valid => Some(&self.valid),
            Part::Test => self.test.as_ref(),
        }
    }
}

impl Portion {
    /// What the model reads of a batch, as `source` has it where it is words.
    pub(crate) fn source(&self, batch: &PairBatch, source: Tensor<2, Int>) -> Source {
        match &self.media {
            None => Source::Words(source),
            Some(media) => media.batch(&batch.indices, &source.device()),
        }
    }

    /// For `run.json`: both sides' ids, the target's tokens with their ends.
    pub(crate) fn info(&self) -> DataInfo {
        let mut hasher = Sha256::new();
        for side in [&self.ids.source, &self.ids.target] {
            for sequence in side.iter() {
                hasher.update((sequence.len() as u64).to_le_bytes());
                sequence.iter().for_each(|id| hasher.update(id.to_le_bytes()));
            }
        }
        if let Some(media) = &self.media {
            media.hash(&mut hasher);
        }
        DataInfo {
            sha256: hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            tokens: target_tokens(&self.ids.target),
            oov: self.oov,
        }
    }
}

/// Tokens to be predicted: each sequence's and its end.
pub(crate) fn target_tokens(target: &Sequences) -> u64 {
    (target.ids().len() + target.len()) as u64
}

impl Tokenizers {
    /// The folders of a run's tokenizers.
    const FOLDERS: [&'static str; 2] = ["source", "target"];

    /// Of the words of both sides.
    pub(super) fn hash(&self) -> String {
        format!("{} {}", self.source.vocabulary().hash(), self.target.vocabulary().hash())
    }

    fn learn(config: &TokenizersConfig, train: &Read) -> Result<Self> {
        let Read { pairs: train, media } = train;
        let learn = |kind, texts: &[&[String]], name: &str| {
            let text = texts.iter().flat_map(|lines| lines.iter()).fold(
                String::new(),
                |mut text, line| {
                    text.push_str(line);
                    text.push('\n');
                    text
                },
            );
            Tokenizer::train(kind, text.as_bytes(), name, &config.vocabulary)
        };
        if media.is_some() {
            // Nothing is encoded by the source's; one that is there keeps all runs alike.
            let target = learn(&config.target, &[&train.target], "training targets")?;
            return Ok(Self { source: target.clone(), target });
        }
        if config.joint {
            if config.source != config.target {
                let problem = "is true, but source and target are of different kinds";
                let mend = "set both to the same";
                let error = ConfigError::value("config", "tokenizers.joint", problem, mend);
                return Err(error.into());
            }
            let both = learn(&config.target, &[&train.source, &train.target], "training pairs")?;
            return Ok(Self { source: both.clone(), target: both });
        }
        Ok(Self {
            source: learn(&config.source, &[&train.source], "training sources")?,
            target: learn(&config.target, &[&train.target], "training targets")?,
        })
    }

    /// Those of a run.
    pub(crate) fn load(run: &RunDir) -> Result<Self> {
        let [source, target] = Self::FOLDERS.map(|side| run.tokenizer_folder().join(side));
        Ok(Self { source: Tokenizer::load(source)?, target: Tokenizer::load(target)? })
    }

    pub(crate) fn save(&self, run: &RunDir) -> Result<()> {
        let [source, target] = Self::FOLDERS.map(|side| run.tokenizer_folder().join(side));
        self.source.save(source)?;
        Ok(self.target.save(target)?)
    }

    /// Text to ids. Pairs of more than `longest` tokens on a side are left out, 0: none is; of media
    /// none is.
    fn encode(&self, read: Read, longest: usize) -> Result<Portion> {
        let Read { pairs: mut text, media } = read;
        let (mut ids, mut oov) = (IdPairs::default(), 0);
        let mut kept = Vec::with_capacity(text.len());
        let (mut source, mut target) = (Vec::new(), Vec::new());
        for (index, (from, to)) in text.source.iter().zip(&text.target).enumerate() {
            source.clear();
            target.clear();
            match &media {
                None => self.source.encode(from, &mut source)?,
                Some(media) => source.resize(media.steps(index), 0),
            }
            self.target.encode(to, &mut target)?;
            let is_too_long = longest > 0 && source.len().max(target.len()) > longest;
            kept.push(media.is_some() || !is_too_long);
            if kept[index] {
                oov += target.iter().filter(|&&id| self.target.is_oov(id)).count() as u64;
                ids.push(&source, &target);
            }
        }
        let left_out = kept.iter().filter(|&&kept| !kept).count();
        text.retain(&kept);
        Ok(Portion { text, ids, media, left_out, oov })
    }
}
