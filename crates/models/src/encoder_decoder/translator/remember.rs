//! Streams from what a model has encoded: images and frames are read by the model itself.

use super::{Translator, TranslatorState};
use crate::encoder_decoder::EncoderDecoder;
use crate::encoder_decoder::encoder::Encoded;
use crate::encoder_decoder::source::Source;
use crate::generator::LayerState;
use crate::mode::Mode;

impl Translator {
    /// Reads sources of any kind with `model`, whose weights were packed here: one stream for each,
    /// before its first word. Each source is a batch of one and as long as its tensor, so that what a
    /// stream gives does not depend, bit by bit, on the others.
    ///
    /// # Panics
    ///
    /// When there is no source, or one is of another kind than the model reads.
    pub fn encode_with(&self, model: &EncoderDecoder, sources: &[Source]) -> TranslatorState {
        let encode = |source: &Source| {
            assert_eq!(source.batch(), 1, "each source by itself");
            let steps = match source {
                Source::Words(ids) => ids.dims()[0],
                Source::Frames(frames) => frames.dims()[0],
                Source::Image(_) => 0,
            };
            model.encode(source.clone(), &[steps], &mut Mode::Evaluate)
        };
        self.remember(&sources.iter().map(encode).collect::<Vec<_>>())
    }

    /// One stream for each source of what a model has encoded. A model that copies needs the words, and
    /// [`Translator::encode`].
    ///
    /// # Panics
    ///
    /// When there is nothing encoded, or the device cannot be read.
    pub fn remember(&self, encoded: &[Encoded]) -> TranslatorState {
        assert!(self.generate.is_none(), "copying needs the words of the source");
        let memory = self.config.memory();
        let (mut values, mut summaries) = (Vec::new(), Vec::new());
        let mut layers: Vec<LayerState> = Vec::new();
        for encoded in encoded {
            let [_, batch, _] = encoded.memory.values.dims();
            let all = floats(encoded.memory.values.clone());
            for (sequence, &length) in encoded.memory.lengths.iter().enumerate() {
                let row = |step: usize| &all[(step * batch + sequence) * memory..][..memory];
                values.push((0..length).flat_map(row).copied().collect::<Vec<f32>>());
            }
            let summary = floats(encoded.summary.clone());
            summaries.extend(summary.chunks_exact(memory).map(<[f32]>::to_vec));
            for (index, state) in encoded.state.0.iter().enumerate() {
                let hidden = floats(state.hidden.clone());
                let cells = state.cell.clone().map_or_else(Vec::new, floats);
                match layers.get_mut(index) {
                    Some(layer) => {
                        layer.hidden.extend(hidden);
                        layer.memory.extend(cells);
                    }
                    None => layers.push(LayerState { hidden, memory: cells }),
                }
            }
        }
        let tokens = vec![Vec::new(); values.len()];
        self.begin(tokens, values, summaries, layers)
    }
}

/// Row-major values on the host.
fn floats<const D: usize>(tensor: burn::Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().try_into_vec_as().expect("a device that can be read")
}
