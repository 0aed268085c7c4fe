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
//! No clock is in it: equal runs write equal checkpoints, to the last byte of the manifest.
//! Reading: every file is held against the manifest before anything of it is parsed. A damaged one
//! is passed by for the newest before it, and set aside as `damaged-*` until the run is past it.

mod manifest;
mod read;
mod write;

pub(crate) use manifest::sha256;
pub use manifest::{CheckpointError, Manifest};
use read::listed;
pub use read::{Files, list, newest_valid};
pub(crate) use write::{prune, publish, set_aside};

/// What is wrong with a checkpoint that lacks a file.
pub(crate) const MISSING: &str = "it is not in the manifest";

/// What a checkpoint's name begins with.
const PREFIX: &str = "step-";

/// The folder's name of a step.
pub(crate) fn name(step: u64) -> String {
    format!("{PREFIX}{step:012}")
}
