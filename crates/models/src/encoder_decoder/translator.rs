//! An encoder-decoder's weights packed for decoding on a CPU: what [`crate::Generator`] is to a
//! language model.
//!
//! A sequence's numbers do not depend, bit by bit, on the sequences beside it: every row of every
//! product is computed by itself, sources in the batch included.

mod attention;
mod read;
mod remember;

use std::sync::Arc;

use burn::module::Param;
use lampwick_kernels::{PackedLinear, PackedRecurrent, log_softmax};

use super::EncoderDecoder;
use super::config::{AttentionKind, EncoderDecoderConfig};
use crate::generator::{Layer, LayerState, floats, packed};
use crate::layer_norm::PackedLayerNorm;
use crate::next_token::{Attention, NextToken};

/// A copy of an [`EncoderDecoder`]'s weights in the host's memory, in `f32`; it does not follow the
/// model's later training.
#[derive(Debug)]
pub struct Translator {
    config: EncoderDecoderConfig,
    /// `[V_s, E]`; empty where the target's serves both sides.
    source_embedding: Vec<f32>,
    /// `[V_t, E]`.
    target_embedding: Vec<f32>,
    /// First layer first: forward, and reverse where the encoder reads both ways.
    encoder: Vec<[Option<PackedRecurrent>; 2]>,
    /// Of the encoder's layers; empty where they are not normalised.
    encoder_norms: Vec<PackedLayerNorm>,
    bridge: Vec<PackedLinear>,
    decoder: Vec<Layer>,
    keys: Option<PackedLinear>,
    query: Option<PackedLinear>,
    energy: Vec<f32>,
    coverage: Vec<f32>,
    readout: Option<PackedLinear>,
    generate: Option<PackedLinear>,
    output: PackedLinear,
}

/// What a [`Translator`] remembers of its streams, each of one of the sources.
#[derive(Clone, Debug)]
pub struct TranslatorState {
    sources: Arc<Sources>,
    /// Which source each stream translates, `[B]`.
    of: Vec<usize>,
    layers: Vec<LayerState>,
    /// The last attentional vectors, `[B, A]`, where they are fed; else empty.
    feed: Vec<f32>,
    /// The sum of the attention so far, `[B, S]`, where it is remembered; else empty.
    covered: Vec<f32>,
    /// The last step's attention, `[B, S]`; empty before it, and without attention.
    weights: Vec<f32>,
}

/// A batch of sources, read.
#[derive(Debug)]
struct Sources {
    /// Length of the longest, `S`.
    steps: usize,
    tokens: Vec<Vec<u32>>,
    /// Of each source its positions, `[S_b, M]`.
    values: Vec<Vec<f32>>,
    /// And what states are held against, `[S_b, D]`; empty where that is the same.
    keys: Vec<Vec<f32>>,
    /// The encoder's last hidden vectors, `[M]`.
    summaries: Vec<Vec<f32>>,
}

impl Translator {
    /// Reads and packs the model's weights.
    ///
    /// # Panics
    ///
    /// When the model's device cannot be read.
    pub fn new(model: &EncoderDecoder) -> Self {
        let config = model.config().clone();
        let cell = config.cell.into();
        let linear = |weight: &Param<burn::Tensor<2>>, bias: Option<&Param<burn::Tensor<1>>>| {
            let columns = weight.val().dims()[1];
            PackedLinear::new(&floats(weight), bias.map_or_else(|| vec![0.0; columns], floats))
        };
        let encoder = model.encoder.recurrent.iter().flat_map(|stack| &stack.layers);
        let norms = encoder.clone().filter_map(|layer| layer.norm.as_ref());
        let target_embedding = floats(&model.target_embedding);
        let bias = floats(&model.output_bias);
        let attention = model.decoder.attention.as_ref();
        let part = |of: Option<&Param<burn::Tensor<1>>>| of.map_or_else(Vec::new, floats);
        let decoder = &model.decoder;
        Self {
            source_embedding: model.source_embedding.as_ref().map_or_else(Vec::new, floats),
            encoder_norms: norms.map(PackedLayerNorm::from).collect(),
            encoder: encoder
                .map(|layer| {
                    let reverse = layer.reverse.as_ref();
                    [Some(packed(cell, &layer.forward)), reverse.map(|way| packed(cell, way))]
                })
                .collect(),
            bridge: model.encoder.bridge.iter().map(|m| linear(&m.weight, Some(&m.bias))).collect(),
            decoder: decoder.recurrent.layers.iter().map(|l| Layer::new(cell, l)).collect(),
            keys: attention.and_then(|a| a.keys.as_ref().map(|keys| linear(keys, a.bias.as_ref()))),
            query: attention.and_then(|a| a.query.as_ref()).map(|query| linear(query, None)),
            energy: part(attention.and_then(|a| a.energy.as_ref())),
            coverage: part(attention.and_then(|a| a.coverage.as_ref())),
            readout: decoder.readout.as_ref().map(|w| linear(w, decoder.readout_bias.as_ref())),
            generate: decoder.generate.as_ref().map(|w| linear(w, decoder.generate_bias.as_ref())),
            output: match &model.output_weight {
                Some(weight) => PackedLinear::new(&floats(weight), bias),
                None => PackedLinear::transposed(&target_embedding, bias),
            },
            target_embedding,
            config,
        }
    }

    /// The configuration of the model.
    pub fn config(&self) -> &EncoderDecoderConfig {
        &self.config
    }

    /// Reads sources: one stream for each, before its first word.
    ///
    /// # Panics
    ///
    /// When a token is outside the source's vocabulary, or the model does not read words.
    pub fn encode(&self, sources: &[&[u32]]) -> TranslatorState {
        assert!(!self.encoder.is_empty(), "a model that does not read words: see encode_with");
        // The longest first: those that are still read are then the first of the batch.
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(sources[index].len()));
        let read: Vec<&[u32]> = order.iter().map(|&index| sources[index]).collect();
        let (outputs, finals) = self.read(&read);
        let first = self.bridge(&finals, read.len());
        let top = finals.last().expect("an encoder has a layer");
        // Back into the order of the caller.
        let mut place = vec![0; order.len()];
        for (at, &index) in order.iter().enumerate() {
            place[index] = at;
        }
        let memory = self.config.memory();
        let summaries = place.iter().map(|&at| top.hidden[at * memory..(at + 1) * memory].to_vec());
        let summaries = summaries.collect();
        let mut outputs: Vec<Option<Vec<f32>>> = outputs.into_iter().map(Some).collect();
        let values: Vec<Vec<f32>> =
            place.iter().map(|&at| outputs[at].take().expect("each source once")).collect();
        let tokens = sources.iter().map(|&source| positions(source).to_vec()).collect();
        let layers = first.iter().map(|layer| layer.select(order.len(), &place)).collect();
        self.begin(tokens, values, summaries, layers)
    }

    /// Streams before their first word: of each source its tokens, its positions `[S_b, M]`, its summary
    /// `[M]`, and of all of them the decoder's first states.
    fn begin(
        &self,
        tokens: Vec<Vec<u32>>,
        values: Vec<Vec<f32>>,
        summaries: Vec<Vec<f32>>,
        layers: Vec<LayerState>,
    ) -> TranslatorState {
        let keys = match &self.keys {
            None => Vec::new(),
            Some(keys) => values.iter().map(|values| apply(keys, values)).collect(),
        };
        let batch = values.len();
        let longest = values.iter().map(|values| values.len() / self.config.memory()).max();
        let steps = longest.unwrap_or(1);
        let sources = Arc::new(Sources { steps, tokens, values, keys, summaries });
        let zeros = |on: bool, size: usize| if on { vec![0.0; batch * size] } else { Vec::new() };
        TranslatorState {
            of: (0..batch).collect(),
            layers,
            feed: zeros(self.config.input_feeding, self.config.readout()),
            covered: zeros(self.config.coverage > 0.0, steps),
            weights: Vec::new(),
            sources,
        }
    }
}

impl NextToken for Translator {
    type State = TranslatorState;

    fn vocabulary_size(&self) -> usize {
        self.config.target_vocabulary
    }

    /// Of sources without a word: see [`Translator::encode`].
    fn start(&self, batch: usize) -> TranslatorState {
        self.encode(&vec![&[][..]; batch])
    }

    fn next(
        &self,
        tokens: &[u32],
        mut state: TranslatorState,
        log_probs: &mut Vec<f32>,
    ) -> TranslatorState {
        let batch = state.of.len();
        assert_eq!(tokens.len(), batch, "one token for each of the state's {batch} streams");
        let config = &self.config;
        let words: Vec<&[f32]> = tokens
            .iter()
            .map(|&token| row(&self.target_embedding, token, config.embedding))
            .collect();
        let summary = |state: &TranslatorState| -> Vec<f32> {
            state.of.iter().flat_map(|&of| &state.sources.summaries[of]).copied().collect()
        };
        let top = |state: &TranslatorState| state.layers.last().expect("a layer").hidden.clone();
        let bahdanau = config.attention == AttentionKind::Bahdanau;
        let mut context = if bahdanau {
            self.look(&top(&state), &mut state)
        } else if config.context_every_step {
            summary(&state)
        } else {
            Vec::new()
        };
        let mut x = Vec::new();
        let (width, feed) = (context.len() / batch.max(1), config.readout());
        for (stream, word) in words.iter().enumerate() {
            x.extend_from_slice(word);
            x.extend_from_slice(&context[stream * width..(stream + 1) * width]);
            if config.input_feeding {
                x.extend_from_slice(&state.feed[stream * feed..(stream + 1) * feed]);
            }
        }
        let stack = config.decoder_stack();
        for (index, (layer, layer_state)) in self.decoder.iter().zip(&mut state.layers).enumerate()
        {
            let added = stack.adds_input(index).then(|| x.clone());
            layer.step(batch, &mut x, layer_state);
            for (x, added) in x.iter_mut().zip(added.iter().flatten()) {
                *x += added;
            }
        }
        if config.attention != AttentionKind::None && !bahdanau {
            context = self.look(&x, &mut state);
        }
        let generate = self.generate.as_ref().map(|generate| {
            let rows = side_by_side(batch, &[&context, &x], Some(&words));
            let mut gates = apply(generate, &rows);
            gates.iter_mut().for_each(|gate| *gate = 1.0 / (1.0 + (-*gate).exp()));
            gates
        });
        if let Some(readout) = &self.readout {
            let with_words = config.reads_context().then_some(&words[..]);
            let rows = side_by_side(batch, &[&x, &context], with_words);
            x = apply(readout, &rows);
            tanh(&mut x);
        }
        if config.input_feeding {
            state.feed.clone_from(&x);
        }
        log_probs.resize(batch * config.target_vocabulary, 0.0); // all of it is written over
        self.output.apply(&x, log_probs);
        log_softmax(log_probs, config.target_vocabulary);
        if let Some(generate) = generate {
            attention::mix_copies(&state, &generate, log_probs, config.target_vocabulary);
        }
        state
    }

    fn select(&self, state: &TranslatorState, indices: &[usize]) -> TranslatorState {
        let batch = state.of.len();
        let rows = |values: &[f32]| -> Vec<f32> {
            let size = values.len() / batch.max(1);
            let rows = indices.iter().flat_map(|&index| &values[index * size..(index + 1) * size]);
            rows.copied().collect()
        };
        TranslatorState {
            sources: Arc::clone(&state.sources),
            of: indices.iter().map(|&index| state.of[index]).collect(),
            layers: state.layers.iter().map(|layer| layer.select(batch, indices)).collect(),
            feed: rows(&state.feed),
            covered: rows(&state.covered),
            weights: rows(&state.weights),
        }
    }

    fn attention<'s>(&self, state: &'s TranslatorState) -> Option<Attention<'s>> {
        let positions = state.sources.steps;
        (!state.weights.is_empty()).then_some(Attention { weights: &state.weights, positions })
    }
}

/// What stands at the positions of a source's memory: a source of no tokens has one.
fn positions(source: &[u32]) -> &[u32] {
    if source.is_empty() { &[0] } else { source }
}

/// A row of a table `[V, F]`.
fn row(table: &[f32], token: u32, features: usize) -> &[f32] {
    let start = token as usize * features;
    table.get(start..start + features).unwrap_or_else(|| {
        panic!("token {token} is outside the vocabulary of {}", table.len() / features)
    })
}

/// The rows of several `[B, ..]`, and of the words, one beside the other.
fn side_by_side(batch: usize, parts: &[&[f32]], words: Option<&[&[f32]]>) -> Vec<f32> {
    let mut rows = Vec::new();
    for stream in 0..batch {
        for part in parts {
            let size = part.len() / batch;
            rows.extend_from_slice(&part[stream * size..(stream + 1) * size]);
        }
        if let Some(words) = words {
            rows.extend_from_slice(words[stream]);
        }
    }
    rows
}

fn apply(linear: &PackedLinear, rows: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; rows.len() / linear.inputs() * linear.columns()];
    linear.apply(rows, &mut out);
    out
}

/// `tanh x = 1 - 2 / (e^(2x) + 1)`, where it is not +-1 in single precision anyway.
fn tanh(values: &mut [f32]) {
    let clamped: Vec<f32> = values.iter().map(|x| x.clamp(-15.0, 15.0)).collect();
    lampwick_kernels::exponentials(&clamped, 0.0, 2.0, values);
    values.iter_mut().for_each(|e| *e = 1.0 - 2.0 / (*e + 1.0));
}
