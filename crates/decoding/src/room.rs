//! Room for distributions, kept from step to step.

use std::sync::{Mutex, PoisonError};

/// Buffers that a model takes for a step and gives back. A state could not keep them: a search
/// selects from it at every step, and each selection would begin with none.
#[derive(Debug, Default)]
pub(crate) struct Room(Mutex<Vec<Vec<f32>>>);

impl Room {
    /// Calls `use_it` with `count` buffers of any content. Several calls at once have their own.
    pub(crate) fn with<T>(&self, count: usize, use_it: impl FnOnce(&mut [Vec<f32>]) -> T) -> T {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffers = std::mem::take(&mut *lock());
        buffers.resize_with(count, Vec::new);
        let result = use_it(&mut buffers);
        *lock() = buffers;
        result
    }
}
