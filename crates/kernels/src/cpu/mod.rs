//! Kernels of the Flex backend.
//!
//! From below: `simd` (vectors, instruction sets, `exp` and friends), `tile` (the micro-kernel),
//! `pack` (operands in its order), `crew` (threads), `buffer` (scratch), `gemm` (whole products);
//! then the recurrent layers: `layer` (sizes and order of steps), `weights` (packed once for a scan),
//! `cells` (the equations), `forward`, `backward`, `weight_gradients`; `cross_entropy`, the output layer
//! with its loss; `linear`; `attention`; `ctc`; and for models that read what they wrote, `step`,
//! `packed_linear` and `softmax`. `peak` is what they are all measured against.
//!
//! Threads share memory through `buffer::Shared`, a pointer without a borrow. Whoever makes one vouches
//! for two things: the memory outlives the `Crew` that uses it, and the tasks of one phase write
//! disjoint parts of it. The products and packings take `Shared` and `Matrix` on that promise.

mod attention;
mod backward;
mod buffer;
mod cells;
mod crew;
mod cross_entropy;
mod ctc;
mod forward;
mod gemm;
mod layer;
mod linear;
mod pack;
mod packed_linear;
mod peak;
mod simd;
mod softmax;
mod step;
#[cfg(test)]
mod tests;
mod tile;
mod weight_gradients;
mod weights;

pub(crate) use attention::{Additive, Attention, AttentionGradients};
pub(crate) use backward::{Backward, Gradients, PackedBack};
pub(crate) use buffer::Scratch;
pub use buffer::release_memory;
pub(crate) use cross_entropy::{CrossEntropy, LossGradients};
pub(crate) use ctc::Ctc;
pub(crate) use forward::{Forward, Tape};
pub(crate) use layer::Layer;
pub(crate) use linear::{Linear, LinearGradients};
pub(crate) use pack::Matrix;
pub use packed_linear::PackedLinear;
pub use peak::multiply_adds;
pub(crate) use simd::Isa;
pub use softmax::{exponentials, log_softmax};
pub use step::PackedRecurrent;
