//! The memory that an encoder-decoder's run would take: known before it is run, since a batch's
//! positions are bounded.

use lampwick_data::{BatchSize, IdPairs};

use super::corpus::PairCorpus;
use super::judge::SCORED_AT_ONCE;
use super::media::Media;
use crate::config::Seq2SeqConfig;
use crate::error::Result;
use crate::memory;

/// Estimated bytes: weights, gradients, moments and averages; what the largest batch keeps for the
/// backward pass, or a batch that is judged by, where that is more; the ids.
pub(super) fn needed(config: &Seq2SeqConfig, corpus: &PairCorpus, parameters: usize) -> u64 {
    let pairs = &corpus.train.ids;
    let judged = [Some(&corpus.valid), corpus.test.as_ref()].into_iter().flatten();
    let judged = judged.map(|portion| (&portion.ids, BatchSize::Tokens(SCORED_AT_ONCE)));
    let activations = std::iter::once((pairs, config.batches.size)).chain(judged);
    let activations =
        activations.map(|(pairs, size)| of_largest(config, pairs, size)).max().unwrap_or(0);
    let portions = [Some(&corpus.train), Some(&corpus.valid), corpus.test.as_ref()];
    let media = portions.into_iter().flatten().filter_map(|portion| portion.media.as_ref());
    let kept: usize = media.map(Media::numbers).sum();
    let ids = pairs.source.ids().len() + pairs.target.ids().len();
    let numbers = memory::of_parameters(parameters, &config.optimizer)
        .saturating_add(activations)
        .saturating_add(ids as u128)
        .saturating_add(kept as u128);
    memory::bytes(numbers)
}

/// Numbers that the largest batch of some pairs keeps, about.
fn of_largest(config: &Seq2SeqConfig, pairs: &IdPairs, size: BatchSize) -> u128 {
    let lengths = pairs.source.iter().zip(pairs.target.iter());
    let (source, target) = lengths
        .fold((1, 1), |(s, t), (source, target)| (s.max(source.len()), t.max(target.len() + 1)));
    let batch = match size {
        BatchSize::Sentences(n) => n.min(pairs.len()),
        // All of a batch at the longest, or the one pair that alone is longer than a batch may be.
        BatchSize::Tokens(n) => (n / source.max(target)).max(1),
    };
    config.model.activations(batch, source, target)
}

/// Refuses a run that this machine cannot hold.
pub(super) fn check(config: &Seq2SeqConfig, corpus: &PairCorpus) -> Result<()> {
    config.model.validate()?;
    let parameters = config.model.parameters().unwrap_or(usize::MAX);
    memory::check(&config.device, parameters, needed(config, corpus, parameters))
}
