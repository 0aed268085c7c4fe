//! What is asked of the targets: of all of them, and of each by itself.

use lampwick::data::{Tokenizer, TokenizerKind};
use lampwick::decoding::{
    BeamOptions, CoveragePenalty, DecodingError, LengthPenalty, Rules, Sampling, Scoring, Sentence,
};
use lampwick::training::seq2seq::translator::{CTC_BEAM, Reading, TrainedTranslator};

use super::super::drawing::Drawing;
use super::lines::Line;
use super::search::Search;
use crate::exit::Usage;

/// How targets are searched for, and what holds for them.
#[derive(clap::Args)]
pub(super) struct Asked {
    /// How many hypotheses are kept at each step; 1 is greedy, whatever the penalties [default: the run's
    /// validation.test_beam]
    #[arg(long, value_name = "N")]
    beam: Option<usize>,
    /// Draw the targets by --temperature, --top-k, --top-p, --min-p and --seed instead of searching
    /// for the best
    #[arg(long, conflicts_with_all = [
        "beam", "groups", "diversity", "length", "coverage_penalty", "repeat_penalty", "require",
    ])]
    sample: bool,
    /// Let the CTC head alone read the source, without the decoder: a search over --beam prefixes
    /// [default: 8], of 1 the best path
    #[arg(long, conflicts_with_all = [
        "sample", "groups", "diversity", "length", "coverage_penalty", "repeat_penalty", "min_length",
        "min_ratio", "max_length", "max_ratio", "no_repeat_ngram", "prefix", "require", "forbid",
    ])]
    ctc: bool,
    /// How many targets each source gets, at most as many as beams
    #[arg(long, value_name = "N", default_value_t = 1)]
    n_best: usize,
    /// The beam in so many equal groups, each kept from what those before it have chosen; targets that two
    /// groups find come once, so there may be fewer than --n-best
    #[arg(long, value_name = "N")]
    groups: Option<usize>,
    /// What a token costs a group, in nats, for each group before it that has chosen it [default: 0.5]
    #[arg(long, value_name = "D", requires = "groups", allow_negative_numbers = true)]
    diversity: Option<f64>,
    /// GNMT's length penalty, ((5 + length) / 6)^A; 0 is none [default: the run's
    /// validation.length_penalty]
    #[arg(long, value_name = "A", group = "length", allow_negative_numbers = true)]
    length_penalty: Option<f64>,
    /// Divide a log-probability by length^P instead; 1 is the mean
    #[arg(long, value_name = "P", group = "length", allow_negative_numbers = true)]
    length_power: Option<f64>,
    /// Add R nats for each token instead
    #[arg(long, value_name = "R", group = "length", allow_negative_numbers = true)]
    word_reward: Option<f64>,
    /// GNMT's coverage penalty, B times the sum of ln min(attention on a source token, 1); in place of
    /// --repeat-penalty
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    coverage_penalty: Option<f64>,
    /// Against looking at a source token twice, B times the attention beyond 1 (summaries); in place of
    /// --coverage-penalty
    #[arg(
        long,
        value_name = "B",
        conflicts_with = "coverage_penalty",
        allow_negative_numbers = true
    )]
    repeat_penalty: Option<f64>,
    /// The fewest tokens of a target, at most --max-length; where --max-ratio allows fewer of a source, those
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_length: usize,
    /// The fewest tokens of a target for each of the source's, rounded up
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    min_ratio: Option<f64>,
    /// The most tokens of a target [default: 1000, and R times the source's plus 10]
    #[arg(long, value_name = "N")]
    max_length: Option<usize>,
    /// The most tokens of a target for each of the source's, and 10 more [default: the run's
    /// validation.longest_per_source]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    max_ratio: Option<f64>,
    /// No N tokens in a row stand twice in a target
    #[arg(long, value_name = "N")]
    no_repeat_ngram: Option<usize>,
    /// Words that every target begins with; the last may go on to a longer one
    #[arg(long, value_name = "WORDS", default_value = "", hide_default_value = true)]
    prefix: String,
    /// Words that every target contains, side by side, as the tokenizer splits them; the last may go on
    /// to a longer one. May be given several times. What cannot end with them within the longest length
    /// comes out unfinished
    #[arg(long, value_name = "WORDS")]
    require: Vec<String>,
    /// Words that no target contains behind its prefix, as the tokenizer splits them: another split of the
    /// same letters is not seen. May be given several times
    #[arg(long, value_name = "WORDS")]
    forbid: Vec<String>,
}

impl Asked {
    pub(super) fn n_best(&self) -> usize {
        self.n_best
    }

    /// The options of the command line over those of the run.
    pub(super) fn rules(&self, trained: &TrainedTranslator) -> anyhow::Result<Rules> {
        let mut rules = trained.rules();
        rules.lengths.min = self.min_length;
        rules.lengths.min_ratio = self.min_ratio;
        rules.no_repeat_ngram = self.no_repeat_ngram;
        if let Some(ratio) = self.max_ratio {
            rules.lengths.max_ratio = Some(ratio);
        }
        if let Some(max) = self.max_length {
            rules.lengths.max = max;
            if self.max_ratio.is_none() {
                rules.lengths.max_ratio = None;
            }
        }
        for words in &self.forbid {
            let splits = splits(words, &trained.target);
            rules.forbidden.extend(splits.map_err(|p| Usage(format!("--forbid {p}")))?);
        }
        rules.lengths.validate().map_err(|error| Usage(self.by_options(&error)))?;
        if self.no_repeat_ngram == Some(0) {
            return Err(Usage("--no-repeat-ngram is 0: give at least 1".into()).into());
        }
        Ok(rules)
    }

    /// The option that asks where a decoder looks, where there is one.
    pub(super) fn looks(&self) -> Option<&'static str> {
        let coverage = self.coverage_penalty.map(|_| "--coverage-penalty");
        coverage.or(self.repeat_penalty.map(|_| "--repeat-penalty"))
    }

    /// Whether the CTC head reads instead of the decoder.
    pub(super) fn ctc(&self) -> bool {
        self.ctc
    }

    /// A beam, samples, or the CTC head.
    pub(super) fn search(
        &self,
        trained: &TrainedTranslator,
        drawing: &Drawing,
    ) -> anyhow::Result<Search> {
        let sampling = drawing.sampling()?;
        if self.sample {
            if !(1..=10_000).contains(&self.n_best) {
                let problem = format!("--n-best is {}: draw 1 to 10,000 samples", self.n_best);
                return Err(Usage(problem).into());
            }
            return Ok(Search::Sample(sampling, self.n_best));
        }
        if sampling != Sampling::default() {
            let problem = "--temperature, --top-k, --top-p, --min-p and --seed are for --sample";
            return Err(Usage(problem.into()).into());
        }
        if self.ctc {
            let (beam, n_best) = (self.beam.unwrap_or(CTC_BEAM), self.n_best);
            if trained.config.model.ctc == 0.0 {
                anyhow::bail!("--ctc: the run has no CTC head; train one with model.ctc=0.3, say");
            }
            let options = BeamOptions { width: beam, n_best, ..BeamOptions::default() };
            BeamOptions::validate(&options).map_err(|error| Usage(self.by_options(&error)))?;
            return Ok(Search::Ctc { beam, n_best });
        }
        let mut options = trained.options();
        if let Some(beam) = self.beam {
            options.width = beam;
        }
        options.n_best = self.n_best;
        options.groups = self.groups.unwrap_or(options.groups);
        options.diversity = self.diversity.unwrap_or(options.diversity);
        if self.diversity.is_some() && options.groups == 1 {
            let problem =
                "--diversity keeps groups apart: give --groups 2 or more, or leave it out";
            return Err(Usage(problem.into()).into());
        }
        let length = [
            self.length_penalty.map(|alpha| LengthPenalty::Gnmt { alpha }),
            self.length_power.map(|exponent| LengthPenalty::Power { exponent }),
            self.word_reward.map(|reward| LengthPenalty::Reward { reward }),
        ];
        let coverage = [
            self.coverage_penalty.map(|beta| CoveragePenalty::Gnmt { beta }),
            self.repeat_penalty.map(|beta| CoveragePenalty::Summary { beta }),
        ];
        options.scoring = Scoring {
            length: length.into_iter().flatten().next().unwrap_or(options.scoring.length),
            coverage: coverage.into_iter().flatten().next().unwrap_or_default(),
        };
        BeamOptions::validate(&options).map_err(|error| Usage(self.by_options(&error)))?;
        Ok(Search::Beam(options))
    }

    /// What the command line asks of every line.
    pub(super) fn of_every_line(&self, trained: &TrainedTranslator) -> anyhow::Result<Every> {
        let target = &trained.target;
        let mut sentence = Sentence::default();
        if !self.prefix.trim().is_empty() {
            sentence.prefix =
                at_start(&self.prefix, target).map_err(|p| Usage(format!("--prefix {p}")))?;
        }
        for words in &self.require {
            let phrase = within(words, target).map_err(|p| Usage(format!("--require {p}")))?;
            sentence.required.push(phrase);
        }
        Ok(Every { sentence, streams: self.n_best as u64, sample: self.sample })
    }

    /// What is wrong with options, by the names that they have on the command line.
    fn by_options(&self, error: &DecodingError) -> String {
        let option = match error {
            DecodingError::Lengths { min, max } => {
                return format!(
                    "targets of --min-length {min} to --max-length {max} tokens: the first is at most the \
                     second, that at most 2^20"
                );
            }
            DecodingError::LengthRatios { min, max } => {
                return format!(
                    "targets of --min-ratio {min} to --max-ratio {max} times the source: the first is at \
                     most the second; without --max-ratio that is the run's validation.longest_per_source"
                );
            }
            DecodingError::LengthRatio(wrong) => {
                // By its bits, since NaN is not equal to itself.
                let is_wrong = |ratio: f64| ratio.to_bits() == wrong.to_bits();
                let least = self.min_ratio.is_some_and(is_wrong);
                if least { "--min-ratio" } else { "--max-ratio" }
            }
            DecodingError::LengthPenalty(_) if self.length_power.is_some() => "--length-power",
            DecodingError::LengthPenalty(_) => "--length-penalty",
            DecodingError::WordReward(_) => "--word-reward",
            DecodingError::CoveragePenalty(_) if self.repeat_penalty.is_some() => {
                "--repeat-penalty"
            }
            DecodingError::CoveragePenalty(_) => "--coverage-penalty",
            DecodingError::BeamWidth(_) => "--beam",
            DecodingError::NBest { .. } => "--n-best",
            DecodingError::Groups { .. } => "--groups",
            DecodingError::Diversity(_) => "--diversity",
            other => return other.to_string(),
        };
        format!("{option}: {error}")
    }
}

/// What is asked of every line.
pub(super) struct Every {
    sentence: Sentence,
    /// Random streams of a line.
    streams: u64,
    sample: bool,
}

impl Every {
    /// A line as it is read, and what is asked of it; or why it cannot be translated.
    pub(super) fn of(
        &self,
        line: &Line,
        trained: &TrainedTranslator,
        number: usize,
    ) -> Result<(Reading, Sentence), String> {
        let source = match line.text.trim().is_empty() {
            true => Reading::default(),
            false => trained.read(&line.text).map_err(|error| error.to_string())?,
        };
        let mut sentence = self.sentence.clone();
        sentence.source = Some(source.len().max(1));
        sentence.stream = self.streams.wrapping_mul(number as u64);
        let target = &trained.target;
        if !line.prefix.trim().is_empty() {
            sentence.prefix = at_start(&line.prefix, target).map_err(|p| format!("prefix {p}"))?;
        }
        for words in &line.require {
            if self.sample {
                return Err("require: only a search can, and --sample draws".into());
            }
            sentence.required.push(within(words, target).map_err(|p| format!("require {p}"))?);
        }
        for words in &line.forbid {
            sentence.forbidden.extend(splits(words, target).map_err(|p| format!("forbid {p}"))?);
        }
        Ok((source, sentence))
    }
}

/// Why one line cannot be translated as asked, in its own words.
pub(super) fn of_line(error: &DecodingError, sentence: &Sentence, target: &Tokenizer) -> String {
    match error {
        DecodingError::Contradiction { phrase, .. } => {
            let words = sentence.required.get(*phrase).map(|ids| target.decode(ids));
            format!(
                "no target can hold {:?}, which is required: a part of it is forbidden, or it is longer than \
                 the longest target (--max-length, --max-ratio)",
                words.as_deref().unwrap_or_default().trim()
            )
        }
        DecodingError::TooManyPhrases { count, .. } => {
            format!("{count} phrases are required: at most 64 can be followed")
        }
        DecodingError::PrefixTooLong { length, max, .. } => format!(
            "its prefix has {length} tokens, and its longest target {max}: shorten it, or raise --max-length"
        ),
        DecodingError::PrefixEnds { .. } => {
            "its prefix holds the end of a target: cut it there".into()
        }
        DecodingError::ImpossiblePrefix { token, .. } => format!(
            "the model gives no probability to {:?} in its prefix: leave it out",
            target.vocabulary().word(*token)
        ),
        other => other.to_string(),
    }
}

/// Words as the target's tokens wherever they can stand: subwords hold the space in front of a word, so
/// that it has another split where a target begins.
fn splits(words: &str, target: &Tokenizer) -> Result<Vec<Vec<u32>>, String> {
    let mut splits = vec![at_start(words, target)?, within(words, target)?];
    splits.dedup();
    Ok(splits)
}

/// Words as tokens behind others: no longer word ends with them.
fn within(words: &str, target: &Tokenizer) -> Result<Vec<u32>, String> {
    match target.kind() {
        TokenizerKind::Subwords { .. } => phrase(&format!(" {}", words.trim()), words, target),
        _ => at_start(words, target),
    }
}

/// Words as the tokens that a target begins with.
fn at_start(words: &str, target: &Tokenizer) -> Result<Vec<u32>, String> {
    phrase(words.trim(), words, target)
}

/// Text as the target's tokens; `words` is what it is called.
fn phrase(text: &str, words: &str, target: &Tokenizer) -> Result<Vec<u32>, String> {
    if words.trim().is_empty() {
        return Err(format!("{words:?}: holds no words; give some, or leave it out"));
    }
    let mut phrase = Vec::new();
    target.encode(text, &mut phrase).map_err(|error| format!("{words:?}: {error}"))?;
    if phrase.is_empty() || phrase.iter().any(|&id| target.is_oov(id)) {
        return Err(format!("{words:?}: the target's vocabulary has no such words"));
    }
    Ok(phrase)
}
