//! How weights are judged: by the loss of the true targets, and by what they write.

use lampwick_data::{PADDING, PairBatch, cut};
use lampwick_decoding::{BeamOptions, Hypothesis, Rules};
use lampwick_metrics::{Bleu, Chrf, ErrorRate, ExactMatch, Measure, Perplexity, Rouge, Segment};
use lampwick_models::{CrossEntropyOptions, EncoderDecoder, Feeding, Mode, Translator};

use super::corpus::{PairCorpus, Portion};
use super::loss;
use super::translator::{options, rules, translate};
use crate::config::{Seq2SeqConfig, ValidationMetric};
use crate::corpus::{Part, unit_of};
use crate::error::Result;
use crate::evaluate::read;
use crate::logs::Quality;

/// Pairs that are scored, or sources that are decoded, side by side.
const SIDE_BY_SIDE: usize = 64;

/// Perplexity of the true targets, each token given those before it; `None` when `watch` ends it.
pub(super) fn perplexity(
    model: &EncoderDecoder,
    portion: &Portion,
    corpus: &PairCorpus,
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Option<Perplexity>> {
    let tokenizer = &corpus.tokenizers.target;
    let mut perplexity = Perplexity::new(unit_of(tokenizer), true);
    let options =
        CrossEntropyOptions { ignore_index: Some(PADDING), ..CrossEntropyOptions::default() };
    let batches = by_length(portion);
    for (done, indices) in batches.iter().enumerate() {
        let batch = PairBatch::new(&portion.ids, indices.clone(), corpus.end);
        let output = loss(model, &batch, &options, &Feeding::Gold, &mut Mode::Evaluate);
        let nll = read(output.nll);
        let counts = batch.targets.iter().map(|&target| target != PADDING);
        let nll: Vec<f32> = nll.iter().zip(counts).filter(|(_, c)| *c).map(|(n, _)| *n).collect();
        perplexity.add_each(&nll);
        let oov = batch.targets.iter().filter(|&&id| id >= 0 && tokenizer.is_oov(id as u32));
        perplexity.add_oov(oov.count() as u64);
        if !watch(done + 1, batches.len()) {
            return Ok(None);
        }
    }
    Ok(Some(perplexity))
}

/// What the output for a part's sources is worth; `None` when `watch` ends it.
pub(super) fn quality(
    model: &EncoderDecoder,
    portion: &Portion,
    part: Part,
    corpus: &PairCorpus,
    config: &Seq2SeqConfig,
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Option<Quality>> {
    let v = &config.validation;
    let (beam, most) = match part {
        Part::Test => (v.test_beam, 0),
        Part::Train | Part::Valid => (v.beam, v.most),
    };
    let count = if most == 0 { portion.ids.len() } else { most.min(portion.ids.len()) };
    let sources: Vec<&[u32]> = portion.ids.source.iter().take(count).collect();
    let (rules, options) = (rules(v, corpus.end), options(v, beam));
    let outputs = search(model, &sources, &rules, &options, watch)?;
    let Some(outputs) = outputs else { return Ok(None) };
    let outputs: Vec<String> = outputs.iter().map(|found| text(found, corpus)).collect();
    let references: Vec<&str> =
        portion.text.target.iter().take(count).map(String::as_str).collect();
    Ok(Some(measure(v.metric, &outputs, &references)))
}

/// What the weights write, by a packed copy of them.
fn search(
    model: &EncoderDecoder,
    sources: &[&[u32]],
    rules: &Rules,
    options: &BeamOptions,
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Option<Vec<Vec<Hypothesis>>>> {
    let model = Translator::new(model);
    translate(&model, &|sources| model.encode(sources), sources, rules, options, watch)
}

/// The best hypothesis as text.
fn text(found: &[Hypothesis], corpus: &PairCorpus) -> String {
    let tokens = found.first().map_or(&[][..], |best| &best.tokens);
    corpus.tokenizers.target.decode(tokens).trim().to_string()
}

/// Holds outputs against references.
fn measure(metric: ValidationMetric, outputs: &[String], references: &[&str]) -> Quality {
    match metric {
        ValidationMetric::Loss => unreachable!("nothing is decoded for it"),
        ValidationMetric::ExactMatch => by(&ExactMatch, outputs, references),
        ValidationMetric::ErrorRate => {
            let right = by(&ExactMatch, outputs, references);
            let value = 100.0 - right.value;
            Quality { name: "error rate".into(), value, less_is_better: true, ..right }
        }
        ValidationMetric::Bleu => by(&Bleu::default(), outputs, references),
        ValidationMetric::Chrf => by(&Chrf::default(), outputs, references),
        ValidationMetric::RougeL => by(&Rouge::Longest, outputs, references),
        ValidationMetric::WordErrorRate => {
            Quality { less_is_better: true, ..by(&ErrorRate::Words, outputs, references) }
        }
    }
}

fn by<M: Measure>(measure: &M, outputs: &[String], references: &[&str]) -> Quality {
    let pairs = outputs.iter().zip(references);
    let segments: Vec<Segment<'_>> = pairs
        .map(|(output, reference)| Segment { hypothesis: output, references: vec![reference] })
        .collect();
    Quality {
        name: measure.name(),
        value: measure.score(&measure.corpus(&segments)),
        less_is_better: false,
        signature: measure.signature(1),
    }
}

/// Sources, what the model writes for them, and what it should have written.
pub(super) fn samples(
    model: &EncoderDecoder,
    corpus: &PairCorpus,
    config: &Seq2SeqConfig,
) -> Result<Vec<String>> {
    let v = &config.validation;
    let portion = &corpus.valid;
    let count = v.samples.min(portion.ids.len());
    let sources: Vec<&[u32]> = portion.ids.source.iter().take(count).collect();
    let (rules, options) = (rules(v, corpus.end), options(v, v.beam));
    let outputs = search(model, &sources, &rules, &options, &mut |_, _| true)?;
    let outputs = outputs.unwrap_or_default();
    let texts = portion.text.source.iter().zip(&portion.text.target);
    Ok(outputs
        .iter()
        .zip(texts)
        .map(|(output, (source, target))| {
            format!("{source} => {} [{target}]", text(output, corpus))
        })
        .collect())
}

/// Batches of pairs of like length, the longest first.
fn by_length(portion: &Portion) -> Vec<Vec<usize>> {
    let steps: Vec<usize> = (0..portion.ids.len()).map(|index| portion.ids.steps(index)).collect();
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(steps[index]));
    cut(&order, &steps, lampwick_data::BatchSize::Sentences(SIDE_BY_SIDE))
}
