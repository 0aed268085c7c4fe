//! Small models of every kind, and pairs as a batch.

use burn::prelude::*;
use lampwick_models::{
    AttentionKind, Bridge, CellKind, CrossEntropyOptions, DecoderConfig, EncoderConfig,
    EncoderDecoder, EncoderDecoderBatch, EncoderDecoderConfig, EncoderDecoderLoss, Feeding, Mode,
    Tie,
};

pub(crate) const END: u32 = 0;
const PADDING: i64 = -1;

pub(crate) fn tiny() -> EncoderDecoderConfig {
    EncoderDecoderConfig {
        source_vocabulary: 9,
        target_vocabulary: 9,
        embedding: 6,
        encoder: EncoderConfig { hidden: 4, layers: 2, bidirectional: true, residual: false },
        decoder: DecoderConfig { hidden: 8, layers: 2, residual: false },
        ..EncoderDecoderConfig::default()
    }
}

/// One of each kind.
pub(crate) fn kinds() -> Vec<(&'static str, EncoderDecoderConfig)> {
    let c = tiny;
    vec![
        ("luong general", c()),
        ("luong dot", EncoderDecoderConfig { attention: AttentionKind::LuongDot, ..c() }),
        ("luong concat", EncoderDecoderConfig { attention: AttentionKind::LuongConcat, ..c() }),
        (
            "bahdanau, GRU",
            EncoderDecoderConfig {
                attention: AttentionKind::Bahdanau,
                cell: CellKind::GruResetBefore,
                ..c()
            },
        ),
        ("input feeding", EncoderDecoderConfig { input_feeding: true, ..c() }),
        ("layer norm", EncoderDecoderConfig { layer_norm: true, ..c() }),
        (
            "layer norm, step by step",
            EncoderDecoderConfig { layer_norm: true, input_feeding: true, ..c() },
        ),
        (
            "coverage and copying",
            EncoderDecoderConfig {
                attention: AttentionKind::LuongConcat,
                coverage: 1.0,
                copying: true,
                ..c()
            },
        ),
        ("copying", EncoderDecoderConfig { copying: true, ..c() }),
        (
            "sutskever",
            EncoderDecoderConfig {
                attention: AttentionKind::None,
                bridge: Bridge::Last,
                reverse_source: true,
                encoder: EncoderConfig {
                    hidden: 8,
                    layers: 2,
                    bidirectional: false,
                    residual: true,
                },
                ..c()
            },
        ),
        (
            "cho",
            EncoderDecoderConfig {
                attention: AttentionKind::None,
                context_every_step: true,
                cell: CellKind::Gru,
                ..c()
            },
        ),
        (
            "tied three ways, reversed, residual",
            EncoderDecoderConfig {
                tie: Tie::ThreeWay,
                reverse_source: true,
                encoder: EncoderConfig { residual: true, ..c().encoder },
                decoder: DecoderConfig { residual: true, ..c().decoder },
                ..c()
            },
        ),
    ]
}

/// Pairs as a padded batch, padded by `extra` more steps.
pub(crate) struct Batch {
    ids: [Vec<i64>; 3],
    source_lengths: Vec<usize>,
    target_lengths: Vec<usize>,
}

impl Batch {
    pub(crate) fn new(pairs: &[(Vec<u32>, Vec<u32>)], extra: usize) -> Self {
        let source_lengths: Vec<usize> = pairs.iter().map(|(s, _)| s.len()).collect();
        let target_lengths: Vec<usize> = pairs.iter().map(|(_, t)| t.len() + 1).collect();
        let s = (source_lengths.iter().max().unwrap() + extra).max(1);
        let t = target_lengths.iter().max().unwrap() + extra;
        // What stands past an end must not matter: something else than 0.
        let mut ids =
            [vec![3; s * pairs.len()], vec![5; t * pairs.len()], vec![PADDING; t * pairs.len()]];
        for (column, (source, target)) in pairs.iter().enumerate() {
            let at = |step: usize| step * pairs.len() + column;
            ids[0][at(0)] = 0;
            source.iter().enumerate().for_each(|(i, &id)| ids[0][at(i)] = i64::from(id));
            ids[1][at(0)] = i64::from(END);
            for (i, &id) in target.iter().enumerate() {
                ids[1][at(i + 1)] = i64::from(id);
                ids[2][at(i)] = i64::from(id);
            }
            ids[2][at(target.len())] = i64::from(END);
        }
        Self { ids, source_lengths, target_lengths }
    }

    pub(crate) fn loss(
        &self,
        model: &EncoderDecoder,
        feeding: &Feeding,
        mode: &mut Mode,
    ) -> EncoderDecoderLoss {
        let batch = self.source_lengths.len();
        let [source, inputs, targets] = self.ids.clone().map(|ids| {
            let shape = [ids.len() / batch, batch];
            Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &model.device())
        });
        let batch = EncoderDecoderBatch {
            source: source.into(),
            source_lengths: &self.source_lengths,
            inputs,
            targets,
            target_lengths: &self.target_lengths,
        };
        let options =
            CrossEntropyOptions { ignore_index: Some(PADDING), ..CrossEntropyOptions::default() };
        model.loss(&batch, &options, feeding, mode)
    }

    /// `-ln p` of each pair's tokens.
    pub(crate) fn nll(&self, model: &EncoderDecoder, feeding: &Feeding) -> Vec<Vec<f32>> {
        let nll = self.loss(model, feeding, &mut Mode::Evaluate).nll;
        let nll: Vec<f32> = nll.try_into_vec_as().unwrap();
        let batch = self.source_lengths.len();
        let column = |c: usize| (0..self.target_lengths[c]).map(|t| nll[t * batch + c]).collect();
        (0..batch).map(column).collect()
    }
}

pub(crate) fn pairs() -> Vec<(Vec<u32>, Vec<u32>)> {
    vec![
        (vec![1, 2, 3, 4, 5], vec![5, 4]),
        (vec![7], vec![1, 2, 3, 4]),
        (vec![2, 8, 6], vec![]),
        (vec![], vec![6]),
    ]
}
