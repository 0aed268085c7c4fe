//! Sizes of a stack, and its initial values.

use burn::module::Param;
use burn::prelude::*;
use lampwick_kernels::Cell;

use super::layer::{RecurrentDirection, RecurrentLayer};
use super::stack::Recurrent;
use crate::initializer::{InitialValues, RecurrentInit};
use crate::layer_norm::LayerNorm;
use crate::precision::Precision;

/// A stack of recurrent layers.
///
/// ```
/// # use burn::prelude::*;
/// use lampwick_models::{Mode, RecurrentConfig};
/// use lampwick_kernels::Cell;
/// let device = Device::flex();
/// let stack = RecurrentConfig::new(Cell::Lstm, 10, 20).with_layers(2).init(42, &device);
/// let x = Tensor::zeros([5, 3, 10], &device); // [T, B, I]
/// let out = stack.forward(x, None, None, &mut Mode::Evaluate);
/// assert_eq!(out.output.dims(), [5, 3, 20]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RecurrentConfig {
    /// The recurrence of every layer.
    pub cell: Cell,
    /// `I`: features of the input.
    pub input: usize,
    /// `H`: units of each layer and direction.
    pub hidden: usize,
    /// Units of the last layer where they differ (AWD-LSTM: 1150, 1150, 400).
    pub last_hidden: Option<usize>,
    /// Number of layers.
    pub layers: usize,
    /// Read in both directions and concatenate, so a layer gives `2H` (Schuster and Paliwal 1997).
    pub bidirectional: bool,
    /// Layers from the second on add their input to their output (Wu et al. 2016, section 3.1), where
    /// both have the same features.
    pub residual: bool,
    /// Each layer's output is normalised, before its input is added where that is asked for. Within the
    /// gates, where Ba et al. (2016, eq. 20) normalise too, nothing is: the recurrence stays one operation.
    pub layer_norm: bool,
    /// Linear map of each layer's output to this size, without bias (the projection of Sak et al.
    /// 2014, eq. 7, outside the recurrence: the state stays `H`).
    pub projection: Option<usize>,
    /// Probability of dropout between layers; not after the last.
    pub dropout: f64,
    /// That dropout is locked over time, see [`crate::dropout::locked_dropout`].
    pub locked: bool,
    /// Probability of [`crate::dropout::weight_drop`] on the hidden-to-hidden weights.
    pub weight_drop: f64,
    /// Two biases a gate, as PyTorch; or none.
    pub bias: bool,
    /// Type of the matrix products.
    pub precision: Precision,
    /// Initial values.
    pub initializer: RecurrentInit,
    /// Initial bias of an LSTM's forget gate (the sum of its two biases); `None`: drawn like the
    /// others. 1 lets a new cell remember (Gers et al. 2000; Jozefowicz et al. 2015).
    pub forget_bias: Option<f64>,
}

impl RecurrentConfig {
    /// One layer, one direction, biases, PyTorch's initial values, no dropout.
    pub fn new(cell: Cell, input: usize, hidden: usize) -> Self {
        Self {
            cell,
            input,
            hidden,
            last_hidden: None,
            layers: 1,
            bidirectional: false,
            residual: false,
            layer_norm: false,
            projection: None,
            dropout: 0.0,
            locked: false,
            weight_drop: 0.0,
            bias: true,
            precision: Precision::F32,
            initializer: RecurrentInit::PyTorch,
            forget_bias: None,
        }
    }

    /// Sets the number of layers.
    pub fn with_layers(mut self, layers: usize) -> Self {
        self.layers = layers;
        self
    }

    /// Reads in both directions.
    pub fn with_bidirectional(mut self, bidirectional: bool) -> Self {
        self.bidirectional = bidirectional;
        self
    }

    /// Sets the initial values.
    pub fn with_initializer(mut self, initializer: RecurrentInit) -> Self {
        self.initializer = initializer;
        self
    }

    /// Units of layer `layer` in each direction.
    pub fn hidden_of(&self, layer: usize) -> usize {
        match self.last_hidden {
            Some(last) if layer + 1 == self.layers => last,
            _ => self.hidden,
        }
    }

    /// Features that layer `layer` gives.
    pub fn output_of(&self, layer: usize) -> usize {
        self.projection.unwrap_or(self.directions() * self.hidden_of(layer))
    }

    /// Features that layer `layer` reads.
    pub fn input_of(&self, layer: usize) -> usize {
        if layer == 0 { self.input } else { self.output_of(layer - 1) }
    }

    /// Whether layer `layer` adds its input to its output.
    pub(crate) fn adds_input(&self, layer: usize) -> bool {
        self.residual && layer > 0 && self.input_of(layer) == self.output_of(layer)
    }

    /// Features that the stack gives.
    pub fn output(&self) -> usize {
        self.output_of(self.layers - 1)
    }

    /// 2 for a bidirectional stack, else 1.
    pub fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// Draws the stack's parameters from `seed`: the same on every device.
    ///
    /// # Panics
    ///
    /// When a size is zero.
    pub fn init(&self, seed: u64, device: &Device) -> Recurrent {
        self.init_from(&mut InitialValues::new(seed, device))
    }

    /// Draws the stack's parameters from a stream shared with other parts of a model.
    ///
    /// # Panics
    ///
    /// When a size is zero.
    pub fn init_from(&self, values: &mut InitialValues<'_>) -> Recurrent {
        assert!(self.layers > 0, "a recurrent stack needs at least one layer");
        let layers = (0..self.layers).map(|layer| self.init_layer(layer, values)).collect();
        Recurrent { layers, config: self.clone() }
    }

    fn init_layer(&self, layer: usize, values: &mut InitialValues<'_>) -> RecurrentLayer {
        let (input, hidden) = (self.input_of(layer), self.hidden_of(layer));
        assert!(input > 0 && hidden > 0, "layer {layer}: sizes {input} and {hidden} must not be 0");
        let forward = self.init_direction(input, hidden, values);
        let reverse = self.bidirectional.then(|| self.init_direction(input, hidden, values));
        let width = self.directions() * hidden;
        let projection = self.projection.map(|size| values.linear(width, size, self.initializer));
        let norm = self.layer_norm.then(|| LayerNorm::init(self.output_of(layer), values));
        RecurrentLayer { forward, reverse, projection, norm }
    }

    /// Order of drawing: input weights, hidden weights, input bias, hidden bias.
    fn init_direction(
        &self,
        input: usize,
        hidden: usize,
        values: &mut InitialValues<'_>,
    ) -> RecurrentDirection {
        let gates = self.cell.gates();
        let bound = match self.initializer {
            RecurrentInit::Uniform { bound } => Some(bound),
            RecurrentInit::PyTorch => Some(1.0 / (hidden as f64).sqrt()),
            RecurrentInit::Orthogonal => None,
        };
        let [input_weight, hidden_weight] = match bound {
            Some(bound) => [input, hidden].map(|n| values.uniform([n, gates * hidden], bound)),
            None => [values.glorot(input, hidden, gates), values.orthogonal(hidden, gates)],
        };
        let mut bias = |forget: Option<f64>| {
            let drawn = match bound {
                Some(bound) => values.uniform([gates * hidden], bound),
                None => values.constant([gates * hidden], 0.0),
            };
            match forget {
                Some(forget) => fill_forget_gate(&drawn, hidden, forget),
                None => drawn,
            }
        };
        let forget = self.forget_bias.filter(|_| self.cell == Cell::Lstm);
        let bias_input = self.bias.then(|| bias(forget));
        // The gate sees the sum of both biases.
        let bias_hidden = self.bias.then(|| bias(forget.map(|_| 0.0)));
        RecurrentDirection { input: input_weight, hidden: hidden_weight, bias_input, bias_hidden }
    }
}

/// Overwrites the forget gate's part, the second of `i, f, g, o`.
fn fill_forget_gate(bias: &Param<Tensor<1>>, hidden: usize, value: f64) -> Param<Tensor<1>> {
    let forget = hidden..2 * hidden;
    Param::from_tensor(bias.val().detach().slice_fill(s![forget], value).detach())
}
