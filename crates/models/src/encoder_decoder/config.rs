//! An encoder-decoder's configuration: the `[model]` table of a run.

use burn::prelude::*;
use serde::{Deserialize, Serialize};

use super::EncoderDecoder;
use super::attention::GlobalAttention;
use super::ctc::CtcHead;
use super::decoder::Decoder;
use super::encoder::Encoder;
use super::source::SourceKind;
use crate::config::{CellKind, ModelConfigError};
use crate::initializer::{InitialValues, RecurrentInit};
use crate::precision::Precision;
use crate::recurrent::RecurrentConfig;

/// Sizes, kinds, regularisation and initial values of an [`EncoderDecoder`].
///
/// The default attends as Luong et al. (2015): global attention with the `general` score over a
/// bidirectional encoder, without input feeding, so that all steps of a target are computed at once.
/// Sutskever et al. (2014), as TOML:
///
/// ```
/// # use lampwick_models::EncoderDecoderConfig;
/// let config: EncoderDecoderConfig = toml::from_str(r#"
///     embedding = 1000
///     attention = "none"
///     bridge = "last"
///     reverse_source = true
///     initializer = { uniform = { bound = 0.08 } }
///     [encoder]
///     hidden = 1000
///     layers = 4
///     bidirectional = false
///     [decoder]
///     hidden = 1000
///     layers = 4
/// "#).unwrap();
/// assert_eq!(config.decoder.layers, 4);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderDecoderConfig {
    /// What is read: words, images, frames of speech.
    pub reads: SourceKind,
    /// `V_s`: words of the source. 0 in a config file: the size of the run's vocabulary. Of no meaning
    /// where it is not words that are read.
    pub source_vocabulary: usize,
    /// `V_t`: words of the target. 0 in a config file: the size of the run's vocabulary.
    pub target_vocabulary: usize,
    /// `E`: features of a word's vector, on both sides.
    pub embedding: usize,
    /// Recurrence of every layer.
    pub cell: CellKind,
    /// How the decoder's first state comes from the encoder's last.
    pub bridge: Bridge,
    /// Where the decoder looks.
    pub attention: AttentionKind,
    /// The decoder also reads its last attentional vector (Luong et al. 2015, section 3.3): its steps
    /// are then computed one after the other. Bahdanau's attention feeds the context by itself.
    pub input_feeding: bool,
    /// Without attention: the source's summary, the encoder's last state, is read at every step and
    /// by the output (Cho et al. 2014), not only as the first state.
    pub context_every_step: bool,
    /// Additive attention sees what it has looked at before (See et al. 2017, eq. 11), and the loss
    /// grows by this much for looking there again (eq. 13); 0 is off.
    pub coverage: f64,
    /// A word may be copied from the source (pointer-generator, See et al. 2017, eq. 8 and 9). Both
    /// sides must share one vocabulary; of subwords, which spell any word, no larger one is needed.
    pub copying: bool,
    /// The encoder also writes the labels by itself, position by position (CTC, Graves et al. 2006), and
    /// the loss is this much its own and the rest the decoder's (Watanabe et al. 2017): from 0, which is
    /// off, to below 1, where nothing would train the decoder. A target that the source's positions are
    /// too few for teaches the decoder alone; such pairs are counted and told.
    pub ctc: f64,
    /// The source is read from its end (Sutskever et al. 2014, section 3.3).
    pub reverse_source: bool,
    /// Which of the three tables are one.
    pub tie: Tie,
    /// `A`: features that the output layer reads, `tanh` of context and state together; absent: the
    /// word vectors' size where the output is tied, else the decoder's.
    pub readout: Option<usize>,
    /// The output of each recurrent layer is normalised (Ba et al. 2016), see
    /// [`RecurrentConfig::layer_norm`].
    pub layer_norm: bool,
    /// Probability of dropout on the word vectors.
    pub dropout_input: f64,
    /// Probability of dropout between layers.
    pub dropout_hidden: f64,
    /// Probability of dropout on what the output layer reads.
    pub dropout_output: f64,
    /// Type of the matrix products, as in a language model.
    pub precision: Precision,
    /// Initial values of the recurrent layers, the bridge and attention.
    pub initializer: RecurrentInit,
    /// Initial bias of an LSTM's forget gate; absent: drawn like the others.
    pub forget_bias: Option<f64>,
    /// Word vectors and output weights start from `U(-b, b)`.
    pub embedding_bound: f64,
    /// What reads the source.
    pub encoder: EncoderConfig,
    /// What writes the target.
    pub decoder: DecoderConfig,
}

/// `[model.encoder]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderConfig {
    /// Units of each layer and direction.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Reads in both directions (Bahdanau et al. 2015, section 3.2).
    pub bidirectional: bool,
    /// Layers from the second on add their input to their output (Wu et al. 2016, section 3.1).
    pub residual: bool,
}

/// `[model.decoder]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecoderConfig {
    /// Units of each layer.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// As in [`EncoderConfig`].
    pub residual: bool,
}

/// How the decoder's first state comes from the encoder's last, layer by layer; a decoder's layer
/// beyond the encoder's takes after the encoder's last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bridge {
    /// It is zero: only attention leads to the source.
    Zero,
    /// It is the same; both directions side by side must be of the decoder's size.
    Last,
    /// `tanh(W [forward; backward] + b)` (Bahdanau et al. 2015, A.2.2, of both directions).
    #[default]
    Linear,
}

/// The score of a source position `m_s` under the decoder's state `h_t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// No attention.
    None,
    /// `v^T tanh(W h_(t-1) + U m_s)`, the context read by the recurrence (Bahdanau et al. 2015).
    Bahdanau,
    /// `h_t^T m_s` (Luong et al. 2015, eq. 8).
    LuongDot,
    /// `h_t^T W m_s`.
    #[default]
    LuongGeneral,
    /// `v^T tanh(W [h_t; m_s])`.
    LuongConcat,
}

impl AttentionKind {
    /// `v^T tanh(...)`.
    pub(crate) fn is_additive(self) -> bool {
        matches!(self, Self::Bahdanau | Self::LuongConcat)
    }
}

/// Tables that are one (Press and Wolf 2017).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// Three tables.
    #[default]
    None,
    /// The output's weights are the target's word vectors.
    TwoWay,
    /// And these are the source's: one vocabulary for both sides.
    ThreeWay,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self { hidden: 128, layers: 1, bidirectional: true, residual: false }
    }
}

impl Default for DecoderConfig {
    fn default() -> Self {
        Self { hidden: 256, layers: 1, residual: false }
    }
}

impl Default for EncoderDecoderConfig {
    fn default() -> Self {
        Self {
            reads: SourceKind::Words,
            source_vocabulary: 0,
            target_vocabulary: 0,
            embedding: 128,
            cell: CellKind::Lstm,
            bridge: Bridge::Linear,
            attention: AttentionKind::LuongGeneral,
            input_feeding: false,
            context_every_step: false,
            coverage: 0.0,
            copying: false,
            ctc: 0.0,
            reverse_source: false,
            tie: Tie::None,
            readout: None,
            layer_norm: false,
            dropout_input: 0.0,
            dropout_hidden: 0.0,
            dropout_output: 0.0,
            precision: Precision::F32,
            initializer: RecurrentInit::PyTorch,
            forget_bias: None,
            embedding_bound: 0.1,
            encoder: EncoderConfig::default(),
            decoder: DecoderConfig::default(),
        }
    }
}

impl EncoderDecoderConfig {
    /// The encoder's stack.
    pub fn encoder_stack(&self) -> RecurrentConfig {
        RecurrentConfig {
            bidirectional: self.encoder.bidirectional,
            residual: self.encoder.residual,
            ..self.stack(self.embedding, self.encoder.hidden, self.encoder.layers)
        }
    }

    /// Layer `layer` of an encoder of frames.
    pub(crate) fn encoder_layer(&self, layer: usize) -> RecurrentConfig {
        let before = match self.reads {
            SourceKind::Frames { features, .. } if layer == 0 => features,
            _ => self.memory(),
        };
        let input = before.saturating_mul(self.reads.joined(layer));
        RecurrentConfig {
            bidirectional: self.encoder.bidirectional,
            ..self.stack(input, self.encoder.hidden, 1)
        }
    }

    /// The decoder's stack.
    pub fn decoder_stack(&self) -> RecurrentConfig {
        RecurrentConfig {
            residual: self.decoder.residual,
            ..self.stack(self.decoder_input(), self.decoder.hidden, self.decoder.layers)
        }
    }

    fn stack(&self, input: usize, hidden: usize, layers: usize) -> RecurrentConfig {
        RecurrentConfig {
            layers,
            layer_norm: self.layer_norm,
            dropout: self.dropout_hidden,
            precision: self.precision,
            initializer: self.initializer,
            forget_bias: self.forget_bias,
            ..RecurrentConfig::new(self.cell.into(), input, hidden)
        }
    }

    /// `M`: features of a position of the memory.
    pub fn memory(&self) -> usize {
        match &self.reads {
            SourceKind::Image { channels, .. } => channels.last().copied().unwrap_or(3),
            SourceKind::Words | SourceKind::Frames { .. } => {
                self.encoder.hidden * (1 + usize::from(self.encoder.bidirectional))
            }
        }
    }

    /// Whether the output sees more than the decoder's state.
    pub(crate) fn has_readout(&self) -> bool {
        self.attention != AttentionKind::None || self.context_every_step || self.readout.is_some()
    }

    /// `A`: features that the output layer reads.
    pub fn readout(&self) -> usize {
        if !self.has_readout() {
            return self.decoder.hidden;
        }
        let tied = if self.tie == Tie::None { self.decoder.hidden } else { self.embedding };
        self.readout.unwrap_or(tied)
    }

    /// Whether the context is read by the recurrence: Bahdanau's, or Cho's summary.
    pub(crate) fn reads_context(&self) -> bool {
        self.attention == AttentionKind::Bahdanau || self.context_every_step
    }

    /// Whether steps hang on what the step before gave beside its state.
    pub(crate) fn is_step_by_step(&self) -> bool {
        self.input_feeding || self.attention == AttentionKind::Bahdanau || self.coverage > 0.0
    }

    fn decoder_input(&self) -> usize {
        let context = if self.reads_context() { self.memory() } else { 0 };
        let feed = if self.input_feeding { self.readout() } else { 0 };
        self.embedding + context + feed
    }

    /// Features that the readout reads: state, context, and the word where the recurrence reads the
    /// context (Bahdanau et al. 2015, A.2.2; Cho et al. 2014).
    pub(crate) fn readout_input(&self) -> usize {
        let attends = self.attention != AttentionKind::None;
        let context = if attends || self.context_every_step { self.memory() } else { 0 };
        let word = if self.reads_context() { self.embedding } else { 0 };
        self.decoder.hidden + context + word
    }

    /// Draws a model's parameters from `seed`: the same on every device.
    ///
    /// # Errors
    ///
    /// As [`EncoderDecoderConfig::validate`]; [`ModelConfigError::Precision`] when `device` does not
    /// compute in the type of the products.
    pub fn init(&self, seed: u64, device: &Device) -> Result<EncoderDecoder, ModelConfigError> {
        self.validate()?;
        self.precision.expect_supported(device)?;
        let mut values = InitialValues::new(seed, device);
        let bound = self.embedding_bound;
        let (source, target) = (self.source_vocabulary, self.target_vocabulary);
        let source_embedding =
            self.has_source_table().then(|| values.uniform([source, self.embedding], bound));
        let target_embedding = values.uniform([target, self.embedding], bound);
        let encoder = Encoder::init(self, &mut values);
        let attention = (self.attention != AttentionKind::None)
            .then(|| GlobalAttention::init(self, &mut values));
        let decoder = Decoder::init(self, attention, &mut values);
        let output_weight =
            (self.tie == Tie::None).then(|| values.uniform([self.readout(), target], bound));
        let output_bias = values.constant([target], 0.0);
        let ctc = (self.ctc > 0.0).then(|| CtcHead::init(self, &mut values));
        let config = self.clone();
        Ok(EncoderDecoder {
            source_embedding,
            target_embedding,
            encoder,
            decoder,
            output_weight,
            output_bias,
            ctc,
            config,
        })
    }
}
