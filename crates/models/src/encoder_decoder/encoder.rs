//! A batch of sources to memory, and to the decoder's first state.

use burn::module::Param;
use burn::prelude::*;
use lampwick_kernels::{RecurrentState, Then, embedding, linear};

use super::EncoderDecoder;
use super::attention::Memory;
use super::config::{Bridge, EncoderDecoderConfig};
use super::frames::{FramesEncoder, Heard};
use super::image::ImageEncoder;
use super::source::{Source, SourceKind};
use crate::dropout::element_dropout;
use crate::initializer::InitialValues;
use crate::mode::Mode;
use crate::recurrent::{Recurrent, RecurrentOutput, StackState};

/// A source to memory and first state. One of three reads it.
#[derive(Module, Debug)]
pub struct Encoder {
    /// Reads words.
    pub recurrent: Option<Recurrent>,
    /// Reads images.
    pub image: Option<ImageEncoder>,
    /// Reads frames of speech.
    pub frames: Option<FramesEncoder>,
    /// [`Bridge::Linear`]: for each layer of the decoder, of its hidden vector and of its cell where it
    /// has one.
    pub bridge: Vec<BridgeMap>,
}

/// `tanh(W s + b)`.
#[derive(Module, Debug)]
pub struct BridgeMap {
    /// `[M, D]`.
    pub weight: Param<Tensor<2>>,
    /// `[D]`.
    pub bias: Param<Tensor<1>>,
}

/// What [`EncoderDecoder::encode`] gives.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// What attention looks at.
    pub memory: Memory,
    /// The decoder's first state.
    pub state: StackState,
    /// The encoder's last hidden vectors, both directions side by side, `[B, M]`.
    pub summary: Tensor<2>,
}

impl Encoder {
    pub(super) fn init(config: &EncoderDecoderConfig, values: &mut InitialValues<'_>) -> Self {
        let (mut recurrent, mut image, mut frames) = (None, None, None);
        match config.reads {
            SourceKind::Words => recurrent = Some(config.encoder_stack().init_from(values)),
            SourceKind::Image { .. } => image = Some(ImageEncoder::init(config, values)),
            SourceKind::Frames { .. } => frames = Some(FramesEncoder::init(config, values)),
        }
        let (memory, hidden) = (config.memory(), config.decoder.hidden);
        let states = 1 + usize::from(config.decoder_stack().cell.has_cell_state());
        let maps = match config.bridge {
            Bridge::Linear => config.decoder.layers * states,
            Bridge::Zero | Bridge::Last => 0,
        };
        let bridge = (0..maps).map(|_| BridgeMap {
            weight: values.linear(memory, hidden, config.initializer),
            bias: values.constant([hidden], 0.0),
        });
        Self { bridge: bridge.collect(), recurrent, image, frames }
    }
}

impl EncoderDecoder {
    /// Reads sources of their true `lengths` `[B]`; what is past them changes nothing. A source of no
    /// tokens is a memory of one position, zero.
    ///
    /// # Panics
    ///
    /// When the source is of another kind than the model reads, a token is outside the vocabulary or
    /// the shapes disagree.
    pub fn encode(&self, source: impl Into<Source>, lengths: &[usize], mode: &mut Mode) -> Encoded {
        let config = &self.config;
        let Encoder { recurrent, image, frames, .. } = &self.encoder;
        let (values, lengths, states) = match (source.into(), recurrent, image, frames) {
            (Source::Words(ids), Some(recurrent), _, _) => {
                let RecurrentOutput { output, state } = self.read(recurrent, ids, lengths, mode);
                (
                    output,
                    lengths.to_vec(),
                    both_directions(&state, config.encoder_stack().directions()),
                )
            }
            (Source::Image(pixels), _, Some(image), _) => {
                let values = image.forward(pixels);
                // Xu et al. (2015, section 3.1.2): the decoder starts from the mean of the positions.
                let mean = values.clone().mean_dim(0).squeeze_dim::<2>(0);
                let [positions, batch, _] = values.dims();
                let cell = config.decoder_stack().cell.has_cell_state().then(|| mean.clone());
                (values, vec![positions; batch], vec![RecurrentState { hidden: mean, cell }])
            }
            (Source::Frames(x), _, _, Some(frames)) => {
                let Heard { values, lengths, state } = frames.forward(config, x, lengths, mode);
                (values, lengths, both_directions(&state, config.encoder_stack().directions()))
            }
            (source, ..) => panic!("a model that reads {:?} was given {source:?}", config.reads),
        };
        let lengths = lengths.into_iter().map(|length| length.max(1)).collect();
        let keys = match &self.decoder.attention {
            Some(attention) => attention.keys(&values),
            None => values.clone(),
        };
        let summary = states.last().expect("an encoder has a layer").hidden.clone();
        let state = self.bridge(&states);
        Encoded { memory: Memory { values, keys, lengths }, state, summary }
    }

    /// Ids `[S, B]` to the encoder's outputs `[S, B, M]` and states.
    fn read(
        &self,
        recurrent: &Recurrent,
        source: Tensor<2, Int>,
        lengths: &[usize],
        mode: &mut Mode,
    ) -> RecurrentOutput {
        let config = &self.config;
        let [steps, batch] = source.dims();
        let source = if config.reverse_source { reversed(source, lengths) } else { source };
        let x = embedding(self.source_table(), source.reshape([steps * batch]));
        let x = x.reshape([steps, batch, config.embedding]);
        let x = element_dropout(x, config.dropout_input, mode);
        let RecurrentOutput { output, state } = recurrent.forward(x, None, Some(lengths), mode);
        let output = if config.reverse_source { reversed_rows(output, lengths) } else { output };
        RecurrentOutput { output, state }
    }

    /// The decoder's first state from the encoder's last.
    fn bridge(&self, states: &[RecurrentState]) -> StackState {
        let config = &self.config;
        let of = |layer: usize| &states[layer.min(states.len() - 1)];
        let layers = 0..config.decoder.layers;
        let states = match config.bridge {
            Bridge::Zero => {
                let [batch, _] = states[0].hidden.dims();
                return StackState::zeros(&config.decoder_stack(), batch, &self.device());
            }
            Bridge::Last => layers.map(|layer| of(layer).clone()).collect(),
            Bridge::Linear => {
                let mut maps = self.encoder.bridge.iter();
                let mut map = |state: &Tensor<2>| {
                    let map = maps.next().expect("a map for each state of each layer");
                    let weight = config.precision.of_weight(map.weight.val());
                    linear(state.clone(), weight, Some(map.bias.val()), Then::Tanh)
                };
                layers
                    .map(|layer| RecurrentState {
                        hidden: map(&of(layer).hidden),
                        cell: of(layer).cell.as_ref().map(&mut map),
                    })
                    .collect()
            }
        };
        StackState(states)
    }
}

/// The two directions' states of each layer side by side.
fn both_directions(state: &StackState, directions: usize) -> Vec<RecurrentState> {
    let join = |parts: Vec<Tensor<2>>| match <[Tensor<2>; 1]>::try_from(parts) {
        Ok([one]) => one,
        Err(parts) => Tensor::cat(parts, 1),
    };
    let layers = state.0.chunks(directions);
    layers
        .map(|layer| RecurrentState {
            hidden: join(layer.iter().map(|state| state.hidden.clone()).collect()),
            cell: layer.iter().map(|state| state.cell.clone()).collect::<Option<_>>().map(join),
        })
        .collect()
}

/// Which step stands where, when each sequence is turned round within its length: `[S, B]`.
fn reversal(lengths: &[usize], steps: usize, device: &Device) -> Tensor<2, Int> {
    let at =
        |step: usize, length: usize| (if step < length { length - 1 - step } else { step }) as i64;
    let indices: Vec<i64> =
        (0..steps).flat_map(|step| lengths.iter().map(move |&length| at(step, length))).collect();
    Tensor::from_data(TensorData::new(indices, [steps, lengths.len()]), device)
}

fn reversed(tokens: Tensor<2, Int>, lengths: &[usize]) -> Tensor<2, Int> {
    let indices = reversal(lengths, tokens.dims()[0], &tokens.device());
    tokens.gather(0, indices)
}

fn reversed_rows(rows: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
    let [steps, batch, features] = rows.dims();
    let indices = reversal(lengths, steps, &rows.device());
    rows.gather(0, indices.reshape([steps, batch, 1]).repeat_dim(2, features))
}
