//! How weights are judged: by the loss of the true targets, and by what they write.

use lampwick_data::{PADDING, PairBatch, cut};
use lampwick_decoding::{Hypothesis, Rules, Sentence, beam_search};
use lampwick_metrics::Perplexity;
use lampwick_models::{CrossEntropyOptions, EncoderDecoder, Feeding, Mode, Source, Translator};

use super::corpus::{PairCorpus, Portion};
use super::loss;
use super::measure::measures;
use super::translator::{CTC_BEAM, CtcReading, numbers, options, rules, side_by_side};
use crate::config::Seq2SeqConfig;
use crate::corpus::{Part, unit_of};
use crate::error::{Error, Result};
use crate::evaluate::read;
use crate::logs::Quality;

/// Positions of the pairs that are scored side by side, padding included; a longer pair is scored alone.
pub(super) const SCORED_AT_ONCE: usize = 2048;

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
        let output = loss(model, portion, &batch, &options, &Feeding::Gold, &mut Mode::Evaluate);
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

/// Told (done, total); `false` ends the work.
type Watch<'a> = &'a mut dyn FnMut(usize, usize) -> bool;

/// Weights, and what they are judged by.
pub(super) struct Judge<'a> {
    model: &'a EncoderDecoder,
    /// The weights once more, packed to be searched with.
    packed: Translator,
    corpus: &'a PairCorpus,
    config: &'a Seq2SeqConfig,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        model: &'a EncoderDecoder,
        corpus: &'a PairCorpus,
        config: &'a Seq2SeqConfig,
    ) -> Self {
        Self { model, packed: Translator::new(model), corpus, config }
    }

    /// What the output for a part's sources is worth; first the measure that decides. Of the test also
    /// what greedy search finds, and the CTC head where there is one. `None` when `watch` ends it.
    pub(super) fn qualities(
        &self,
        portion: &Portion,
        part: Part,
        watch: Watch<'_>,
    ) -> Result<Option<Vec<Quality>>> {
        let v = &self.config.validation;
        let (beam, most) = match part {
            Part::Test => (v.test_beam, 0),
            Part::Train | Part::Valid => (v.beam, v.most),
        };
        let count = if most == 0 { portion.ids.len() } else { most.min(portion.ids.len()) };
        let measured = |outputs: &[String]| measures(v.metric, outputs, &portion.text);
        let Some(outputs) = self.write(portion, count, beam, watch)? else { return Ok(None) };
        let mut qualities = measured(&outputs);
        if part != Part::Test {
            return Ok(Some(qualities));
        }
        let mut add =
            |outputs: &[String], how: &str| {
                qualities.extend(measured(outputs).into_iter().take(1).map(|quality| Quality {
                    name: format!("{} ({how})", quality.name),
                    ..quality
                }));
            };
        if beam > 1 {
            let Some(outputs) = self.write(portion, count, 1, watch)? else { return Ok(None) };
            add(&outputs, "greedy");
        }
        if self.config.model.ctc > 0.0 {
            let Some([best_path, by_prefixes]) = self.write_by_ctc(portion, count, watch)? else {
                return Ok(None);
            };
            add(&best_path, "CTC, best path");
            add(&by_prefixes, &format!("CTC, {CTC_BEAM} prefixes"));
        }
        Ok(Some(qualities))
    }

    /// The best hypotheses for the first sources of a portion.
    fn write(
        &self,
        portion: &Portion,
        count: usize,
        beam: usize,
        watch: Watch<'_>,
    ) -> Result<Option<Vec<String>>> {
        let found = self.search(portion, count, beam, false, watch)?;
        Ok(found.map(|found| found.iter().map(|found| self.text(found)).collect()))
    }

    /// The same with their scores and, where that is asked for, with what they looked at.
    pub(super) fn search(
        &self,
        portion: &Portion,
        count: usize,
        beam: usize,
        attention: bool,
        watch: Watch<'_>,
    ) -> Result<Option<Vec<Vec<Hypothesis>>>> {
        let v = &self.config.validation;
        let rules = rules(v, &self.corpus.tokenizers.target, self.corpus.end);
        let (rules, options) = (Rules { attention, ..rules }, options(v, beam));
        let sources: Vec<&[u32]> = portion.ids.source.iter().take(count).collect();
        let reads = &self.config.model.reads;
        let lengths: Vec<usize> =
            sources.iter().map(|source| reads.positions(source.len())).collect();
        let device = self.model.device();
        let encode = |indices: &[usize]| match &portion.media {
            None => {
                let of: Vec<&[u32]> = indices.iter().map(|&index| sources[index]).collect();
                self.packed.encode(&of)
            }
            Some(media) => {
                let each = indices.iter().map(|&index| media.batch(&[index], &device));
                self.packed.encode_with(self.model, &each.collect::<Vec<Source>>())
            }
        };
        let held = |length: usize| {
            let longest = rules.lengths.longest(length.max(1));
            numbers(&self.config.model, length, options.width, longest, attention)
        };
        let (mut results, mut done) = (vec![Vec::new(); lengths.len()], 0);
        for batch in side_by_side(&lengths, held) {
            let sentences: Vec<Sentence> =
                batch.iter().map(|&index| Sentence::of(lengths[index].max(1))).collect();
            let found = beam_search(&self.packed, encode(&batch), &sentences, &rules, &options)
                .map_err(Error::Decoding)?;
            done += batch.len();
            for (index, found) in batch.into_iter().zip(found) {
                results[index] = found;
            }
            if !watch(done, lengths.len()) {
                return Ok(None);
            }
        }
        Ok(Some(results))
    }

    /// What the CTC head reads: by its best path, and by a search over prefixes.
    fn write_by_ctc(
        &self,
        portion: &Portion,
        count: usize,
        watch: Watch<'_>,
    ) -> Result<Option<[Vec<String>; 2]>> {
        let device = self.model.device();
        let mut outputs = [Vec::new(), Vec::new()];
        for index in 0..count {
            let batch = PairBatch::new(&portion.ids, vec![index], self.corpus.end);
            let [source, ..] = batch.to_tensors(&device);
            let source = portion.source(&batch, source);
            let encoded = self.model.encode(source, &batch.source_lengths, &mut Mode::Evaluate);
            let target = &self.corpus.tokenizers.target;
            let reading = CtcReading::new(self.model, &encoded, target);
            let read = |beam| {
                let found = reading.as_ref().map(|reading| reading.search(beam));
                let best = found.into_iter().flatten().next();
                best.map_or_else(Vec::new, |best| best.labels)
            };
            for (outputs, labels) in outputs.iter_mut().zip([read(1), read(CTC_BEAM)]) {
                outputs.push(self.decoded(&labels));
            }
            if !watch(index + 1, count) {
                return Ok(None);
            }
        }
        Ok(Some(outputs))
    }

    /// The best hypothesis as text.
    fn text(&self, found: &[Hypothesis]) -> String {
        self.decoded(found.first().map_or(&[][..], |best| &best.tokens))
    }

    fn decoded(&self, ids: &[u32]) -> String {
        self.corpus.tokenizers.target.decode(ids).trim().to_string()
    }

    /// Sources, what the model writes for them, and what it should have written.
    pub(super) fn samples(&self) -> Result<Vec<String>> {
        let v = &self.config.validation;
        let portion = &self.corpus.valid;
        let count = v.samples.min(portion.ids.len());
        let outputs = self.write(portion, count, v.beam, &mut |_, _| true)?.unwrap_or_default();
        let texts = portion.text.source.iter().zip(&portion.text.target);
        let shown = outputs.iter().zip(texts);
        Ok(shown
            .map(|(output, (source, target))| format!("{source} => {output} [{target}]"))
            .collect())
    }
}

/// Batches of pairs of like length, the longest first.
fn by_length(portion: &Portion) -> Vec<Vec<usize>> {
    let steps: Vec<usize> = (0..portion.ids.len()).map(|index| portion.ids.steps(index)).collect();
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(steps[index]));
    cut(&order, &steps, lampwick_data::BatchSize::Tokens(SCORED_AT_ONCE))
}
