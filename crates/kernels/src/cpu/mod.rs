//! Kernels of the Flex backend.
//!
//! From below: `simd` (vectors, instruction sets, `exp` and friends), `tile` (the micro-kernel),
//! `pack` (operands in its order), `crew` (threads), `buffer` (scratch), `gemm` (whole products).

mod buffer;
mod crew;
mod gemm;
mod pack;
mod simd;
#[cfg(test)]
mod tests;
mod tile;
