//! The config of a run that trains an encoder-decoder: `task = "encoder_decoder"`.

use std::path::Path;
use std::sync::atomic::AtomicI32;

use lampwick_data::{BatchSize, TokenizerKind, VocabularyLimits};
use lampwick_models::{EncoderDecoderConfig, Fed};
use serde::{Deserialize, Serialize};

use super::validate::{self, Checker};
use super::{
    BudgetConfig, CheckpointConfig, ConfigError, OptimizerConfig, PairData, RegularizationConfig,
    ReportConfig, RunConfig, ScheduleConfig, Shared,
};
use crate::dry_run::{self, DryRun};
use crate::observer::Observer;
use crate::seq2seq::Seq2Seq;
use crate::start;
use crate::train::Outcome;

/// A whole run that trains an encoder-decoder. Missing keys take the defaults that `--print-config`
/// shows; unknown keys are errors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seq2SeqConfig {
    /// `encoder_decoder`: what tells such a config from a language model's.
    pub task: EncoderDecoderTask,
    /// The run's name, as the report's title shows it.
    pub name: String,
    /// Seeds everything random: initial weights, dropout, the order of the batches.
    pub seed: u64,
    /// As in [`super::Config`], one device.
    pub device: String,
    /// As in [`super::Config`].
    pub start_from: String,
    /// The network. A vocabulary of 0 takes the size from the data.
    pub model: EncoderDecoderConfig,
    /// Where the pairs come from.
    pub data: PairData,
    /// How text becomes token ids.
    pub tokenizers: TokenizersConfig,
    /// How pairs are put together.
    pub batches: PairBatchConfig,
    /// What the gradient is taken of.
    pub loss: Seq2SeqLossConfig,
    /// The update rule.
    pub optimizer: OptimizerConfig,
    /// How the learning rate moves.
    pub schedule: ScheduleConfig,
    /// Weight decay and clipping.
    pub regularization: RegularizationConfig,
    /// When to stop.
    pub budget: BudgetConfig,
    /// When to write a checkpoint and how many to keep.
    pub checkpoint: CheckpointConfig,
    /// How the weights are judged: by what they write.
    pub validation: ValidationConfig,
    /// Log interval and the published figures to set the run beside.
    pub report: ReportConfig,
}

/// The value of the key `task`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncoderDecoderTask {
    /// The one there is.
    #[default]
    EncoderDecoder,
}

/// `[tokenizers]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenizersConfig {
    /// Words, characters, bytes or subwords of the source.
    pub source: TokenizerKind,
    /// The same of the target.
    pub target: TokenizerKind,
    /// One tokenizer, learnt from both sides together (needed by three-way weight tying and by
    /// copying).
    pub joint: bool,
    /// Which words enter the vocabularies.
    pub vocabulary: VocabularyLimits,
    /// Training pairs with a source or a target of more tokens are left out, counted and told; 0 =
    /// none are.
    pub longest: usize,
}

impl Default for TokenizersConfig {
    fn default() -> Self {
        Self {
            source: TokenizerKind::Words,
            target: TokenizerKind::Words,
            joint: false,
            vocabulary: VocabularyLimits::default(),
            longest: 256,
        }
    }
}

/// `[batches]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairBatchConfig {
    /// `{ sentences = 64 }`, or `{ tokens = 2048 }`: positions, padding included.
    pub size: BatchSize,
    /// Batches whose gradients are averaged into one optimiser step.
    pub accumulate: usize,
}

impl Default for PairBatchConfig {
    fn default() -> Self {
        Self { size: BatchSize::Sentences(64), accumulate: 1 }
    }
}

/// `[loss]`. Reported losses are always plain means in nats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seq2SeqLossConfig {
    /// Label smoothing (Szegedy et al. 2016), in `[0, 1)`.
    pub label_smoothing: f64,
    /// What the decoder reads while it learns.
    pub scheduled_sampling: ScheduledSampling,
}

/// `[loss.scheduled_sampling]`: the decoder reads its own output instead of the true token with a
/// probability that grows (Bengio et al. 2015).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduledSampling {
    /// How the probability `p` of the true token falls with the step `i`: `none` (1 for ever),
    /// `linear` (`max(floor, 1 - i / k)`), `exponential` (`k^i`, `k < 1`), `inverse_sigmoid`
    /// (`k / (k + exp(i / k))`); section 2.4 there. Never below `floor`. The other keys are of a decay, and
    /// refused with `none`.
    pub decay: SamplingDecay,
    /// `k`.
    pub k: f64,
    /// The least probability of the true token.
    pub floor: f64,
    /// What is read instead: the likeliest token, or a drawn one.
    pub feed: Fed,
}

impl Default for ScheduledSampling {
    fn default() -> Self {
        Self { decay: SamplingDecay::None, k: 1000.0, floor: 0.0, feed: Fed::Argmax }
    }
}

/// See [`ScheduledSampling::decay`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplingDecay {
    /// Teacher forcing throughout.
    #[default]
    None,
    /// `1 - i / k`.
    Linear,
    /// `k^i`.
    Exponential,
    /// `k / (k + exp(i / k))`.
    InverseSigmoid,
}

impl ScheduledSampling {
    /// Probability of the true token at step `step`, from 0.
    pub(crate) fn gold(&self, step: u64) -> f64 {
        let i = step as f64;
        let p = match self.decay {
            SamplingDecay::None => return 1.0,
            SamplingDecay::Linear => 1.0 - i / self.k,
            SamplingDecay::Exponential => self.k.powf(i),
            SamplingDecay::InverseSigmoid => self.k / (self.k + (i / self.k).exp()),
        };
        p.clamp(self.floor, 1.0)
    }
}

/// `[validation]`: after each epoch the validation sources are decoded, and the output is held
/// against the references; the best epoch by that measure is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationConfig {
    /// What the output is judged by; `loss`: the teacher-forced loss alone, nothing is decoded.
    pub metric: ValidationMetric,
    /// Beams; 1 is greedy. The test is decoded with `test_beam`.
    pub beam: usize,
    /// Beams of the test.
    pub test_beam: usize,
    /// GNMT's alpha (Wu et al. 2016, eq. 14); 0 = no length normalisation.
    pub length_penalty: f64,
    /// Longest output in tokens: this many times the source's tokens plus 10.
    pub longest_per_source: f64,
    /// Decode so many of the validation pairs at most; 0 = all.
    pub most: usize,
    /// Sources whose translations are shown after each epoch and at the end.
    pub samples: usize,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self {
            metric: ValidationMetric::ExactMatch,
            beam: 1,
            test_beam: 5,
            length_penalty: 1.0,
            longest_per_source: 3.0,
            most: 0,
            samples: 3,
        }
    }
}

/// See [`ValidationConfig::metric`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidationMetric {
    /// The teacher-forced loss.
    Loss,
    /// Percentage of outputs that are exactly their reference.
    #[default]
    ExactMatch,
    /// Corpus BLEU, to sacreBLEU's figures (13a, cased).
    Bleu,
    /// chrF2.
    Chrf,
    /// ROUGE-L, F1.
    RougeL,
    /// Word error rate, in percent: less is better.
    WordErrorRate,
    /// Percentage of outputs that differ from their reference: less is better.
    ErrorRate,
}

impl RunConfig for Seq2SeqConfig {
    type Task = Seq2Seq;

    fn shared(&self) -> Shared<'_> {
        Shared {
            name: &self.name,
            seed: self.seed,
            device: &self.device,
            start_from: &self.start_from,
            optimizer: &self.optimizer,
            schedule: &self.schedule,
            regularization: &self.regularization,
            budget: &self.budget,
            checkpoint: &self.checkpoint,
            report: &self.report,
        }
    }

    fn device_mut(&mut self) -> &mut String {
        &mut self.device
    }

    fn paths(&mut self) -> Vec<(&'static str, &mut String)> {
        let mut paths = vec![("start_from", &mut self.start_from)];
        paths.extend(self.data.paths());
        paths
    }

    fn validate(&self, file: &str) -> Result<(), ConfigError> {
        let check = Checker { file };
        self.data.validate(&check)?;
        validate::shared(self.shared(), &check)?;
        let (BatchSize::Sentences(size) | BatchSize::Tokens(size)) = self.batches.size;
        check.positive("batches.size", size)?;
        check.positive("batches.accumulate", self.batches.accumulate)?;
        check.fraction("loss.label_smoothing", self.loss.label_smoothing)?;
        let s = &self.loss.scheduled_sampling;
        if s.decay == SamplingDecay::None {
            let none = ScheduledSampling::default();
            let given = [
                ("k", s.k != none.k),
                ("floor", s.floor != none.floor),
                ("feed", s.feed != none.feed),
            ];
            if let Some((key, _)) = given.into_iter().find(|(_, given)| *given) {
                let key = format!("loss.scheduled_sampling.{key}");
                let problem = "is of a decay, and loss.scheduled_sampling.decay is none";
                return check.fail(&key, problem, "set the decay, or leave it out");
            }
        }
        if !(0.0..=1.0).contains(&s.floor) {
            let (problem, mend) = (format!("is {}", s.floor), "use a probability from 0 to 1");
            return check.fail("loss.scheduled_sampling.floor", &problem, mend);
        }
        let k_is_wrong = match s.decay {
            SamplingDecay::None => false,
            SamplingDecay::Exponential => !(0.0..1.0).contains(&s.k),
            SamplingDecay::Linear | SamplingDecay::InverseSigmoid => {
                !(1.0..f64::INFINITY).contains(&s.k)
            }
        };
        if k_is_wrong {
            let mend = "use a step count of at least 1 (exponential: a factor below 1)";
            let problem = format!("is {}", s.k);
            return check.fail("loss.scheduled_sampling.k", &problem, mend);
        }
        for (key, value) in [("ar", self.regularization.ar), ("tar", self.regularization.tar)] {
            if value != 0.0 {
                let problem = "is for language models";
                return check.fail(&format!("regularization.{key}"), problem, "leave it out");
            }
        }
        let v = &self.validation;
        for (key, beam) in [("validation.beam", v.beam), ("validation.test_beam", v.test_beam)] {
            check.positive(key, beam)?;
            check.at_most(key, beam, 1000, "more beams find worse translations")?;
        }
        check.not_negative("validation.length_penalty", v.length_penalty)?;
        check.not_negative("validation.longest_per_source", v.longest_per_source)
    }

    fn begin(
        &self,
        dir: &Path,
        stop: &AtomicI32,
        observer: &mut dyn Observer,
    ) -> crate::Result<Outcome> {
        start::begin(self, dir, stop, observer)
    }

    fn try_out(&self, dir: &Path) -> crate::Result<DryRun> {
        dry_run::try_out(self, dir)
    }
}
