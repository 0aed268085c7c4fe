//! A language model's configuration: the `[model]` table of a run.

use burn::prelude::*;
use lampwick_kernels::{Activation, Cell, Reset};
use serde::{Deserialize, Serialize};

use crate::initializer::{InitialValues, RecurrentInit};
use crate::language_model::LanguageModel;
use crate::precision::Precision;
use crate::recurrent::RecurrentConfig;

/// The recurrence, by its name in a config file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    /// [`Cell::Lstm`].
    #[default]
    Lstm,
    /// [`Cell::Gru`], reset gate after the product (cuDNN, PyTorch).
    Gru,
    /// [`Cell::Gru`], reset gate before the product (Cho et al. 2014).
    GruResetBefore,
    /// [`Cell::Rnn`] with tanh (Elman 1990).
    RnnTanh,
    /// [`Cell::Rnn`] with a rectifier.
    RnnRelu,
}

impl From<CellKind> for Cell {
    fn from(kind: CellKind) -> Self {
        match kind {
            CellKind::Lstm => Cell::Lstm,
            CellKind::Gru => Cell::Gru { reset: Reset::After },
            CellKind::GruResetBefore => Cell::Gru { reset: Reset::Before },
            CellKind::RnnTanh => Cell::Rnn { activation: Activation::Tanh },
            CellKind::RnnRelu => Cell::Rnn { activation: Activation::Relu },
        }
    }
}

/// Sizes, regularisation and initial values of a [`LanguageModel`].
///
/// The default is the small model of Zaremba et al. (2014): two LSTM layers of 200, no dropout,
/// everything from `U(-0.1, 0.1)`. Their medium model, as TOML:
///
/// ```
/// # use lampwick_models::LanguageModelConfig;
/// let config: LanguageModelConfig = toml::from_str(r#"
///     embedding = 650
///     hidden = 650
///     dropout_input = 0.5
///     dropout_hidden = 0.5
///     dropout_output = 0.5
///     initializer = { uniform = { bound = 0.05 } }
/// "#).unwrap();
/// assert_eq!(config.layers, 2);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageModelConfig {
    /// `V`: number of words. 0 in a config file: the size of the run's vocabulary, which whoever
    /// reads the file puts here before [`LanguageModelConfig::init`].
    pub vocabulary: usize,
    /// `E`: features of a word's vector.
    pub embedding: usize,
    /// Recurrence of every layer.
    pub cell: CellKind,
    /// `H`: units of each layer.
    pub hidden: usize,
    /// Units of the last layer where they differ (AWD-LSTM: 400 under 1150).
    pub last_hidden: Option<usize>,
    /// Number of layers.
    pub layers: usize,
    /// Linear map of each layer's output to this size, see [`RecurrentConfig::projection`].
    pub projection: Option<usize>,
    /// Two biases a gate, and one a word unless `output_bias` says otherwise.
    pub bias: bool,
    /// A bias for each word of the output.
    pub output_bias: bool,
    /// The output's weights are the word vectors (Press and Wolf 2017; Inan et al. 2017); the last
    /// layer's output must then have `embedding` features.
    pub tie_weights: bool,
    /// Probability of dropping a word's whole row of the embedding table.
    pub dropout_embedding: f64,
    /// Probability of dropout on the word vectors that enter the first layer.
    pub dropout_input: f64,
    /// Probability of dropout between layers.
    pub dropout_hidden: f64,
    /// Probability of dropout on the last layer's output.
    pub dropout_output: f64,
    /// These three dropouts keep one mask for all steps of a batch (variational dropout).
    pub locked_dropout: bool,
    /// Probability of DropConnect on the hidden-to-hidden weights.
    pub weight_drop: f64,
    /// Type of the matrix products: `f32`, `bf16` or `f16`, where the device has it. Parameters,
    /// state and loss stay f32.
    pub precision: Precision,
    /// Initial values of the recurrent layers.
    pub initializer: RecurrentInit,
    /// Initial bias of an LSTM's forget gate; absent: drawn like the others.
    pub forget_bias: Option<f64>,
    /// Word vectors and output weights start from `U(-b, b)`; absent: the bound of a uniform
    /// `initializer`, else 0.1. The output's bias starts uniform with a uniform `initializer`, else
    /// at 0.
    pub embedding_bound: Option<f64>,
}

impl Default for LanguageModelConfig {
    fn default() -> Self {
        Self {
            vocabulary: 0,
            embedding: 200,
            cell: CellKind::Lstm,
            hidden: 200,
            last_hidden: None,
            layers: 2,
            projection: None,
            bias: true,
            output_bias: true,
            tie_weights: false,
            dropout_embedding: 0.0,
            dropout_input: 0.0,
            dropout_hidden: 0.0,
            dropout_output: 0.0,
            locked_dropout: false,
            weight_drop: 0.0,
            precision: Precision::F32,
            initializer: RecurrentInit::Uniform { bound: 0.1 },
            forget_bias: None,
            embedding_bound: None,
        }
    }
}

/// A configuration that describes no model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelConfigError {
    /// A size of 0.
    #[error("model.{key} is 0: it must be at least 1")]
    Zero {
        /// The field.
        key: &'static str,
    },
    /// Sizes whose product does not fit the address space.
    #[error(
        "the model would have more parameters than this machine can address: lower model.{key}"
    )]
    TooLarge {
        /// The largest size.
        key: &'static str,
    },
    /// A probability outside `[0, 1)`.
    #[error("model.{key} is {value}: a dropout probability lies in 0 <= p < 1")]
    Probability {
        /// The field.
        key: &'static str,
        /// Its value.
        value: f64,
    },
    /// A bound that is not positive and finite, or a bias that is not finite.
    #[error("model.{key} is {value}: give a finite number{}", if *.key == "forget_bias" { "" } else { " above 0" })]
    Bound {
        /// The field.
        key: &'static str,
        /// Its value.
        value: f64,
    },
    /// Tied weights over an output of another size than the word vectors.
    #[error(
        "model.tie_weights needs an output of the word vectors' size, but the last layer gives \
         {output} features and model.embedding is {embedding}: make them equal (model.last_hidden \
         or model.projection sets the former) or turn tie_weights off"
    )]
    Tied {
        /// Features of the last layer's output.
        output: usize,
        /// Features of a word vector.
        embedding: usize,
    },
    /// Values that do not go together.
    #[error("model.{key} {problem}: {mend}")]
    Clash {
        /// The field.
        key: &'static str,
        /// What of it does not go with what.
        problem: String,
        /// What to do.
        mend: &'static str,
    },
    /// A type that the device does not compute in.
    #[error(
        "model.precision is \"{}\", which this device does not compute in: set it to {}",
        .precision.name(),
        .supported.iter().map(|precision| format!("\"{}\"", precision.name())).collect::<Vec<_>>().join(" or ")
    )]
    Precision {
        /// What the config asks for.
        precision: Precision,
        /// What the device has.
        supported: Vec<Precision>,
    },
}

impl LanguageModelConfig {
    /// The stack between word vectors and output.
    pub fn recurrent(&self) -> RecurrentConfig {
        RecurrentConfig {
            cell: self.cell.into(),
            input: self.embedding,
            hidden: self.hidden,
            last_hidden: self.last_hidden,
            layers: self.layers,
            bidirectional: false, // a language model must not see what it predicts
            residual: false,
            layer_norm: false,
            projection: self.projection,
            dropout: self.dropout_hidden,
            locked: self.locked_dropout,
            weight_drop: self.weight_drop,
            bias: self.bias,
            precision: self.precision,
            initializer: self.initializer,
            forget_bias: self.forget_bias,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first value that describes no model, by its key.
    pub fn validate(&self) -> Result<(), ModelConfigError> {
        let sizes = [
            ("vocabulary", Some(self.vocabulary)),
            ("embedding", Some(self.embedding)),
            ("hidden", Some(self.hidden)),
            ("last_hidden", self.last_hidden),
            ("layers", Some(self.layers)),
            ("projection", self.projection),
        ];
        if let Some((key, _)) = sizes.iter().find(|(_, size)| *size == Some(0)) {
            return Err(ModelConfigError::Zero { key });
        }
        let probabilities = [
            ("dropout_embedding", self.dropout_embedding),
            ("dropout_input", self.dropout_input),
            ("dropout_hidden", self.dropout_hidden),
            ("dropout_output", self.dropout_output),
            ("weight_drop", self.weight_drop),
        ];
        for (key, value) in probabilities {
            if !(0.0..1.0).contains(&value) {
                return Err(ModelConfigError::Probability { key, value });
            }
        }
        if let RecurrentInit::Uniform { bound: value } = self.initializer
            && !(value.is_finite() && value > 0.0)
        {
            return Err(ModelConfigError::Bound { key: "initializer.uniform.bound", value });
        }
        if let Some(value) = self.embedding_bound
            && !(value.is_finite() && value > 0.0)
        {
            return Err(ModelConfigError::Bound { key: "embedding_bound", value });
        }
        if let Some(value) = self.forget_bias
            && !value.is_finite()
        {
            return Err(ModelConfigError::Bound { key: "forget_bias", value });
        }
        if self.parameters().is_none_or(|count| count > isize::MAX as usize / 4) {
            let largest = sizes.iter().max_by_key(|(_, size)| *size).map_or("hidden", |s| s.0);
            return Err(ModelConfigError::TooLarge { key: largest });
        }
        let output = self.recurrent().output();
        if self.tie_weights && output != self.embedding {
            return Err(ModelConfigError::Tied { output, embedding: self.embedding });
        }
        Ok(())
    }

    /// Number of parameters; `None` when it overflows. For the memory that a run will take.
    pub fn parameters(&self) -> Option<usize> {
        let stack = self.recurrent();
        let gates = stack.cell.gates();
        let biases = if self.bias { 2 } else { 0 };
        let layer = |index: usize| {
            let hidden = stack.hidden_of(index);
            let rows = stack.input_of(index).checked_add(hidden)?.checked_add(biases)?;
            let recurrent = rows.checked_mul(gates)?.checked_mul(hidden)?;
            recurrent.checked_add(hidden.checked_mul(self.projection.unwrap_or(0))?)
        };
        // At most three kinds of layers, so a config with a billion of them is counted at once.
        let mut count = layer(0)?;
        if self.layers > 1 {
            count = count.checked_add(layer(self.layers - 1)?)?;
        }
        if self.layers > 2 {
            count = count.checked_add(layer(1)?.checked_mul(self.layers - 2)?)?;
        }
        let table = self.vocabulary.checked_mul(self.embedding)?;
        let output =
            if self.tie_weights { 0 } else { self.vocabulary.checked_mul(stack.output())? };
        let bias = if self.output_bias { self.vocabulary } else { 0 };
        count.checked_add(table)?.checked_add(output)?.checked_add(bias)
    }

    /// Draws a model's parameters from `seed`: the same on every device.
    ///
    /// # Errors
    ///
    /// As [`LanguageModelConfig::validate`]; [`ModelConfigError::Precision`] when `device` does not
    /// compute in the type of the products.
    pub fn init(&self, seed: u64, device: &Device) -> Result<LanguageModel, ModelConfigError> {
        self.validate()?;
        self.precision.expect_supported(device)?;
        let mut values = InitialValues::new(seed, device);
        let uniform = match self.initializer {
            RecurrentInit::Uniform { bound } => Some(bound),
            RecurrentInit::PyTorch | RecurrentInit::Orthogonal => None,
        };
        let bound = self.embedding_bound.or(uniform).unwrap_or(0.1);
        let embedding = values.uniform([self.vocabulary, self.embedding], bound);
        let recurrent = self.recurrent().init_from(&mut values);
        let output = recurrent.config().output();
        let output_weight =
            (!self.tie_weights).then(|| values.uniform([output, self.vocabulary], bound));
        let output_bias = self.output_bias.then(|| match uniform {
            Some(bound) => values.uniform([self.vocabulary], bound),
            None => values.constant([self.vocabulary], 0.0),
        });
        let config = self.clone();
        Ok(LanguageModel { embedding, recurrent, output_weight, output_bias, config })
    }
}
