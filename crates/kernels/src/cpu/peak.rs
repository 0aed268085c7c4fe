//! What the machine can do at most: the benchmarks' yardstick.

use std::hint::black_box;

use super::simd::{Isa, Simd, Task};

/// Independent sums: enough to hide the latency of two multiply-adds a cycle, few enough for the
/// registers of every instruction set.
const SUMS: usize = 10;

/// Does at least `operations` multiplications and additions, on each of `threads` threads its share,
/// in registers alone: no product can be faster. Benchmarks time it.
pub fn multiply_adds(operations: usize, threads: usize) {
    let isa = Isa::best();
    let rounds = operations.div_ceil(threads.max(1) * 2 * SUMS * isa.lanes());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            // SAFETY: registers alone.
            scope.spawn(move || black_box(unsafe { isa.run(Rounds(rounds)) }));
        }
    });
}

struct Rounds(usize);

impl Task for Rounds {
    type Output = f32;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> f32 {
        // SAFETY: arithmetic only; the caller vouches for the instruction set.
        unsafe {
            let (factor, term) = (S::splat(black_box(0.5)), S::splat(black_box(1.0)));
            let mut sums = [S::splat(black_box(0.0)); SUMS];
            for _ in 0..self.0 {
                for sum in &mut sums {
                    *sum = S::fma(*sum, factor, term);
                }
            }
            sums.into_iter().map(|sum| S::sum(sum)).sum()
        }
    }
}
