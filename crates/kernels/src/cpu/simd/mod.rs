//! Vectors of `f32` behind one trait, and the choice of instruction set at run time.
//!
//! Kernels are written once, generic over [`Simd`], as a [`Task`]; [`Isa::run`] enters the compiled
//! copy whose instructions this machine has. Everything between that entry and the intrinsics is
//! `#[inline(always)]`, so that it is compiled with the entry's target features.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod math;
mod portable;

use std::sync::OnceLock;

pub(crate) use portable::Portable;

/// The most lanes that any instruction set has.
pub(crate) const MAX_LANES: usize = 16;

/// A vector of `LANES` floats.
///
/// # Safety
///
/// Every function may only run on a machine that has the instruction set; pointers must be valid
/// for the lanes that are read or written.
pub(crate) trait Simd: Copy {
    /// The vector.
    type V: Copy;
    /// Floats in a vector.
    const LANES: usize;
    /// Most rows of a micro-kernel whose accumulators, two vectors a row, fit the registers.
    const ROWS: usize;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    /// The first `n <= LANES` lanes from memory, zeros behind them.
    unsafe fn load_first(p: *const f32, n: usize) -> Self::V;
    /// The first `n <= LANES` lanes to memory.
    unsafe fn store_first(p: *mut f32, v: Self::V, n: usize);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the machine can.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Nearest integers, as floats.
    unsafe fn round(a: Self::V) -> Self::V;
    /// `a * 2^n` for integral `n` in `-126..=127`.
    unsafe fn scale(a: Self::V, n: Self::V) -> Self::V;
    /// `b` where `a > 0`, else 0.
    unsafe fn where_positive(a: Self::V, b: Self::V) -> Self::V;
    /// Transposes a `LANES x LANES` block: row `i` of `src` (rows `src_stride` apart) becomes column
    /// `i` of `dst` (rows `dst_stride` apart).
    unsafe fn transpose(src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize);
    /// Asks for the cache line at `p`; any address will do.
    unsafe fn prefetch(p: *const f32);

    /// Sum over the lanes, in the order of a binary tree.
    #[inline(always)]
    unsafe fn sum(v: Self::V) -> f32 {
        // SAFETY: the array holds any vector.
        unsafe { Self::fold(v, |a, b| a + b) }
    }

    /// Largest lane.
    #[inline(always)]
    unsafe fn largest(v: Self::V) -> f32 {
        // SAFETY: the array holds any vector.
        unsafe { Self::fold(v, f32::max) }
    }

    /// Folds the lanes pairwise, halves onto halves.
    #[inline(always)]
    unsafe fn fold(v: Self::V, combine: impl Fn(f32, f32) -> f32) -> f32 {
        let mut lanes = [0.0; MAX_LANES];
        // SAFETY: the array holds any vector.
        unsafe { Self::store(lanes.as_mut_ptr(), v) };
        let mut n = Self::LANES;
        while n > 1 {
            n /= 2;
            for i in 0..n {
                lanes[i] = combine(lanes[i], lanes[i + n]);
            }
        }
        lanes[0]
    }
}

/// Work written once for every instruction set. Implementations are `#[inline(always)]`.
pub(crate) trait Task {
    /// What it gives back.
    type Output;

    /// Does the work.
    ///
    /// # Safety
    ///
    /// The machine has the instructions of `S`, and the task's own pointers are valid.
    unsafe fn run<S: Simd>(self) -> Self::Output;
}

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    /// AVX-512 F: 16 lanes, 32 registers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 and FMA: 8 lanes, 16 registers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Arrays that the compiler vectorises for the target's baseline.
    Portable,
}

impl Isa {
    /// The best that this machine has.
    pub(crate) fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// All that this machine has, best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                all.push(Isa::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Isa::Avx2);
            }
        }
        all.push(Isa::Portable);
        all
    }

    /// Floats in a vector.
    pub(crate) fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::Avx512::LANES,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::Avx2::LANES,
            Isa::Portable => Portable::LANES,
        }
    }

    /// Most rows of a micro-kernel.
    pub(crate) fn rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::Avx512::ROWS,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::Avx2::ROWS,
            Isa::Portable => Portable::ROWS,
        }
    }

    /// Runs a task with this instruction set.
    ///
    /// # Safety
    ///
    /// The task's pointers are valid. (`self` is one of [`Isa::available`].)
    pub(crate) unsafe fn run<T: Task>(self, task: T) -> T::Output {
        // SAFETY: `available` has seen the features of each set; the caller vouches for the task.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => avx512::run(task),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => avx2::run(task),
                Isa::Portable => task.run::<Portable>(),
            }
        }
    }
}
