//! `[data]` and `[tokenizers]` -> pairs of token ids, and the texts that output is held against.

use lampwick_data::parallel::{Lines, check_line_counts};
use lampwick_data::tasks::reversal;
use lampwick_data::{IdPairs, Sequences, Tokenizer};
use sha2::{Digest, Sha256};

use crate::config::{ConfigError, PairData, Seq2SeqConfig, TokenizersConfig};
use crate::corpus::Part;
use crate::error::Result;
use crate::run_dir::{DataInfo, RunDir};

/// Pairs as text: line by line.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextPairs {
    pub(crate) source: Vec<String>,
    pub(crate) target: Vec<String>,
}

/// One part of the data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Portion {
    pub(crate) text: TextPairs,
    pub(crate) ids: IdPairs,
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
        let train = needed(&config.data, Part::Train, config.seed)?;
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
        let encode = |text, limit| tokenizers.encode(text, limit);
        Ok(Self {
            train: encode(train, longest)?,
            valid: encode(needed(&config.data, Part::Valid, config.seed)?, 0)?,
            test: match read(&config.data, Part::Test, config.seed)? {
                Some(text) => Some(encode(text, 0)?),
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
    /// For `run.json`: both sides' ids, the target's tokens with their ends.
    pub(crate) fn info(&self) -> DataInfo {
        let mut hasher = Sha256::new();
        for side in [&self.ids.source, &self.ids.target] {
            for sequence in side.iter() {
                hasher.update((sequence.len() as u64).to_le_bytes());
                sequence.iter().for_each(|id| hasher.update(id.to_le_bytes()));
            }
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

fn needed(data: &PairData, part: Part, seed: u64) -> Result<TextPairs> {
    read(data, part, seed)?.filter(|pairs| !pairs.source.is_empty()).ok_or_else(|| {
        let key = format!("data ({})", part.name());
        ConfigError::value("config", &key, "there is no pair", "give some").into()
    })
}

fn read(data: &PairData, part: Part, seed: u64) -> Result<Option<TextPairs>> {
    match data {
        PairData::Reversal(data) => {
            let count = if part == Part::Train { data.train } else { data.valid };
            let pairs = reversal(count, data.letters, data.longest, seed, part as u64);
            let (source, target) = pairs.into_iter().unzip();
            Ok(Some(TextPairs { source, target }))
        }
        PairData::Lines(data) => {
            let (source, target) = match part {
                Part::Train => (&data.train_source, &data.train_target),
                Part::Valid => (&data.valid_source, &data.valid_target),
                Part::Test => (&data.test_source, &data.test_target),
            };
            if source.is_empty() { Ok(None) } else { Ok(Some(aligned(source, target)?)) }
        }
    }
}

/// Two files, line by line.
fn aligned(source: &str, target: &str) -> Result<TextPairs> {
    let [sources, targets] = [source, target].map(|path| Lines::open(path)?.read_all());
    let pairs = TextPairs { source: sources?, target: targets? };
    check_line_counts((source, &pairs.source), (target, &pairs.target))?;
    Ok(pairs)
}

impl Tokenizers {
    /// The folders of a run's tokenizers.
    const FOLDERS: [&'static str; 2] = ["source", "target"];

    fn learn(config: &TokenizersConfig, train: &TextPairs) -> Result<Self> {
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

    /// Text to ids. Pairs of more than `longest` tokens on a side are left out, 0: none is.
    fn encode(&self, text: TextPairs, longest: usize) -> Result<Portion> {
        let mut portion = Portion::default();
        let (mut source, mut target) = (Vec::new(), Vec::new());
        for (read, write) in text.source.into_iter().zip(text.target) {
            source.clear();
            target.clear();
            self.source.encode(&read, &mut source)?;
            self.target.encode(&write, &mut target)?;
            if longest > 0 && source.len().max(target.len()) > longest {
                portion.left_out += 1;
                continue;
            }
            portion.oov += target.iter().filter(|&&id| self.target.is_oov(id)).count() as u64;
            portion.ids.push(&source, &target);
            portion.text.source.push(read);
            portion.text.target.push(write);
        }
        Ok(portion)
    }
}
