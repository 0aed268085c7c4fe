//! How targets are found: by a beam, drawn, or by the CTC head.

use lampwick::decoding::{
    BeamOptions, DecodingError, Hypothesis, Rules, Sampling, Sentence, beam_search, sample,
};
use lampwick::models::NextToken;
use lampwick::models::ctc::CtcHypothesis;
use lampwick::training::seq2seq::translator::{Reading, TrainedTranslator, numbers, side_by_side};

/// How targets are found.
pub(super) enum Search {
    /// By a beam.
    Beam(BeamOptions),
    /// Drawn, so many for each source.
    Sample(Sampling, usize),
    /// By the CTC head alone.
    Ctc {
        /// Prefixes that are kept; 1 is the best path.
        beam: usize,
        /// Targets of each source, at most.
        n_best: usize,
    },
}

impl Search {
    /// Finds the targets of `sources` by `model`, which is that of the `runs` together, those of like
    /// length side by side; the order of the result is theirs, and none depends on the others.
    pub(super) fn translate<M: NextToken>(
        &self,
        model: &M,
        runs: &[TrainedTranslator],
        encode: &dyn Fn(&[&Reading]) -> M::State,
        sources: &[(&Reading, &Sentence)],
        rules: &Rules,
    ) -> Result<Vec<Vec<Hypothesis>>, DecodingError> {
        let batches = |streams| {
            let lengths: Vec<usize> = sources.iter().map(|(reading, _)| reading.len()).collect();
            side_by_side(&lengths, |length| {
                let longest = rules.lengths.longest(length.max(1));
                let of = |run: &TrainedTranslator| {
                    numbers(&run.config.model, length, streams, longest, rules.attention)
                };
                runs.iter().map(of).fold(0, usize::saturating_add)
            })
        };
        match self {
            Self::Beam(options) => {
                in_batches(encode, sources, batches(options.width), |state, asked| {
                    beam_search(model, state, asked, rules, options)
                })
            }
            Self::Sample(sampling, samples) => {
                in_batches(encode, sources, batches(*samples), |state, asked| {
                    sample(model, state, asked, rules, sampling, *samples)
                })
            }
            &Self::Ctc { beam, n_best } => {
                let each = sources.iter();
                Ok(each.map(|(reading, _)| by_ctc(&runs[0], reading, beam, n_best)).collect())
            }
        }
    }
}

fn in_batches<S>(
    encode: &dyn Fn(&[&Reading]) -> S,
    sources: &[(&Reading, &Sentence)],
    batches: Vec<Vec<usize>>,
    find: impl Fn(S, &[Sentence]) -> Result<Vec<Vec<Hypothesis>>, DecodingError>,
) -> Result<Vec<Vec<Hypothesis>>, DecodingError> {
    let mut results = vec![Vec::new(); sources.len()];
    for batch in batches {
        let of: Vec<&Reading> = batch.iter().map(|&index| sources[index].0).collect();
        let asked: Vec<Sentence> = batch.iter().map(|&index| sources[index].1.clone()).collect();
        for (index, found) in batch.into_iter().zip(find(encode(&of), &asked)?) {
            results[index] = found;
        }
    }
    Ok(results)
}

/// Labels of a CTC search as targets: it reads all of a source, so each is finished.
fn by_ctc(
    trained: &TrainedTranslator,
    reading: &Reading,
    beam: usize,
    n_best: usize,
) -> Vec<Hypothesis> {
    let found = trained.by_ctc(reading, beam).unwrap_or_default();
    let hypothesis = |it: CtcHypothesis| Hypothesis {
        tokens: it.labels,
        log_prob: it.log_prob,
        score: it.log_prob,
        finished: true,
        ..Hypothesis::default()
    };
    found.into_iter().take(n_best).map(hypothesis).collect()
}
