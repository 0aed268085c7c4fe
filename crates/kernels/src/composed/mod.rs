//! The kernels made of ordinary Burn operations: they run on every device and in every float type,
//! Burn's autodiff derives their gradients, and the fused kernels are held against them.

mod attention;
mod cross_entropy;
mod ctc;
mod linear;
mod recurrent;

use burn::prelude::*;

pub use attention::attention;
pub use cross_entropy::linear_cross_entropy;
pub use ctc::ctc;
pub use linear::linear;
pub use recurrent::recurrent;

/// `a W`, `[N, I]` by `[I, O]`, in the float type of the weights `W`; the result has `a`'s.
///
/// With `W` in bf16 or f16 and `a` in f32 this is mixed precision (Micikevicius et al. 2018, section
/// 3): the products, forward and backward, are of the narrow type and all between them is f32.
pub fn product(a: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let (wide, narrow) = (a.dtype(), weight.dtype());
    if wide == narrow { a.matmul(weight) } else { a.cast(narrow).matmul(weight).cast(wide) }
}
