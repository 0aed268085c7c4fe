//! Checkpoints: a folder that appears by one rename, every file of it under a SHA-256.
//!
//! ```text
//! checkpoints/
//!   step-000000001234/
//!     state.json            step, epoch, position in the data, RNG streams, schedule, best so far
//!     model.safetensors     the weights
//!     optimizer.bpk         moments and momenta (absent for plain SGD)
//!     average.safetensors   the averaged weights (ASGD, once it has started)
//!     carry.safetensors     the hidden state that the next window starts from (within an epoch)
//!     manifest.json         size and SHA-256 of each file above; written last
//! ```
//!
//! Writing: all files go into a folder with a temporary name, are flushed, the manifest last; then
//! one rename makes the folder visible and the parent is flushed. Killed at any instant, a run
//! leaves either the whole checkpoint or none (a `.writing-*` folder, removed at the next start).
//! Reading: every file is held against the manifest before anything of it is parsed.

mod manifest;
mod read;
mod write;

pub use manifest::{CheckpointError, Manifest};
pub use read::{Files, list, newest_valid};
pub(crate) use write::{prune, publish, remove_unfinished};

/// The folder's name of a step.
pub(crate) fn name(step: u64) -> String {
    format!("step-{step:012}")
}
