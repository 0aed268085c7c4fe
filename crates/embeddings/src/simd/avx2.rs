//! AVX2 and FMA: sixteen lanes as two vectors of eight.

use std::arch::x86_64::*;

use super::{Simd, Task};

#[derive(Clone, Copy)]
pub(super) struct Avx2;

/// The entry that gives a task these instructions.
///
/// # Safety
///
/// The machine has AVX2 and FMA; the task's pointers are valid.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<T: Task>(task: T) -> T::Output {
    // SAFETY: the caller's promise.
    unsafe { task.run::<Avx2>() }
}

type V = (__m256, __m256);

/// The sums over the eight lanes of four vectors, `[a, b, c, d]`.
#[inline(always)]
unsafe fn four(a: __m256, b: __m256, c: __m256, d: __m256) -> __m128 {
    // SAFETY: arithmetic only; the caller vouches for the instruction set.
    unsafe {
        let ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        let (ab, cd) = (_mm256_castps_pd(ab), _mm256_castps_pd(cd));
        let even = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd));
        let odd = _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd));
        let s = _mm256_add_ps(even, odd);
        _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps::<1>(s))
    }
}

macro_rules! each {
    ($f:ident, $($x:expr),+) => { unsafe { ($f($($x.0),+), $f($($x.1),+)) } };
}

// SAFETY of every block below: the trait's contract, AVX2 and FMA are there and pointers are valid.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Simd for Avx2 {
    type V = V;

    #[inline(always)]
    unsafe fn splat(x: f32) -> V {
        let v = unsafe { _mm256_set1_ps(x) };
        (v, v)
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> V {
        unsafe { (_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8))) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: V) {
        unsafe {
            _mm256_storeu_ps(p, v.0);
            _mm256_storeu_ps(p.add(8), v.1);
        }
    }
    #[inline(always)]
    unsafe fn add(a: V, b: V) -> V {
        each!(_mm256_add_ps, a, b)
    }
    #[inline(always)]
    unsafe fn sub(a: V, b: V) -> V {
        each!(_mm256_sub_ps, a, b)
    }
    #[inline(always)]
    unsafe fn mul(a: V, b: V) -> V {
        each!(_mm256_mul_ps, a, b)
    }
    #[inline(always)]
    unsafe fn div(a: V, b: V) -> V {
        each!(_mm256_div_ps, a, b)
    }
    #[inline(always)]
    unsafe fn sqrt(a: V) -> V {
        each!(_mm256_sqrt_ps, a)
    }
    #[inline(always)]
    unsafe fn min(a: V, b: V) -> V {
        each!(_mm256_min_ps, a, b)
    }
    #[inline(always)]
    unsafe fn max(a: V, b: V) -> V {
        each!(_mm256_max_ps, a, b)
    }
    #[inline(always)]
    unsafe fn fma(a: V, b: V, c: V) -> V {
        each!(_mm256_fmadd_ps, a, b, c)
    }
    #[inline(always)]
    unsafe fn round(a: V) -> V {
        unsafe { (_mm256_round_ps::<0>(a.0), _mm256_round_ps::<0>(a.1)) }
    }
    #[inline(always)]
    unsafe fn scale(a: V, n: V) -> V {
        let power = |n: __m256| unsafe {
            let bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(bits))
        };
        unsafe { Self::mul(a, (power(n.0), power(n.1))) }
    }
    #[inline(always)]
    unsafe fn sums(v: [V; 8]) -> V {
        unsafe {
            let x = _mm_add_ps(
                four(v[0].0, v[1].0, v[2].0, v[3].0),
                four(v[0].1, v[1].1, v[2].1, v[3].1),
            );
            let y = _mm_add_ps(
                four(v[4].0, v[5].0, v[6].0, v[7].0),
                four(v[4].1, v[5].1, v[6].1, v[7].1),
            );
            let all = _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(x), y);
            (all, all)
        }
    }
    #[inline(always)]
    unsafe fn prefetch(p: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }
}
