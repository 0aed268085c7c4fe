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
    /// the loss is this much its own and the rest the decoder's (Watanabe et al. 2017); 0 is off.
    pub ctc: f64,
    /// The source is read from its end (Sutskever et al. 2014, section 3.3).
    pub reverse_source: bool,
    /// Which of the three tables are one.
    pub tie: Tie,
    /// `A`: features that the output layer reads, `tanh` of context and state together; absent: the
    /// word vectors' size where the output is tied, else the decoder's.
    pub readout: Option<usize>,
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

    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first value that describes no model, by its key.
    pub fn validate(&self) -> Result<(), ModelConfigError> {
        let sizes = [
            (
                "source_vocabulary",
                if self.reads == SourceKind::Words { self.source_vocabulary } else { 1 },
            ),
            ("reads", self.smallest_read()),
            ("target_vocabulary", self.target_vocabulary),
            ("embedding", self.embedding),
            ("encoder.hidden", self.encoder.hidden),
            ("encoder.layers", self.encoder.layers),
            ("decoder.hidden", self.decoder.hidden),
            ("decoder.layers", self.decoder.layers),
            ("readout", self.readout.unwrap_or(1)),
        ];
        if let Some((key, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(ModelConfigError::Zero { key });
        }
        for (key, value) in [
            ("dropout_input", self.dropout_input),
            ("dropout_hidden", self.dropout_hidden),
            ("dropout_output", self.dropout_output),
        ] {
            if !(0.0..1.0).contains(&value) {
                return Err(ModelConfigError::Probability { key, value });
            }
        }
        if !(self.embedding_bound.is_finite() && self.embedding_bound > 0.0) {
            let value = self.embedding_bound;
            return Err(ModelConfigError::Bound { key: "embedding_bound", value });
        }
        if self.parameters().is_none_or(|count| count > isize::MAX as usize / 4) {
            let key = sizes.iter().max_by_key(|(_, size)| *size).map_or("embedding", |s| s.0);
            return Err(ModelConfigError::TooLarge { key });
        }
        if !(0.0..=1.0).contains(&self.ctc) {
            let problem = format!("is {}", self.ctc);
            let mend = "give the share of the loss, 0 to 1";
            return Err(ModelConfigError::Clash { key: "ctc", problem, mend });
        }
        self.validate_together()
    }

    /// The smallest size in `reads`.
    fn smallest_read(&self) -> usize {
        let smallest = |sizes: &[usize]| sizes.iter().copied().min().unwrap_or(1);
        match &self.reads {
            SourceKind::Words => 1,
            SourceKind::Image { height, width, channels } => {
                smallest(channels).min(*height).min(*width).min(channels.len())
            }
            SourceKind::Frames { features, joined } => smallest(joined).min(*features),
        }
    }

    /// Values that do not go together.
    fn validate_together(&self) -> Result<(), ModelConfigError> {
        let clash =
            |key, problem: String, mend| Err(ModelConfigError::Clash { key, problem, mend });
        let (memory, hidden) = (self.memory(), self.decoder.hidden);
        let attends = self.attention != AttentionKind::None;
        if self.bridge == Bridge::Last && memory != hidden {
            let problem = format!("copies {memory} units into a decoder of {hidden}");
            return clash("bridge", problem, "make them equal, or use \"linear\"");
        }
        if self.attention == AttentionKind::LuongDot && memory != hidden {
            let problem = format!("multiplies a state of {hidden} with a memory of {memory}");
            return clash("attention", problem, "make them equal, or use \"luong_general\"");
        }
        if attends && self.context_every_step {
            let problem = "is for a decoder without attention".to_string();
            return clash("context_every_step", problem, "leave it out, or set attention=\"none\"");
        }
        if !attends && (self.input_feeding || self.copying || self.coverage != 0.0) {
            let problem =
                "is \"none\", but input_feeding, copying and coverage need one".to_string();
            return clash("attention", problem, "set it to \"luong_general\" or \"bahdanau\"");
        }
        if self.bridge == Bridge::Zero && !attends && !self.context_every_step {
            let problem = "is \"zero\", and there is no attention: nothing leads to the source";
            return clash("bridge", problem.into(), "use \"linear\"");
        }
        if self.coverage != 0.0 && !self.attention.is_additive() {
            let problem = "is for additive attention".to_string();
            return clash("coverage", problem, "set attention to \"bahdanau\" or \"luong_concat\"");
        }
        if !(self.coverage.is_finite() && self.coverage >= 0.0) {
            let value = self.coverage;
            return Err(ModelConfigError::Bound { key: "coverage", value });
        }
        if self.tie != Tie::None && self.readout() != self.embedding {
            let (output, embedding) = (self.readout(), self.embedding);
            let problem = format!("needs an output of {embedding} features, and it has {output}");
            return clash("tie", problem, "set model.readout to the word vectors' size");
        }
        if self.reads != SourceKind::Words {
            let of_words = [
                ("tie", self.tie == Tie::ThreeWay),
                ("copying", self.copying),
                ("reverse_source", self.reverse_source),
            ];
            if let Some((key, _)) = of_words.iter().find(|(_, on)| *on) {
                let problem = "needs a source of words, and model.reads says otherwise".to_string();
                return clash(key, problem, "turn it off (model.tie: \"two_way\" at most)");
            }
        }
        if let SourceKind::Frames { joined, .. } = &self.reads
            && joined.len() > self.encoder.layers
        {
            let (more, layers) = (joined.len(), self.encoder.layers);
            let problem = format!("joins steps before {more} layers, and the encoder has {layers}");
            return clash("reads.frames.joined", problem, "raise model.encoder.layers");
        }
        let shared = self.tie == Tie::ThreeWay || self.copying;
        if shared && self.source_vocabulary != self.target_vocabulary {
            let (source, target) = (self.source_vocabulary, self.target_vocabulary);
            let key = if self.copying { "copying" } else { "tie" };
            let problem =
                format!("needs one vocabulary, and there are two of {source} and {target}");
            return clash(key, problem, "set tokenizers.joint=true");
        }
        Ok(())
    }

    /// Number of parameters; `None` when it overflows.
    pub fn parameters(&self) -> Option<usize> {
        fn stack(stack: &RecurrentConfig) -> Option<usize> {
            let layer = |index: usize| {
                let (input, hidden) = (stack.input_of(index), stack.hidden_of(index));
                let rows = input.checked_add(hidden)?.checked_add(2)?;
                rows.checked_mul(stack.cell.gates())?
                    .checked_mul(hidden)?
                    .checked_mul(stack.directions())
            };
            // Two kinds of layers, so that a billion of them is counted at once.
            let first = layer(0)?;
            let rest = if stack.layers > 1 { layer(1)?.checked_mul(stack.layers - 1)? } else { 0 };
            first.checked_add(rest)
        }
        let (memory, hidden) = (self.memory(), self.decoder.hidden);
        let (target, readout) = (self.target_vocabulary, self.readout());
        let product = |a: usize, b: usize| a.checked_mul(b);
        let bridge = match self.bridge {
            Bridge::Linear => {
                let states = 1 + usize::from(self.cell == CellKind::Lstm);
                product(memory.checked_add(1)?, hidden)?
                    .checked_mul(self.decoder.layers * states)?
            }
            Bridge::Zero | Bridge::Last => 0,
        };
        let attention = match self.attention {
            AttentionKind::None | AttentionKind::LuongDot => 0,
            AttentionKind::LuongGeneral => product(memory, hidden)?,
            AttentionKind::Bahdanau | AttentionKind::LuongConcat => {
                let covered = usize::from(self.coverage > 0.0);
                product(memory.checked_add(hidden)?.checked_add(2 + covered)?, hidden)?
            }
        };
        let readout_map =
            if self.has_readout() { product(self.readout_input() + 1, readout)? } else { 0 };
        let copying = if self.copying { memory + hidden + self.embedding + 1 } else { 0 };
        [
            if self.has_source_table() {
                product(self.source_vocabulary, self.embedding)?
            } else {
                0
            },
            product(target, self.embedding)?,
            if self.tie == Tie::None { product(target, readout)? } else { 0 },
            target,
            self.reader_parameters(stack)?,
            stack(&self.decoder_stack())?,
            if self.ctc > 0.0 {
                product(memory.checked_add(1)?, target.checked_add(1)?)?
            } else {
                0
            },
            bridge,
            attention,
            readout_map,
            copying,
        ]
        .into_iter()
        .try_fold(0usize, usize::checked_add)
    }

    /// Those of what reads the source.
    fn reader_parameters(
        &self,
        stack: impl Fn(&RecurrentConfig) -> Option<usize>,
    ) -> Option<usize> {
        match &self.reads {
            SourceKind::Words => stack(&self.encoder_stack()),
            SourceKind::Image { .. } => {
                let [rows, columns] = self.reads.grid();
                let cells = rows.checked_mul(columns)?.checked_mul(self.memory())?;
                self.reads.convolutions().into_iter().try_fold(cells, |sum, [from, to]| {
                    sum.checked_add(from.checked_mul(9)?.checked_add(1)?.checked_mul(to)?)
                })
            }
            SourceKind::Frames { joined, .. } => {
                // Two kinds of layers once nothing is joined any more.
                let special = (joined.len() + 1).min(self.encoder.layers);
                let rest = self.encoder.layers - special;
                let one = stack(&self.encoder_layer(special))?.checked_mul(rest)?;
                (0..special)
                    .try_fold(one, |sum, layer| sum.checked_add(stack(&self.encoder_layer(layer))?))
            }
        }
    }

    /// Whether the source has word vectors of its own.
    pub(crate) fn has_source_table(&self) -> bool {
        self.reads == SourceKind::Words && self.tie != Tie::ThreeWay
    }

    /// Numbers that a batch of `batch` pairs keeps for the backward pass, about; `source` and
    /// `target` are the steps of its longest (for images `source` is of no meaning).
    pub fn activations(&self, batch: usize, source: usize, target: usize) -> u128 {
        let (batch, source, target) = (batch as u128, source as u128, target as u128);
        // Gates before and after activation, cell state, output, and their gradients.
        let units = |stack: &RecurrentConfig| {
            (2 * stack.cell.gates() as u128 + 4)
                .saturating_mul(stack.hidden as u128)
                .saturating_mul((stack.layers * stack.directions()) as u128)
        };
        let words = 3 * self.embedding as u128;
        // Positions of the memory, and what is kept to come there.
        let (source, encoder) = match &self.reads {
            SourceKind::Words => {
                let each = units(&self.encoder_stack()) + words + 2 * self.memory() as u128;
                (source, source * each)
            }
            SourceKind::Image { height, width, .. } => {
                let (mut grid, mut kept) = ([*height, *width], 0u128);
                for [from, to] in self.reads.convolutions() {
                    // The patches as rows of a product, and the output before and after relu.
                    grid = grid.map(|n| n.div_ceil(2));
                    let cells = (grid[0] as u128).saturating_mul(grid[1] as u128);
                    kept = kept
                        .saturating_add(cells.saturating_mul(9 * from as u128 + 4 * to as u128));
                }
                ((grid[0] as u128).saturating_mul(grid[1] as u128), kept)
            }
            SourceKind::Frames { .. } => {
                let (mut steps, mut kept) = (source, 0u128);
                for layer in 0..self.encoder.layers {
                    let layer_config = self.encoder_layer(layer);
                    steps = steps.div_ceil(self.reads.joined(layer) as u128);
                    let each = units(&layer_config) + 3 * layer_config.input as u128;
                    kept = kept.saturating_add(steps.saturating_mul(each));
                }
                (steps, kept)
            }
        };
        let decoder = target * (units(&self.decoder_stack()) + words + 4 * self.readout() as u128);
        // Weights, and gradients of weights and scores; on Flex, which keeps nothing of a tanh.
        let attention = if self.attention == AttentionKind::None { 0 } else { 4 * source * target };
        let copying = if self.copying { 4 * target * self.target_vocabulary as u128 } else { 0 };
        batch.saturating_mul(encoder + decoder + attention + copying)
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
