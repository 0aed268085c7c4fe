//! A layer step by step as operations of Burn.
//!
//! The weights are one node of the tape, each step another one above it. A step's backward pass leaves
//! what the weights' gradients need in a ledger, and passes a placeholder on; when the weights' node is
//! reached, all steps have been, and their gradients are one product each, over all steps.

mod autodiff;
mod flex;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::prelude::*;

use super::SequenceKernels;
use crate::cell::{Cell, RecurrentState, RecurrentWeights};
use crate::cpu::{PackedBack, PackedRecurrent};

/// What the steps of a layer share.
struct Shared {
    cell: Cell,
    /// `[I, G*H]` and `[H, G*H]`.
    weights: OnceLock<[FlexTensor; 2]>,
    forward: OnceLock<PackedRecurrent>,
    /// Packed at the first step back.
    back: OnceLock<PackedBack>,
    ledger: Mutex<Vec<Entry>>,
}

/// One step's part in the gradients of the weights.
struct Entry {
    index: usize,
    tape: StepTape<FlexTensor>,
    /// Of the state after the step.
    gradient: FlexTensor,
}

/// What a step's backward pass reads.
#[derive(Clone, Debug)]
struct StepTape<T> {
    /// `[B, I]`.
    input: T,
    /// `[S, B, H]`.
    state: T,
    /// `[S, B, H]`.
    next: T,
    /// Flat: the gates' activations, and of a GRU with the reset after `W_n h + b_n`.
    kept: [T; 2],
}

/// Which layer, and which of its steps.
#[derive(Clone)]
pub(crate) struct StepPlan {
    shared: Arc<Shared>,
    index: usize,
}

impl fmt::Debug for StepPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepPlan").field("index", &self.index).finish_non_exhaustive()
    }
}

/// The operations that Burn dispatches by device.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait StepOps: Backend {
    /// Packs `weight_input [I,G*H]`, `weight_hidden [H,G*H]` and biases `[G*H]`; gives what stands for
    /// them on the tape.
    fn step_weights(
        weight_input: FloatTensor<Self>,
        weight_hidden: FloatTensor<Self>,
        bias_input: FloatTensor<Self>,
        bias_hidden: FloatTensor<Self>,
        plan: StepPlan,
    ) -> FloatTensor<Self>;

    /// `input [B,I]` and `state [S,B,H]` to the state after it.
    fn layer_step(
        input: FloatTensor<Self>,
        state: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        plan: StepPlan,
    ) -> FloatTensor<Self>;
}

/// The kernels behind them.
pub(crate) trait StepKernels: SequenceKernels {
    /// The state after a step, and what is kept of it.
    fn step_forward(
        input: &FloatTensor<Self>,
        state: &FloatTensor<Self>,
        plan: &StepPlan,
    ) -> (FloatTensor<Self>, [FloatTensor<Self>; 2]);

    /// Gradients of input and state from that of the state after the step; into the ledger what the
    /// weights' gradients need, where they are `wanted`.
    fn step_backward(
        tape: Taped<FloatTensor<Self>>,
        gradient: FloatTensor<Self>,
        plan: &StepPlan,
        wanted: bool,
    ) -> [FloatTensor<Self>; 2];

    /// Gradients of the weights and the biases, from the ledger.
    fn step_weight_gradients(plan: &StepPlan) -> [FloatTensor<Self>; 4];
}

/// [`StepTape`] for the trait.
#[derive(Clone, Debug)]
pub(crate) struct Taped<T>(StepTape<T>);

/// A layer whose weights are packed.
#[derive(Clone)]
pub(crate) struct SteppedLayer {
    shared: Arc<Shared>,
    steps: Arc<AtomicUsize>,
    /// Stands for the weights on the tape.
    weights: Tensor<1>,
}

impl fmt::Debug for SteppedLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SteppedLayer").field("cell", &self.shared.cell).finish_non_exhaustive()
    }
}

impl SteppedLayer {
    /// Packs the weights.
    pub(crate) fn new(cell: Cell, weights: RecurrentWeights) -> Self {
        let shared = Arc::new(Shared {
            cell,
            weights: OnceLock::new(),
            forward: OnceLock::new(),
            back: OnceLock::new(),
            ledger: Mutex::default(),
        });
        let columns = weights.hidden.dims()[1];
        let device = weights.hidden.device();
        let no_bias = || Tensor::zeros([columns], &device);
        let token = <Dispatch as StepOps>::step_weights(
            weights.input.into_dispatch(),
            weights.hidden.into_dispatch(),
            weights.bias_input.unwrap_or_else(no_bias).into_dispatch(),
            weights.bias_hidden.unwrap_or_else(no_bias).into_dispatch(),
            StepPlan { shared: Arc::clone(&shared), index: 0 },
        );
        Self { shared, steps: Arc::default(), weights: Tensor::from_dispatch(token) }
    }

    /// The state after `input` `[B, I]`.
    pub(crate) fn step(&self, input: Tensor<2>, state: RecurrentState) -> RecurrentState {
        let has_cell = state.cell.is_some();
        let state: Tensor<3> = match state {
            RecurrentState { hidden, cell: Some(cell) } => Tensor::stack(vec![hidden, cell], 0),
            RecurrentState { hidden, cell: None } => hidden.unsqueeze_dim(0),
        };
        let index = self.steps.fetch_add(1, Ordering::Relaxed);
        let next = <Dispatch as StepOps>::layer_step(
            input.into_dispatch(),
            state.into_dispatch(),
            self.weights.clone().into_dispatch(),
            StepPlan { shared: Arc::clone(&self.shared), index },
        );
        let next = Tensor::<3>::from_dispatch(next); // [S, B, H]
        let part = |i: usize| next.clone().slice(s![i..=i, .., ..]).squeeze_dim(0);
        RecurrentState { hidden: part(0), cell: has_cell.then(|| part(1)) }
    }
}
