//! The generator is the language model, faster.

use burn::prelude::*;
use lampwick_models::{
    CellKind, Generator, LanguageModel, LanguageModelConfig, NextToken, RecurrentInit,
};

fn models() -> Vec<LanguageModel> {
    use CellKind::{Gru, GruResetBefore, Lstm, RnnRelu, RnnTanh};
    let base = LanguageModelConfig {
        vocabulary: 45,
        embedding: 9,
        hidden: 13,
        initializer: RecurrentInit::Uniform { bound: 0.7 },
        ..Default::default()
    };
    let mut configs: Vec<_> = [Lstm, Gru, GruResetBefore, RnnTanh, RnnRelu]
        .map(|cell| LanguageModelConfig { cell, ..base.clone() })
        .into();
    configs.push(LanguageModelConfig { tie_weights: true, last_hidden: Some(9), ..base.clone() });
    configs.push(LanguageModelConfig { projection: Some(35), ..base.clone() });
    configs.push(LanguageModelConfig { bias: false, output_bias: false, ..base });
    configs.into_iter().map(|config| config.init(3, &Device::flex()).unwrap()).collect()
}

fn token(step: usize, stream: usize) -> u32 {
    ((step * 7 + stream * 13) % 45) as u32
}

#[test]
fn it_gives_the_models_numbers() {
    for model in models() {
        let generator = Generator::new(&model);
        for batch in [1, 3, 11] {
            let (mut state, mut expected_state) = (generator.start(batch), model.start(batch));
            let (mut found, mut expected) = (Vec::new(), Vec::new());
            for step in 0..6 {
                let tokens: Vec<u32> = (0..batch).map(|stream| token(step, stream)).collect();
                state = generator.next(&tokens, state, &mut found);
                expected_state = model.next(&tokens, expected_state, &mut expected);
                assert_eq!(found.len(), expected.len());
                for (a, b) in found.iter().zip(&expected) {
                    let cell = model.config().cell;
                    assert!((a - b).abs() < 2e-5, "{cell:?}, batch {batch}: {a} and {b}");
                }
            }
        }
    }
}

/// Bit by bit, so that no sample can depend on the batch.
#[test]
fn a_stream_does_not_depend_on_its_neighbours() {
    for model in models() {
        let generator = Generator::new(&model);
        let (mut all, mut alone) = (Vec::new(), Vec::new());
        let mut state = generator.start(17);
        let mut single = generator.start(1);
        for step in 0..4 {
            let tokens: Vec<u32> = (0..17).map(|stream| token(step, stream)).collect();
            state = generator.next(&tokens, state, &mut all);
            single = generator.next(&tokens[16..], single, &mut alone);
            assert_eq!(all[16 * 45..], alone);
        }
        let kept = generator.select(&state, &[16, 2, 2]);
        generator.next(&[5, 6, 6], kept, &mut all);
        generator.next(&[5], single, &mut alone);
        assert_eq!(all[..45], alone);
        assert_eq!(all[45..90], all[90..]);
    }
}
