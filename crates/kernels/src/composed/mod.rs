//! The kernels made of ordinary Burn operations: they run on every device and in every float type,
//! Burn's autodiff derives their gradients, and the fused kernels are held against them.

mod cross_entropy;
mod recurrent;

pub use cross_entropy::linear_cross_entropy;
pub use recurrent::recurrent;
