//! What a decoder is fed while it learns, and a thing learnt.

use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use lampwick_models::{
    DecoderConfig, EncoderConfig, EncoderDecoderConfig, Fed, Feeding, Mode, NextToken,
    RecurrentInit, Translator,
};

use crate::batch::{Batch, END, pairs, tiny};

#[test]
fn scheduled_sampling_feeds_the_models_own_words() {
    let model = tiny().init(7, &Device::flex()).unwrap();
    let batch = Batch::new(&pairs(), 0);
    let nll = |feeding: &Feeding, seed| -> Vec<f32> {
        batch.loss(&model, feeding, &mut Mode::train(seed)).nll.try_into_vec_as().unwrap()
    };
    let gold = nll(&Feeding::Gold, 1);
    let own = nll(&Feeding::Scheduled { gold: 0.0, feed: Fed::Argmax }, 1);
    let drawn = nll(&Feeding::Scheduled { gold: 0.0, feed: Fed::Gumbel }, 1);
    let again = nll(&Feeding::Scheduled { gold: 0.0, feed: Fed::Gumbel }, 1);
    let first = pairs().len();
    assert_eq!(gold[..first], own[..first], "the first word is always the start symbol");
    assert_ne!(gold, own);
    assert_ne!(drawn, own);
    assert_eq!(drawn, again, "a seed decides what is drawn");
    assert_eq!(own, nll(&Feeding::Scheduled { gold: 0.0, feed: Fed::Argmax }, 2));
}

/// What is fed is what decoding writes, copies included: the true words have the same probabilities behind
/// them.
#[test]
fn the_models_own_words_are_those_that_decoding_writes() {
    let pairs = pairs();
    let batch = Batch::new(&pairs, 0);
    for config in [tiny(), EncoderDecoderConfig { copying: true, ..tiny() }] {
        let initializer = RecurrentInit::Uniform { bound: 1.0 };
        // Large weights: a model that is sure of what it writes, and copies some.
        let model =
            EncoderDecoderConfig { initializer, ..config }.init(5, &Device::flex()).unwrap();
        let feeding = Feeding::Scheduled { gold: 0.0, feed: Fed::Argmax };
        let nll: Vec<f32> =
            batch.loss(&model, &feeding, &mut Mode::train(1)).nll.try_into_vec_as().unwrap();
        let packed = Translator::new(&model);
        let words = packed.vocabulary_size();
        let sources: Vec<&[u32]> = pairs.iter().map(|(source, _)| &source[..]).collect();
        let mut state = packed.encode(&sources);
        let (mut tokens, mut log_probs) = (vec![END; pairs.len()], Vec::new());
        let steps = nll.len() / pairs.len();
        for step in 0..steps {
            state = packed.next(&tokens, state, &mut log_probs);
            for (column, (_, target)) in
                pairs.iter().enumerate().filter(|(_, (_, t))| step <= t.len())
            {
                let row = &log_probs[column * words..][..words];
                let token = target.get(step).copied().unwrap_or(END);
                let difference = nll[step * pairs.len() + column] + row[token as usize];
                assert!(difference.abs() < 1e-3, "step {step}, pair {column}: {difference}");
                let best = (0..words).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
                tokens[column] = best as u32;
            }
        }
    }
}

#[test]
fn a_tiny_model_learns_to_write_backwards() {
    let config = EncoderDecoderConfig {
        embedding: 16,
        encoder: EncoderConfig { hidden: 16, layers: 1, bidirectional: true, residual: false },
        decoder: DecoderConfig { hidden: 32, layers: 1, residual: false },
        ..tiny()
    };
    let device = Device::flex().autodiff();
    let mut model = config.init(1, &device).unwrap();
    let mut optimizer = AdamConfig::new().with_epsilon(1e-8).init();
    let mut seed = 1u64;
    let mut pair = || {
        let mut below = |bound: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % bound
        };
        let source: Vec<u32> = (0..1 + below(5)).map(|_| 1 + below(8) as u32).collect();
        let target = source.iter().rev().copied().collect();
        (source, target)
    };
    for _ in 0..400 {
        let pairs: Vec<_> = (0..32).map(|_| pair()).collect();
        let loss = Batch::new(&pairs, 0).loss(&model, &Feeding::Gold, &mut Mode::train(1)).loss;
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(1e-2, model, gradients);
    }
    let translator = Translator::new(&model);
    let pairs: Vec<_> = (0..100).map(|_| pair()).collect();
    let sources: Vec<&[u32]> = pairs.iter().map(|(source, _)| source.as_slice()).collect();
    let mut state = translator.encode(&sources);
    let mut written: Vec<Vec<u32>> = vec![Vec::new(); 100];
    let (mut tokens, mut log_p) = (vec![END; 100], Vec::new());
    for _ in 0..6 {
        state = translator.next(&tokens, state, &mut log_p);
        for (stream, row) in log_p.chunks_exact(9).enumerate() {
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            tokens[stream] = best as u32;
            written[stream].push(best as u32);
        }
    }
    let right = pairs.iter().zip(&written).filter(|((_, target), written)| {
        written[..target.len()] == target[..] && written.get(target.len()) == Some(&END)
    });
    assert!(right.count() >= 99, "{:?}", &written[..3]);
}
