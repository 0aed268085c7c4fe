//! Sixteen floats at a time, and the choice of instruction set at run time.
//!
//! Code is written once, generic over [`Simd`], as a [`Task`]; [`Isa::run`] enters the compiled copy
//! whose instructions this machine has. All between that entry and the intrinsics is
//! `#[inline(always)]`, so that it is compiled with the entry's target features. Every set sums in the
//! same order: AVX-512 and AVX2 give the same bits.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use portable::Portable;

/// Floats of a vector; rows are padded to a multiple.
pub(crate) const LANES: usize = 16;

/// A vector of 16 floats.
///
/// # Safety
///
/// Every function may only run on a machine that has the instruction set; pointers must be valid for
/// 16 floats.
pub(crate) trait Simd: Copy {
    /// The vector.
    type V: Copy;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sqrt(a: Self::V) -> Self::V;
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the machine can.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Nearest integers, as floats.
    unsafe fn round(a: Self::V) -> Self::V;
    /// `a * 2^n` for integral `n` in `-126..=127`.
    unsafe fn scale(a: Self::V, n: Self::V) -> Self::V;
    /// The sums over the lanes of eight vectors, as the first eight lanes; the others are anything.
    unsafe fn sums(v: [Self::V; 8]) -> Self::V;
    /// Asks for the cache line at `p`; any address will do.
    unsafe fn prefetch(p: *const f32);

    /// `1 / (1 + e^-x)`, relative error below 4e-7 for `x >= -87`.
    ///
    /// Cody and Waite's reduction `-x = n ln 2 + r`, `|r| <= ln 2 / 2`, then a polynomial in `r`
    /// (coefficients of Cephes' `expf`) and a scaling by `2^n`.
    #[inline(always)]
    unsafe fn sigmoid(x: Self::V) -> Self::V {
        // SAFETY: arithmetic only; the caller vouches for the instruction set.
        unsafe {
            let x = Self::sub(Self::splat(0.0), x);
            let x = Self::max(Self::splat(-87.0), Self::min(Self::splat(87.0), x));
            let n = Self::round(Self::mul(x, Self::splat(std::f32::consts::LOG2_E)));
            let r = Self::fma(n, Self::splat(-0.693_359_4), x); // ln 2, its high bits ...
            let r = Self::fma(n, Self::splat(2.121_944_4e-4), r); // ... and what they lack
            let mut p = Self::splat(1.987_569_1e-4);
            for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
                p = Self::fma(p, r, Self::splat(c));
            }
            let one = Self::splat(1.0);
            let p = Self::fma(Self::mul(r, r), p, Self::add(r, one));
            Self::div(one, Self::add(one, Self::scale(p, n)))
        }
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
    #[cfg(target_arch = "x86_64")]
    Avx512,
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

    /// Runs a task with this instruction set.
    ///
    /// # Safety
    ///
    /// The task's pointers are valid. (`self` is one of [`Isa::available`].)
    #[inline]
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
