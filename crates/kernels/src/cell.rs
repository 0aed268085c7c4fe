//! The recurrences: which cell, its weights, its state, how a sequence is read.

use burn::prelude::*;

/// A recurrent cell. Gates are packed along the last axis of the weights in PyTorch's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Long short-term memory with forget gate (Hochreiter and Schmidhuber 1997; Gers et al. 2000):
    /// `i, f, o = σ(a)`, `g = tanh(a)`, `c' = f⊙c + i⊙g`, `h' = o⊙tanh(c')`. Gates `i, f, g, o`.
    Lstm,
    /// Gated recurrent unit (Cho et al. 2014): `r, z = σ(a)`, `h' = (1-z)⊙n + z⊙h`. Gates `r, z, n`.
    Gru {
        /// Where the reset gate acts.
        reset: Reset,
    },
    /// Elman's simple recurrent network (1990): `h' = φ(W_x x + W_h h + b)`. One gate.
    Rnn {
        /// The nonlinearity `φ`.
        activation: Activation,
    },
}

/// Where a GRU's reset gate acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Before the recurrent product, as Cho et al. (2014, eq. 8): `n = tanh(a_x + W_n (r⊙h) + b_n)`.
    Before,
    /// After it, as cuDNN and PyTorch: `n = tanh(a_x + r⊙(W_n h + b_n))`.
    After,
}

/// Nonlinearity of [`Cell::Rnn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Hyperbolic tangent.
    Tanh,
    /// Rectifier, `max(0, x)`.
    Relu,
}

impl Cell {
    /// Number of gates `G`: the weights are `G * H` columns wide.
    pub fn gates(self) -> usize {
        match self {
            Cell::Lstm => 4,
            Cell::Gru { .. } => 3,
            Cell::Rnn { .. } => 1,
        }
    }

    /// Whether the state has a cell beside the hidden vector.
    pub fn has_cell_state(self) -> bool {
        self == Cell::Lstm
    }
}

/// Parameters of one recurrent layer, one direction.
#[derive(Clone, Debug)]
pub struct RecurrentWeights {
    /// Input to gates, `[I, G*H]`: the transpose of PyTorch's `weight_ih`.
    pub input: Tensor<2>,
    /// Hidden to gates, `[H, G*H]`: the transpose of PyTorch's `weight_hh`.
    pub hidden: Tensor<2>,
    /// `[G*H]`, PyTorch's `bias_ih`.
    pub bias_input: Option<Tensor<1>>,
    /// `[G*H]`, PyTorch's `bias_hh`. It differs from `bias_input` in effect only for
    /// [`Reset::After`], where the reset gate multiplies its last third.
    pub bias_hidden: Option<Tensor<1>>,
}

/// State of one recurrent layer, one direction.
#[derive(Clone, Debug)]
pub struct RecurrentState {
    /// Hidden vectors, `[B, H]`.
    pub hidden: Tensor<2>,
    /// Memory cells, `[B, H]`; present for [`Cell::Lstm`] only.
    pub cell: Option<Tensor<2>>,
}

impl RecurrentState {
    /// The state before anything was read: zeros.
    pub fn zeros(cell: Cell, batch: usize, hidden: usize, device: &Device) -> Self {
        let zeros = || Tensor::zeros([batch, hidden], device);
        Self { hidden: zeros(), cell: cell.has_cell_state().then(zeros) }
    }

    /// Cuts the state off the tape, so that gradients stop here (truncated BPTT).
    pub fn detach(self) -> Self {
        Self { hidden: self.hidden.detach(), cell: self.cell.map(Tensor::detach) }
    }
}

/// Which way a sequence is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From the first step to the last.
    #[default]
    Forward,
    /// From each sequence's own last step to the first.
    Reverse,
}

/// How a padded batch of sequences is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequence<'a> {
    /// Which way.
    pub direction: Direction,
    /// True length of each of the `B` sequences, at most `T`; `None`: all are `T` long.
    pub lengths: Option<&'a [usize]>,
}
