//! Vectorised `exp`, `sigmoid` and `tanh`. The tests state and hold their error bounds.

use super::Simd;

/// `e^x`, relative error below 2e-7 for `x` in `-87..=88`; clamped outside.
///
/// Cody and Waite's reduction `x = n ln 2 + r`, `|r| <= ln 2 / 2`, then a polynomial in `r`
/// (coefficients of Cephes' `expf`) and a scaling by `2^n`. NaN stays NaN.
#[inline(always)]
pub(crate) unsafe fn exp<S: Simd>(x: S::V) -> S::V {
    // SAFETY: arithmetic only; the caller vouches for the instruction set.
    unsafe {
        // The operand order of `min` and `max` lets NaN through.
        let x = S::max(S::splat(-87.0), S::min(S::splat(88.0), x));
        let n = S::round(S::mul(x, S::splat(std::f32::consts::LOG2_E)));
        let r = S::fma(n, S::splat(-0.693_359_4), x); // ln 2, its high bits ...
        let r = S::fma(n, S::splat(2.121_944_4e-4), r); // ... and what they lack
        let mut p = S::splat(1.987_569_1e-4);
        for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
            p = S::fma(p, r, S::splat(c));
        }
        let p = S::fma(S::mul(r, r), p, S::add(r, S::splat(1.0)));
        S::scale(p, n)
    }
}

/// `1 / (1 + e^-x)`, relative error below 4e-7 for `x >= -87`.
#[inline(always)]
pub(crate) unsafe fn sigmoid<S: Simd>(x: S::V) -> S::V {
    // SAFETY: arithmetic only; the caller vouches for the instruction set.
    unsafe {
        let one = S::splat(1.0);
        S::div(one, S::add(one, exp::<S>(S::sub(S::splat(0.0), x))))
    }
}

/// `tanh x`, relative error below 6e-7, also near zero, where `2 sigmoid(2x) - 1` would lose it.
///
/// A rational approximation, odd over even, on `|x| <= 7.905`, beyond which the nearest `f32` is
/// taken as ±1 (coefficients of Eigen's `ptanh`). NaN stays NaN.
#[inline(always)]
pub(crate) unsafe fn tanh<S: Simd>(x: S::V) -> S::V {
    // SAFETY: arithmetic only; the caller vouches for the instruction set.
    unsafe {
        let x = S::max(S::splat(-7.905_311), S::min(S::splat(7.905_311), x));
        let x2 = S::mul(x, x);
        let mut p = S::splat(-2.760_768_5e-16);
        for c in [
            2.000_188e-13,
            -8.604_672e-11,
            5.122_297e-8,
            1.485_722_4e-5,
            6.372_619e-4,
            4.893_524_6e-3,
        ] {
            p = S::fma(p, x2, S::splat(c));
        }
        let mut q = S::splat(1.198_258_4e-6);
        for c in [1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3] {
            q = S::fma(q, x2, S::splat(c));
        }
        S::div(S::mul(x, p), q)
    }
}
