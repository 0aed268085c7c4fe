//! Stacks of recurrent layers.
//!
//! - `config`: sizes and regularisation of a stack, and its initial values;
//! - `layer`: one layer, one or two directions, its optional projection and normalisation;
//! - `stack`: the layers one over the other;
//! - `stepper`: the same one step at a time;
//! - `state`: what a stack remembers between calls.

mod config;
mod layer;
mod stack;
mod state;
mod stepper;

pub use config::RecurrentConfig;
pub(crate) use layer::cleared;
pub use layer::{RecurrentDirection, RecurrentLayer};
pub use stack::{Recurrent, RecurrentOutput};
pub use state::StackState;
pub use stepper::RecurrentStepper;
