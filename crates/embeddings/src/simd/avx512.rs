//! AVX-512 F.

use std::arch::x86_64::*;

use super::{Simd, Task};

#[derive(Clone, Copy)]
pub(super) struct Avx512;

/// The entry that gives a task these instructions.
///
/// # Safety
///
/// The machine has AVX-512 F; the task's pointers are valid.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn run<T: Task>(task: T) -> T::Output {
    // SAFETY: the caller's promise.
    unsafe { task.run::<Avx512>() }
}

/// The sums over each 128-bit lane of four vectors: `[a, b, c, d]` in every lane.
#[inline(always)]
unsafe fn within_lanes(a: __m512, b: __m512, c: __m512, d: __m512) -> __m512 {
    // SAFETY: arithmetic only; the caller vouches for the instruction set.
    unsafe {
        let ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        let cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        let (ab, cd) = (_mm512_castps_pd(ab), _mm512_castps_pd(cd));
        let even = _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd));
        let odd = _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd));
        _mm512_add_ps(even, odd)
    }
}

// SAFETY of every block below: the trait's contract, AVX-512 F is there and pointers are valid.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Simd for Avx512 {
    type V = __m512;

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m512) {
        unsafe { _mm512_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sqrt(a: __m512) -> __m512 {
        unsafe { _mm512_sqrt_ps(a) }
    }
    #[inline(always)]
    unsafe fn min(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn round(a: __m512) -> __m512 {
        unsafe { _mm512_roundscale_ps::<0>(a) }
    }
    #[inline(always)]
    unsafe fn scale(a: __m512, n: __m512) -> __m512 {
        unsafe { _mm512_scalef_ps(a, n) }
    }
    #[inline(always)]
    unsafe fn sums(v: [__m512; 8]) -> __m512 {
        unsafe {
            let x = within_lanes(v[0], v[1], v[2], v[3]);
            let y = within_lanes(v[4], v[5], v[6], v[7]);
            // Lanes 0 + 1 and 2 + 3 of both, then those sums.
            let even = _mm512_shuffle_f32x4::<0x88>(x, y);
            let odd = _mm512_shuffle_f32x4::<0xdd>(x, y);
            let s = _mm512_add_ps(even, odd);
            let even = _mm512_shuffle_f32x4::<0x88>(s, s);
            let odd = _mm512_shuffle_f32x4::<0xdd>(s, s);
            _mm512_add_ps(even, odd)
        }
    }
    #[inline(always)]
    unsafe fn prefetch(p: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }
}
