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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::RunConfig;

    /// 60 training pairs of four words, and one validation pair of `longest` words each side.
    fn corpus(longest: usize, ctc: f64) -> (Seq2SeqConfig, PairCorpus) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("train.tsv"), "a b c d\td c b a\n".repeat(60)).unwrap();
        let long = "a ".repeat(longest);
        fs::write(path("valid.tsv"), format!("a b\tb a\n{long}\t{long}\n")).unwrap();
        let toml = format!(
            "task = \"encoder_decoder\"\n[model]\nembedding = 8\nctc = {ctc:?}\n[model.encoder]\nhidden = 8\n\
             [model.decoder]\nhidden = 16\n[batches]\nsize = {{ sentences = 8 }}\n[data]\nformat = \"tsv\"\n\
             train = {:?}\nvalid = {:?}\n",
            path("train.tsv"),
            path("valid.tsv"),
        );
        let mut config = Seq2SeqConfig::parse(&toml, "test", &[]).unwrap().config;
        let corpus = PairCorpus::open(&config, None).unwrap();
        config.model.source_vocabulary = corpus.tokenizers.source.vocabulary().len();
        config.model.target_vocabulary = corpus.tokenizers.target.vocabulary().len();
        (config, corpus)
    }

    fn bytes(longest: usize, ctc: f64) -> u64 {
        let (config, corpus) = corpus(longest, ctc);
        needed(&config, &corpus, 1000)
    }

    /// A validation pair that is longer than all that is trained on is scored alone, and counted so: with
    /// its attention, which grows with the square.
    #[test]
    fn a_long_validation_pair_is_counted() {
        let [short, long, longer] = [4, 5_000, 10_000].map(|longest| bytes(longest, 0.0));
        let (config, _) = corpus(5_000, 0.0);
        let pair = memory::bytes(config.model.activations(1, 5_000, 5_001));
        assert!(long >= pair && long < pair + short, "{short} {long} {pair}");
        assert!(longer > 3 * long, "{long} {longer}");
    }

    /// The logits of a CTC head, their logarithms and gradients, of every position.
    #[test]
    fn a_ctc_head_is_counted() {
        let [without, with] = [0.0, 0.3].map(|ctc| bytes(5_000, ctc));
        let (config, _) = corpus(5_000, 0.3);
        let classes = config.model.target_vocabulary as u64 + 1;
        assert_eq!(with - without, 4 * 5_000 * 3 * classes);
    }
}
