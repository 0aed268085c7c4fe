//! What a stack remembers between calls.

use burn::prelude::*;
use lampwick_kernels::{Cell, RecurrentState};

use super::config::RecurrentConfig;

/// One state for each layer and direction, in PyTorch's order: layer 0 forward, layer 0 reverse,
/// layer 1 forward, ...
#[derive(Clone, Debug)]
pub struct StackState(pub Vec<RecurrentState>);

impl StackState {
    /// The state before anything was read: zeros for `batch` sequences.
    pub fn zeros(config: &RecurrentConfig, batch: usize, device: &Device) -> Self {
        let hidden = (0..config.layers)
            .flat_map(|layer| std::iter::repeat_n(config.hidden_of(layer), config.directions()));
        Self(hidden.map(|h| RecurrentState::zeros(config.cell, batch, h, device)).collect())
    }

    /// Cuts the state off the tape (truncated BPTT).
    pub fn detach(self) -> Self {
        Self(self.0.into_iter().map(RecurrentState::detach).collect())
    }

    /// Moves the state off autodiff, to evaluate with what a training pass left; or to `device`.
    pub fn to_device(self, device: &Device) -> Self {
        self.map(|tensor| tensor.to_device(device))
    }

    /// The state of sequences `indices` `[N]` of the batch, in that order; an index may repeat
    /// (beams, samples of one prompt).
    pub fn select(self, indices: &Tensor<1, Int>) -> Self {
        self.map(|tensor| tensor.select(0, indices.clone()))
    }

    /// The state of the sequences in `range` of the batch.
    pub fn slice(self, range: std::ops::Range<usize>) -> Self {
        self.map(|tensor| tensor.slice(s![range.clone(), ..]))
    }

    /// The states of parts of a batch as that of the whole, on the first part's device; the inverse
    /// of [`StackState::slice`]. `None` where there are no parts.
    pub fn cat(parts: Vec<Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let first = parts.next()?;
        let device = first.0.first()?.hidden.device();
        let join = |a: Tensor<2>, b: Tensor<2>| Tensor::cat(vec![a, b.to_device(&device)], 0);
        Some(parts.fold(first, |whole, part| {
            let pairs = whole.0.into_iter().zip(part.0);
            Self(
                pairs
                    .map(|(a, b)| RecurrentState {
                        hidden: join(a.hidden, b.hidden),
                        cell: a.cell.zip(b.cell).map(|(a, b)| join(a, b)),
                    })
                    .collect(),
            )
        }))
    }

    /// The same, the sequences in which `restart` `[B]` holds back at the start: zeros.
    ///
    /// # Panics
    ///
    /// When `restart` is not `B` long.
    pub fn restart(self, restart: &[bool]) -> Self {
        let keep: Vec<f32> = restart.iter().map(|&restart| f32::from(u8::from(!restart))).collect();
        let keep = TensorData::new(keep, [restart.len(), 1]);
        self.map(|tensor| {
            let keep = Tensor::<2>::from_data(keep.clone(), (&tensor.device(), tensor.dtype()));
            tensor * keep // [B, H] by [B, 1]
        })
    }

    /// Number of sequences `B`.
    pub fn batch(&self) -> usize {
        self.0.first().map_or(0, |state| state.hidden.dims()[0])
    }

    /// The tensors `[B, H]` in order, a layer's hidden vectors before its cells; for checkpoints.
    pub fn into_tensors(self) -> Vec<Tensor<2>> {
        self.0
            .into_iter()
            .flat_map(|state| std::iter::once(state.hidden).chain(state.cell))
            .collect()
    }

    /// The inverse of [`StackState::into_tensors`]; `None` when the number of tensors does not fit
    /// `cell`.
    pub fn from_tensors(cell: Cell, tensors: Vec<Tensor<2>>) -> Option<Self> {
        let each = 1 + usize::from(cell.has_cell_state());
        if tensors.is_empty() || !tensors.len().is_multiple_of(each) {
            return None;
        }
        let mut tensors = tensors.into_iter();
        let mut states = Vec::new();
        while let Some(hidden) = tensors.next() {
            let cell = if cell.has_cell_state() { tensors.next() } else { None };
            states.push(RecurrentState { hidden, cell });
        }
        Some(Self(states))
    }

    fn map(self, f: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        let states = self.0.into_iter();
        Self(states.map(|s| RecurrentState { hidden: f(s.hidden), cell: s.cell.map(&f) }).collect())
    }
}
