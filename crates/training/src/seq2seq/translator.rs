//! A trained encoder-decoder as a model to use.

use std::path::{Path, PathBuf};

use burn::prelude::*;
use lampwick_data::Tokenizer;
use lampwick_decoding::{BeamOptions, LengthPenalty, Lengths, Rules, Scoring};
use lampwick_models::ctc::{self, CtcHypothesis};
use lampwick_models::encoder_decoder::Encoded;
use lampwick_models::{
    EncoderDecoder, EncoderDecoderConfig, Mode, Source, Translator, TranslatorState,
};

use super::Seq2Seq;
use super::corpus::Tokenizers;
use super::media::FileReader;
use crate::config::{Seq2SeqConfig, ValidationConfig};
use crate::error::{Error, Result};
use crate::model::{self, Loaded, Which};
use crate::run_dir::RunDir;

/// Numbers that are held at once for sources side by side: 128 MB.
const HELD: usize = 1 << 25;

/// Sources that are translated side by side, at most.
const MOST: usize = 128;

/// Prefixes of a CTC search, where nobody says otherwise.
pub const CTC_BEAM: usize = 8;

/// A trained encoder-decoder with all it needs to read and write text.
#[derive(Debug)]
pub struct TrainedTranslator {
    /// The weights (ASGD: the average), packed.
    pub model: Translator,
    /// How sources of words become ids.
    pub source: Tokenizer,
    /// How ids become targets.
    pub target: Tokenizer,
    /// The token that starts and ends a target.
    pub end: u32,
    /// The run's config.
    pub config: Seq2SeqConfig,
    /// The checkpoint that the weights come from.
    pub checkpoint: PathBuf,
    /// What was wrong with checkpoints that had to be passed by.
    pub warnings: Vec<String>,
    /// For sources that are files.
    files: Option<FileReader>,
    /// The weights as they were trained, where packed ones do not do: for files, and for a CTC head.
    unpacked: Option<EncoderDecoder>,
}

/// A source as a model reads it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Of the memory that the model makes of it.
    positions: usize,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Words(Vec<u32>),
    /// A recording or a picture, as a batch of one.
    File(Box<Source>),
}

impl Default for Reading {
    /// No words.
    fn default() -> Self {
        Self { positions: 0, content: Content::Words(Vec::new()) }
    }
}

impl Reading {
    /// Positions that the decoder looks at: the tokens of words; of recordings and pictures what the
    /// encoder leaves of frames and pixels.
    pub fn len(&self) -> usize {
        self.positions
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.positions == 0
    }
}

impl TrainedTranslator {
    /// Loads a run's model.
    ///
    /// # Errors
    /// As [`crate::TrainedModel::load`].
    pub fn load(dir: &Path, which: Which, device: &Device) -> Result<Self> {
        let run = RunDir::open(dir)?;
        let config = run.seq2seq_config()?;
        let tokenizers = Tokenizers::load(&run)?;
        let vocabulary_hash = tokenizers.hash();
        let Tokenizers { source, target } = tokenizers;
        let files = FileReader::new(&config.model.reads)?;
        let read_size = match files {
            None => config.model.source_vocabulary,
            Some(_) => source.vocabulary().len(),
        };
        let sizes = [
            (source.vocabulary().len(), read_size),
            (target.vocabulary().len(), config.model.target_vocabulary),
        ];
        if let Some((words, model)) = sizes.into_iter().find(|(words, model)| words != model) {
            return Err(Error::NotARun {
                path: dir.into(),
                problem: format!("a vocabulary has {words} words but its model {model}"),
            });
        }
        run.expect_vocabulary(&vocabulary_hash)?;
        let Some(end) = target.vocabulary().eos_id() else {
            let problem = "its target vocabulary has no end of a sentence".into();
            return Err(Error::NotARun { path: dir.into(), problem });
        };
        let Loaded { model, checkpoint, warnings } =
            model::load::<Seq2Seq>(&run, &config, which, device)?;
        let packed = Translator::new(&model);
        let unpacked = (files.is_some() || config.model.ctc > 0.0).then_some(model);
        let model = packed;
        Ok(Self { model, source, target, end, config, checkpoint, warnings, files, unpacked })
    }

    /// A source from a line: its words, or the name of a recording (WAV) or picture (PNG).
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`]; a file that cannot be read, by its name.
    pub fn read(&self, line: &str) -> Result<Reading> {
        match self.files.as_ref().zip(self.unpacked.as_ref()) {
            Some((files, model)) => {
                let (source, steps) = files.read(Path::new(line.trim()), &model.device())?;
                let positions = self.config.model.reads.positions(steps);
                Ok(Reading { positions, content: Content::File(Box::new(source)) })
            }
            None => {
                let mut ids = Vec::new();
                self.source.encode(line, &mut ids)?;
                Ok(Reading { positions: ids.len(), content: Content::Words(ids) })
            }
        }
    }

    /// The model's state of sources, each before its first word.
    ///
    /// # Panics
    /// When a reading is that of another kind of model, or of words outside the vocabulary.
    pub fn state(&self, readings: &[&Reading]) -> TranslatorState {
        let Some((_, model)) = self.files.as_ref().zip(self.unpacked.as_ref()) else {
            let words = readings.iter().map(|reading| match &reading.content {
                Content::Words(ids) => &ids[..],
                Content::File(_) => panic!("a file for a model that reads words"),
            });
            return self.model.encode(&words.collect::<Vec<&[u32]>>());
        };
        let sources = readings.iter().map(|reading| match &reading.content {
            Content::File(source) => (**source).clone(),
            Content::Words(_) => panic!("words for a model that reads files"),
        });
        self.model.encode_with(model, &sources.collect::<Vec<Source>>())
    }

    /// The likeliest targets by the CTC head, best first: of a search that keeps `beam` prefixes, or of
    /// one the best path. `None` where the model has no such head.
    ///
    /// # Panics
    /// When the reading is that of another kind of model, or `beam` is 0.
    pub fn by_ctc(&self, reading: &Reading, beam: usize) -> Option<Vec<CtcHypothesis>> {
        let model = self.unpacked.as_ref()?;
        let device = model.device();
        let (source, steps) = match &reading.content {
            Content::File(source) => ((**source).clone(), source.steps()),
            Content::Words(ids) => {
                let data =
                    TensorData::new(ids.iter().map(|&id| i64::from(id)).collect(), [ids.len(), 1]);
                (Source::Words(Tensor::from_data(data, &device)), ids.len())
            }
        };
        let encoded = model.encode(source, &[steps], &mut Mode::Evaluate);
        Some(CtcReading::new(model, &encoded, &self.target)?.search(beam))
    }

    /// What every target is held to, with room for targets that are longer than their sources.
    pub fn rules(&self) -> Rules {
        rules(&self.config.validation, &self.target, self.end)
    }

    /// How the test was searched.
    pub fn options(&self) -> BeamOptions {
        let v = &self.config.validation;
        options(v, v.test_beam)
    }
}

/// What a CTC head says of one source.
pub(super) struct CtcReading {
    /// Of each position, `[S, V + 1]`; the end and `<unk>` are no labels.
    log_probs: Vec<f32>,
    /// `V`, and so the number of the blank.
    words: usize,
}

impl CtcReading {
    /// Reads the memory of one source; `None` where the model has no such head.
    pub(super) fn new(
        model: &EncoderDecoder,
        encoded: &Encoded,
        target: &Tokenizer,
    ) -> Option<Self> {
        let mut log_probs: Vec<f32> = model.ctc_log_probs(encoded)?.into_data().iter().collect();
        let vocabulary = target.vocabulary();
        let words = vocabulary.len();
        for row in log_probs.chunks_exact_mut(words + 1) {
            for id in [vocabulary.eos_id(), vocabulary.unk_id()].into_iter().flatten() {
                row[id as usize] = f32::NEG_INFINITY;
            }
        }
        Some(Self { log_probs, words })
    }

    /// The likeliest targets, best first: of a search that keeps `beam` prefixes, or of one the best path.
    pub(super) fn search(&self, beam: usize) -> Vec<CtcHypothesis> {
        let (classes, blank) = (self.words + 1, self.words as u32);
        match beam {
            1 => vec![ctc::best_path(&self.log_probs, classes, blank)],
            _ => ctc::prefix_beam_search(&self.log_probs, classes, blank, beam),
        }
    }
}

/// Numbers that are held for a source of so many positions while `streams` hypotheses of it are
/// written: their log-probabilities, its memory and keys, and with `attention` where each of up to
/// `longest` tokens looked.
pub fn numbers(
    model: &EncoderDecoderConfig,
    positions: usize,
    streams: usize,
    longest: usize,
    attention: bool,
) -> usize {
    let looks = if attention { longest.saturating_mul(positions) } else { 0 };
    let of_streams = model.target_vocabulary.saturating_add(looks);
    streams.max(1).saturating_mul(of_streams).saturating_add(positions * 2 * model.memory())
}

/// Starts and ends, the longest target of a source, and no `<unk>`: what a run is judged by is what its
/// users get.
pub(super) fn rules(v: &ValidationConfig, target: &Tokenizer, end: u32) -> Rules {
    let lengths = Lengths {
        max: 1000,
        max_ratio: Some(v.longest_per_source),
        max_offset: 10,
        ..Lengths::default()
    };
    let suppress = target.vocabulary().unk_id().into_iter().collect();
    Rules { start: end, end, lengths, suppress, ..Rules::default() }
}

/// A beam, and GNMT's length penalty.
pub(super) fn options(v: &ValidationConfig, width: usize) -> BeamOptions {
    let length = LengthPenalty::Gnmt { alpha: v.length_penalty };
    BeamOptions {
        width,
        scoring: Scoring { length, ..Scoring::default() },
        ..BeamOptions::default()
    }
}

/// Sources of like length to be translated side by side, the longest first, by their indices. `numbers`
/// says how many are held for a source of so many positions: 2^25 in a batch, or what one source takes
/// alone, so that many long lines take no more memory than one.
pub fn side_by_side(lengths: &[usize], numbers: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(lengths[index]));
    let (mut batches, mut held): (Vec<Vec<usize>>, usize) = (Vec::new(), 0);
    for index in order {
        let more = numbers(lengths[index]);
        held = held.saturating_add(more);
        match batches.last_mut() {
            Some(batch) if held <= HELD && batch.len() < MOST => batch.push(index),
            _ => {
                batches.push(vec![index]);
                held = more;
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Many long sources take no more at once than one of them, or than what may be held.
    #[test]
    fn batches_are_bounded_by_what_they_hold() {
        let lengths: Vec<usize> = (0..300).map(|index| 1 + index * 37 % 500).collect();
        let square = |length: usize| length * length * 1000;
        let batches = side_by_side(&lengths, square);
        let mut all: Vec<usize> = batches.concat();
        assert!(all.is_sorted_by(|&a, &b| lengths[a] >= lengths[b]), "the longest first");
        for batch in &batches {
            let held: usize = batch.iter().map(|&index| square(lengths[index])).sum();
            assert!(batch.len() == 1 || held <= HELD, "{batch:?} holds {held}");
            assert!(batch.len() <= MOST);
        }
        assert!(batches.iter().any(|batch| batch.len() == 1));
        assert!(batches.iter().any(|batch| batch.len() > 10));
        all.sort_unstable();
        assert!(all.into_iter().eq(0..300));
        assert_eq!(
            side_by_side(&[5; 200], |_| 0).iter().map(Vec::len).collect::<Vec<_>>(),
            [128, 72]
        );
    }
}
