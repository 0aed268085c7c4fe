//! How targets are found: by a beam, or drawn.

use std::cmp::Reverse;

use lampwick::decoding::{
    BeamOptions, DecodingError, Hypothesis, Rules, Sampling, Sentence, beam_search, sample,
};
use lampwick::models::NextToken;
use lampwick::training::seq2seq::translator::Reading;

/// Log-probabilities that are held at once, `[streams, V]`: 128 MB.
const HELD: usize = 1 << 25;

/// Sources that are translated side by side, at most.
const SIDE_BY_SIDE: usize = 128;

/// How targets are found.
pub(super) enum Search {
    /// By a beam.
    Beam(BeamOptions),
    /// Drawn, so many for each source.
    Sample(Sampling, usize),
}

impl Search {
    /// Finds the targets of `sources`, those of like length side by side; the order of the result is
    /// theirs, and none depends on the others.
    pub(super) fn translate<M: NextToken>(
        &self,
        model: &M,
        encode: &dyn Fn(&[&Reading]) -> M::State,
        sources: &[(&Reading, &Sentence)],
        rules: &Rules,
    ) -> Result<Vec<Vec<Hypothesis>>, DecodingError> {
        let streams = match self {
            Self::Beam(options) => options.width,
            Self::Sample(_, samples) => *samples,
        };
        let size = (HELD / (streams.max(1) * model.vocabulary_size())).clamp(1, SIDE_BY_SIDE);
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by_key(|&index| Reverse(sources[index].0.len()));
        let mut results = vec![Vec::new(); sources.len()];
        for batch in order.chunks(size) {
            let of: Vec<&Reading> = batch.iter().map(|&index| sources[index].0).collect();
            let asked: Vec<Sentence> =
                batch.iter().map(|&index| sources[index].1.clone()).collect();
            let state = encode(&of);
            let found = match self {
                Self::Beam(options) => beam_search(model, state, &asked, rules, options),
                Self::Sample(sampling, samples) => {
                    sample(model, state, &asked, rules, sampling, *samples)
                }
            };
            for (&index, found) in batch.iter().zip(found?) {
                results[index] = found;
            }
        }
        Ok(results)
    }
}
